"""The scans that paging is tried on: one of each kind, over one small table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.storage.conformance.judging import (
    clustering_order,
    ordered,
    whole_table_order,
    within,
)
from scalar_tx.storage.interface import (
    IndexSource,
    KeyRange,
    OrderBy,
    PartitionSource,
    ReadKind,
    WholeTableSource,
)

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import ScanSource

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "a": "INT", "b": "TEXT", "n": "INT", "t": "TEXT", "i": "INT"},
    partition_key=["p"],
    clustering_key=["a DESC", "b ASC"],
    secondary_index=["i"],
)


@dataclass(frozen=True)
class ScanKind:
    """A source, and what kind of read it is."""

    name: str
    source: ScanSource
    read: ReadKind

    def chosen(self, table: Table, row: Row) -> bool:
        """Is the row among those of the scan?"""
        match self.source:
            case PartitionSource():
                return row["p"] == 1 and within(table, self.source.range, row)
            case IndexSource():
                return row["i"] == self.source.value
            case _:
                return True

    def sorted(self, table: Table, rows: list[Row]) -> list[Row] | None:
        """The rows in the scan's order; None where any total order will do."""
        match self.source:
            case PartitionSource():
                return ordered(rows, clustering_order(table, reverse=self.source.reverse))
            case WholeTableSource(order=order) if order:
                return ordered(rows, whole_table_order(table, order))
            case _:
                return None


PLAIN: Final = (
    ScanKind("partition", PartitionSource((1,)), ReadKind.PARTITION),
    ScanKind("reversed", PartitionSource((1,), reverse=True), ReadKind.PARTITION),
    ScanKind(
        "range",
        PartitionSource((1,), KeyRange((1,), end=(3,), end_inclusive=False)),
        ReadKind.PARTITION,
    ),
    ScanKind(
        "range of one, reversed",
        PartitionSource((1,), KeyRange((2, "u"), start_inclusive=False), reverse=True),
        ReadKind.PARTITION,
    ),
    ScanKind("whole table", WholeTableSource(), ReadKind.WHOLE_TABLE),
    ScanKind("index", IndexSource("i", 1), ReadKind.INDEX),
)
ORDERED: Final = (
    ScanKind("by key column", WholeTableSource((OrderBy("b", Order.DESC),)), ReadKind.WHOLE_TABLE),
    ScanKind(
        "by nulls and ties", WholeTableSource((OrderBy("n", Order.ASC),)), ReadKind.WHOLE_TABLE
    ),
    ScanKind(
        "descending nulls",
        WholeTableSource((OrderBy("n", Order.DESC), OrderBy("t", Order.ASC))),
        ReadKind.WHOLE_TABLE,
    ),
    ScanKind(
        "mixed",
        WholeTableSource((OrderBy("t", Order.DESC), OrderBy("a", Order.ASC))),
        ReadKind.WHOLE_TABLE,
    ),
)


def kinds(lab: Lab) -> tuple[ScanKind, ...]:
    """All kinds of scans that the storage offers."""
    return PLAIN + (ORDERED if lab.info().orders_whole_table else ())


async def filled(lab: Lab) -> tuple[Table, list[Row]]:
    """A table of 20 rows with NULLs and ties in n and t."""
    table = await lab.table(SCHEMA)
    rows: list[Row] = [
        {
            "p": p,
            "a": a,
            "b": b,
            "n": (None, 7, 7, 3)[(a + p) % 4],
            "t": None if (a + len(b)) % 3 == 0 else "TtuU"[(a * p) % 4],
            "i": a % 2,
        }
        for p in (1, 2)
        for a in range(5)
        for b in ("u", "uu")
    ]
    return table, await lab.load(table, rows)

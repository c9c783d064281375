"""Does a whole-table scan return every row, in the order asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.storage.conformance.judging import (
    by_value,
    ordered,
    same_rows,
    whole_table_order,
)
from scalar_tx.storage.conformance.lab import Lab, refused
from scalar_tx.storage.conformance.scan_kinds import filled
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.conformance.values import EVERY_TYPE
from scalar_tx.storage.interface import OrderBy, ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from scalar_tx.model.types import DataType

ORDERS: Final[list[list[tuple[str, str]]]] = [
    [("n", "ASC")],
    [("n", "DESC")],
    [("t", "ASC")],
    [("t", "DESC"), ("n", "ASC")],
    [("p", "DESC")],
    [("a", "ASC"), ("p", "DESC")],
    [("b", "DESC"), ("i", "DESC"), ("a", "ASC"), ("p", "ASC")],
    [("i", "ASC"), ("n", "DESC"), ("t", "ASC")],
]


async def _scan(lab: Lab, table: Table, order: list[OrderBy]) -> None:
    pages = lab.storage.scan(ScanRequest(table, WholeTableSource(tuple(order))))
    try:
        await pages.next_page()
    finally:
        await pages.close()


class WholeTableScans(Topic):
    """Every record of a table."""

    async def test_every_row_is_there_once(self, lab: Lab) -> None:
        table, rows = await filled(lab)
        found = await lab.rows(ScanRequest(table, WholeTableSource(), page_size=3))

        def place(row: dict[str, object]) -> tuple[str, ...]:
            return tuple(str(row[name]) for name in ("p", "a", "b"))

        assert same_rows(sorted(found, key=place), sorted(rows, key=place))  # type: ignore[arg-type]

    async def test_orders(self, lab: Lab) -> None:
        table, rows = await filled(lab)
        for names in ORDERS:
            order = [OrderBy(name, Order[way]) for name, way in names]
            if not lab.info(table.name).orders_whole_table:
                await refused(_scan(lab, table, order))
                continue
            found = await lab.rows(ScanRequest(table, WholeTableSource(tuple(order))))
            wanted = ordered(rows, whole_table_order(table, order))
            assert same_rows(found, wanted), names

    @EVERY_TYPE
    async def test_every_type_sorts_by_value(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.COLUMN):
            return
        table = await lab.table(
            TableSchema(columns={"p": "INT", "v": data_type}, partition_key=["p"])
        )
        values = [None, *lab.samples(data_type), None]
        rows = await lab.load(table, [{"p": p, "v": v} for p, v in enumerate(values)])
        for way in Order:
            order = [OrderBy("v", way)]
            if not lab.info(table.name).orders_whole_table:
                await refused(_scan(lab, table, order))
                continue
            source = WholeTableSource(tuple(order))
            found = await lab.rows(ScanRequest(table, source, page_size=4))
            wanted = ordered(rows, whole_table_order(table, order))
            assert [by_value(row["v"]) for row in found] == [by_value(row["v"]) for row in wanted]
            assert same_rows(found, wanted)

"""Does an index scan return exactly the records that have the value?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.conditions import Comparison, Operator
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.lab import refused
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import Erase, IndexSource, ScanRequest, Write

if TYPE_CHECKING:
    from scalar_tx.storage.conformance.lab import Lab

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "i": "INT", "t": "TEXT", "n": "INT"},
    partition_key=["p"],
    clustering_key=["c"],
    secondary_index=["i", "t"],
)
PAIRED: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "now": "TEXT", "before": "TEXT", "n": "INT"},
    partition_key=["p"],
    clustering_key=["c"],
    secondary_index=["now", "before"],
)


async def _found(lab: Lab, table: Table, column: str, value: int | str) -> list[tuple[object, ...]]:
    rows = await lab.rows(ScanRequest(table, IndexSource(column, value), page_size=2))
    assert all(row[column] == value for row in rows)
    return sorted((row["p"], row["c"]) for row in rows)


class IndexScans(Topic):
    """Reading by an indexed column."""

    async def test_an_index_spans_the_partitions(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(
            table,
            [
                {"p": p, "c": c, "i": c % 2, "t": None if c == 0 else "tT"[p - 1]}
                for p in (1, 2)
                for c in range(4)
            ],
        )
        assert await _found(lab, table, "i", 1) == [(1, 1), (1, 3), (2, 1), (2, 3)]
        assert await _found(lab, table, "i", 9) == []
        assert await _found(lab, table, "t", "t") == [(1, 1), (1, 2), (1, 3)]
        assert await _found(lab, table, "t", "T") == [(2, 1), (2, 2), (2, 3)]

    async def test_an_index_follows_the_writes(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "c": c, "i": 5} for c in range(3)])
        await lab.storage.mutate([Write(table, (1, 0), {"i": 6})])
        await lab.storage.mutate([Write(table, (1, 1), {"i": None})])
        await lab.storage.mutate([Write(table, (1, 2), {"n": 1})])
        assert await _found(lab, table, "i", 5) == [(1, 2)]
        assert await _found(lab, table, "i", 6) == [(1, 0)]
        await lab.storage.mutate([Erase(table, (1, 2))])
        assert await _found(lab, table, "i", 5) == []
        await lab.storage.mutate([Write(table, (1, 1), {"i": 5})])
        assert await _found(lab, table, "i", 5) == [(1, 1)]

    async def test_two_indexes_are_read_at_once_and_each_row_found_once(self, lab: Lab) -> None:
        if not lab.info().joins_indexes:
            return
        table = await lab.table(PAIRED)
        values = ("x", "X", "y", None)
        pairs = [(now, before) for now in values for before in values]
        rows = await lab.load(
            table,
            [
                {"p": n % 3, "c": n, "now": now, "before": before, "n": n}
                for n, (now, before) in enumerate(pairs)
            ],
        )
        for value in ("x", "X", "y", "z"):
            wanted = [row["n"] for row in rows if value in (row["now"], row["before"])]
            for page_size in (1, 2, 3, 100):
                source = IndexSource("now", value, also="before")
                found = await lab.rows(ScanRequest(table, source, page_size=page_size))
                assert sorted(str(row["n"]) for row in found) == sorted(map(str, wanted))
                for n, last in enumerate(found):
                    rest = ScanRequest(table, source, after=last, page_size=page_size)
                    assert await lab.rows(rest) == found[n + 1 :]

    async def test_a_filter_narrows_what_two_indexes_find(self, lab: Lab) -> None:
        if not lab.info().joins_indexes:
            return
        table = await lab.table(PAIRED)
        await lab.load(
            table,
            [
                {"p": 1, "c": 1, "now": "x", "n": 1},
                {"p": 1, "c": 2, "before": "x", "n": 2},
                {"p": 1, "c": 3, "now": "y", "n": 2},
                {"p": 1, "c": 4, "now": "x", "before": "x", "n": 2},
            ],
        )
        source = IndexSource("now", "x", also="before")
        found = await lab.rows(ScanRequest(table, source, where=Comparison("n", Operator.EQ, 2)))
        # It may be applied loosely.
        assert {row["c"] for row in found if row["n"] == 2} == {2, 4}

    async def test_a_second_column_needs_an_index_too(self, lab: Lab) -> None:
        if not lab.info().joins_indexes:
            return
        table = await lab.table(SCHEMA)
        source = IndexSource("i", 1, also="n")
        await refused(lab.rows(ScanRequest(table, source)))

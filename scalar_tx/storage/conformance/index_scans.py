"""Does an index scan return exactly the records that have the value?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.table import Table, TableSchema
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

"""Does a get return the record, the whole record, and nothing but the record?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.table import TableSchema
from scalar_tx.storage.conformance.judging import same_row
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import PartitionSource, ScanRequest, Write

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "q": "TEXT", "c": "INT", "n": "INT", "t": "TEXT", "b": "BLOB"},
    partition_key=["p", "q"],
    clustering_key=["c"],
)
ONLY_KEYS: Final = TableSchema(
    columns={"p": "INT", "c": "TEXT"}, partition_key=["p"], clustering_key=["c"]
)


class Gets(Topic):
    """Reading one record by its key."""

    async def test_an_absent_record_is_none(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        assert await lab.get(table, 1, "x", 1) is None
        await lab.load(table, [{"p": 1, "q": "x", "c": 1}])
        for key in [(2, "x", 1), (1, "y", 1), (1, "x", 2), (1, "X", 1), (1, "x ", 1)]:
            assert await lab.get(table, *key) is None, key

    async def test_a_record_has_every_column_of_its_table(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "q": "x", "c": 1, "t": "text"}])
        row = await lab.get(table, 1, "x", 1)
        assert row == {"p": 1, "q": "x", "c": 1, "n": None, "t": "text", "b": None}

    async def test_each_key_finds_its_own_record(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        rows = await lab.load(
            table,
            [
                {"p": p, "q": q, "c": c, "n": 100 * p + c, "t": q}
                for p in (1, 2)
                for q in ("x", "y")
                for c in (1, 2)
            ],
        )
        for row in rows:
            assert same_row(await lab.get(table, row["p"], row["q"], row["c"]), row)

    async def test_a_table_may_have_keys_only(self, lab: Lab) -> None:
        table = await lab.table(ONLY_KEYS)
        assert await lab.get(table, 1, "x") is None
        await lab.storage.mutate([Write(table, (1, "x"), {})])
        await lab.storage.mutate([Write(table, (1, "x"), {})])
        assert await lab.get(table, 1, "x") == {"p": 1, "c": "x"}

    async def test_rows_handed_out_are_not_aliased(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        (stored,) = await lab.load(table, [{"p": 1, "q": "x", "c": 1, "n": 7}])
        request = ScanRequest(table, PartitionSource((1, "x")))
        for row in (await lab.get(table, 1, "x", 1), *await lab.rows(request)):
            assert row is not None
            row["n"] = 99
            row.clear()
            assert same_row(await lab.get(table, 1, "x", 1), stored)
            assert await lab.rows(request) == [stored]

    async def test_values_taken_in_are_not_aliased(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "q": "x", "c": 2, "n": 1}])
        for c in (1, 2):  # the first write makes a record, the second changes one
            values: Row = {"n": 7, "t": "mine"}
            await lab.storage.mutate([Write(table, (1, "x", c), values)])
            values["n"] = 99
            del values["t"]
            row = await lab.get(table, 1, "x", c)
            assert row == {"p": 1, "q": "x", "c": c, "n": 7, "t": "mine", "b": None}

    async def test_a_scan_in_progress_does_not_alias_its_position(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "q": "x", "c": c} for c in range(4)])
        pages = lab.storage.scan(ScanRequest(table, PartitionSource((1, "x")), page_size=1))
        seen = []
        while (page := await pages.next_page()) is not None:
            seen += [row["c"] for row in page]
            for row in page:
                row["c"] = -1
        assert seen == [0, 1, 2, 3]

"""Is what was acknowledged still there for the next process, and for one beside this one?"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scalar_tx.model.table import TableSchema
from scalar_tx.storage.conformance.administration import EVERY_TYPE_SCHEMA, supported
from scalar_tx.storage.conformance.freshness import SCHEMA, judge_freshness
from scalar_tx.storage.conformance.judging import same_row, same_rows
from scalar_tx.storage.conformance.races import SCHEMA as COUNTER
from scalar_tx.storage.conformance.races import incrementer, judge_increments
from scalar_tx.storage.conformance.topic import Topic, needs_reopen
from scalar_tx.storage.interface import PartitionSource, ScanRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import Storage


@asynccontextmanager
async def second(lab: Lab) -> AsyncIterator[Storage]:
    """Another storage over the same data."""
    assert lab.subject.reopen is not None
    storage = lab.subject.reopen(lab.place)
    try:
        yield storage
    finally:
        await storage.close()


class Reopening(Topic):
    """Two storages over the same data, one after the other and side by side."""

    @needs_reopen
    async def test_data_and_schema_outlive_the_storage(self, lab: Lab) -> None:
        schema = supported(lab, EVERY_TYPE_SCHEMA)
        table = await lab.table(schema)
        async with second(lab) as writer:
            rows = await lab.load(table, [{"p": 1, "c": c} for c in range(5)], writer)
        async with second(lab) as reader:
            assert await reader.admin.table(table.name) == table
            assert table.name in await reader.admin.tables(table.namespace)
            found = await lab.rows(ScanRequest(table, PartitionSource((1,))), reader)
            assert same_rows(sorted(found, key=lambda row: str(row["c"])), rows)
            assert same_row(await reader.get(table, (1, 3)), rows[3])

    @needs_reopen
    async def test_another_storage_sees_every_write_at_once(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        async with second(lab) as other:
            await judge_freshness(lab, table, lab.storage, other)
            await lab.storage.admin.truncate_table(table.name)
            await judge_freshness(lab, table, other, lab.storage)

    @needs_reopen
    async def test_two_storages_lose_no_increment(self, lab: Lab) -> None:
        table = await lab.table(COUNTER)
        await lab.load(table, [{"p": 1, "c": 1, "n": 0}])
        async with second(lab) as other:
            rounds = lab.subject.race_rounds
            tallies = await lab.runner.together(
                [incrementer(lab, storage, table, rounds) for storage in (lab.storage, other) * 2]
            )
            await judge_increments(lab, table, tallies)

    @needs_reopen
    async def test_another_storage_sees_new_tables(self, lab: Lab) -> None:
        async with second(lab) as other:
            table = await lab.table(
                TableSchema(columns={"p": "INT", "fresh": "TEXT"}, partition_key=["p"])
            )
            assert await other.admin.table(table.name) == table
            (row,) = await lab.load(table, [{"p": 1, "fresh": "x"}])
            assert same_row(await other.get(table, (1,)), row)

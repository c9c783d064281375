"""Does every read declared linearizable see what was acknowledged before it began?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import same_row, whole
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    PartitionSource,
    ReadKind,
    ScanRequest,
    WholeTableSource,
    Write,
)

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import MomentStorage, Reads, Storage

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "i": "INT", "n": "INT"},
    partition_key=["p"],
    clustering_key=["c"],
    secondary_index=["i"],
)
ROUNDS: Final = 15


async def read(lab: Lab, storage: Reads, table: Table, kind: ReadKind) -> Row | None:
    """Read the record (1, 1), whose indexed column is 7, in one of the ways."""
    match kind:
        case ReadKind.GET:
            return await storage.get(table, (1, 1))
        case ReadKind.PARTITION:
            request = ScanRequest(table, PartitionSource((1,)))
        case ReadKind.INDEX:
            request = ScanRequest(table, IndexSource("i", 7))
        case ReadKind.WHOLE_TABLE:
            request = ScanRequest(table, WholeTableSource())
    found = [row for row in await lab.rows(request, storage) if row["c"] == 1]
    assert len(found) <= 1, f"a {kind.value} returned one record {len(found)} times"
    return found[0] if found else None


class Freshness(Topic):
    """After the acknowledgement, at once."""

    async def test_a_get_is_linearizable(self, lab: Lab) -> None:
        assert ReadKind.GET in lab.info().linearizable

    async def test_an_acknowledged_write_is_seen_at_once(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await judge_freshness(lab, table, lab.storage, lab.storage)

    async def test_a_moment_sees_what_was_acknowledged_before_it(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        if not lab.info(table.name).moments:
            return  # nothing is promised
        storage = cast("MomentStorage", lab.storage)
        for n in range(ROUNDS):
            await storage.mutate([Write(table, (1, 1), {"i": 7, "n": n})])
            expected = whole(table, {"p": 1, "c": 1, "i": 7, "n": n})
            looked = False

            async def look(moment: Reads, expected: Row = expected) -> None:
                nonlocal looked
                for kind in lab.info(table.name).linearizable:
                    assert same_row(await read(lab, moment, table, kind), expected)
                assert await moment.get(table, (9, 9)) is None
                looked = True

            await storage.at_one_moment(table.name, look)
            assert looked

    async def test_a_value_never_goes_back(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "c": 1, "i": 7, "n": 0}])
        sent = acknowledged = 0

        async def write() -> None:
            nonlocal sent, acknowledged
            for n in range(1, ROUNDS + 1):
                sent = n
                await lab.storage.mutate([Write(table, (1, 1), {"n": n})])
                acknowledged = n
                await lab.runner.pause(0)

        async def watch() -> None:
            while acknowledged < ROUNDS:
                for kind in lab.info(table.name).linearizable:
                    floor = acknowledged
                    row = await read(lab, lab.storage, table, kind)
                    assert row is not None
                    assert isinstance(row["n"], int)
                    assert floor <= row["n"] <= sent, f"a {kind.value} read {row['n']}"
                await lab.runner.pause(0)

        await lab.runner.together([write, watch])


async def judge_freshness(lab: Lab, table: Table, writer: Storage, reader: Storage) -> None:
    """Insert, change and erase through one storage, read through the other after each."""
    kinds = lab.info(table.name).linearizable
    for kind in kinds:
        assert await read(lab, reader, table, kind) is None
    for n in range(ROUNDS):
        await writer.mutate([Write(table, (1, 1), {"i": 7, "n": n})])
        for kind in kinds:
            row = await read(lab, reader, table, kind)
            assert same_row(row, whole(table, {"p": 1, "c": 1, "i": 7, "n": n})), (
                f"{n} was acknowledged; a {kind.value} returns {row}"
            )
        if n % 3 == 2:
            await writer.mutate([Erase(table, (1, 1))])
            for kind in kinds:
                assert await read(lab, reader, table, kind) is None, f"erased; {kind.value}"
    if ReadKind.INDEX in kinds:
        await writer.mutate([Write(table, (1, 1), {"i": 8})])
        assert await read(lab, reader, table, ReadKind.INDEX) is None

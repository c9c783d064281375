"""What do a write and an erase leave behind?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.conditions import column, if_exists
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import Erase, PartitionSource, ScanRequest, Write

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "n": "INT", "m": "BIGINT", "t": "TEXT"},
    partition_key=["p"],
    clustering_key=["c"],
)
KEY: Final = (1, 1)
FULL: Final[Row] = {"p": 1, "c": 1, "n": 5, "m": 6, "t": "seven"}


class Writes(Topic):
    """Column merge, NULL, erase."""

    async def test_a_write_makes_the_record(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.storage.mutate([Write(table, KEY, {"n": 5})])
        assert await lab.get(table, *KEY) == {"p": 1, "c": 1, "n": 5, "m": None, "t": None}

    async def test_columns_not_named_keep_their_values(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [FULL])
        await lab.storage.mutate([Write(table, KEY, {"m": 60})])
        assert await lab.get(table, *KEY) == {**FULL, "m": 60}
        await lab.storage.mutate([Write(table, KEY, {"t": "8"}, if_exists)])
        assert await lab.get(table, *KEY) == {**FULL, "m": 60, "t": "8"}
        await lab.storage.mutate([Write(table, KEY, {"n": 50}, column("m") == 60)])
        assert await lab.get(table, *KEY) == {**FULL, "n": 50, "m": 60, "t": "8"}

    async def test_an_explicit_none_sets_null(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [FULL])
        await lab.storage.mutate([Write(table, KEY, {"n": None, "t": None})])
        assert await lab.get(table, *KEY) == {**FULL, "n": None, "t": None}
        await lab.storage.mutate([Write(table, KEY, {"m": None}, column("n").is_null())])
        assert await lab.get(table, *KEY) == {"p": 1, "c": 1, "n": None, "m": None, "t": None}

    async def test_a_record_of_nothing_but_nulls_exists(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        nulls = {"p": 1, "c": 1, "n": None, "m": None, "t": None}
        await lab.load(table, [FULL])
        await lab.storage.mutate([Write(table, KEY, {"n": None, "m": None, "t": None})])
        assert await lab.get(table, *KEY) == nulls
        assert await lab.rows(ScanRequest(table, PartitionSource((1,)))) == [nulls]
        await lab.storage.mutate([Write(table, (1, 2), {"n": None})])
        assert await lab.get(table, 1, 2) == {**nulls, "c": 2}

    async def test_a_write_of_no_columns_makes_or_keeps_the_record(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.storage.mutate([Write(table, KEY, {})])
        assert await lab.get(table, *KEY) == {"p": 1, "c": 1, "n": None, "m": None, "t": None}
        await lab.load(table, [FULL])
        await lab.storage.mutate([Write(table, KEY, {})])
        assert await lab.applies(Write(table, KEY, {}, if_exists))
        assert await lab.applies(Write(table, KEY, {}, column("n") == 5))
        assert not await lab.applies(Write(table, KEY, {}, column("n") == 6))
        assert await lab.get(table, *KEY) == FULL

    async def test_writing_what_is_there_counts_as_applied(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [FULL])
        same: Row = {"n": 5, "m": 6, "t": "seven"}
        assert await lab.applies(Write(table, KEY, dict(same), if_exists))
        assert await lab.applies(Write(table, KEY, dict(same), column("n") == 5))
        assert await lab.get(table, *KEY) == FULL

    async def test_an_erased_record_is_gone(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [FULL, {**FULL, "c": 2}])
        await lab.storage.mutate([Erase(table, KEY)])
        assert await lab.get(table, *KEY) is None
        left = await lab.rows(ScanRequest(table, PartitionSource((1,))))
        assert left == [{**FULL, "c": 2}], "other records of the partition stay"

    async def test_erasing_a_missing_record_is_no_error(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        for _ in range(2):
            await lab.storage.mutate([Erase(table, KEY)])
        await lab.load(table, [FULL])
        for _ in range(2):
            await lab.storage.mutate([Erase(table, KEY)])
        assert await lab.get(table, *KEY) is None

    async def test_a_record_made_anew_has_nothing_of_the_old_one(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [FULL])
        await lab.storage.mutate([Erase(table, KEY)])
        await lab.storage.mutate([Write(table, KEY, {"m": 1})])
        assert await lab.get(table, *KEY) == {"p": 1, "c": 1, "n": None, "m": 1, "t": None}

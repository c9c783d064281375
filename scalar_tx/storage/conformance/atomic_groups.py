"""Do the mutations of one ``mutate`` apply together or not at all, as far apart as declared?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.conditions import column, if_exists, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import same_row, whole
from scalar_tx.storage.conformance.lab import OTHER_NAMESPACE, Lab, refused
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import AtomicityUnit, Erase, Write

if TYPE_CHECKING:
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "n": "INT", "t": "TEXT"},
    partition_key=["p"],
    clustering_key=["c"],
)
SPREADS: Final = [unit for unit in AtomicityUnit if unit is not AtomicityUnit.RECORD]
MANY: Final = 120
REFUSALS: Final = ("insert", "condition", "update", "erase")

Records = list[tuple[Table, tuple["Value", ...]]]


async def _spread(lab: Lab, unit: AtomicityUnit, count: int = 4) -> Records:
    """Records as far apart as the unit says, no nearer."""
    first = await lab.table(SCHEMA)
    match unit:
        case AtomicityUnit.PARTITION:
            return [(first, (1, c)) for c in range(count)]
        case AtomicityUnit.TABLE:
            return [(first, (p, p)) for p in range(count)]
        case AtomicityUnit.NAMESPACE:
            other = await lab.table(SCHEMA, which="other")
        case _:
            other = await lab.table(SCHEMA, namespace=OTHER_NAMESPACE)
    return [((first, other)[i % 2], (i, i)) for i in range(count)]


async def _state(lab: Lab, records: Records) -> list[Row | None]:
    return [await lab.storage.get(table, key) for table, key in records]


async def _together(lab: Lab, records: Records, mutations: list[StorageMutation]) -> bool:
    """Is the group within the storage's unit? If not, it must be refused and change nothing."""
    tables = {table.name for table, _ in records}
    infos = [lab.info(name) for name in tables]
    spread = _reach(records)
    if all(len(mutations) <= info.max_mutations for info in infos) and all(
        info.atomicity_unit >= spread and info.name == infos[0].name for info in infos
    ):
        return True
    before = await _state(lab, records)
    await refused(lab.storage.mutate(mutations))
    after = await _state(lab, records)
    assert all(map(same_row, before, after)), "what was refused must change nothing"
    return False


def _reach(records: Records) -> AtomicityUnit:
    if len({table.namespace for table, _ in records}) > 1:
        return AtomicityUnit.STORAGE
    if len({table.name for table, _ in records}) > 1:
        return AtomicityUnit.NAMESPACE
    return (
        AtomicityUnit.TABLE if len({key[0] for _, key in records}) > 1 else _one_partition(records)
    )


def _one_partition(records: Records) -> AtomicityUnit:
    return AtomicityUnit.PARTITION if len(records) > 1 else AtomicityUnit.RECORD


def _obstacle(kind: str, table: Table, key: tuple[Value, ...]) -> StorageMutation:
    match kind:
        case "insert":  # of a record that is there
            return Write(table, key, {"n": -1}, if_not_exists)
        case "condition":
            return Write(table, key, {"n": -1}, column("n") == 12345)
        case "update":  # of a record that is not there
            return Write(table, (key[0], 77), {"n": -1}, if_exists)
        case _:
            return Erase(table, key, column("t") == "other")


class AtomicGroups(Topic):
    """All or nothing."""

    @pytest.mark.parametrize("unit", SPREADS, ids=lambda u: u.name.lower())
    async def test_a_group_applies_as_a_whole(self, lab: Lab, unit: AtomicityUnit) -> None:
        records = await _spread(lab, unit)
        (kept, kept_key), (_gone, gone_key), (new, new_key), (plain, plain_key) = records
        for table, key in records[:2]:
            await lab.load(table, [{"p": key[0], "c": key[1], "n": 1, "t": "old"}])
        group: list[StorageMutation] = [
            Write(kept, kept_key, {"n": 2}, column("t") == "old"),
            Erase(_gone, gone_key, if_exists),
            Write(new, new_key, {"n": 3}, if_not_exists),
            Write(plain, plain_key, {"n": 4}),
        ]
        if not await _together(lab, records, group):
            return
        await lab.storage.mutate(group)
        expected: list[Row | None] = [
            {"p": kept_key[0], "c": kept_key[1], "n": 2, "t": "old"},
            None,
            {"p": new_key[0], "c": new_key[1], "n": 3, "t": None},
            {"p": plain_key[0], "c": plain_key[1], "n": 4, "t": None},
        ]
        assert await _state(lab, records) == expected

    @pytest.mark.parametrize("kind", REFUSALS)
    @pytest.mark.parametrize("position", range(4))
    @pytest.mark.parametrize("unit", SPREADS, ids=lambda u: u.name.lower())
    async def test_a_refused_group_changes_nothing(
        self, lab: Lab, unit: AtomicityUnit, position: int, kind: str
    ) -> None:
        records = await _spread(lab, unit)
        for index, (table, key) in enumerate(records):
            # One record is missing, so that a group also makes and not only changes records.
            if index != (position + 1) % 4:
                await lab.load(table, [{"p": key[0], "c": key[1], "n": index, "t": "old"}])
        group: list[StorageMutation] = [
            Write(table, key, {"n": 100 + index, "t": None})
            if index != (position + 2) % 4
            else Erase(table, key)
            for index, (table, key) in enumerate(records)
        ]
        group[position] = _obstacle(kind, *records[position])
        if not await _together(lab, records, group):
            return
        before = await _state(lab, records)
        assert not await lab.applies(*group)
        after = await _state(lab, records)
        assert all(map(same_row, before, after)), f"{before} became {after}"

    async def test_the_most_mutations_apply_and_more_are_refused(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        most = lab.info(table.name).max_mutations
        assert most >= 1
        count = min(most, MANY)
        keys = [(1, c) for c in range(count + 1)]
        group: list[StorageMutation] = [Write(table, key, {"n": key[1]}) for key in keys]
        records: Records = [(table, key) for key in keys]
        if await _together(lab, records[:count], group[:count]):
            await lab.storage.mutate(group[:count])
        else:
            count = 0
        if most < MANY:
            await refused(lab.storage.mutate(group))
        found = await _state(lab, records[: len(group) if most < MANY else count])
        expected = [whole(table, {"p": 1, "c": c, "n": c}) for c in range(count)]
        assert [row for row in found if row is not None] == expected

    async def test_a_group_of_one_is_a_group(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        assert await lab.applies(Write(table, (1, 1), {"n": 1}, if_not_exists))
        assert not await lab.applies(Write(table, (1, 1), {"n": 2}, if_not_exists))
        assert await lab.get(table, 1, 1) == {"p": 1, "c": 1, "n": 1, "t": None}

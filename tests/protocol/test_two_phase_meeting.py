"""Parts of one transaction that meet in the same records must rest on the same versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConflictError,
)
from tests.protocol.two_parts import (
    ACCOUNT,
    ITEM,
    add,
    balances,
    commit_it,
    joined,
    part,
    prepare_it,
    two_part_world,
    validate_it,
)

if TYPE_CHECKING:
    from tests.protocol.world import World


@pytest.fixture
def world() -> World:
    return two_part_world()


def test_a_record_that_one_part_read_and_the_other_wrote(world: World) -> None:
    reader, writer = part(world, "T"), joined(world, "T")
    reader.get(ACCOUNT, {"id": 1})
    add(writer, 1, 5)
    for step in (prepare_it, validate_it, commit_it):
        for each in (reader, writer):
            step(each)
    assert balances(world) == (15, 10)


def test_parts_that_saw_two_versions_of_a_record_do_not_commit(world: World) -> None:
    reader, writer = part(world, "T"), joined(world, "T")
    reader.get(ACCOUNT, {"id": 1})
    rival = world.begin("R")
    add(rival, 1, 1)
    rival.commit()
    add(writer, 1, 5)
    for each in (reader, writer):
        each.prepare()
    writer.validate()
    with pytest.raises(ConflictError):
        reader.validate()
    with pytest.raises(ConflictError):
        writer.commit()
    assert balances(world) == (11, 10)


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("how", ["insert", "update", "delete"])
def test_a_scan_of_one_part_over_writes_of_the_other(world: World, how: str, stale: bool) -> None:
    """What the other part does is no obstacle, what somebody else did before it is."""
    world.load(ITEM, {"shop": 1, "no": 1, "price": 1}, {"shop": 1, "no": 3, "price": 3})
    reader, writer = part(world, "T"), joined(world, "T")
    assert len(reader.scan(ITEM, {"shop": 1})) == 2
    no = 2 if how == "insert" else 1
    if stale:
        rival = world.begin("R")
        rival.upsert(ITEM, {"shop": 1, "no": no, "price": 7})
        rival.commit()
        if how == "insert":
            how = "update"
    key = {"shop": 1, "no": no}
    if how == "insert":
        writer.insert(ITEM, {**key, "price": 2})
    elif how == "update":
        writer.get(ITEM, key)
        writer.update(ITEM, key, {"price": 9})
    else:
        writer.get(ITEM, key)
        writer.delete(ITEM, key)
    for each in (writer, reader):
        each.prepare()
    writer.validate()
    if stale:
        with pytest.raises(ConflictError):
            reader.validate()
        return
    reader.validate()
    for each in (reader, writer):
        each.commit()


def test_both_parts_can_not_write_one_record(world: World) -> None:
    first, second = part(world, "T"), joined(world, "T")
    add(first, 1, 1)
    add(second, 1, 2)
    first.prepare()
    with pytest.raises(ConflictError):
        second.prepare()
    first.validate()
    with pytest.raises(ConflictError):
        first.commit()
    assert balances(world) == (10, 10)

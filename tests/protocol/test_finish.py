"""What is settled before a decision goes, which decisions stay, what do others see meanwhile?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.transaction_id import member_id
from scalar_tx.consensus_commit.write_set import Entry, EntryGroup, write_set_bytes
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scalar_tx.model.types import Row
    from tests.protocol.world import Tx

ACCOUNT = "bank.account"
PREPARED, DELETED, COMMITTED, ABORTED = 1, 2, 3, 4
PARENT = "aBcDeFgHiJkLmNoPqRsTuVwX"
LEVELS = tuple(Isolation)


@pytest.fixture
def world() -> World:
    made = World(MemoryStorage(), write_sets=True)
    table = coordinator_table("coordinator", group_commit=True, write_sets=True)
    made.run(made.storage.inner.admin.create_table(table))
    made.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    made.load(ACCOUNT, {"id": 1, "balance": 100}, {"id": 2, "balance": 100})
    return made


def change(world: World) -> Tx:
    """An update, a delete and an insert."""
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    tx.delete(ACCOUNT, {"id": 2})
    tx.insert(ACCOUNT, {"id": 3, "balance": 3})
    return tx


def left_decided(world: World) -> None:
    """A writer that died after its decision."""
    tx = change(world)
    assert tx.commit_until("commit")
    tx.crash()
    assert states(world) == {1: PREPARED, 2: DELETED, 3: PREPARED}


def left_aborted(world: World) -> None:
    """A writer that died after it has aborted itself, since a record is not what it read."""
    world.create_table("shop.stock", TableSchema({"id": "INT", "n": "INT"}, ["id"]))
    world.load("shop.stock", {"id": 1, "n": 1})
    tx = change(world)
    tx.get("shop.stock", {"id": 1})
    world.load("shop.stock", {"id": 1, "n": 2})
    assert tx.commit_until("rollback")
    tx.crash()
    assert states(world) == {1: PREPARED, 2: DELETED, 3: PREPARED}


def finished(world: World) -> None:
    """Somebody else finishes it."""
    world.finish("T")


def states(world: World) -> dict[int, object]:
    found = {number: world.row(ACCOUNT, number) for number in (1, 2, 3)}
    return {number: row["tx_state"] for number, row in found.items() if row is not None}


def balances(world: World) -> dict[int, object]:
    found = {number: world.row(ACCOUNT, number) for number in (1, 2, 3)}
    return {number: row["balance"] for number, row in found.items() if row is not None}


AFTER: dict[int, object] = {1: 1, 3: 3}
BEFORE: dict[int, object] = {1: 100, 2: 100}
LEFT: dict[str, tuple[Callable[[World], None], dict[int, object]]] = {
    "committed": (left_decided, AFTER),
    "aborted": (left_aborted, BEFORE),
}


@pytest.mark.parametrize("how", LEFT)
def test_every_record_is_settled_and_then_the_decision_goes(world: World, how: str) -> None:
    leave, expected = LEFT[how]
    leave(world)
    world.storage.calls.clear()
    assert world.finish("T") is True
    assert balances(world) == expected
    assert set(states(world).values()) == {COMMITTED}
    assert world.decision_row("T") is None
    steps = [call.step for call in world.storage.calls]
    assert steps[0] == "read-state"
    assert steps[-1] == "forget-state"
    assert world.parts.coordinator.rows.removed == 1
    assert world.finish("T") is True, "nothing is left to do"
    assert world.parts.coordinator.rows.removed == 1


def test_settled_records_cost_a_read_each(world: World) -> None:
    change(world).commit()
    world.storage.calls.clear()
    assert world.finish("T") is True
    assert world.storage.reached() == [
        "get read-state x1",
        *(["get read x1"] * 3),
        "delete forget-state x1",
    ]


def test_records_that_others_have_written_since_are_theirs(world: World) -> None:
    change(world).commit()
    other = world.begin("O")
    other.update(ACCOUNT, {"id": 1}, {"balance": 5})
    assert other.commit_until("commit-state")
    assert world.finish("T") is True
    assert states(world)[1] == PREPARED
    other.commit()
    assert balances(world)[1] == 5


@pytest.mark.parametrize("by", ["recovery", "a part", "settle"])
def test_what_does_not_tell_stays(world: World, by: str) -> None:
    tx = change(world)
    if by == "settle":
        assert world.settle("T") is TransactionState.ABORTED
    elif by == "recovery":
        assert tx.commit_until("commit-state")
        world.runtime.ms += 16_000
        world.recover(ACCOUNT, {"id": 1})
    else:
        world.write_decision("T", COMMITTED)
    row = world.decision_row("T")
    world.storage.calls.clear()
    assert world.finish("T") is False
    assert world.storage.reached() == ["get read-state x1"]
    assert world.decision_row("T") == row


def entry(number: int, **how: str) -> Entry:
    return Entry("bank", "account", (("id", DataType.INT, number),), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [b"", b"\x08\x01", b"\x08\x01\x1a\x00", b"\x08\x02\x12\x00", b"\xff"]
)
def test_what_is_not_understood_stays(world: World, data: bytes) -> None:
    world.write_decision("T", COMMITTED, tx_write_set=data)
    assert world.finish("T") is False
    assert world.decision_row("T") is not None


def test_what_parts_elsewhere_have_written_stays(world: World) -> None:
    data = write_set_bytes([EntryGroup((entry(1, participant_id="p1"),))])
    world.write_decision("T", COMMITTED, tx_write_set=data)
    assert world.finish("T") is False


def test_a_column_that_others_have_added_meanwhile_is_seen(tmp_path: Path) -> None:
    world = World(open_inner("sqlite", tmp_path))
    world.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    table = world.coordinator_table()
    added = {"tx_write_set": DataType.BLOB}
    world.run(world.storage.inner.admin.add_columns(table, added))
    columns: Row = {"tx_state": COMMITTED, "tx_created_at": 1, "tx_write_set": write_set_bytes([])}
    world.write("coordinator.state", ("T",), **columns)
    assert world.finish("T") is True
    assert world.decision_row("T") is None
    world.close()


def test_an_id_without_decision_is_finished(world: World) -> None:
    assert world.finish("never") is True
    assert world.decision_row("never") is None


# What can't be settled.


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("bank", "account", (("number", DataType.INT, 1),)),),
        (Entry("bank", "account", (("id", DataType.BIGINT, 1),)),),
        (Entry("bank", "account", (("id", DataType.INT, None),)),),
        (Entry("bank", "account", (("id", DataType.INT, 1),), (("at", DataType.INT, 1),)),),
        (Entry("bank", "account", ()),),
        (Entry("bank", "gone", (("id", DataType.INT, 1),)),),
        (entry(1), Entry("bank", "gone", (("id", DataType.INT, 1),))),
    ],
)
def test_a_record_that_can_not_be_found_keeps_the_decision(
    world: World, entries: tuple[Entry, ...]
) -> None:
    """It may lie in a table of that name that this configuration does not see."""
    world.write_decision("T", COMMITTED, tx_write_set=write_set_bytes([EntryGroup(entries)]))
    with pytest.raises((SchemaError, InvalidOperationError)):
        world.finish("T")
    assert world.decision_row("T") is not None


@pytest.mark.parametrize(
    "step,error,raised",
    [
        ("commit", ReplyLostError, "STX-4008"),
        ("commit", StorageBusyError, "STX-1012"),
        ("commit", StorageUnavailableError, "STX-4001"),
        ("read", StorageBusyError, "STX-1012"),
        ("forget-state", ReplyLostError, "STX-4008"),
        ("forget-state", StorageBusyError, "STX-1012"),
        ("read-state", StorageUnavailableError, "STX-4002"),
    ],
)
def test_whatever_fails_the_decision_is_there_until_all_is_settled(
    world: World, step: str, error: type[Exception], raised: str
) -> None:
    left_decided(world)
    world.storage.faults.append(Fault(step, lambda: error("failed"), times=None))
    with pytest.raises((ConflictError, StorageUnavailableError)) as found:
        world.finish("T")
    assert found.value.code == raised
    assert world.decision_row("T") is not None
    world.storage.faults.clear()
    assert world.finish("T") is True
    assert balances(world) == AFTER


@pytest.mark.parametrize("step", ["commit", "forget-state"])
def test_what_was_done_although_its_reply_was_lost_is_found_done(world: World, step: str) -> None:
    left_decided(world)
    world.storage.faults.append(Fault(step, lambda: ReplyLostError("lost"), applied=True))
    with pytest.raises(StorageUnavailableError):
        world.finish("T")
    assert world.finish("T") is True
    assert balances(world) == AFTER
    assert world.decision_row("T") is None


# Groups.


def prepare(world: World, number: int, writer: str) -> None:
    """An account whose balance becomes its number."""
    table = world.run(world.parts.context.catalog.table(ACCOUNT))
    previous = world.row(ACCOUNT, number)
    at = world.runtime.now_ms()
    values = {"balance": number}
    write = record.prepare(table, (number,), values, previous, tx_id=writer, at=at)
    world.run(world.storage.inner.mutate([write]))


def members_left(world: World, *names: str) -> None:
    """Members of a group that died after its decision, each with a record of its own."""
    groups = []
    for number, name in enumerate(names, start=1):
        prepare(world, number, member_id(PARENT, name))
        groups.append(EntryGroup((entry(number),), name))
    world.write_decision(
        PARENT,
        COMMITTED,
        tx_child_ids=",".join(names),
        tx_write_set=write_set_bytes(groups),
    )


@pytest.mark.parametrize("tx_id", [PARENT, member_id(PARENT, "a"), member_id(PARENT, "b")])
def test_a_group_is_finished_as_a_whole(world: World, tx_id: str) -> None:
    members_left(world, "a", "b")
    assert world.finish(tx_id) is True
    assert balances(world) == {1: 1, 2: 2}
    assert set(states(world).values()) == {COMMITTED}
    assert world.decision_row(PARENT) is None


def test_a_member_that_went_its_own_way_is_finished_alone(world: World) -> None:
    members_left(world, "a")
    late = member_id(PARENT, "late")
    prepare(world, 2, late)
    alone = write_set_bytes([EntryGroup((entry(2),))])
    world.write_decision(late, ABORTED, tx_write_set=alone)
    assert world.finish(late) is True
    assert balances(world)[2] == 100
    assert world.decision_row(PARENT) is not None
    assert states(world)[1] == PREPARED


def test_a_blocked_group_stays(world: World) -> None:
    world.write_decision(PARENT, ABORTED)
    assert world.finish(PARENT) is False
    assert world.finish(member_id(PARENT, "a")) is True
    assert world.decision_row(PARENT) is not None


# Others at the same moment.


def test_two_that_finish_at_once(world: World) -> None:
    left_decided(world)
    for step in ("commit", "forget-state"):
        world.storage.faults.append(meanwhile(step, lambda: finished(world)))
    assert world.finish("T") is True
    assert balances(world) == AFTER
    assert world.decision_row("T") is None


def test_a_row_that_has_come_in_its_place_stays(world: World) -> None:
    """Somebody who met the record before may put his abort there; it is his."""
    change(world).commit()

    def removed_and_aborted() -> None:
        world.erase_decision("T")
        world.write_decision("T", ABORTED)

    world.storage.faults.append(meanwhile("forget-state", removed_and_aborted))
    assert world.finish("T") is True
    assert world.state("T") == "ABORTED"


@pytest.mark.parametrize("how", LEFT)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("step", ["read-state", "abort-state"])
@pytest.mark.parametrize("expired", [False, True])
def test_a_reader_with_an_old_record_in_hand_reads_what_was_decided(
    world: World, how: str, level: Isolation, step: str, *, expired: bool
) -> None:
    leave, expected = LEFT[how]
    leave(world)
    if expired:
        world.runtime.ms += 16_000
    world.storage.faults.append(meanwhile(step, lambda: finished(world)))
    reader = world.begin("R", level)
    if step == "read-state" and not expired and level is not Isolation.READ_COMMITTED:
        # No decision and a young writer: nobody can tell that it is finished.
        with pytest.raises(ConflictError):
            reader.get(ACCOUNT, {"id": 1})
        reader = world.begin("R2", level)
    row = reader.get(ACCOUNT, {"id": 1})
    assert row is not None
    if level is Isolation.READ_COMMITTED:
        assert row["balance"] in (expected[1], 100)
    else:
        assert row["balance"] == expected[1]
    world.storage.faults.clear()
    world.finish("T")
    assert balances(world) == expected
    assert set(states(world).values()) == {COMMITTED}

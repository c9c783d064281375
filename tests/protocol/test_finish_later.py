"""Commits that return once they are decided: who finishes the records, and who waits for that?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit.finish_later import FinishLater
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.errors import (
    ConflictError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.two_parts import ACCOUNT, joined, part, two_part_world
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.model.types import Row

T = "bank.account"
SCHEMA = TableSchema({"id": "INT", "owner": "TEXT", "n": "INT"}, ["id"], secondary_index=["owner"])
RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE
COMMITTED, PREPARED, DELETED = 3, 1, 2


def asynchronous(world: World, **how: Any) -> FinishLater:
    """Make a world's commits and roll-backs asynchronous, and hold back what is done later."""
    context = world.parts.context
    context.options = replace(context.options, async_commit=True, async_rollback=True)
    later = context.finish_later = FinishLater(world.storage, world.runtime, **how)
    context.recovery = Recovery(world.storage, world.runtime, context.decisions, later)
    world.runtime.hold_background = True
    return later


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(open_inner(request.param, tmp_path))
    world.create_table(T, SCHEMA)
    rows: list[Row] = [{"id": number, "owner": "me", "n": 0} for number in range(5)]
    world.load(T, *rows)
    asynchronous(world)
    yield world
    world.close()


def update(world: World, name: str, *numbers: int, n: int = 1, level: Isolation = SER) -> None:
    tx = world.begin(name, level)
    for number in numbers:
        tx.get(T, {"id": number})
        tx.update(T, {"id": number}, {"n": n})
    tx.commit()


def state(world: World, number: int) -> tuple[object, object] | None:
    row = world.row(T, number)
    return None if row is None else (row["tx_id"], row["tx_state"])


def calls(world: World) -> list[str]:
    found = [f"{call.actor}: {call}" for call in world.storage.calls]
    world.storage.calls.clear()
    return found


def test_commit_returns_once_it_is_decided(world: World) -> None:
    update(world, "w", 1, 2)
    assert state(world, 1) == state(world, 2) == ("w", PREPARED)
    assert calls(world)[-1] == "w: put commit-state x1"
    decided = world.decision_row("w")
    world.runtime.ms += 5000
    world.runtime.run_background()
    row = world.row(T, 1)
    assert row is not None
    assert decided is not None
    assert row["tx_state"] == COMMITTED
    assert row["tx_committed_at"] == decided["tx_created_at"]
    assert row["before_tx_id"] is None
    assert calls(world) == [": mutate commit x2"]


@pytest.mark.parametrize("level", Isolation)
def test_whoever_reads_it_here_asks_nobody(world: World, level: Isolation) -> None:
    update(world, "w", 1)
    calls(world)
    tx = world.begin("r", level)
    found = tx.get(T, {"id": 1})
    assert found is not None
    assert found["n"] == 1
    assert calls(world) == ["r: get read x1"]
    tx.update(T, {"id": 1}, {"n": 2})
    tx.commit()
    assert calls(world) == [
        "r: mutate commit x1",  # of w's record, before its own is written over it
        "r: mutate prepare x1",
        "r: put commit-state x1",
    ]
    row = world.row(T, 1)
    assert row is not None
    assert (row["n"], row["before_n"], row["before_tx_id"], row["before_tx_state"]) == (
        *(2, 1, "w"),
        COMMITTED,
    )


def test_whoever_only_reads_it_here_waits_at_serializable(world: World) -> None:
    update(world, "w", 1)
    for level, finished in ((SI, False), (RC, False), (SER, True)):
        tx = world.begin(f"r {level}", level, read_only=True)
        found = tx.get(T, {"id": 1})
        assert found is not None
        assert found["n"] == 1
        tx.commit()
        assert state(world, 1) == ("w", COMMITTED if finished else PREPARED)


def test_unread_it_is_written_over_without_a_conflict(world: World) -> None:
    tx = world.begin("w")
    tx.delete(T, {"id": 1})
    tx.commit()
    assert state(world, 1) == ("w", DELETED)
    again = world.begin("again")
    again.insert(T, {"id": 1, "n": 7})
    again.commit()
    assert state(world, 1) == ("again", PREPARED)
    third = world.begin("third")
    third.delete(T, {"id": 1})
    third.commit()
    world.runtime.run_background()
    assert world.row(T, 1) is None


def test_an_index_read_meets_no_leftover(world: World) -> None:
    """What this process has yet to finish looks like somebody else's undecided write there."""
    tx = world.begin("scan")
    assert tx.scan(T, index={"owner": "me"}, where=column("n") > 5) == []
    update(world, "w", 1)  # which does not change what the scan found
    assert state(world, 1) == ("w", PREPARED)
    tx.upsert(T, {"id": 9, "n": 1})
    tx.commit()
    assert state(world, 1) == ("w", COMMITTED)


def test_records_of_several_transactions_are_one_write(world: World) -> None:
    for number in range(3):
        update(world, f"w{number}", number)
    calls(world)
    world.runtime.run_background()
    assert calls(world) == ["w2: mutate commit x3"]
    assert [state(world, number) for number in range(3)] == [
        (f"w{number}", COMMITTED) for number in range(3)
    ]


def test_one_that_is_settled_already_does_not_hold_up_the_others(world: World) -> None:
    for number in range(3):
        update(world, f"w{number}", number)
    assert world.recover(T, {"id": 1}) is not None
    calls(world)
    world.runtime.run_background()
    assert calls(world) == [
        ": mutate commit x3 -> NoMutationException",
        ": mutate commit x1",
        ": mutate commit x1 -> NoMutationException",
        ": mutate commit x1",
    ]
    assert [state(world, number) for number in range(3)] == [
        (f"w{number}", COMMITTED) for number in range(3)
    ]


def test_where_there_is_no_room_commit_finishes_its_own(world: World) -> None:
    asynchronous(world, most=3)
    update(world, "a", 0, 1)
    update(world, "b", 2, 3)
    assert state(world, 0) == ("a", PREPARED)
    assert state(world, 2) == state(world, 3) == ("b", COMMITTED)
    world.runtime.run_background()
    update(world, "c", 2, 3)
    assert state(world, 2) == ("c", PREPARED)


@pytest.mark.parametrize("error", [StorageBusyError, ReplyLostError, StorageUnavailableError])
def test_what_could_not_be_finished_is_not_written_over(
    world: World, error: type[Exception]
) -> None:
    update(world, "w", 1)
    world.storage.faults.append(Fault("commit", lambda: error("no")))
    tx = world.begin("r")
    tx.get(T, {"id": 1})
    tx.update(T, {"id": 1}, {"n": 2})
    with pytest.raises((ConflictError, StorageUnavailableError)) as caught:
        tx.commit()
    assert caught.value.retryable
    assert state(world, 1) == ("w", PREPARED)
    calls(world)
    update(world, "again", 1, n=2)
    assert calls(world)[:3] == [
        "again: get read x1",  # the decision is still known
        "again: mutate commit x1",
        "again: mutate prepare x1",
    ]
    world.runtime.run_background()
    row = world.row(T, 1)
    assert row is not None
    assert (row["tx_id"], row["tx_state"], row["n"]) == ("again", COMMITTED, 2)


def test_what_fails_in_the_background_is_left_to_lazy_recovery(world: World) -> None:
    update(world, "w", 1)
    world.storage.faults.append(Fault("commit", lambda: StorageUnavailableError("no")))
    world.runtime.run_background()
    assert state(world, 1) == ("w", PREPARED)
    other = world.begin("r", read_only=True)
    found = other.get(T, {"id": 1})
    assert found is not None
    assert found["n"] == 1


@pytest.mark.parametrize("given_up", [False, True])
def test_what_ends_while_its_row_is_on_its_way_is_known(world: World, given_up: bool) -> None:
    """A row read just before is looked at just after; commit has returned before either."""
    if given_up:
        world.storage.faults.append(Fault("commit", lambda: StorageBusyError("no")))
    update(world, "w", 1)
    row = world.row(T, 1)
    assert row is not None
    assert row["tx_state"] == PREPARED
    world.runtime.run_background()
    calls(world)
    context = world.parts.context
    table = world.run(context.catalog.table(T))
    recovery = context.recovery
    read_committed = recovery.resolve_to_before_image(table, (1,), row, settle=True)
    latest = world.run(recovery.resolve(table, (1,), row))
    for resolved in (read_committed, latest):
        assert resolved.row is not None
        assert resolved.row["n"] == 1
        to_do = resolved.settling is not None or resolved.mutation is not None
        assert to_do == given_up  # it still has to be finished
    assert calls(world) == []


def test_another_writer_s_record_is_none_of_ours(world: World) -> None:
    """Known by record alone, an undecided writer's row would be taken for a committed one."""
    update(world, "w", 1)
    assert world.recover(T, {"id": 1}) is not None  # by somebody else; it is still in the queue
    world.write(T, (1,), n=99, tx_id="other", tx_state=PREPARED, tx_prepared_at=world.runtime.ms)
    tx = world.begin("r")
    with pytest.raises(ConflictError) as caught:
        tx.get(T, {"id": 1})
    assert caught.value.other_transaction == "other"


def test_a_record_is_not_twice_in_a_write(world: World) -> None:
    """As if a thread of ours had been slow to hand over what another process settled meanwhile."""
    later = world.parts.context.finish_later
    assert later is not None
    update(world, "w", 1)
    slow = later.of((T, (1,)), "w")
    assert slow is not None
    world.run(slow.done())
    update(world, "v", 1, n=2)
    later.finish("w", slow.decision, slow.mutations)
    update(world, "u", 2)
    world.runtime.run_background()
    assert state(world, 1) == ("v", COMMITTED)
    assert state(world, 2) == ("u", COMMITTED)


def test_flush(world: World) -> None:
    later = world.parts.context.finish_later
    assert later is not None
    update(world, "a", 1, 2)
    update(world, "b", 3)
    world.storage.faults.append(Fault("commit", lambda: StorageBusyError("no")))
    world.run(later.flush())
    assert [state(world, number) for number in (1, 2, 3)] == [
        *(("a", PREPARED), ("a", PREPARED)),
        ("b", PREPARED),
    ]
    update(world, "c", 4)
    world.run(later.flush())
    assert state(world, 4) == ("c", COMMITTED)


def test_a_roll_back_is_done_later_too(world: World) -> None:
    tx = world.begin("w")
    tx.get(T, {"id": 1})
    tx.scan(T, whole_table=True)
    tx.update(T, {"id": 1}, {"n": 5})
    world.storage.faults.append(
        meanwhile("prepare", lambda: world.write(T, (9,), tx_id="x", tx_state=COMMITTED))
    )
    with pytest.raises(ConflictError):
        tx.commit()
    assert world.state("w") == "ABORTED"
    assert state(world, 1) == ("w", PREPARED)
    calls(world)
    reader = world.begin("r")
    found = reader.get(T, {"id": 1})
    assert found is not None
    assert found["n"] == 0
    assert calls(world) == ["r: get read x1"]
    reader.update(T, {"id": 1}, {"n": 6})
    reader.commit()
    row = world.row(T, 1)
    assert row is not None
    assert (row["n"], row["before_n"], row["before_tx_id"]) == (6, 0, "load-1")


def test_what_stood_in_the_way_is_still_told(world: World) -> None:
    tx = world.begin("w")
    tx.insert(T, {"id": 7})
    tx.insert(T, {"id": 1})
    with pytest.raises(ConflictError) as caught:
        tx.commit()
    assert caught.value.code == "STX-1033"
    assert not caught.value.retryable


def test_groups_of_their_own_are_written_at_once() -> None:
    world = World(MemoryStorage(unit=AtomicityUnit.RECORD))
    world.create_table(T, SCHEMA)
    for number in range(4):
        world.load(T, {"id": number, "n": 0})
    asynchronous(world)
    update(world, "a", 0, 1)
    update(world, "b", 2)
    world.storage.faults.append(Fault("commit", lambda: StorageBusyError("no"), skip=1))
    calls(world)
    world.runtime.run_background()
    assert len(calls(world)) == 3
    finished = [state(world, number) for number in range(3)]
    assert [found[1] for found in finished if found].count(COMMITTED) == 2


def test_a_part_of_several_returns_as_soon() -> None:
    world = two_part_world()
    asynchronous(world)
    one, other = part(world, "w"), joined(world, "w")
    for number, tx in ((1, one), (2, other)):
        tx.get(ACCOUNT, {"id": number})
        tx.update(ACCOUNT, {"id": number}, {"balance": 5})
    for tx in (one, other):
        tx.prepare()
    for tx in (one, other):
        tx.validate()
    for tx in (one, other):
        tx.commit()
    rows = [world.row(ACCOUNT, number) for number in (1, 2)]
    assert [row and row["tx_state"] for row in rows] == [PREPARED, PREPARED]
    world.runtime.run_background()
    rows = [world.row(ACCOUNT, number) for number in (1, 2)]
    assert [row and row["tx_state"] for row in rows] == [COMMITTED, COMMITTED]


def test_its_cost_is_told(world: World) -> None:
    tx = world.begin("w")
    tx.get(T, {"id": 1})
    tx.update(T, {"id": 1}, {"n": 2})
    found = tx.steps.explain()
    assert (found.finishes, found.round_trips) == (1, 2)
    options = world.parts.context.options
    world.parts.context.options = replace(options, async_commit=False)
    assert tx.steps.explain().round_trips == 3

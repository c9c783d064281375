"""What becomes of a transaction that is committed by its records alone?

Where no atomic write takes a decision and records, one over records that were read is enough
(Consensus Commit specification 13.12). Its answer may be lost, and it may arrive when nobody waits
for it any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.transaction_id import UNRECORDED, check_callers_id
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol import test_storage_calls as shapes
from tests.protocol.counting import counted
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import Tx, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.consensus_commit.commit_hook import CommitEvent
    from scalar_tx.model.types import Row

ALL = tuple(Isolation)
ACCOUNT = "bank.account"
SCHEMA = TableSchema(
    columns={"branch": "INT", "id": "INT", "balance": "INT"},
    partition_key=["branch"],
    clustering_key=["id"],
)
Failure = tuple[type[Exception], bool]
Told = type[ScalarTxError] | None
REFUSED = (WriteRefusedError, False)
BUSY = (StorageBusyError, False)
UNAVAILABLE = (StorageUnavailableError, False)
LOST_BEFORE = (ReplyLostError, False)
LOST_AFTER = (ReplyLostError, True)


def key(number: int) -> dict[str, int]:
    return {"branch": 1, "id": number}


def bank(*, unit: AtomicityUnit = AtomicityUnit.PARTITION) -> World:
    world = World(MemoryStorage(unit=unit), one_phase_commit=True)
    world.create_table(ACCOUNT, SCHEMA)
    world.load(ACCOUNT, *({**key(number), "balance": 100} for number in (1, 2)))
    return world


class Nameless(Tx):
    """A transaction whose id nobody has asked for."""

    def __init__(self, world: World, isolation: Isolation) -> None:
        steps = TransactionSteps(world.parts.context, isolation)
        super().__init__(world, steps, "T")


def change(world: World, isolation: Isolation = Isolation.SERIALIZABLE, *, to: int = 200) -> Tx:
    world.runtime.next_id = "T"
    tx = Nameless(world, isolation)
    for number in (1, 2):
        tx.get(ACCOUNT, key(number))
        tx.update(ACCOUNT, key(number), {"balance": to})
    return tx


def row(world: World, number: int = 1) -> Row:
    found = world.row(ACCOUNT, 1, number)
    assert found is not None
    return found


def balances(world: World) -> list[object]:
    world.storage.faults.clear()
    return [row(world, number)["balance"] for number in (1, 2)]


def fail(world: World, failure: Failure, *, times: int | None = 1) -> None:
    error, applied = failure
    fault = Fault("final", lambda: error("made to fail"), "T", applied, times)
    world.storage.faults.append(fault)


def told_by(tx: Tx) -> Told:
    try:
        tx.commit()
    except ScalarTxError as error:
        told = error
    else:
        return None
    return type(told)


@pytest.mark.parametrize("isolation", ALL)
@pytest.mark.parametrize(
    "work,calls,steps",
    [
        (shapes.one, "1R 1W", 2),
        (shapes.two_in_one_partition, "2R 1W", 3),
        (shapes.unread_upsert, "1R 1W", 2),
        (shapes.two_partitions, "2R 2P 1C 2M", 5),
        (shapes.blind_insert, "1P 1C 1M", 3),
        (shapes.unread_delete, "1R 1P 1C 1M", 4),
    ],
)
def test_what_it_costs(
    work: Callable[[Tx], None], calls: str, steps: int, isolation: Isolation
) -> None:
    world = shapes.world_of(AtomicityUnit.PARTITION, one_phase_commit=True)
    counts = counted(world, work, lambda: Nameless(world, isolation))
    assert (counts.calls, counts.steps) == (calls, steps)


def test_a_decision_about_nothing_is_a_decision() -> None:
    world = shapes.world_of(
        AtomicityUnit.PARTITION, one_phase_commit=True, write_omission_on_read_only=False
    )
    counts = counted(world, shapes.gets, lambda: Nameless(world, Isolation.SNAPSHOT))
    assert counts.calls == f"{shapes.N}R 1C"


def test_the_row_tells_whose_version_it_replaced() -> None:
    world = bank()
    before = row(world)
    change(world).commit()
    now = row(world)
    assert str(now["tx_id"]).startswith(UNRECORDED)
    assert now == {
        **dict.fromkeys(now),
        **key(1),
        "balance": 200,
        "tx_id": now["tx_id"],
        "tx_state": 3,
        "tx_version": 2,
        "tx_prepared_at": now["tx_committed_at"],
        "tx_committed_at": now["tx_committed_at"],
        "before_tx_id": before["tx_id"],
    }
    assert world.decision_row(str(now["tx_id"])) is None


def test_the_next_transaction_clears_what_it_kept() -> None:
    world = bank()
    change(world).commit()
    tx = world.begin("named")
    tx.get(ACCOUNT, key(1))
    tx.update(ACCOUNT, key(1), {"balance": 300})
    tx.commit()
    assert row(world)["before_tx_id"] is None
    assert row(world)["balance"] == 300


@pytest.mark.parametrize("why", ["id known", "a hook", "a recorded table", "not here", "imported"])
def test_where_a_decision_is_wanted_every_step_is_taken(why: str) -> None:
    world = bank()
    context = world.parts.context
    if why == "a recorded table":
        context.recorded.add(ACCOUNT)
    if why == "not here":
        context.options = replace(context.options, record_only=False)
    if why == "a hook":

        async def nothing(event: CommitEvent) -> None:
            assert event.transaction_id == "T"

        context.commit_hooks.append(nothing)
    if why == "imported":
        world.write(ACCOUNT, (1, 1), tx_id=None, tx_state=None, tx_version=None)
    tx = world.begin("T") if why == "id known" else change(world)
    if why == "id known":
        tx.get(ACCOUNT, key(1))
        tx.update(ACCOUNT, key(1), {"balance": 200})
    tx.commit()
    assert world.state("T") == "COMMITTED"
    assert row(world)["balance"] == 200


@pytest.mark.parametrize("isolation", ALL)
@pytest.mark.parametrize(
    "failure,times,told",
    [
        (REFUSED, 1, ConflictError),
        (BUSY, 1, ConflictError),
        (UNAVAILABLE, 1, StorageUnavailableError),
        (LOST_BEFORE, 1, None),
        (LOST_AFTER, 1, None),
        (LOST_BEFORE, 6, None),
        (LOST_AFTER, 6, None),
        (LOST_AFTER, None, None),
        (LOST_BEFORE, None, UnknownOutcomeError),
    ],
)
def test_the_write_fails(
    failure: Failure, times: int | None, told: Told, isolation: Isolation
) -> None:
    world = bank()
    tx = change(world, isolation)
    fail(world, failure, times=times)
    assert told_by(tx) is told
    outcomes: dict[Told, TransactionState] = {
        None: TransactionState.COMMITTED,
        UnknownOutcomeError: TransactionState.UNKNOWN,
    }
    assert tx.steps.outcome is outcomes.get(told, TransactionState.ABORTED)
    committed = told is None
    assert balances(world) == ([200, 200] if committed else [100, 100])


@pytest.mark.parametrize("then", [BUSY, UNAVAILABLE])
def test_a_lost_answer_is_not_forgotten_over_a_certain_one(then: Failure) -> None:
    world = bank()
    tx = change(world)
    fail(world, LOST_AFTER)
    fail(world, then, times=3)
    assert told_by(tx) is None
    assert balances(world) == [200, 200]


def test_an_unexpected_error_of_the_write_is_unknown() -> None:
    world = bank()
    tx = change(world)
    fail(world, (RuntimeError, True))
    assert told_by(tx) is UnknownOutcomeError


def test_an_error_in_the_call_changes_nothing() -> None:
    world = bank()
    tx = change(world)
    fail(world, (InvalidOperationError, False))
    assert told_by(tx) is InvalidOperationError
    assert tx.steps.outcome is TransactionState.ABORTED


def by_another(world: World, *, to: int = 7, alone: bool = False) -> Callable[[], None]:
    """Somebody else changes the first account, by a decision or by the record alone."""

    def act() -> None:
        world.runtime.next_id = "other"
        tx = Nameless(world, Isolation.SNAPSHOT) if alone else world.begin("other")
        tx.get(ACCOUNT, key(1))
        tx.update(ACCOUNT, key(1), {"balance": to})
        tx.commit()

    return act


@pytest.mark.parametrize("alone", [True, False])
def test_lost_before_it_arrived_and_somebody_else_came(alone: bool) -> None:
    world = bank()
    tx = change(world)
    fail(world, LOST_BEFORE)
    world.storage.faults.append(meanwhile("final", by_another(world, alone=alone)))
    assert told_by(tx) is ConflictError
    assert balances(world) == [7, 100]


def test_lost_after_it_arrived_and_somebody_else_came() -> None:
    world = bank()
    tx = change(world)
    fail(world, LOST_AFTER)
    world.storage.faults.append(meanwhile("final", by_another(world, alone=True)))
    assert told_by(tx) is None
    assert balances(world) == [7, 200]


def test_where_every_record_was_changed_by_those_who_keep_nothing_it_is_unknown() -> None:
    world = bank(unit=AtomicityUnit.RECORD)
    world.runtime.next_id = "T"
    tx = Nameless(world, Isolation.SERIALIZABLE)
    tx.get(ACCOUNT, key(1))
    tx.update(ACCOUNT, key(1), {"balance": 200})
    fail(world, LOST_BEFORE)
    world.storage.faults.append(meanwhile("final", by_another(world)))
    assert told_by(tx) is UnknownOutcomeError


@pytest.mark.parametrize("decided", ["COMMITTED", "ABORTED"])
def test_an_undecided_row_is_settled_first(decided: str) -> None:
    world = bank()
    tx = change(world)
    before = row(world)

    def left() -> None:
        world.write(
            ACCOUNT,
            (1, 1),
            balance=55,
            tx_id="dead",
            tx_state=1,
            tx_version=2,
            tx_prepared_at=1,
            before_balance=100,
            **{f"before_{name}": before[name] for name in before if name.startswith("tx_")},
        )
        world.write_decision("dead", 3 if decided == "COMMITTED" else 4)

    fail(world, LOST_BEFORE)
    world.storage.faults.append(meanwhile("final", left))
    assert told_by(tx) is (ConflictError if decided == "COMMITTED" else None)
    assert balances(world) == ([55, 100] if decided == "COMMITTED" else [200, 200])


def test_nobody_settles_it_by_a_decision() -> None:
    world = bank()
    tx = change(world)
    fail(world, LOST_BEFORE, times=None)
    assert told_by(tx) is UnknownOutcomeError
    with pytest.raises(UnknownOutcomeError, match="before_tx_id"):
        world.settle(tx.steps.id)
    assert world.decision_row(tx.steps.id) is None


def test_callers_ids_do_not_look_like_its_own() -> None:
    with pytest.raises(InvalidOperationError, match="leave no decision"):
        check_callers_id(f"{UNRECORDED}mine")

"""Which steps does a commit leave out, and what becomes of it when one of the others fails?

The decision and the records in one write: Consensus Commit specification 13.1; failures as in
``test_failures``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConflictError,
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
from scalar_tx.storage.interface import Write
from tests.protocol.counting import counted
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.protocol.world import Tx

SER = Isolation.SERIALIZABLE
ALL = tuple(Isolation)

# Rows.

ACCOUNT = "bank.account"
SCHEMA = TableSchema(columns={"id": "INT", "balance": "INT", "owner": "TEXT"}, partition_key=["id"])
CLEARED = {
    "before_tx_id": None,
    "before_tx_state": None,
    "before_tx_version": None,
    "before_tx_prepared_at": None,
    "before_tx_committed_at": None,
    "before_balance": None,
    "before_owner": None,
}


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = World(
        open_inner(request.param, tmp_path), one_phase_commit=True, decisions_are_removed=False
    )
    made.create_table(ACCOUNT, SCHEMA)
    made.load(ACCOUNT, *({"id": number, "balance": 100, "owner": "ann"} for number in (1, 2)))
    yield made
    made.close()


def change(world: World, isolation: Isolation = SER, *, name: str = "T") -> Tx:
    tx = world.begin(name, isolation)
    for number in (1, 2):
        tx.get(ACCOUNT, {"id": number})
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    return tx


def balances(world: World) -> list[object]:
    world.storage.faults.clear()
    reader = world.begin()
    found = [reader.get(ACCOUNT, {"id": number}) for number in (1, 2)]
    reader.commit()
    return [None if record is None else record["balance"] for record in found]


def test_rows_are_as_one_step_of_scalardb_leaves_them(world: World) -> None:
    tx = change(world)
    tx.insert(ACCOUNT, {"id": 3, "balance": 5})
    world.write(ACCOUNT, (4,), balance=1)  # imported
    tx.upsert(ACCOUNT, {"id": 4, "balance": 2})
    world.load(ACCOUNT, {"id": 5, "balance": 5})
    tx.delete(ACCOUNT, {"id": 5})
    tx.commit()
    decision = world.decision_row("T")
    assert decision is not None
    at = decision["tx_created_at"]
    ours = {"tx_id": "T", "tx_state": 3, "tx_prepared_at": at, "tx_committed_at": at, **CLEARED}
    assert world.row(ACCOUNT, 1) == {
        **ours, "id": 1, "balance": 200, "owner": "ann", "tx_version": 2,
    }  # fmt: skip
    assert world.row(ACCOUNT, 3) == {
        **ours, "id": 3, "balance": 5, "owner": None, "tx_version": 1,
    }  # fmt: skip
    assert world.row(ACCOUNT, 4) == {
        **ours, "id": 4, "balance": 2, "owner": None, "tx_version": 1,
    }  # fmt: skip
    assert world.row(ACCOUNT, 5) is None


def test_the_removal_of_nothing_is_prepared(world: World) -> None:
    """It compares with an absence that no condition of a final write could compare with."""
    counts = counted(world, lambda tx: tx.delete(ACCOUNT, {"id": 9}), world.begin)
    # Refused; by a decision? Its id is known. By an absence, which is then compared.
    assert counts.calls == "2C 2R 1P"
    assert world.row(ACCOUNT, 9) is None


def test_a_removal_of_nothing_beside_other_writes(world: World) -> None:
    tx = change(world)
    tx.delete(ACCOUNT, {"id": 9})
    other = world.begin()
    world.storage.faults.append(
        meanwhile("prepare", lambda: insert_and_commit(other, {"id": 9, "balance": 1}))
    )
    with pytest.raises(ConflictError):
        tx.commit()
    assert balances(world) == [100, 100]


def insert_and_commit(tx: Tx, values: dict[str, int]) -> None:
    tx.insert(ACCOUNT, values)
    tx.commit()


# One write.

REFUSED = (WriteRefusedError, False)
BUSY = (StorageBusyError, False)
UNAVAILABLE = (StorageUnavailableError, False)
LOST_BEFORE = (ReplyLostError, False)
LOST_AFTER = (ReplyLostError, True)
ALWAYS = None
Failure = tuple[type[Exception], bool]
Told = type[ScalarTxError] | None


def fail(
    world: World, step: str, failure: Failure, *, times: int | None = 1, skip: int = 0
) -> None:
    error, applied = failure
    world.storage.faults.append(
        Fault(step, lambda: error("made to fail"), "T", applied, times, skip)
    )


def told_by(tx: Tx) -> Told:
    try:
        tx.commit()
    except ScalarTxError as error:
        told = error
    else:
        return None
    assert told.transaction_id == "T"
    return type(told)


@pytest.mark.parametrize("isolation", ALL)
@pytest.mark.parametrize(
    "failure,times,told,decision",
    [
        (REFUSED, 1, ConflictError, "none"),
        (BUSY, 1, ConflictError, "none"),
        (UNAVAILABLE, 1, StorageUnavailableError, "none"),
        (LOST_BEFORE, 1, None, "COMMITTED"),
        (LOST_AFTER, 1, None, "COMMITTED"),
        (LOST_BEFORE, ALWAYS, ConflictError, "ABORTED"),
        (LOST_AFTER, ALWAYS, None, "COMMITTED"),
    ],
)
def test_the_one_write_fails(  # noqa: PLR0917  # a row of a table
    world: World,
    failure: Failure,
    times: int | None,
    told: Told,
    decision: str,
    isolation: Isolation,
) -> None:
    tx = change(world, isolation)
    fail(world, "commit-state", failure, times=times)
    assert told_by(tx) is told
    assert world.state("T") == decision
    wanted = TransactionState.ABORTED if told else TransactionState.COMMITTED
    assert tx.steps.outcome is wanted
    assert balances(world) == ([100, 100] if told else [200, 200])


@pytest.mark.parametrize("then", [BUSY, UNAVAILABLE])
def test_a_lost_reply_is_not_forgotten_over_a_later_refusal_to_do_anything(
    world: World, then: Failure
) -> None:
    tx = change(world)
    fail(world, "commit-state", LOST_AFTER)
    fail(world, "commit-state", then, times=ALWAYS)
    assert told_by(tx) is None
    assert balances(world) == [200, 200]


def test_after_a_lost_reply_nothing_can_be_reached(world: World) -> None:
    tx = change(world)
    fail(world, "commit-state", LOST_AFTER, times=ALWAYS)
    for step in ("read-state", "abort-state"):
        fail(world, step, UNAVAILABLE, times=ALWAYS)
    assert told_by(tx) is UnknownOutcomeError
    assert tx.steps.outcome is TransactionState.UNKNOWN
    world.storage.faults.clear()
    assert world.settle("T") is TransactionState.COMMITTED
    assert balances(world) == [200, 200]


def test_a_lost_write_that_comes_late_meets_the_abort(world: World) -> None:
    tx = change(world)
    fail(world, "commit-state", LOST_BEFORE, times=ALWAYS)
    at = world.runtime.now_ms()
    assert told_by(tx) is ConflictError
    world.storage.faults.clear()
    late = [Write(world.stored(ACCOUNT), (1,), {"balance": 999})]
    with pytest.raises(WriteRefusedError):
        world.run(world.parts.coordinator.decide_with("T", at, late))
    assert balances(world) == [100, 100]


def test_where_decisions_are_removed_an_insert_of_which_nothing_is_seen_is_unknown(
    world: World,
) -> None:
    """It may have been there, been removed with its decision, and be removed by others since."""
    options = world.parts.context.options
    world.parts.context.options = replace(options, decisions_are_removed=True)
    tx = world.begin("T")
    tx.insert(ACCOUNT, {"id": 7, "balance": 1})
    fail(world, "commit-state", LOST_BEFORE, times=ALWAYS)
    assert told_by(tx) is UnknownOutcomeError
    world.parts.context.options = options
    again = world.begin("T2")
    again.insert(ACCOUNT, {"id": 7, "balance": 1})
    world.storage.faults[:] = [
        Fault("commit-state", lambda: ReplyLostError("lost"), "T2", times=ALWAYS)
    ]
    with pytest.raises(ConflictError):
        again.commit()


@pytest.mark.parametrize("isolation", ALL)
def test_who_comes_second_has_a_conflict_and_leaves_nothing(
    world: World, isolation: Isolation
) -> None:
    first, second = change(world, isolation, name="A"), change(world, isolation, name="B")
    first.commit()
    world.storage.calls.clear()
    with pytest.raises(ConflictError) as raised:
        second.commit()
    assert raised.value.code == "STX-1031"
    assert raised.value.retryable
    assert world.storage.reached() == [
        "put commit-state x3 -> NoMutationException",
        "get read-state x1",  # its id was handed out: has somebody aborted it?
    ]
    assert world.state("B") == "none"
    assert world.settle("B") is TransactionState.ABORTED


def test_an_insert_over_a_record_says_that_it_exists(world: World) -> None:
    tx = world.begin("T")
    tx.insert(ACCOUNT, {"id": 1, "balance": 1})
    with pytest.raises(ConflictError) as raised:
        tx.commit()
    assert raised.value.code == "STX-1033"
    assert not raised.value.retryable


def test_an_insert_over_the_remains_of_a_dead_transaction_clears_them_away(world: World) -> None:
    world.write(ACCOUNT, (8,), balance=1, tx_id="dead", tx_state=1, tx_version=1, tx_prepared_at=1)
    for expected in (ConflictError, None):
        tx = world.begin("T" if expected else "again")
        tx.insert(ACCOUNT, {"id": 8, "balance": 2})
        if expected is None:
            tx.commit()
        else:
            assert told_by(tx) is expected
    row = world.row(ACCOUNT, 8)
    assert row is not None
    assert row["balance"] == 2


def test_a_transaction_that_somebody_has_aborted_by_its_id(world: World) -> None:
    tx = change(world)
    assert world.settle("T") is TransactionState.ABORTED
    assert told_by(tx) is ConflictError
    assert balances(world) == [100, 100]


# The decision and the records' finish in one write.


def read_one_and_write_another(world: World) -> Tx:
    tx = world.begin("T")
    tx.get(ACCOUNT, {"id": 1})
    tx.get(ACCOUNT, {"id": 2})
    tx.update(ACCOUNT, {"id": 2}, {"balance": 200})
    return tx


@pytest.mark.parametrize("failure", [REFUSED, BUSY, UNAVAILABLE])
def test_a_refused_finish_is_no_conflict(world: World, failure: Failure) -> None:
    tx = read_one_and_write_another(world)
    fail(world, "commit-state", failure)
    assert told_by(tx) is None
    assert [call.step for call in world.storage.calls][-3:] == [
        "commit-state",
        "commit-state",
        "commit",
    ]
    assert balances(world) == [100, 200]


@pytest.mark.parametrize("failure", [LOST_BEFORE, LOST_AFTER])
@pytest.mark.parametrize("times", [1, ALWAYS])
def test_the_answer_to_decision_and_finish_is_lost(
    world: World, failure: Failure, times: int | None
) -> None:
    tx = read_one_and_write_another(world)
    fail(world, "commit-state", failure, times=times)
    aborted = failure is LOST_BEFORE and times is ALWAYS
    assert told_by(tx) is (ConflictError if aborted else None)
    assert balances(world) == ([100, 100] if aborted else [100, 200])


def test_a_reader_that_aborted_it_meanwhile_is_obeyed(world: World) -> None:
    tx = read_one_and_write_another(world)
    told: list[TransactionState] = []
    world.storage.faults.append(meanwhile("commit-state", lambda: told.append(world.settle("T"))))
    assert told_by(tx) is ConflictError
    assert told == [TransactionState.ABORTED]
    assert balances(world) == [100, 100]

"""Is what a caller is told never more than what is known?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.settle import state_of
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    ScalarTxError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import World

if TYPE_CHECKING:
    from scalar_tx.runtime.interface import Outcome

ACCOUNT = "bank.account"
SCHEMA = TableSchema(columns={"id": "INT", "balance": "INT"}, partition_key=["id"])


def bank() -> World:
    world = World(MemoryStorage())
    world.create_table(ACCOUNT, SCHEMA)
    world.load(ACCOUNT, {"id": 1, "balance": 100}, {"id": 2, "balance": 100})
    return world


@pytest.mark.parametrize("step", ["read-state", "abort-state"])
@pytest.mark.parametrize("error", [SchemaError, InvalidOperationError, RuntimeError])
def test_whatever_goes_wrong_after_the_decision_was_sent_it_may_stand(
    step: str, error: type[Exception]
) -> None:
    """The answers about COMMITTED were lost, and asking for it ends in an error of another kind."""
    world = bank()
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 200})
    world.storage.faults += [
        Fault("commit-state", lambda: ReplyLostError("lost"), times=5),
        Fault(step, lambda: error("made to fail")),
    ]
    with pytest.raises(UnknownOutcomeError) as told:
        tx.commit()
    assert told.value.transaction_id == "T"
    assert tx.steps.outcome is TransactionState.UNKNOWN


def test_a_failed_prepare_is_not_a_success_because_the_id_is_committed_elsewhere() -> None:
    """Two transactions run at once under one id: the second must not be told that it committed."""
    world = bank()
    first, second = world.begin("T"), world.begin("T")
    for tx, number in ((first, 1), (second, 2)):
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    first.commit()
    other = world.begin("other")
    other.update(ACCOUNT, {"id": 2}, {"balance": 300})
    other.commit()
    with pytest.raises(UnknownOutcomeError):
        second.commit()
    assert second.steps.outcome is TransactionState.UNKNOWN
    row = world.row(ACCOUNT, 2)
    assert row is not None
    assert row["balance"] == 300


@pytest.mark.parametrize("error", [StorageBusyError, ReplyLostError, StorageUnavailableError])
def test_the_operations_by_id_raise_errors_that_are_public(error: type[Exception]) -> None:
    world = bank()
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 200})
    tx.commit_until("commit-state")
    tx.crash()
    world.runtime.ms += 16_000
    for step in ("read", "read-state", "abort-state", "rollback"):
        world.storage.faults[:] = [Fault(step, lambda: error("made to fail"), times=None)]
        with pytest.raises(ScalarTxError):
            world.recover(ACCOUNT, {"id": 1})
    for step in ("read-state", "abort-state"):
        world.storage.faults[:] = [Fault(step, lambda: error("made to fail"), times=None)]
        with pytest.raises(ScalarTxError):
            world.settle("X")


def test_a_pool_that_fails_after_the_decision_does_not_make_it_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Threads that can't be started leave records to lazy recovery; the commit stands."""
    world = bank()
    tx = world.begin("T")
    for number in (1, 2):
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    assert tx.commit_until("commit-state")

    async def no_threads(_: object) -> list[Outcome[None]]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(world.runtime, "run_all", no_threads)
    tx.commit()
    assert tx.steps.outcome is TransactionState.COMMITTED


@pytest.mark.parametrize("error", [StorageBusyError, ReplyLostError, StorageUnavailableError])
def test_the_state_of_an_id_can_not_be_read(error: type[Exception]) -> None:
    world = bank()
    world.storage.faults.append(Fault("read-state", lambda: error("made to fail"), times=None))
    with pytest.raises(StorageUnavailableError) as told:
        world.run(state_of(world.parts.context.decisions, "T"))
    assert told.value.transaction_id == "T"


def test_a_coordinator_table_that_can_not_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is prepared before it is known; a busy storage is a conflict, which is run again."""
    world = bank()
    world.parts.coordinator.forget_table()

    async def busy(_: str) -> None:
        raise StorageBusyError("made to fail")

    tx = world.begin("T")
    tx.insert(ACCOUNT, {"id": 3, "balance": 0})
    monkeypatch.setattr(world.storage.admin, "table", busy)
    with pytest.raises(ConflictError) as told:
        tx.commit()
    assert told.value.retryable
    assert world.storage.calls == []


def test_records_that_are_finished_singly_may_fail_too() -> None:
    """A reader was quicker with one record, and the replies about the others get lost."""
    world = bank()
    tx = world.begin("T")
    for number in (1, 2):
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    world.storage.faults += [
        Fault("commit", lambda: WriteRefusedError("made to fail")),
        Fault("commit", lambda: ReplyLostError("made to fail"), times=None),
    ]
    tx.commit()
    assert tx.steps.outcome is TransactionState.COMMITTED

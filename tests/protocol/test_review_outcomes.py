"""Is what a caller is told never more than what is known?"""

from __future__ import annotations

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    ScalarTxError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import World

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
        Fault("commit-state", lambda: ReplyLostError("lost"), applied=step == "read-state", times=5),
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
    with pytest.raises(ScalarTxError):
        second.commit()


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

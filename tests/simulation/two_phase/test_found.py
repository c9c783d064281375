"""What the simulator has found about transactions of several parts, each as short as it gets.

Decisions can be removed once all records are finished, as ScalarDB's ``finishTransaction`` does
(Consensus Commit specification 5.6). A part that comes later must not take what it finds then, or
writes itself, for the first decision. Each test fails on the protocol as it was before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Erase
from tests.simulation.by_hand import NAME, Database, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.interface import StorageMutation

TX = "T"


class _TwoParts:
    """A transaction whose first part has committed, and whose second part is about to end.

    Both have read; ``writes``: the second one writes too.
    """

    def __init__(self, *, writes: bool) -> None:
        self.database = database = Database()
        database.elsewhere(put={1: 10, 2: 20})
        self.first, self.second = (
            TwoPhaseSteps(database.context, Isolation.SERIALIZABLE, caller_id=TX, joined=True)
            for _ in range(2)
        )
        Steps(self.first).upsert(1, 11)
        if writes:
            Steps(self.second).upsert(2, 21)
        else:
            assert Steps(self.second).get(2) == 20
        for part in (self.first, self.second):
            run_blocking(part.prepare())
        for part in (self.first, self.second):
            run_blocking(part.validate())
        run_blocking(self.first.commit())

    def forget(self) -> None:
        """Finish what is prepared, then remove the decision."""
        context = self.database.context
        records = run_blocking(context.catalog.table(NAME))
        for number in (1, 2):
            run_blocking(context.recovery.settle_record(records, (1, number)))
        decisions = coordinator_table("coordinator")
        run_blocking(context.storage.mutate([Erase(decisions, (TX,))]))

    def force_abort(self) -> None:
        """Somebody who met the transaction undecided is late."""
        found = run_blocking(self.database.context.decisions.force_abort(TX))
        assert found.state is TransactionState.ABORTED

    def forget_when_met(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between the refusal of the second part's decision and its look at what stands."""
        storage = self.database.storage
        mutate = storage.mutate

        async def refused(mutations: Sequence[StorageMutation]) -> None:
            try:
                await mutate(mutations)
            except WriteRefusedError:
                monkeypatch.setattr(storage, "mutate", mutate)
                self.forget()
                raise

        monkeypatch.setattr(storage, "mutate", refused)


def test_a_decision_that_was_there_and_is_gone_may_have_been_that_of_another_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by seed 33: told ABORTED, although the other part was told COMMITTED."""
    parts = _TwoParts(writes=False)
    parts.forget_when_met(monkeypatch)
    with pytest.raises(UnknownOutcomeError):
        run_blocking(parts.second.commit())
    assert parts.second.outcome is TransactionState.UNKNOWN


def test_the_own_records_tell_of_a_decision_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = _TwoParts(writes=True)
    parts.forget_when_met(monkeypatch)
    run_blocking(parts.second.commit())
    assert parts.second.outcome is TransactionState.COMMITTED


def test_an_abort_in_the_place_of_a_removed_decision_proves_nothing_without_records() -> None:
    """Found by seed 228."""
    parts = _TwoParts(writes=False)
    parts.forget()
    parts.force_abort()
    with pytest.raises(UnknownOutcomeError):
        run_blocking(parts.second.commit())


def test_records_that_others_have_written_since_prove_nothing_either() -> None:
    parts = _TwoParts(writes=True)
    parts.forget()
    parts.database.elsewhere(put={2: 22})
    parts.force_abort()
    with pytest.raises(UnknownOutcomeError):
        run_blocking(parts.second.commit())
    assert parts.database.begin().get(2) == 22


def test_a_part_whose_records_are_committed_can_not_be_rolled_back() -> None:
    """Found by seed 28: the rollback wrote ABORTED and was believed."""
    parts = _TwoParts(writes=True)
    parts.forget()
    with pytest.raises(InvalidOperationError) as raised:
        run_blocking(parts.second.rollback())
    assert raised.value.code == "STX-3054"
    assert parts.second.outcome is TransactionState.COMMITTED
    assert parts.database.begin().get(2) == 21


def test_a_lost_reply_to_the_undoing_hides_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by seeds 12,005,685 and 12,023,121: only a refusal made the rollback look."""
    parts = _TwoParts(writes=True)
    parts.forget()
    storage = parts.database.storage
    mutate = storage.mutate

    async def lose_refusals(mutations: Sequence[StorageMutation]) -> None:
        try:
            await mutate(mutations)
        except WriteRefusedError as refusal:
            raise ReplyLostError("the reply is lost") from refusal

    monkeypatch.setattr(storage, "mutate", lose_refusals)
    with pytest.raises(InvalidOperationError) as raised:
        run_blocking(parts.second.rollback())
    assert raised.value.code == "STX-3054"
    assert parts.second.outcome is TransactionState.COMMITTED


def test_a_rollback_that_nobody_can_answer_for_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be called again, when the records can be read."""
    parts = _TwoParts(writes=True)
    storage = parts.database.storage

    async def unreachable(*_: object) -> None:
        raise StorageUnavailableError("nobody answers", code="STX-4001")

    with monkeypatch.context() as away:
        parts.forget()
        away.setattr(storage, "get", unreachable)
        with pytest.raises(UnknownOutcomeError):
            run_blocking(parts.second.rollback())
    assert parts.second.outcome is None
    with pytest.raises(InvalidOperationError):
        run_blocking(parts.second.rollback())
    assert parts.second.outcome is TransactionState.COMMITTED


def test_a_part_undoes_nothing_that_another_part_has_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by seed 12,028,893 (lost-write): a record came between the reads of two parts.

    The reply to the second prepare was lost, so it undid what bore the transaction's id: the other
    part's prepared record, and with it what somebody else had committed.
    """
    database = Database()
    first, second = (
        TwoPhaseSteps(database.context, Isolation.SNAPSHOT, caller_id=TX, joined=True)
        for _ in range(2)
    )
    assert Steps(second).get(2) is None
    Steps(second).upsert(2, 22)
    database.elsewhere(put={2: 20})
    assert Steps(first).get(2) == 20
    Steps(first).upsert(2, 21)
    run_blocking(first.prepare())
    storage = database.storage
    mutate = storage.mutate

    async def lose_refusal(mutations: Sequence[StorageMutation]) -> None:
        monkeypatch.setattr(storage, "mutate", mutate)
        with pytest.raises(WriteRefusedError):
            await mutate(mutations)
        raise ReplyLostError("the reply is lost")

    monkeypatch.setattr(storage, "mutate", lose_refusal)
    with pytest.raises(ScalarTxError):
        run_blocking(second.prepare())
    run_blocking(first.rollback())
    assert database.begin().get(2) == 20

"""Mistakes in transactions that have parts in several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import commit
from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.two_phase import Phase, TwoPhaseSteps
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan import ScanTrace
    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Reads
    from tests.simulation.bugs.bug import Bug, Patches


def _failure_without_a_decision() -> Patches:
    """A part that fails undoes its own records and leaves it at that."""
    right = Commit.give_up

    async def give_up(self: Commit, obstacle: Exception) -> NoReturn:
        if self._alone:
            await right(self, obstacle)
        await self._records.roll_back()
        raise self._records.in_the_way.as_error(obstacle) from obstacle

    return [(Commit, "give_up", give_up)]


def _abort_believed_unwritten() -> Patches:
    """As alone: what can't be written does not matter, since this process will not commit."""
    right = Commit._abort_for

    async def abort_for(self: Commit, obstacle: Exception) -> Decision | None:
        alone, self._alone = self._alone, True
        try:
            return await right(self, obstacle)
        finally:
            self._alone = alone

    return [(Commit, "_abort_for", abort_for)]


def _rollback_against_the_decision() -> Patches:
    async def abort(self: Commit, **_: Any) -> Decision:
        decision = await self._context.decisions.force_abort(self._tx_id)
        await self._records.roll_back()
        return Decision(TransactionState.ABORTED, decision.decided_at)

    return [(Commit, "abort", abort)]


def _decision_of_another_part_taken_for_a_conflict() -> Patches:
    right = Commit._decide

    async def decide(self: Commit, *how: Any) -> Decision:
        at = self._context.runtime.now_ms()
        decision = await right(self, *how)
        if not self._alone and decision.decided_at < at:
            return Decision(TransactionState.ABORTED, decision.decided_at)
        return decision

    return [(Commit, "_decide", decide)]


def _commit_without_validation() -> Patches:
    right = TwoPhaseSteps._prepared_commit

    def prepared_commit(self: TwoPhaseSteps, step: str, *phases: Phase) -> Commit:
        return right(self, step, *phases, Phase.PREPARED)

    return [(TwoPhaseSteps, "_prepared_commit", prepared_commit)]


def _rows_of_other_parts_passed_over() -> Patches:
    """Whatever bears the own id is not looked at, although another part has put it there."""
    right = Validation.check_point

    async def check_point(
        self: Validation, reads: Reads, table: TransactionalTable, record_id: RecordId
    ) -> None:
        row = await reads.get(table.stored, record_id[1])
        if row is None or row["tx_id"] != self._tx_id:
            await right(self, reads, table, record_id)

    def as_found(self: Validation, table: TransactionalTable, row: Row | None) -> Row | None:
        return row

    def is_own(self: Validation, trace: ScanTrace, row: Row) -> bool:
        return self._tx_id is not None and row["tx_id"] == self._tx_id

    return [
        (Validation, "check_point", check_point),
        (Validation, "_as_found", as_found),
        (Validation, "_is_own", is_own),
    ]


def _removed_decision_of_another_part() -> Patches:
    """COMMITTED may have stood, have been obeyed, and have been removed before this ABORTED."""

    async def believe(aborted: Decision, *_: Any) -> Decision:
        return aborted

    return [(commit, "believe", believe)]


BUGS: Final[Mapping[str, Bug]] = {
    "a part fails without a decision": _failure_without_a_decision,
    "unwritten abort of a part taken for certain": _abort_believed_unwritten,
    "a part rolled back against the decision": _rollback_against_the_decision,
    "decision of another part taken for a conflict": _decision_of_another_part_taken_for_a_conflict,
    "a part committed without validation": _commit_without_validation,
    "rows of other parts passed over": _rows_of_other_parts_passed_over,
    "removed decision of another part taken for an abort": _removed_decision_of_another_part,
}

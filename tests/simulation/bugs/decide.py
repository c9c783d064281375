"""Mistakes in deciding, and in what is told when a decision got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import commit, settle
from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.record import TxState
from scalar_tx.errors import ConflictError, UnknownOutcomeError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.decision_row import NewRow
    from scalar_tx.consensus_commit.decisions import DecisionMaker
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _records_before_the_decision() -> Patches:
    decide = Commit._decide

    async def rolled_first(self: Commit, *how: Any) -> Decision:
        await self._records.roll_forward(self._context.runtime.now_ms())
        return await decide(self, *how)

    return [(Commit, "_decide", rolled_first)]


def _decision_overwrites() -> Patches:
    async def write(
        self: CoordinatorTable, row: NewRow, also: Sequence[StorageMutation] = ()
    ) -> None:
        plainly = Write(await self.table(), (row.key,), row.columns())
        await self._storage.mutate([plainly, *also])

    return [(CoordinatorTable, "_write", write)]


def _unknown_reported_as_failed() -> Patches:
    async def settled(*args: Any, **kwargs: Any) -> Decision:
        raise ConflictError("the decision failed")

    decide = Commit._decide

    async def decided(self: Commit, *how: Any) -> Decision:
        try:
            return await decide(self, *how)
        except (ConflictError, UnknownOutcomeError):
            return Decision(TransactionState.ABORTED, 0)

    return [(commit, "settle_own", settled), (Commit, "_decide", decided)]


def _absent_decision_trusted() -> Patches:
    """No decision is seen, so there will be none; but the own one may still be on its way."""

    async def settled(decisions: DecisionMaker, tx_id: str, **_: Any) -> Decision:
        try:
            standing = await decisions.read(tx_id)
        except UndecidedError as error:
            raise UnknownOutcomeError("not readable", transaction_id=tx_id) from error
        return standing or Decision(TransactionState.ABORTED, 0)

    return [(commit, "settle_own", settled)]


def _lost_reply_taken_for_a_refusal() -> Patches:
    """The own COMMITTED whose reply was lost is met at the second try and taken for a conflict."""

    async def decide(
        self: CoordinatorTable, row: NewRow, also: Sequence[StorageMutation] = ()
    ) -> Decision:
        ours, _, _ = await self._insert(row, also)
        committed = ours and row.state is TxState.COMMITTED
        state = TransactionState.COMMITTED if committed else TransactionState.ABORTED
        return Decision(state, row.at)

    return [(CoordinatorTable, "_decide", decide)]


def _late_commit_accepted() -> Patches:
    """COMMITTED takes the place of an ABORTED that somebody has forced meanwhile."""

    async def write(
        self: CoordinatorTable, row: NewRow, also: Sequence[StorageMutation] = ()
    ) -> None:
        condition = None if row.state is TxState.COMMITTED else if_not_exists
        decision = Write(await self.table(), (row.key,), row.columns(), condition)
        await self._storage.mutate([decision, *also])

    return [(CoordinatorTable, "_write", write)]


def _removed_decision_taken_for_an_abort() -> Patches:
    """The own COMMITTED may have landed, have been obeyed, and have been removed."""

    async def believe(aborted: Decision, *_: Any) -> Decision:
        return aborted

    return [(settle, "believe", believe)]


BUGS: Final[Mapping[str, Bug]] = {
    "records rolled forward before the decision": _records_before_the_decision,
    "decision not if-absent": _decision_overwrites,
    "unknown reported as failed": _unknown_reported_as_failed,
    "absent decision trusted": _absent_decision_trusted,
    "own decision met again taken for a conflict": _lost_reply_taken_for_a_refusal,
    "late COMMITTED accepted": _late_commit_accepted,
    "removed decision taken for an abort": _removed_decision_taken_for_an_abort,
}

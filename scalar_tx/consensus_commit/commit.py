"""How is a transaction committed?

Prepare every record, validate every read, decide by one row, finish the records: four steps, in
that order, each only after the one before has succeeded everywhere (Consensus Commit specification
4). Failure and success meet at one decision. ``run`` takes the steps one after the other; where a
transaction has several parts, each part is told when to take the next (``two_phase``).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn, TypeVar

from scalar_tx.consensus_commit.commit_hook import CommitEvent
from scalar_tx.consensus_commit.commit_path import (
    ONE_OF_SEVERAL,
    CommitPath,
    every_step,
    finish_with_decision,
)
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.consensus_commit.own_records import NOTHING_DONE, OwnRecords
from scalar_tx.consensus_commit.record_only import RecordOnly
from scalar_tx.consensus_commit.settle import believe, settle_own, tell_unsettled
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from scalar_tx.consensus_commit.commit_path import Route
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.own_records import ReadFirst
    from scalar_tx.consensus_commit.snapshot import PendingWrite, Snapshot
    from scalar_tx.storage.interface import StorageMutation

T = TypeVar("T")
_log = logging.getLogger("scalar_tx.commit")


class Commit:
    """One commit of a transaction that writes something.

    ``decision_sent`` is true from the moment on at which a COMMITTED may stand, ``decision`` is
    what is known to stand. ``check_time`` raises once the transaction's time is over.
    ``read_first`` reads records that were to be written unread. ``alone``: nobody else commits
    under this id. ``way``: the steps to take; None: all of them.
    """

    def __init__(
        self,
        context: Context,
        snapshot: Snapshot,
        isolation: Isolation,
        *,
        tx_id: str,
        check_time: Callable[[], None],
        read_first: ReadFirst,
        alone: bool = True,
        way: Route | None = None,
    ) -> None:
        self._context = context
        self._snapshot = snapshot
        self._isolation = isolation
        self._tx_id = tx_id
        self._check_time = check_time
        self._alone = alone
        self._records = OwnRecords(context, snapshot, tx_id, read_first, alone=alone)
        self._also: list[StorageMutation] = []
        grouped = alone and marks(tx_id).group is not None
        self._groups = context.groups if grouped else None
        self.way = way or every_step((), ONE_OF_SEVERAL)
        self._records.leave_to_decision(self.way.fused)
        self.decision_sent = False
        self.decision: Decision | None = None

    async def run(self) -> None:
        """Commit, or raise why not; UnknownOutcomeError if nobody can tell."""
        await self.check_ready()
        try:
            await self.prepare()
            await self.validate()
            await self._ask_hooks(parts=1)
            self._check_time()
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, the abort comes first
            await self.give_up(obstacle)
        if self.way.path is CommitPath.RECORD_ONLY:
            await self._write_records()
        else:
            await self._decide_and_finish()

    async def _write_records(self) -> None:
        """Commit by the records alone; nobody decides, and nothing is left to be finished."""
        one_write = RecordOnly(self._context, self._snapshot, self.way.fused, self._tx_id)
        try:
            await one_write.run()
        except UnknownOutcomeError:
            raise
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, it means that nothing is done
            await self.give_up(obstacle)
        finally:
            self.decision_sent = one_write.sent

    async def check_ready(self) -> None:
        """InvalidOperationError, before anything is prepared, if no decision could be made."""
        decides = self._groups or self._context.decisions
        await guarded(decides.ready(), self._tx_id)

    # Prepare and validate.

    async def prepare(self) -> None:
        """Write every record as prepared; raises what a storage says, ``abort`` is then due."""
        if self._context.finish_later is not None:
            # What this process has left unfinished would be in its own way.
            await self._context.finish_later.wait_for(self._snapshot.writes)
        self._records.plan()
        also = () if self._alone else await self._ask_prepare_hooks()
        await self._records.prepare(also)

    async def validate(self) -> None:
        """ConflictError if a read does not hold any more, ``abort`` is then due."""
        if self._isolation is Isolation.SERIALIZABLE:
            prepared = self._snapshot.writes.keys()
            await Validation(self._context, self._snapshot, self._tx_id, prepared).run()

    def _event(self, parts: int | None) -> CommitEvent:
        return CommitEvent(
            transaction_id=self._tx_id,
            epoch=marks(self._tx_id).epoch,
            isolation=self._isolation,
            writes=self._records.planned(),
            parts=parts,
        )

    async def _ask_prepare_hooks(self) -> list[StorageMutation]:
        if not self._snapshot.writes or not self._context.prepare_hooks:
            return []
        event = self._event(None)
        answers = [await hook(event) for hook in self._context.prepare_hooks]
        return [mutation for answer in answers for mutation in answer]

    async def _ask_hooks(self, *, parts: int | None) -> None:
        if not self._snapshot.writes or not self._context.commit_hooks:
            return
        event = self._event(parts)
        for hook in self._context.commit_hooks:
            answer = await hook(event)
            if answer is not None:
                self._also.extend(answer.mutations)
                if answer.before_decision is not None:
                    await answer.before_decision()

    # Decide and finish.

    async def decide(self, parts: int | None) -> None:
        """Ask for COMMITTED, one of several parts, and obey whatever stands; as ``run`` ends."""
        try:
            await self._ask_hooks(parts=parts)
        except Exception as obstacle:
            self.decision = await self._abort_for(obstacle)
            if self.decision is None or self.decision.state is TransactionState.ABORTED:
                raise self._records.in_the_way.as_error(obstacle) from obstacle
            _log.exception("a hook failed, but another part has committed %s", self._tx_id)
            return
        await self._decide_and_finish()

    async def _decide_and_finish(self) -> None:
        await self._obey(await self._decided())

    async def _decided(self) -> Decision:
        if self._records.go_with_decision:
            return await self._decide_with_records()
        return await self._decide_and_finish_at_once() or await self._decide(self._plainly)

    async def _decide_with_records(self) -> Decision:
        """Write the decision and the records that were not prepared; or give up."""
        at = self._context.runtime.now_ms()
        records = self._records.final(at)
        if not self._has_room(len(records)):
            await self._or_give_up(self._records.prepare_rest())
            return await self._decide(self._plainly)
        try:
            return await self._decide(lambda: self._together(at, records), NOTHING_DONE)
        except NOTHING_DONE as obstacle:
            self.decision_sent = False
            if (aborted := await self._aborted_by_others(obstacle)) is not None:
                return aborted
            refused = isinstance(obstacle, WriteRefusedError)
            if not refused or not await self._or_give_up(self._records.read_what_is_final()):
                await self.give_up(obstacle)
        return await self._decided()

    async def _or_give_up(self, step: Awaitable[T]) -> T:
        try:
            return await step
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, the abort comes first
            await self.give_up(obstacle)

    async def _aborted_by_others(self, refusal: Exception) -> Decision | None:
        """Was the write refused because somebody has aborted the transaction by its id?"""
        if not (self.way.id_is_known and isinstance(refusal, WriteRefusedError)):
            return None
        try:
            standing = await self._context.decisions.read(self._tx_id)
        except UndecidedError as error:
            _log.info("could not look for a decision about %s: %s", self._tx_id, kind_of(error))
            return None
        aborted = standing is not None and standing.state is TransactionState.ABORTED
        return standing if aborted else None

    async def _decide_and_finish_at_once(self) -> Decision | None:
        """Write the decision and finish the records that lie with it; None: it was refused.

        That the records can't be finished so says nothing of the decision, which is then asked for
        by itself: a reader may have finished or undone one of them by what stands.
        """
        home = self._context.decisions.home() if self._alone else None
        if home is None or not self._context.options.one_phase_commit:
            return None
        at = self._context.runtime.now_ms()
        records = self._records.finishing(at, home)
        if not finish_with_decision(home, len(records), len(self._also)):
            return None
        try:
            decision = await self._decide(lambda: self._together(at, records), NOTHING_DONE)
        except NOTHING_DONE:
            return None
        if decision.state is TransactionState.COMMITTED:
            self._records.are_finished(records)
        return decision

    def _has_room(self, records: int) -> bool:
        home = self._context.decisions.home()
        return home is not None and 1 + len(self._also) + records <= home.max_mutations

    async def _obey(self, decision: Decision) -> None:
        if decision.state is TransactionState.ABORTED:
            await self._roll_back(decision)
            raise ConflictError(
                "this transaction was aborted before it could commit: by another one, since it "
                "took longer than 15 s, or by itself, since its decision did not arrive",
                transaction_id=self._tx_id,
                code="STX-1030",
            )
        await self._records.roll_forward(decision.decided_at)

    async def _decide(
        self, ask: Callable[[], Awaitable[Decision]], refusals: tuple[type[Exception], ...] = ()
    ) -> Decision:
        """Ask for COMMITTED, or settle what became of the question.

        ``refusals``: errors of the question that mean that it changed nothing.
        """
        self.decision_sent = True
        try:
            self.decision = decision = await ask()
        except UnknownOutcomeError:
            tell_unsettled()
            raise
        except UndecidedError as error:
            self.decision = decision = await self._settled(error)
        except Exception as error:
            if isinstance(error, refusals):
                raise
            tell_unsettled()
            raise self._senseless(error) from error
        return decision

    async def _settled(self, undecided: UndecidedError) -> Decision:
        try:
            return await settle_own(
                self._context.decisions,
                self._tx_id,
                # A decision that was there and is gone may have been another part's COMMITTED.
                committed_may_stand=not self._alone
                or (undecided.may_stand and self._context.options.decisions_are_removed),
                look=self._records.look,
            )
        except UnknownOutcomeError:
            raise
        except Exception as error:
            raise self._senseless(error) from error

    def _senseless(self, error: Exception) -> UnknownOutcomeError:
        # A damaged row, a mistake of an adapter: whatever it is, COMMITTED may stand.
        return UnknownOutcomeError(
            f"the decision was sent and its answer makes no sense: {error}",
            transaction_id=self._tx_id,
        )

    async def _together(self, at: int, records: Sequence[StorageMutation]) -> Decision:
        together = [*self._also, *records]
        return await self._context.decisions.decide_with(self._tx_id, at, together, self._written())

    async def _plainly(self) -> Decision:
        at = self._context.runtime.now_ms()
        decides = self._groups or self._context.decisions
        decision = await decides.decide(self._tx_id, at, self._also, self._written())
        if not self._alone and decision.state is TransactionState.ABORTED:
            # Another part's COMMITTED may have been obeyed and removed before this took its place.
            return await believe(decision, self._tx_id, self._records.look)
        return decision

    def _written(self) -> Collection[PendingWrite] | None:
        """All there is to be finished under this id; None: another part may have written more."""
        return self._snapshot.writes.values() if self._alone else None

    # Give up.

    async def _roll_back(self, decision: Decision, *, refused: bool = False) -> None:
        """Undo what was prepared, now if something is to be learnt by it: what stood in the way."""
        if refused or not self._alone or not self._records.roll_back_later(decision):
            await self._records.roll_back()

    async def abort(self, *, refused: bool = False, may_be_committed: bool = False) -> Decision:
        """Make sure that nobody can commit what was prepared, and undo it.

        ``refused``: a record could not be written, and the caller is to be told why.
        ``may_be_committed``: another part may have committed it already, and its decision may have
        been obeyed and removed before this one took its place.
        Returns COMMITTED if somebody has committed it: then it is finished instead. UndecidedError
        if the decision, or then the records, can't be reached, for whatever reason.
        """
        try:
            # No COMMITTED was sent that this ABORTED would have to hold up: then it is settled.
            written = self._written()
            if self._groups is not None:
                decision = await self._groups.abort(self._tx_id, written)
            else:
                decision = await self._context.decisions.force_abort(self._tx_id, written)
        except ScalarTxError as error:
            # A closed storage, a lost table, a damaged row: no abort was written.
            raise UndecidedError(str(error), may_stand=not self._alone) from error
        if decision.state is TransactionState.COMMITTED:
            await self._records.roll_forward(decision.decided_at)
            return decision
        if may_be_committed and self._snapshot.writes:
            decision = await self._believed(decision)
        if decision.state is TransactionState.ABORTED:
            await self._roll_back(decision, refused=refused)
        return decision

    async def _believed(self, aborted: Decision) -> Decision:
        """Ask the records, before they are undone: what was made and is gone tells nothing."""
        try:
            return await believe(aborted, self._tx_id, self._records.look)
        except UnknownOutcomeError:
            # Most likely somebody has met the abort and undone them (specification 11.4, 12).
            return aborted

    async def _abort_for(self, obstacle: Exception) -> Decision | None:
        """Abort; None if there is nothing to abort, or it could not be written and need not be."""
        if self._nothing_to_abort():
            if isinstance(obstacle, WriteRefusedError):
                await self._records.look_what_is_in_the_way()
            return None
        try:
            return await self.abort(refused=isinstance(obstacle, WriteRefusedError))
        except UndecidedError as error:
            if not self._alone:
                raise UnknownOutcomeError(
                    "the abort of this part could not be written, and another part may commit: "
                    f"{self._records.in_the_way.as_error(obstacle)}",
                    transaction_id=self._tx_id,
                ) from error
            # Only this process could have committed, and it never will: the outcome is certain,
            # although the records wait for their expiry before others may undo them.
            _log.warning("could not write the abort of %s; its records expire", self._tx_id)
            return None

    def _nothing_to_abort(self) -> bool:
        """Was every record that was to be written refused for certain?"""
        spared = self._alone and self._context.options.one_phase_commit
        return spared and bool(self._snapshot.writes) and not self._records.may_be_prepared

    async def give_up(self, obstacle: Exception) -> NoReturn:
        """Abort, and raise what the caller is told of the obstacle."""
        decision = await self._abort_for(obstacle)
        if decision is not None and decision.state is TransactionState.COMMITTED:
            raise UnknownOutcomeError(
                f"somebody else committed under the id {self._tx_id} meanwhile: what this "
                "transaction had prepared is committed with it, the rest of it is not",
                advice="Read the records and decide by what they hold; never use an id twice",
                transaction_id=self._tx_id,
            ) from obstacle
        raise self._records.in_the_way.as_error(obstacle) from obstacle

"""How do several processes commit one transaction together?

One begins it, the others join by its id. Each works on its own databases and keeps its own reads
and writes; all share one coordinator table. Then each prepares; when all have, each validates; when
all have, each commits, all of them at once if they like. Whoever asks first decides, the others
find the decision (Consensus Commit specification 7.1).

A part whose prepare or validation fails writes ABORTED before it says so. What the others do then
does not matter any more: none of them can commit.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.decisions import UndecidedError, refuse_decided
from scalar_tx.consensus_commit.guarded_reads import pre_read
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import InvalidOperationError, UnknownOutcomeError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId


class Phase(Enum):
    """How far a part has come."""

    ACTIVE = "reads and writes"
    PREPARING = "may have prepared records"
    PREPARED = "has prepared its records"
    VALIDATED = "has validated its reads"


class TwoPhaseSteps(TransactionSteps):
    """One part of a transaction, from its first operation to its end.

    ``joined``: another process has begun it.
    """

    decides_alone = False

    def __init__(
        self,
        context: Context,
        isolation: Isolation,
        *,
        read_only: bool = False,
        caller_id: str | None = None,
        joined: bool = False,
        timeout: float | None = None,
    ) -> None:
        super().__init__(
            context, isolation, read_only=read_only, caller_id=caller_id, timeout=timeout
        )
        self._fresh = caller_id is None or joined  # no need to ask whether it was used before
        self._commit: Commit | None = None
        self.phase = Phase.ACTIVE

    def take_back(self, written: dict[RecordId, PendingWrite]) -> None:
        """As for every transaction, as long as nothing was prepared; InvalidOperationError.

        What is prepared is committed, and hooks are told of all of it.
        """
        if self.phase is not Phase.ACTIVE:
            raise self._out_of_turn("take back writes", Phase.ACTIVE)
        super().take_back(written)

    async def prepare(self) -> None:
        """Write this part's records as prepared, over exactly what was read of them.

        If that fails the transaction is aborted, for every part, and the error says why.
        """
        self._require_open()
        await self._close_cursors()
        if not self._fresh:
            await refuse_decided(self._context.decisions, self.id)
        commit = self._new_commit()
        await commit.check_ready()
        self._commit = commit
        self.phase = Phase.PREPARING
        await self._or_abort(self._prepare(commit), commit)
        self.phase = Phase.PREPARED

    async def _prepare(self, commit: Commit) -> None:
        self._check_time()
        await pre_read(self._reader, self._id)
        await self._wait_for_recoveries()
        await commit.prepare()
        self._check_time()

    async def validate(self) -> None:
        """Look whether what this part has read still holds; at SERIALIZABLE, else nothing.

        If it does not the transaction is aborted, for every part, and the error says why.
        """
        commit = self._prepared_commit("validate", Phase.PREPARED)
        await self._or_abort(self._validate(commit), commit)
        self.phase = Phase.VALIDATED

    async def _validate(self, commit: Commit) -> None:
        await commit.validate()
        self._check_time()

    async def commit(self, parts: int | None = None) -> None:
        """Ask for the decision and finish this part's records by it.

        ``parts``: how many parts the transaction has, for hooks. ConflictError: it is aborted.
        UnknownOutcomeError: the decision could not be reached.
        """
        if parts is not None:
            check_parts(parts)
        commit = self._prepared_commit("commit", *self._may_commit_in())
        outcome = TransactionState.UNKNOWN
        try:
            await commit.decide(parts)
            outcome = TransactionState.COMMITTED
        except UnknownOutcomeError:
            raise
        except Exception:
            outcome = TransactionState.ABORTED
            raise
        except BaseException:
            # Killed in the middle, and the other parts may commit.
            outcome = known.state if (known := commit.decision) else TransactionState.UNKNOWN
            raise
        finally:
            # No calls before: Ctrl-C comes in at them, and what is committed would look open.
            self.outcome = outcome
            self.finished = True
            self._tell_ended()

    async def rollback(self) -> None:
        """Abort the transaction, for every part, unless another part has committed it.

        Before ``prepare`` it only forgets what this part did. InvalidOperationError: it is
        committed, and this part's records with it. UnknownOutcomeError: the decision can't be
        reached; call it again.
        """
        if self.finished or self._commit is None:
            await super().rollback()
            return
        try:
            decision = await self._commit.abort(
                may_be_committed=self.phase in self._may_commit_in()
            )
        except UndecidedError as error:
            raise UnknownOutcomeError(
                "the abort could not be written, and another part may commit meanwhile",
                advice="Roll back again once the coordinator's storage answers",
                transaction_id=self.id,
            ) from error
        self.outcome = decision.state
        self.finished = True
        self._tell_ended()
        if decision.state is TransactionState.COMMITTED:
            raise InvalidOperationError(
                "can't roll back: another part of this transaction has committed it",
                advice="Commit only after all parts have prepared and validated; nothing is left "
                "to do here, this part's records are committed too",
                transaction_id=self.id,
                code="STX-3054",
            )

    async def confirm_reads(self) -> None:
        """As for every transaction, as long as nothing was prepared."""
        if self.phase is Phase.ACTIVE:
            await super().confirm_reads()

    async def _or_abort(self, step: Coroutine[Any, Any, None], commit: Commit) -> None:
        try:
            await step
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, the abort comes first
            try:
                await commit.give_up(obstacle)
            except Exception as error:
                unknown = isinstance(error, UnknownOutcomeError)
                self.outcome = TransactionState.UNKNOWN if unknown else TransactionState.ABORTED
                self.finished = True
                self._tell_ended()
                raise

    def _new_commit(self) -> Commit:
        return Commit(
            self._context,
            self._snapshot,
            self.isolation,
            tx_id=self.id,
            check_time=self._check_time,
            read_first=self._read_first,
            alone=False,
        )

    def _require_open(self) -> None:
        super()._require_open()
        if self.phase is not Phase.ACTIVE:
            raise self._out_of_turn("read, write or prepare", Phase.ACTIVE)

    def _prepared_commit(self, step: str, *phases: Phase) -> Commit:
        """The commit begun by ``prepare``; refuses a step that is not the next one."""
        super()._require_open()
        if self._commit is None or self.phase not in phases:
            raise self._out_of_turn(step, *phases)
        return self._commit

    def _may_commit_in(self) -> tuple[Phase, ...]:
        """The phases in which this part has agreed to a commit, by whichever part."""
        if self.isolation is Isolation.SERIALIZABLE:
            return (Phase.VALIDATED,)
        return (Phase.PREPARED, Phase.VALIDATED)

    def _out_of_turn(self, step: str, *phases: Phase) -> InvalidOperationError:
        wanted = " or ".join(phase.name.lower() for phase in phases)
        return InvalidOperationError(
            f"can't {step}: this part is {self.phase.name.lower()}, not {wanted}",
            advice="In each process: reads and writes, then prepare, validate and commit in that "
            "order; roll back to give up",
            transaction_id=self.id,
            code="STX-3053",
        )


def check_parts(parts: object) -> None:
    """InvalidOperationError if that is no number of parts."""
    if not isinstance(parts, int) or isinstance(parts, bool) or parts < 1:
        raise InvalidOperationError(
            f"parts={parts!r} is no number of parts",
            advice="Give how many processes take part in the transaction, or leave it out",
            code="STX-3013",
        )

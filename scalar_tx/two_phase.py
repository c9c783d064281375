"""The two-phase interface that threads use: several processes, one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.transaction_id import check_callers_id, check_known_id
from scalar_tx.model.isolation import Isolation
from scalar_tx.observe.tracing import TransactionSpan
from scalar_tx.traced import TracedTransaction
from scalar_tx.transaction import Transaction, leave_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from scalar_tx.backend import Backend, TwoPhaseSteps
    from scalar_tx.open_transactions import OpenTransactions


class TwoPhaseTransaction(Transaction):
    """One part of a transaction that several processes make, each on its own databases.

    In each of them: reads and writes as in any transaction; then, when all are done with these,
    ``prepare``; when all have prepared, ``validate``; when all have validated, ``commit``. Where a
    step fails in one of them, ``rollback`` in all (Consensus Commit specification 7.1). From the
    first prepare to the first commit it must not take 15 seconds: after that others may abort it.

    A ``with`` block rolls back if an exception leaves it; else the part stays as it is:
    its next step may come with another request, which finds it by ``db.two_phase.resume``.
    """

    _steps: TwoPhaseSteps

    def prepare(self) -> None:
        """Write this part's records as prepared; afterwards it reads and writes no more.

        ConflictError or StorageUnavailableError: the transaction is aborted, for every part.
        UnknownOutcomeError: this part has failed and could not make that known; roll back the
        others, or ``db.settle(id)``.
        """
        self._finish(self._steps.prepare())

    def validate(self) -> None:
        """Look whether what this part has read still holds; needed at SERIALIZABLE.

        The errors are those of ``prepare``.
        """
        self._finish(self._steps.validate())

    def commit(self, *, parts: int | None = None) -> None:
        """Commit; in every part, and only after all of them have validated.

        The first one decides, the others find its decision; ``parts`` tells hooks how many there
        are. ConflictError: it is aborted. UnknownOutcomeError: ``db.settle(id)`` tells later.
        """
        self._finish(self._steps.commit(parts))

    def _rollback(self) -> None:
        self._finish(self._steps.rollback())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Roll back on an exception."""
        if error is not None and not self._steps.finished:
            leave_with(self, error)


class TracedPart(TracedTransaction, TwoPhaseTransaction):
    """A part with a span, in a program that traces."""


class TwoPhase:
    """Begins, joins and finds transactions of several processes: ``db.two_phase``.

    All processes share one coordinator table; their other tables may lie in different databases.
    """

    def __init__(
        self,
        parts: Callable[[], Backend],
        register: OpenTransactions[TwoPhaseTransaction],
    ) -> None:
        self._parts = parts
        self._register = register

    def begin(
        self,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        id: str | None = None,  # noqa: A002  # the name the interface has
        timeout: float | None = None,
    ) -> TwoPhaseTransaction:
        """Begin a transaction; hand its ``.id`` to the processes that are to join it.

        ``id`` is a text never used before; ``timeout`` in seconds bounds this part until it has
        validated.
        """
        steps = new_part(
            self._parts(), isolation, read_only=read_only, begin_id=id, timeout=timeout
        )
        return self._opened(steps)

    start = begin

    def join(
        self,
        transaction_id: str,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        timeout: float | None = None,
    ) -> TwoPhaseTransaction:
        """Take part in a transaction that another process has begun."""
        steps = new_part(
            self._parts(), isolation, read_only=read_only, join_id=transaction_id, timeout=timeout
        )
        return self._opened(steps)

    def resume(self, transaction_id: str) -> TwoPhaseTransaction:
        """The open part of that id in this process. TransactionNotFoundError."""
        self._parts()
        return self._register.find(check_known_id(transaction_id))

    def _opened(self, steps: TwoPhaseSteps) -> TwoPhaseTransaction:
        span = TransactionSpan.begun(steps, operation="part")
        transaction = (
            TwoPhaseTransaction(steps, self._register)
            if span is None
            else TracedPart(steps, self._register, span)
        )
        self._register.add(steps.id, transaction)
        return transaction


def new_part(
    backend: Backend,
    isolation: Isolation | str | None,
    *,
    read_only: bool,
    begin_id: str | None = None,
    join_id: object = None,
    timeout: float | None,
) -> TwoPhaseSteps:
    """A part of a transaction; InvalidOperationError where there can be none."""
    joined = join_id is not None
    wanted = join_id if joined else begin_id
    return backend.part(
        None if isolation is None else Isolation.parse(isolation),
        read_only=read_only,
        caller_id=None if wanted is None else check_callers_id(wanted),
        joined=joined,
        timeout=timeout,
    )

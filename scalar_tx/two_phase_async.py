"""The two-phase interface that asyncio tasks use: several processes, one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.transaction_id import check_known_id
from scalar_tx.observe.tracing import TransactionSpan
from scalar_tx.traced_async import AsyncTracedTransaction
from scalar_tx.transaction_async import AsyncTransaction, leave_with_async
from scalar_tx.two_phase import new_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from scalar_tx.admin_async import Drive
    from scalar_tx.backend import Backend, TwoPhaseSteps
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.open_transactions import OpenTransactions


class AsyncTwoPhaseTransaction(AsyncTransaction):
    """One part of a transaction that several processes make, each on its own databases.

    In each of them: reads and writes as in any transaction; then, when all are done with these,
    ``prepare``; when all have prepared, ``validate``; when all have validated, ``commit``. Where a
    step fails in one of them, ``rollback`` in all (Consensus Commit specification 7.1). From the
    first prepare to the first commit it must not take 15 seconds: after that others may abort it.

    An ``async with`` block rolls back if an exception leaves it; else the part stays as it is:
    its next step may come with another request, which finds it by ``db.two_phase.resume``.
    """

    _steps: TwoPhaseSteps

    async def prepare(self) -> None:
        """Write this part's records as prepared; afterwards it reads and writes no more.

        ConflictError or StorageUnavailableError: the transaction is aborted, for every part.
        UnknownOutcomeError: this part has failed and could not make that known; roll back the
        others, or ``db.settle(id)``.
        """
        await self._finish(self._steps.prepare())

    async def validate(self) -> None:
        """Look whether what this part has read still holds; needed at SERIALIZABLE.

        The errors are those of ``prepare``.
        """
        await self._finish(self._steps.validate())

    async def commit(self, *, parts: int | None = None) -> None:
        """Commit; in every part, and only after all of them have validated.

        The first one decides, the others find its decision; ``parts`` tells hooks how many there
        are. ConflictError: it is aborted. UnknownOutcomeError: ``db.settle(id)`` tells later.
        """
        await self._finish(self._steps.commit(parts))

    async def _rollback(self) -> None:
        await self._finish(self._steps.rollback())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Roll back on an exception."""
        if error is not None and not self._steps.finished:
            await leave_with_async(self, error)


class AsyncTracedPart(AsyncTracedTransaction, AsyncTwoPhaseTransaction):
    """A part with a span, in a program that traces."""


class AsyncTwoPhase:
    """Begins, joins and finds transactions of several processes: ``db.two_phase``.

    All processes share one coordinator table; their other tables may lie in different databases.
    """

    def __init__(
        self,
        parts: Callable[[], Backend],
        register: OpenTransactions[AsyncTwoPhaseTransaction],
        drive: Drive,
    ) -> None:
        self._parts = parts
        self._register = register
        self._drive = drive

    def begin(
        self,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        id: str | None = None,  # noqa: A002  # the name the interface has
        timeout: float | None = None,
    ) -> AsyncTwoPhaseTransaction:
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
    ) -> AsyncTwoPhaseTransaction:
        """Take part in a transaction that another process has begun."""
        steps = new_part(
            self._parts(), isolation, read_only=read_only, join_id=transaction_id, timeout=timeout
        )
        return self._opened(steps)

    def resume(self, transaction_id: str) -> AsyncTwoPhaseTransaction:
        """The open part of that id in this process. TransactionNotFoundError."""
        self._parts()
        return self._register.find(check_known_id(transaction_id))

    def _opened(self, steps: TwoPhaseSteps) -> AsyncTwoPhaseTransaction:
        span = TransactionSpan.begun(steps, operation="part")
        transaction = (
            AsyncTwoPhaseTransaction(steps, self._register, self._drive)
            if span is None
            else AsyncTracedPart(steps, self._register, self._drive, span)
        )
        self._register.add(steps.id, transaction)
        return transaction

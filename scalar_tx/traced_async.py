"""What does a transaction of asyncio tell a trace?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from scalar_tx.observe.tracing import TransactionSpan
from scalar_tx.transaction_async import AsyncTransaction

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from scalar_tx.admin_async import Drive
    from scalar_tx.backend import Steps
    from scalar_tx.observe.tracing import RunSpan
    from scalar_tx.open_transactions import OpenTransactions

T = TypeVar("T")


class AsyncTracedTransaction(AsyncTransaction):
    """A transaction with a span, in a program that traces."""

    def __init__(
        self,
        steps: Steps,
        register: OpenTransactions[Any],
        drive: Drive,
        span: TransactionSpan,
        *,
        owned: bool = False,
    ) -> None:
        super().__init__(steps, register, drive, owned=owned)
        self._span = span
        span.end_with(self)

    async def _run(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        with self._span.call(self._steps):
            return await super()._run(steps, whole=whole)

    async def __aenter__(self) -> Self:
        """Hand the transaction to an ``async with`` block, all of which is within its span."""
        self._span.enter()
        return await super().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit at the end of the block, roll back on an exception."""
        self._span.leaves_block(error)
        try:
            await super().__aexit__(kind, error, traceback)
        finally:
            self._span.leave()


def begun(
    steps: Steps,
    register: OpenTransactions[Any],
    drive: Drive,
    run: RunSpan | None,
    *,
    owned: bool,
) -> AsyncTransaction:
    """A new transaction, of ``run`` if it is one of its attempts; traced if the program traces."""
    span = TransactionSpan.begun(steps, run)
    if span is None:
        return AsyncTransaction(steps, register, drive, owned=owned)
    return AsyncTracedTransaction(steps, register, drive, span, owned=owned)

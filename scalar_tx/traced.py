"""What does a transaction of threads tell a trace?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from scalar_tx.observe.tracing import TransactionSpan
from scalar_tx.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from scalar_tx.backend import Steps
    from scalar_tx.observe.tracing import RunSpan
    from scalar_tx.open_transactions import OpenTransactions

T = TypeVar("T")


class TracedTransaction(Transaction):
    """A transaction with a span, in a program that traces."""

    def __init__(
        self,
        steps: Steps,
        register: OpenTransactions[Any],
        span: TransactionSpan,
        *,
        owned: bool = False,
    ) -> None:
        super().__init__(steps, register, owned=owned)
        self._span = span
        span.end_with(self)

    def _run(self, steps: Coroutine[Any, Any, T]) -> T:
        with self._span.call(self._steps):
            return super()._run(steps)

    def __enter__(self) -> Self:
        """Hand the transaction to a ``with`` block, all of which is within its span."""
        self._span.enter()
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit at the end of the block, roll back on an exception."""
        self._span.leaves_block(error)
        try:
            super().__exit__(kind, error, traceback)
        finally:
            self._span.leave()


def begun(
    steps: Steps, register: OpenTransactions[Any], run: RunSpan | None, *, owned: bool
) -> Transaction:
    """A new transaction, of ``run`` if it is one of its attempts; traced if the program traces."""
    span = TransactionSpan.begun(steps, run)
    if span is None:
        return Transaction(steps, register, owned=owned)
    return TracedTransaction(steps, register, span, owned=owned)

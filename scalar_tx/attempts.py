"""How is a block run again until it commits? ``for attempt in db.attempts(): with attempt as tx:``

``run`` and ``@transactional`` are built on the same two loops.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import ScalarTxError
from scalar_tx.observe.tracing import RunSpan
from scalar_tx.runs import RunCount

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from tenacity import AttemptManager

    from scalar_tx.retry import Reruns
    from scalar_tx.transaction import Transaction
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_tx.retry")


class _Progress:
    """Why does the last attempt want another one?"""

    def __init__(self) -> None:
        self.conflict: ScalarTxError | None = None
        self.span = RunSpan.begun()
        self.count = RunCount()

    def over(self) -> None:
        """No attempt follows."""
        self.count.over()
        if self.span is not None:
            self.span.end()

    def leave(self) -> None:
        """The loop was left, by return or break, or nobody has it any more."""
        if self.span is not None:
            self.span.leave()
            self.span = None

    def report_abandoned(self) -> None:
        # Left by return or break at the very moment at which a conflict asked for a rerun.
        if self.conflict is not None:
            _log.error(
                "a loop over attempts() was left by return or break although its transaction did "
                "not commit; let the loop end by itself, or use run()"
            )


def _judge(
    ended: BaseException | None,
    raised_in_block: BaseException | None,
    turn: AttemptManager | None,
    progress: _Progress,
) -> bool:
    """Tell the loop how an attempt ended; True: the loop goes on, it decides about a rerun."""
    if ended is None:
        if turn is not None:
            turn.__exit__(None, None, None)
        return False
    if not isinstance(ended, ScalarTxError) or not ended.retryable:
        if ended is raised_in_block:
            return False
        raise ended
    progress.conflict = ended
    if turn is not None:
        turn.__exit__(type(ended), ended, ended.__traceback__)
    return True


def _first_pause(reruns: Reruns, progress: _Progress) -> float:
    """The pause after the first attempt; raises its conflict if the policy allows no other."""
    conflict, progress.conflict = progress.conflict, None
    assert conflict is not None  # noqa: S101  # only asked after one
    return reruns.pause_after_first(conflict)


class Attempts:
    """A loop that ends by itself once an attempt has committed, or raises what stopped it."""

    def __init__(self, reruns: Reruns, sleep: Callable[[float], None], begin: Any) -> None:
        self._reruns = reruns
        self._sleep = sleep
        self._begin: Callable[[RunSpan | None], Transaction] = begin

    def __iter__(self) -> Iterator[Attempt]:
        """One attempt after the other."""
        progress = _Progress()
        try:
            yield Attempt(self._begin, None, progress)
            if progress.conflict is None:
                return
            self._sleep(_first_pause(self._reruns, progress))
            for turn in self._reruns.retrying(self._sleep):
                yield Attempt(self._begin, turn, progress)
                progress.conflict = None
        except GeneratorExit:
            progress.leave()
            raise
        finally:
            progress.report_abandoned()
            progress.over()


class Attempt:
    """One attempt: ``with attempt as tx:``. Commits at the end of the block."""

    def __init__(
        self,
        begin: Callable[[RunSpan | None], Transaction],
        turn: AttemptManager | None,
        progress: _Progress,
    ) -> None:
        self._begin = begin
        self._turn = turn
        self._progress = progress
        self._transaction: Transaction | None = None

    def __enter__(self) -> Transaction:
        """Begin the transaction."""
        try:
            self._transaction = self._begin(self._progress.span)
        except BaseException:
            self._progress.over()
            raise
        return self._transaction.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Commit, or roll back and note the error for the loop to judge."""
        transaction = self._transaction
        assert transaction is not None  # noqa: S101  # entered, or it would not be left
        ended: BaseException | None = error
        goes_on = False
        try:
            try:
                transaction.__exit__(kind, error, traceback)
            except Exception as raised:  # noqa: BLE001  # it is judged, and raised there
                ended = raised
            finally:
                self._progress.count.attempt_ended(ended, transaction.outcome)
            goes_on = _judge(ended, error, self._turn, self._progress)
        finally:
            if not goes_on:
                self._progress.over()
        return goes_on


class AsyncAttempts:
    """The same loop for asyncio: ``async for`` and ``async with``."""

    def __init__(
        self, reruns: Reruns, sleep: Callable[[float], Awaitable[None]], begin: Any
    ) -> None:
        self._reruns = reruns
        self._sleep = sleep
        self._begin: Callable[[RunSpan | None], AsyncTransaction] = begin

    async def __aiter__(self) -> AsyncIterator[AsyncAttempt]:
        """One attempt after the other."""
        progress = _Progress()
        try:
            yield AsyncAttempt(self._begin, None, progress)
            if progress.conflict is None:
                return
            await self._sleep(_first_pause(self._reruns, progress))
            async for turn in self._reruns.retrying_async(self._sleep):
                yield AsyncAttempt(self._begin, turn, progress)
                progress.conflict = None
        except GeneratorExit:
            progress.leave()
            raise
        finally:
            progress.report_abandoned()
            progress.over()


class AsyncAttempt:
    """One attempt: ``async with attempt as tx:``. Commits at the end of the block."""

    def __init__(
        self,
        begin: Callable[[RunSpan | None], AsyncTransaction],
        turn: AttemptManager | None,
        progress: _Progress,
    ) -> None:
        self._begin = begin
        self._turn = turn
        self._progress = progress
        self._transaction: AsyncTransaction | None = None

    async def __aenter__(self) -> AsyncTransaction:
        """Begin the transaction."""
        try:
            self._transaction = self._begin(self._progress.span)
        except BaseException:
            self._progress.over()
            raise
        return await self._transaction.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Commit, or roll back and note the error for the loop to judge."""
        transaction = self._transaction
        assert transaction is not None  # noqa: S101  # entered, or it would not be left
        ended: BaseException | None = error
        goes_on = False
        try:
            try:
                await transaction.__aexit__(kind, error, traceback)
            except Exception as raised:  # noqa: BLE001  # it is judged, and raised there
                ended = raised
            finally:
                self._progress.count.attempt_ended(ended, transaction.outcome)
            goes_on = _judge(ended, error, self._turn, self._progress)
        finally:
            if not goes_on:
                self._progress.over()
        return goes_on

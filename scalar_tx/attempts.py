"""How is work run again until it commits, inline: ``for attempt in db.attempts(): with attempt as tx:``?

``run`` and ``@transactional`` are built on the same two loops.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from tenacity import AttemptManager

    from scalar_tx.retry import Reruns
    from scalar_tx.transaction import Transaction
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_tx.retry")


class _Progress:
    """Has the last attempt ended, and does it want another one?"""

    def __init__(self) -> None:
        self.wants_another = False

    def report_abandoned(self) -> None:
        # Left by return or break at the very moment at which a conflict asked for a rerun.
        if self.wants_another:
            _log.error(
                "a loop over attempts() was left by return or break although its transaction did "
                "not commit; let the loop end by itself, or use run()"
            )


def _judge(
    ended: BaseException | None,
    raised_in_block: BaseException | None,
    turn: AttemptManager,
    progress: _Progress,
) -> bool:
    """Tell the loop how an attempt ended; True: the loop goes on, it decides about a rerun."""
    if ended is None:
        turn.__exit__(None, None, None)
        return False
    if not isinstance(ended, Exception) or not getattr(ended, "retryable", False):
        if ended is raised_in_block:
            return False
        raise ended
    turn.__exit__(type(ended), ended, ended.__traceback__)
    progress.wants_another = True
    return True


class Attempts:
    """A loop that ends by itself once an attempt has committed, or raises what stopped it."""

    def __init__(self, reruns: Reruns, sleep: Callable[[float], None], begin: Any) -> None:
        self._reruns = reruns
        self._sleep = sleep
        self._begin: Callable[[], Transaction] = begin

    def __iter__(self) -> Iterator[Attempt]:
        """One attempt after the other."""
        progress = _Progress()
        try:
            for turn in self._reruns.retrying(self._sleep):
                progress.wants_another = False
                yield Attempt(self._begin, turn, progress)
                progress.wants_another = False
        finally:
            progress.report_abandoned()


class Attempt:
    """One attempt: ``with attempt as tx:``. Commits at the end of the block."""

    def __init__(
        self, begin: Callable[[], Transaction], turn: AttemptManager, progress: _Progress
    ) -> None:
        self._begin = begin
        self._turn = turn
        self._progress = progress
        self._transaction: Transaction | None = None

    def __enter__(self) -> Transaction:
        """Begin the transaction."""
        self._transaction = self._begin()
        return self._transaction

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Commit, or roll back and note the error for the loop to judge."""
        transaction = self._transaction
        assert transaction is not None  # noqa: S101  # entered, or it would not be left
        ended: BaseException | None = None
        try:
            transaction.__exit__(kind, error, traceback)
            ended = error
        except BaseException as raised:
            ended = raised
            if not isinstance(raised, Exception):
                raise
        return _judge(ended, error, self._turn, self._progress)


class AsyncAttempts:
    """The same loop for asyncio: ``async for`` and ``async with``."""

    def __init__(
        self, reruns: Reruns, sleep: Callable[[float], Awaitable[None]], begin: Any
    ) -> None:
        self._reruns = reruns
        self._sleep = sleep
        self._begin: Callable[[], AsyncTransaction] = begin

    async def __aiter__(self) -> AsyncIterator[AsyncAttempt]:
        """One attempt after the other."""
        progress = _Progress()
        try:
            async for turn in self._reruns.retrying_async(self._sleep):
                progress.wants_another = False
                yield AsyncAttempt(self._begin, turn, progress)
                progress.wants_another = False
        finally:
            progress.report_abandoned()


class AsyncAttempt:
    """One attempt: ``async with attempt as tx:``. Commits at the end of the block."""

    def __init__(
        self, begin: Callable[[], AsyncTransaction], turn: AttemptManager, progress: _Progress
    ) -> None:
        self._begin = begin
        self._turn = turn
        self._progress = progress
        self._transaction: AsyncTransaction | None = None

    async def __aenter__(self) -> AsyncTransaction:
        """Begin the transaction."""
        self._transaction = self._begin()
        return self._transaction

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Commit, or roll back and note the error for the loop to judge."""
        transaction = self._transaction
        assert transaction is not None  # noqa: S101  # entered, or it would not be left
        ended: BaseException | None = None
        try:
            await transaction.__aexit__(kind, error, traceback)
            ended = error
        except BaseException as raised:
            ended = raised
            if not isinstance(raised, Exception):
                raise
        return _judge(ended, error, self._turn, self._progress)

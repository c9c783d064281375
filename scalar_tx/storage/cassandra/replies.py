"""How does an answer reach the thread or the task that waits for it?

Answers come on the driver's thread. A thread waits at a lock; of the tasks of an event loop all
that have an answer are woken together: to wake a loop costs more than an answer does.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.cassandra.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Generator

_NO_ROWS = Answer(())


class Reply:
    """What one request will be answered with; one thread or one task waits for it."""

    __slots__ = ("_answer", "_error", "_pending", "_task")

    def __init__(self, asked: Any) -> None:
        """``asked`` is the driver's future."""
        self._pending = threading.Lock()  # held until there is an answer
        self._pending.acquire()
        self._answer = _NO_ROWS
        self._error: BaseException | None = None
        self._task: tuple[_Mailbox, asyncio.Future[None]] | None = None
        asked.add_callbacks(self._answered, self._failed)

    def _answered(self, answer: Answer | None) -> None:
        if answer is not None:
            self._answer = answer
        self._settled()

    def _failed(self, error: BaseException) -> None:
        self._error = error
        self._settled()

    def _settled(self) -> None:
        # Whoever begins to wait looks at the lock after it has left word; this does it the other
        # way round. So one of both sees the other.
        self._pending.release()
        if self._task is not None:
            mailbox, task = self._task
            mailbox.post(task)

    def _outcome(self) -> Answer:
        if self._error is not None:
            raise self._error
        return self._answer

    def result(self) -> Answer:
        """The answer, which the thread waits for; the driver's own errors are raised."""
        with self._pending:
            return self._outcome()

    def __await__(self) -> Generator[Any, None, Answer]:
        """The same for a task. Cancelling it does not stop the request."""
        if self._pending.locked():
            mailbox = _mailbox(asyncio.get_running_loop())
            task = mailbox.loop.create_future()
            self._task = (mailbox, task)
            if self._pending.locked():
                yield from task
        return self._outcome()


class _Mailbox:
    """Tasks of one event loop that have an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._tasks: deque[asyncio.Future[None]] = deque()
        self._called = False

    def post(self, task: asyncio.Future[None]) -> None:
        """Wake a task, from any thread."""
        self._tasks.append(task)
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._called = False  # first: who posts from here on may call again
        while self._tasks:
            task = self._tasks.popleft()
            if not task.done():
                task.set_result(None)


class _Own(threading.local):
    mailbox: _Mailbox | None = None


_own = _Own()


def _mailbox(loop: asyncio.AbstractEventLoop) -> _Mailbox:
    """The mailbox of the loop that runs on this thread."""
    found = _own.mailbox
    if found is None or found.loop is not loop:
        found = _own.mailbox = _Mailbox(loop)
    return found

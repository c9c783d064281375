"""Which threads run the calls of a loop's tasks over storages that block?

A whole user call runs in one of them. The standard library's executor asks for four times the
processor time: a queue entry and a future with a lock of their own for each call, and one wake-up
of the loop for each.
"""

from __future__ import annotations

import asyncio
import functools
import os
import queue
import threading
import weakref
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.runtime.aio import to_its_end
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.runtime.loop_calls import LoopCalls

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class _Call:
    __slots__ = ("answers", "context", "future", "steps")

    def __init__(self, steps: Coroutine[Any, Any, Any], answers: LoopCalls) -> None:
        self.steps = steps
        self.answers = answers
        self.context = copy_context()  # a trace, say, goes on in the thread
        self.future: asyncio.Future[Any] = answers.loop.create_future()

    def run(self) -> None:
        try:
            result = self.context.run(run_blocking, self.steps)
        except BaseException as error:  # noqa: BLE001  # it is the caller's
            tell = functools.partial(self.future.set_exception, error)
        else:
            tell = functools.partial(self.future.set_result, result)
        self.answers.hand(tell)


class _Crew:
    """What the threads share. They don't know ``WorkerThreads``, which may be forgotten."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.ended = False
        self._process = os.getpid()
        self._lock = threading.RLock()  # the collector may end it within any line
        self._free = 0  # threads that wait for a call; below zero: calls that wait for a thread

    def take(self, call: _Call) -> bool:
        """Run a call in a thread; False: the threads have ended."""
        with self._lock:
            if self.ended:
                return False
            if self._free <= 0 and len(self.threads) < self.size:
                thread = threading.Thread(
                    target=self._work, name=f"scalar_tx call {len(self.threads)}", daemon=True
                )
                thread.start()
                self.threads.append(thread)
                self._free += 1
            self._free -= 1
            self.calls.put(call)
        return True

    def _work(self) -> None:
        while (call := self.calls.get()) is not None:
            call.run()
            del call  # its result is its caller's
            with self._lock:
                self._free += 1

    def end(self) -> None:
        """End the threads behind the calls that were taken."""
        if os.getpid() != self._process:
            return  # a fork has none of them, and the lock may be taken for good
        with self._lock:
            if not self.ended:
                self.ended = True
                for _ in self.threads:
                    self.calls.put(None)
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join()


class WorkerThreads:
    """At most ``size`` threads, started when there is work for them.

    They do not keep a program alive: at its end, or once this is forgotten, they end behind the
    calls that they run.
    """

    def __init__(self, size: int) -> None:
        self._crew = _Crew(size)
        self._answers: LoopCalls | None = None
        self._end = weakref.finalize(self, self._crew.end)

    async def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps to their end in a worker thread, also when the caller is cancelled."""
        loop = asyncio.get_running_loop()
        answers = self._answers
        if answers is None or answers.loop is not loop:
            answers = self._answers = LoopCalls(loop)
        call = _Call(steps, answers)
        if self._crew.take(call):
            found: T = await to_its_end(call.future)
            return found
        # Behind the end a call is refused by its storage: the loop's own threads do for that.
        return await to_its_end(loop.run_in_executor(None, run_blocking, steps))

    def close(self) -> None:
        """End the threads; waits for the calls that they run."""
        self._end()

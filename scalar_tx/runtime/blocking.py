"""How does the protocol wait on a thread?

The storage's and the runtime's coroutines block and never suspend, so a single ``send`` runs a
coroutine to its end: one stack in the debugger, no event loop.
"""

from __future__ import annotations

import atexit
import os
import queue
import random
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.runtime.interface import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

T = TypeVar("T")

_LONGEST_QUEUE: Final = 1000
_LONGEST_WAIT: Final = 60.0  # seconds; an adapter's own time-outs end its calls long before


def run_blocking(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps to their end on this thread; what they await blocks, it never suspends."""
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise AssertionError("suspended under the blocking runtime: something awaited a real future")


def attempt(step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
    """Run one step; its error becomes its outcome."""
    try:
        return Outcome(value=run_blocking(step()))
    except Exception as error:  # noqa: BLE001  # it is the outcome
        return Outcome(error=error)


class _Later:
    """Work of the background thread, or of whoever needs it done before that gets to it."""

    def __init__(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._step = step
        self._begun = threading.Lock()  # taken for good by the one who runs the step
        self._ended = threading.Event()
        self._error: Exception | None = None

    def run(self) -> None:
        if self._begun.acquire(blocking=False):
            try:
                self._error = attempt(self._step).error
            finally:
                self._ended.set()

    async def done(self) -> None:
        self.run()
        if not self._ended.wait(_LONGEST_WAIT):
            raise StorageUnavailableError(
                f"a record left by another transaction was not settled within {_LONGEST_WAIT:g} s"
            )
        if self._error is not None:
            raise self._error


class _Signal:
    """A lock that is free once it is given: the cheapest thing that a thread can wait for."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def give(self) -> None:
        self._lock.release()

    async def wait(self, seconds: float | None = None) -> bool:
        return self._lock.acquire(timeout=-1 if seconds is None else seconds)


class BlockingRuntime:
    """Threads, the real clock and real chance.

    ``workers`` is the size of the pool for steps that run at once; 0: one after the other, for
    storages that gain nothing from more.
    """

    def __init__(self, workers: int = 0) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._in_pool = threading.local()
        self._closed = False
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        self._queue: queue.Queue[_Later | None] = queue.Queue(_LONGEST_QUEUE)
        self._thread: threading.Thread | None = None

    async def wait(self, request: Any) -> Any:
        """Block until the driver's future has an answer."""
        return request.result()

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Run steps on the pool, or inline where there is none or this is one of its threads."""
        if len(steps) < 2 or not self._workers or getattr(self._in_pool, "yes", False):
            return [attempt(step) for step in steps]
        pool = self._executor()
        if pool is None:
            return [attempt(step) for step in steps]
        handed_over = [self._hand_over(pool, step) for step in steps]
        return [future.result() for future in handed_over]

    def _hand_over(
        self, pool: ThreadPoolExecutor, step: Callable[[], Coroutine[Any, Any, T]]
    ) -> Future[Outcome[T]]:
        try:
            # What the caller's context holds, a trace say, holds for the step as well.
            return pool.submit(copy_context().run, self._attempt_in_pool, step)
        except RuntimeError as error:  # closed meanwhile, or the system has no thread left
            failed: Future[Outcome[T]] = Future()
            unavailable = StorageUnavailableError(f"no thread for a step: {error}")
            unavailable.__cause__ = error
            failed.set_result(Outcome(error=unavailable))
            return failed

    def _attempt_in_pool(self, step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
        self._in_pool.yes = True
        return attempt(step)

    def _executor(self) -> ThreadPoolExecutor | None:
        with self._lock:
            self._after_fork()
            if self._pool is None and not self._closed:
                self._pool = ThreadPoolExecutor(self._workers, "scalar_tx")
            return self._pool

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> _Later:
        """Hand a step to the background thread; where there is none to be had, run it now."""
        later = _Later(step)
        with self._lock:
            self._after_fork()
            handed_over = self._has_thread() and not self._queue.full()
            if handed_over:
                self._queue.put_nowait(later)
        if not handed_over:
            later.run()
        return later

    def _has_thread(self) -> bool:
        """Is there a background thread, or can there be one? The caller holds the lock."""
        if self._thread is None and not self._closed:
            thread = threading.Thread(
                target=_work, args=(self._queue,), name="scalar_tx later", daemon=True
            )
            with suppress(RuntimeError):  # the system has no thread left
                thread.start()
                self._thread = thread
                atexit.register(self._end_at_exit)
        return self._thread is not None

    def _after_fork(self) -> None:
        if self._process != os.getpid():
            self._reset()  # the parent's threads do not exist here

    def signal(self) -> _Signal:
        """For threads."""
        return _Signal()

    def lock(self) -> threading.Lock:
        """For threads."""
        return threading.Lock()

    def _end_at_exit(self) -> None:
        """Finish the background work of a program that ends without closing."""
        if self._process == os.getpid():
            self._workers = 0  # an interpreter that ends hands nothing to a pool any more
            self.close()

    async def sleep(self, seconds: float) -> None:
        """Block for a while."""
        time.sleep(seconds)  # noqa: ASYNC251  # blocking is what this runtime does

    def now_ms(self) -> int:
        """The wall clock."""
        return time.time_ns() // 1_000_000

    def elapsed(self) -> float:
        """The monotonic clock."""
        return time.monotonic()

    def chance(self) -> float:
        """A random number."""
        return random.random()  # noqa: S311  # spreads pauses, keeps no secret

    def new_id(self) -> str:
        """A UUID of version 4."""
        return str(uuid.uuid4())

    def close(self) -> None:
        """Finish the background work and end the threads."""
        with self._lock:
            self._after_fork()
            self._closed = True
            thread, self._thread = self._thread, None
            pool, self._pool = self._pool, None
        atexit.unregister(self._end_at_exit)
        if thread is not None:
            self._queue.put(None)  # the last one: nothing is handed over once it is closed
            thread.join(_LONGEST_WAIT)
        if pool is not None:
            pool.shutdown()


def _work(waiting: queue.Queue[_Later | None]) -> None:
    while (later := waiting.get()) is not None:
        later.run()

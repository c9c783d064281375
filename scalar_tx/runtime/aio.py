"""How does the protocol wait on an event loop?"""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.runtime.interface import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

T = TypeVar("T")


class _Later:
    def __init__(self, task: asyncio.Task[Outcome[None]]) -> None:
        self._task = task

    async def done(self) -> None:
        (await asyncio.shield(self._task)).result()


async def _attempt(step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
    try:
        return Outcome(value=await step())
    except Exception as error:  # noqa: BLE001  # it is the outcome
        return Outcome(error=error)


class _Signal:
    """Within one loop."""

    def __init__(self) -> None:
        self._given = asyncio.Event()

    def give(self) -> None:
        self._given.set()

    async def wait(self, seconds: float | None = None) -> bool:
        try:
            return await asyncio.wait_for(self._given.wait(), seconds)
        except TimeoutError:
            return False


class AsyncioRuntime:
    """An event loop, the real clock and real chance."""

    def __init__(self) -> None:
        self._background: set[asyncio.Task[Outcome[None]]] = set()

    async def wait(self, request: Any) -> Any:
        """Await the driver's future."""
        if isinstance(request, Future):
            return await asyncio.wrap_future(request)
        return await request

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Run steps as tasks; all have ended when this returns."""
        if len(steps) < 2:
            return [await _attempt(step) for step in steps]
        return list(await asyncio.gather(*(_attempt(step) for step in steps)))

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> _Later:
        """Run a step as a task of its own, kept referenced until it ends."""
        task = asyncio.ensure_future(_attempt(step))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return _Later(task)

    def signal(self) -> _Signal:
        """For tasks of the running loop."""
        return _Signal()

    def lock(self) -> nullcontext[None]:
        """Nobody else runs where nothing is awaited."""
        return nullcontext()

    async def sleep(self, seconds: float) -> None:
        """Let the loop run for a while."""
        await asyncio.sleep(seconds)

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

    async def close(self) -> None:
        """Wait for the background tasks."""
        while self._background:
            await asyncio.gather(*self._background)


async def finish_before_cancelling(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps to their end although the caller is cancelled; the cancellation is raised then.

    A commit half made would be nobody's.
    """
    task = asyncio.ensure_future(steps)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, so that the loop does not report it
        try:
            raise cancelled
        finally:
            cancelled = None  # it holds this frame, and would be freed late
    try:
        return task.result()
    finally:
        del task  # so does the error that it holds


class WorkerThreads:
    """Threads for whole user calls over storages that block."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    async def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps to their end in a worker thread, also when the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await finish_before_cancelling(self._in_thread(loop, steps))

    async def _in_thread(self, loop: asyncio.AbstractEventLoop, steps: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._pool is None and not self._closed:
                self._pool = ThreadPoolExecutor(self._size, "scalar_tx call")
            pool = self._pool
        # Behind the end a call is refused by its storage: the loop's own threads do for that.
        return await loop.run_in_executor(pool, run_blocking, steps)

    def close(self) -> None:
        """End the threads; waits for the calls that they run."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._closed = True
        if pool is not None:
            pool.shutdown()

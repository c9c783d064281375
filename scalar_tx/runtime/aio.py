"""How does the protocol wait on an event loop?"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from concurrent.futures import Future
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

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
        # Not wait_for: up to Python 3.11 it loses a cancellation that meets the end of the wait.
        try:
            async with asyncio.timeout(seconds):
                return await self._given.wait()
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
    return await to_its_end(asyncio.ensure_future(steps))


async def to_its_end(future: asyncio.Future[T]) -> T:
    """Wait for a future although the caller is cancelled; the cancellation is raised then."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001, S112  # it is told below
            continue
    try:
        if cancelled is not None and not future.cancelled():
            future.exception()  # looked at, so that the loop does not report it
            raise cancelled
        return future.result()
    finally:
        # What is raised holds this frame, which would hold it, and be freed late.
        cancelled = None
        del future

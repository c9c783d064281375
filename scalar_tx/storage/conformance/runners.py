"""On what does a test's coroutine run: the calling thread, or an event loop?"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from scalar_tx.runtime.worker_threads import WorkerThreads
from scalar_tx.storage.interface import Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.runtime.interface import Runtime

T = TypeVar("T")


class Runner(Protocol):
    """Runs what the suite is made of.

    ``runtime`` is what a storage that awaits futures is to be given; ``waits`` is set by the suite
    once the storage is open.
    """

    name: str
    runtime: Runtime
    waits: Waits

    def run(self, body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run one coroutine to its end."""
        ...

    async def together(self, bodies: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
        """Run several at once, from inside of a running one; the first error is raised."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let the others go on."""
        ...

    def close(self) -> None:
        """Let go of the loop."""
        ...


def in_threads(bodies: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """Drive each body on a thread of its own; all begin at once."""
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    gate = threading.Barrier(len(bodies))

    def work(index: int) -> None:
        try:
            gate.wait(timeout=30)
            results[index] = run_blocking(bodies[index]())
        except BaseException as error:  # noqa: BLE001  # raised below, on the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "a storage call did not return"
    return [results[index] for index in range(len(bodies))]


class BlockingRunner:
    """Everything on the calling thread; several at once on threads."""

    name = "blocking"

    def __init__(self) -> None:
        self._runtime = BlockingRuntime()
        self.runtime: Runtime = self._runtime
        self.waits = Waits.BLOCKS

    def run(self, body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Finish the coroutine by one send."""
        return run_blocking(body())

    async def together(self, bodies: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
        """A thread each."""
        return in_threads(bodies)

    async def pause(self, seconds: float) -> None:
        """Sleep on this thread."""
        await self.runtime.sleep(seconds)

    def close(self) -> None:
        """End the runtime's threads."""
        self._runtime.close()


class LoopRunner:
    """On an asyncio loop; a storage that blocks has its whole call in a worker thread."""

    name = "asyncio"

    def __init__(self) -> None:
        self.runtime: Runtime = AsyncioRuntime()
        self.waits = Waits.NEVER
        self._loop = asyncio.Runner()
        self._threads = WorkerThreads(2)
        self._in_thread = BlockingRunner()

    def run(self, body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await on the loop, or run in a worker thread."""
        if self.waits is Waits.BLOCKS:
            return self._loop.run(self._threads.run(body()))
        return self._loop.run(body())

    async def together(self, bodies: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
        """Tasks, or threads where the storage blocks."""
        if self.waits is Waits.BLOCKS:
            return await self._in_thread.together(bodies)
        return list(await asyncio.gather(*(body() for body in bodies)))

    async def pause(self, seconds: float) -> None:
        """Sleep as the others on this runner do."""
        runtime = self._in_thread.runtime if self.waits is Waits.BLOCKS else self.runtime
        await runtime.sleep(seconds)

    def close(self) -> None:
        """Close the loop and end the threads."""
        self._in_thread.close()
        self._threads.close()
        self._loop.close()

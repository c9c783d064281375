"""How does a face wait for what happens on the connections?

They live on an event loop: that of the program on the asyncio face, one in a thread of its own on
the blocking face.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import weakref
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from scalar_tx.cluster.client.channels import Channels
from scalar_tx.cluster.client.directory import NamedNodes
from scalar_tx.cluster.event_loop import new_event_loop
from scalar_tx.errors import InvalidOperationError
from scalar_tx.runtime.loop_calls import LoopCalls

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.cluster.client.target import Target

T = TypeVar("T")


class Wire(Protocol):
    """The connections of a manager, and the loop that they live on."""

    blocking: bool

    def channels(self) -> Channels:
        """The connections; asked on their loop."""
        ...

    def begin(self, steps: Coroutine[Any, Any, T]) -> Any:
        """Begin steps on the loop; what the runtime's ``wait`` waits for."""
        ...

    async def close(self) -> None:
        """End the connections."""
        ...


def closed(steps: Coroutine[Any, Any, Any]) -> InvalidOperationError:
    """The error about steps that are begun behind the end."""
    steps.close()
    return InvalidOperationError("this manager is closed", advice="Connect again", code="STX-3044")


class LoopThread:
    """A loop in a thread, for programs that have none."""

    blocking = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._closed = False
        self._lock = threading.Lock()
        self._calls: LoopCalls | None = None
        self._thread: threading.Thread | None = None
        self._channels: Channels | None = None

    def channels(self) -> Channels:
        """The connections."""
        if self._channels is None:
            self._channels = Channels(self._target, NamedNodes(self._target.addresses))
        return self._channels

    def begin(self, steps: Coroutine[Any, Any, T]) -> Any:
        """A future of the steps' result."""
        if self._closed:
            raise closed(steps)
        calls = self._running()
        result: Future[T] = Future()
        calls.hand(functools.partial(_begin, calls.loop, steps, result))
        return result

    def _running(self) -> LoopCalls:
        calls = self._calls
        if calls is None:
            with self._lock:
                if self._calls is None:
                    loop = new_event_loop()
                    self._thread = threading.Thread(
                        target=loop.run_forever, name="scalar_tx node", daemon=True
                    )
                    self._thread.start()
                    self._calls = LoopCalls(loop)
                calls = self._calls
        return calls

    async def close(self) -> None:
        """End the connections, then the thread."""
        self._closed = True
        with self._lock:
            calls, self._calls = self._calls, None
            thread, channels = self._thread, self._channels
            self._channels = None
        if calls is None or thread is None:
            return
        loop = calls.loop
        if channels is not None:
            asyncio.run_coroutine_threadsafe(channels.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _begin(
    loop: asyncio.AbstractEventLoop, steps: Coroutine[Any, Any, Any], result: Future[Any]
) -> None:
    task = loop.create_task(steps)
    task.add_done_callback(functools.partial(_settle, result))


def _settle(result: Future[Any], task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        result.set_exception(CancelledError())
    elif (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(task.result())


class RunningLoop:
    """The loop of the program; in another loop there are other connections."""

    blocking = False

    def __init__(self, target: Target) -> None:
        self._target = target
        self._closed = False
        self._of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Channels] = (
            weakref.WeakKeyDictionary()
        )

    def channels(self) -> Channels:
        """The connections of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._of_loops.get(loop)
        if found is None:
            found = self._of_loops[loop] = Channels(
                self._target, NamedNodes(self._target.addresses)
            )
        return found

    def begin(self, steps: Coroutine[Any, Any, T]) -> Any:
        """The steps themselves."""
        if self._closed:
            raise closed(steps)
        return steps

    async def close(self) -> None:
        """End the connections of the running loop; those of others have ended with it."""
        self._closed = True
        found = self._of_loops.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.close()

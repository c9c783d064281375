"""How does a face wait for what happens on the connections?

They live on an event loop: that of the program on the asyncio face, one in a thread of its own on
the blocking face. gRPC does not live through a fork: on the blocking face all of it is let go
before one, and whoever goes on, parent or child, connects again.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import threading
import traceback
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from scalar_tx.cluster.client.channels import Channels
from scalar_tx.cluster.client.directory import NamedNodes
from scalar_tx.cluster.client.node_calls import CLOSED, NoAnswerError
from scalar_tx.cluster.event_loop import new_event_loop
from scalar_tx.errors import InvalidOperationError
from scalar_tx.runtime.loop_calls import LoopCalls

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.cluster.client.stream import Stream
    from scalar_tx.cluster.client.target import Target

T = TypeVar("T")

_ENDING_SECONDS: Final = 1.0


class Wire(Protocol):
    """The connections of a manager, and the loop that they live on."""

    blocking: bool

    def channels(self) -> Channels:
        """The connections; asked on their loop."""
        ...

    def begin(self, steps: Coroutine[Any, Any, T]) -> Any:
        """Begin steps on the loop; what the runtime's ``wait`` waits for.

        NoAnswerError: the connections were ended meanwhile.
        """
        ...

    def holds(self, stream: Stream) -> None:
        """A stream has been begun; it goes with the connections."""
        ...

    async def close(self) -> None:
        """End the connections."""
        ...


def closed(steps: Coroutine[Any, Any, Any]) -> InvalidOperationError:
    """The error about steps that are begun behind the end."""
    steps.close()
    return InvalidOperationError("this manager is closed", advice="Connect again", code="STX-3044")


def _clear(error: BaseException) -> None:
    """Let go of what the frames of an error hold: whoever keeps it would keep gRPC alive."""
    traceback.clear_frames(error.__traceback__)
    if error.__context__ is not None:
        _clear(error.__context__)


class LoopThread:
    """A loop in a thread, for programs that have none."""

    blocking = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._closed = False
        self._lock = threading.Lock()  # nothing is begun on a loop that ends
        self._calls: LoopCalls | None = None
        self._thread: threading.Thread | None = None
        self._channels: Channels | None = None
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        _threads.add(self)

    def channels(self) -> Channels:
        """The connections."""
        if self._channels is None:
            self._channels = Channels(self._target, NamedNodes(self._target.addresses))
        return self._channels

    def begin(self, steps: Coroutine[Any, Any, T]) -> Any:
        """A future of the steps' result."""
        with self._lock:
            if self._closed:
                raise closed(steps)
            calls = self._running()
            result: Future[T] = Future()
            calls.hand(functools.partial(_begin, calls.loop, steps, result))
            return result

    def holds(self, stream: Stream) -> None:
        """A stream has been begun."""
        self._streams.add(stream)

    def _running(self) -> LoopCalls:
        if self._calls is None:
            loop = new_event_loop()
            self._thread = threading.Thread(
                target=loop.run_forever, name="scalar_tx node", daemon=True
            )
            self._thread.start()
            self._calls = LoopCalls(loop)
        return self._calls

    async def close(self) -> None:
        """End the connections, then the thread."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        calls, self._calls = self._calls, None
        thread, self._thread = self._thread, None
        if calls is None or thread is None:
            return
        loop = calls.loop
        asyncio.run_coroutine_threadsafe(self._end_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    async def _end_all(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        channels, self._channels = self._channels, None
        if channels is not None:
            await channels.close()
        # Calls hear of it by gRPC, which has to find the loop still. Who tries again elsewhere may.
        if running:
            _, left = await asyncio.wait(running, timeout=_ENDING_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if channels is not None:
            await channels.close()  # what was opened meanwhile
        for stream in list(self._streams):
            stream.lose()

    def before_fork(self) -> None:
        """End the connections, and begin nothing until ``after_fork``."""
        self._lock.acquire()
        self._let_go()
        gc.collect()  # gRPC ends with the last of what it has made

    def after_fork(self) -> None:
        """Connections may be opened again."""
        self._lock.release()


_threads: weakref.WeakSet[LoopThread] = weakref.WeakSet()
_forking: list[LoopThread] = []


def _before_fork() -> None:
    _forking.extend(_threads)
    for one in _forking:
        one.before_fork()


def _after_fork() -> None:
    for one in _forking:
        one.after_fork()
    _forking.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _begin(
    loop: asyncio.AbstractEventLoop, steps: Coroutine[Any, Any, Any], result: Future[Any]
) -> None:
    task = loop.create_task(steps)
    task.add_done_callback(functools.partial(_settle, result))


def _settle(result: Future[Any], task: asyncio.Task[Any]) -> None:
    if task.cancelled():  # by nobody but the end of the connections
        result.set_exception(NoAnswerError(CLOSED))
    elif (error := task.exception()) is not None:
        _clear(error)
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

    def holds(self, stream: Stream) -> None:
        """Streams end with their loop."""

    async def close(self) -> None:
        """End the connections of the running loop; those of others have ended with it."""
        self._closed = True
        found = self._of_loops.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.close()

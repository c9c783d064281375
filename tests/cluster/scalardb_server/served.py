"""A server of this process on a loopback port, and a plain client to it.

The server runs on an event loop of its own thread, so that tests can be written as a client sees
it: send, look at what comes.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import CollectorRegistry

import scalar_tx
from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.health import Health
from scalar_tx.cluster.rpc import scalar_admin_pb2, scalardb_pb2
from scalar_tx.cluster.scalardb_server.pause import PauseOfOneProcess
from scalar_tx.cluster.scalardb_server.services import handlers
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.cluster.turns import Turns
from scalar_tx.observe.scalardb_stats import ServerCalls

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.state import TransactionState
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")

SECONDS = 20.0  # a test that waits longer has found a hang
METHODS = {
    f"{service.name}/{method.name}": (service, method)
    for file in (scalardb_pb2.DESCRIPTOR, scalar_admin_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}


class Served:
    """One server process in miniature: manager, gate, sessions, services."""

    def __init__(
        self,
        target: str,
        *,
        largest_answer: int = 4 * 1024 * 1024,
        idle: float = 60,
        lifetime: float = 600,
        most: int = 2000,
        most_of_one: int = 2000,
        turns: Turns | None = None,
        **settings: object,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._thread.start()
        self._turns = turns or Turns()
        self.manager: AsyncTransactionManager
        self.server: Any
        self.port: int
        self.run(self._start(target, settings, largest_answer, (most, most_of_one, idle, lifetime)))

    async def _start(
        self,
        target: str,
        settings: dict[str, object],
        largest_answer: int,
        limits: tuple[int, int, float, float],
    ) -> None:
        self.manager = scalar_tx.connect_async(target, **settings)
        context: Any = self.parts.context
        context.options = replace(context.options, record_only=False)
        self.gate, self.sessions, self.health = Gate(), Sessions(*limits), Health()
        self.registry = CollectorRegistry()
        self.ends: list[tuple[Any, bool]] = []  # outcome and whether its client rolled back
        self.dropped: list[str] = []
        self.server = grpc.aio.server()
        made = handlers(
            self.manager,
            self.gate,
            self.sessions,
            PauseOfOneProcess(self.gate),
            largest_answer=largest_answer,
            ended=self._ended,
            turns=self._turns,
            counts=ServerCalls(self.registry),
            dropped=self._drop,
        )
        made.append(self.health.services(any_name=True))
        self.server.add_generic_rpc_handlers(made)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()

    def _ended(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool = False
    ) -> None:
        assert 0 <= seconds < 60
        self.ends.append((outcome, own_rollback))

    async def _drop(self, name: str) -> None:
        self.dropped.append(name)

    @property
    def parts(self) -> Any:
        return self.manager._here()

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps on the server's loop."""
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(SECONDS)

    def soon(self, steps: Coroutine[Any, Any, T]) -> Any:
        """Begin steps on the server's loop."""
        return asyncio.run_coroutine_threadsafe(steps, self._loop)

    def drained(self) -> bool:
        """Is nothing outstanding any more, within a second or so?"""
        return self.run(self.gate.drained(2))

    def read(self, table: str, **key: Any) -> Any:
        """A record, as a transaction of its own sees it."""

        async def steps() -> Any:
            return await self.manager.get(table, key)

        return self.run(steps())

    def holding(self, method: str) -> Held:
        """The next call of that method of the storage waits until it is let go."""
        return Held(self, method)

    def close(self) -> None:
        async def steps() -> None:
            await self.server.stop(0)
            assert await self.gate.drained(10), "something is left open"
            await self.manager.close()

        try:
            self.run(steps())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(SECONDS)
            self._loop.close()


class Held:
    """Holds up calls of a method of the storage; works on storages that block and others."""

    def __init__(self, served: Served, method: str) -> None:
        self._storage: Any = served.parts.storage
        self._method = method
        self._call: Any = getattr(self._storage, method)
        self.reached = threading.Event()
        self._free = threading.Event()
        setattr(self._storage, method, self._wait)

    async def _wait(self, *given: Any, **more: Any) -> Any:
        self.reached.set()
        # Where storages block a thread of its own runs this; in memory it is the loop.
        while not self._free.is_set():
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                self._free.wait(SECONDS)
            else:
                await asyncio.sleep(0.002)
        return await self._call(*given, **more)

    def let_go(self) -> None:
        setattr(self._storage, self._method, self._call)
        self._free.set()


class Client:
    """Calls by name, such as ``DistributedStorage/Get``."""

    def __init__(self, port: int) -> None:
        # Clients of one process would share a connection otherwise.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)

    def call(self, name: str, request: Any = None) -> Any:
        """A call of one answer; grpc.RpcError."""
        return self._callable(name)(request or self.request(name), timeout=SECONDS)

    def request(self, name: str, **fields: Any) -> Any:
        """A request of a method."""
        return GetMessageClass(METHODS[name][1].input_type)(**fields)

    def stream(self, name: str) -> Talk:
        """A stream of a method."""
        return Talk(self._callable(name))

    def _callable(self, name: str) -> Any:
        service, method = METHODS[name]
        kind = self.channel.stream_stream if method.client_streaming else self.channel.unary_unary
        return kind(
            f"/{service.full_name}/{method.name}",
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    def refused(self, name: str, request: Any = None) -> tuple[grpc.StatusCode, str]:
        """The status of a call that must fail."""
        try:
            answer = self.call(name, request)
        except grpc.RpcError as error:
            return status(error)
        raise AssertionError(f"{name} was answered: {answer!r}")

    def close(self) -> None:
        self.channel.close()


def status(error: Any) -> tuple[grpc.StatusCode, str]:
    return error.code(), error.details()


class Talk:
    """One stream: a message, an answer, and so on."""

    def __init__(self, method: Any) -> None:
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers = method(self._requests(), timeout=SECONDS)

    def _requests(self) -> Iterator[Any]:
        while (request := self._waiting.get()) is not None:
            yield request

    def send(self, request: Any) -> None:
        self._waiting.put(request)

    def ask(self, request: Any) -> Any:
        """Send, and wait for the answer; grpc.RpcError."""
        self.send(request)
        return self.answer()

    def answer(self) -> Any:
        """The next answer; grpc.RpcError; AssertionError where the stream ended with OK."""
        try:
            return next(self._answers)
        except StopIteration:
            raise AssertionError("the stream ended with OK and without an answer") from None

    def half_close(self) -> None:
        self._waiting.put(None)

    def cancel(self) -> None:
        self._answers.cancel()
        self.half_close()

    def end(self) -> tuple[grpc.StatusCode, str]:
        """How the server ended it, without another message."""
        try:
            extra = next(self._answers)
        except StopIteration:
            pass
        except grpc.RpcError as error:
            self.half_close()
            return status(error)
        else:
            raise AssertionError(f"one answer too many: {extra!r}")
        self.half_close()
        return self._answers.code(), self._answers.details()

    def trailers(self) -> list[Any]:
        return [*self._answers.trailing_metadata()]


def begun(served: Served) -> AsyncTransaction:
    """The one transaction that is open at a server."""
    (session,) = served.sessions._open
    return served.manager.resume(session.transaction_id)

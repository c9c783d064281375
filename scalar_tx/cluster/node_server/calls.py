"""How is a method of a service served, and what does a caller hear of an error?"""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from scalar_tx.cluster.auth.permissions import Principal
from scalar_tx.cluster.ending_calls import cut_off
from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.cluster.intake import LARGE, Large, reader, taken
from scalar_tx.cluster.messages.errors import DETAILS, code_of, status_message
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.node_server.access import Caller
from scalar_tx.errors import InvalidOperationError, ScalarTxError, StorageUnavailableError
from scalar_tx.observe.carried import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from contextlib import AbstractContextManager

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

    from scalar_tx.cluster.node_server.worker_parts import WorkerParts

    Context = grpc.aio.ServicerContext[Any, Any]
    Unary = Callable[[Any, Caller], Awaitable[Any]]
    Streaming = Callable[[Context, Caller, Any], Awaitable[None]]
    Within = Callable[[Context], AbstractContextManager[None]]

_log = logging.getLogger("scalar_tx.node")
SMALL = 2**16  # bytes of a request that holds names and nothing else; 4 KiB is the longest
FIRST_REQUEST_SECONDS = 5.0  # a stream that says nothing is nobody's
_NOBODY = Principal("")  # who has not logged in


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what serves it. ``gated``: refused in a pause, which waits for what runs.

    ``open``: for those, too, who have not logged in. ``span``: what a trace calls it; only what is
    about transactions is in a trace. ``most_bytes``: of a request, where it
    is a few names.
    """

    serve: Any
    gated: bool = True
    open: bool = False
    span: str | None = None
    most_bytes: int | None = None


def paused() -> StorageUnavailableError:
    """The error of what comes while the node is paused."""
    return StorageUnavailableError(
        "the node is paused",
        advice="Try again: a pause is short, for a backup; scalar-tx status shows it",
        code="STX-5055",
    )


def silent() -> StorageUnavailableError:
    """The error of a stream whose first request did not come."""
    return StorageUnavailableError(
        "the stream was ended: nothing was asked of it for too long",
        advice="Begin a transaction when there is something to do in it",
        code="STX-5058",
    )


def known_error(error: Exception) -> ScalarTxError:
    """An error that callers may see; what they may not is written to the log."""
    if isinstance(error, ScalarTxError):
        return error
    if isinstance(error, MalformedError):
        return InvalidOperationError(
            f"the request is malformed: {error}",
            advice="See proto/scalar_tx/v1 for what a request holds",
            code="STX-5056",
        )
    if isinstance(error, GateClosedError):
        return paused()
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s", incident, exc_info=error)
    return ScalarTxError(
        f"the node has failed at this request, incident {incident}",
        advice="Look for the incident in the node's log",
        code="STX-5057",
    )


async def refuse(context: Context, error: ScalarTxError) -> None:
    """End a call with an error."""
    status = status_message(error)
    details = status.SerializeToString()
    await cut_off(context, code_of(error), status.message, ((DETAILS, details),))


def _within(method: Method, path: str) -> Within:
    what = method.span
    if what is None:
        return lambda _: nullcontext()
    return lambda context: served(what, path, context.invocation_metadata())


def _bytes_of(reply: Any) -> bytes:
    data: bytes = reply if isinstance(reply, bytes) else reply.SerializeToString()
    return data


async def serialized(worker: WorkerParts, caller: Caller, reply: Any) -> bytes:
    """The bytes of a large reply, made in its caller's turn: gRPC would have them in one go."""

    def work() -> Generator[None, None, bytes]:
        data: bytes = reply.SerializeToString()
        yield
        return data

    async with worker.turns.turn(caller.counted_as, LARGE):
        return await worker.turns.in_pieces(work())


class Calls:
    """Serves methods: finds out who calls, counts what runs, tells what went wrong."""

    def __init__(self, worker: WorkerParts) -> None:
        self._access = worker.access
        self._gate = worker.gate
        self._elements = worker.limits.elements
        self._turns = worker.turns
        self._idle_seconds = worker.sessions.idle_seconds

    def handler(
        self, service: ServiceDescriptor, methods: Mapping[str, Method]
    ) -> grpc.GenericRpcHandler:
        """What serves all methods of a service; each of them has to be there."""
        missing = {one.name for one in service.methods} ^ methods.keys()
        if missing:
            raise AssertionError(f"{service.full_name}: {sorted(missing)}")
        return grpc.method_handlers_generic_handler(
            service.full_name,
            {one.name: self._served(one, methods[one.name]) for one in service.methods},
        )

    def _served(self, described: MethodDescriptor, method: Method) -> Any:
        takes = reader(
            GetMessageClass(described.input_type),
            self._elements,
            self._turns,
            most_bytes=method.most_bytes,
        )
        within = _within(method, f"{described.containing_service.full_name}/{described.name}")
        if not described.server_streaming:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, within), takes, _bytes_of
            )
        if described.client_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(method, within, many=True), takes, _bytes_of
            )
        return grpc.unary_stream_rpc_method_handler(
            self._streaming(method, within, many=False), takes, _bytes_of
        )

    async def _caller(self, context: Context, method: Method) -> Caller:
        peer = context.peer() or ""
        if method.open:
            return Caller(_NOBODY, peer)
        headers = dict(context.invocation_metadata() or ())
        return await self._access.caller(str(headers.get("authorization", "")), peer)

    def _unary(self, method: Method, within: Within) -> Any:
        async def unary(request: Any, context: Context) -> Any:
            try:
                if isinstance(request, Large):  # for those who may ask, and in their turn
                    caller = await self._caller(context, method)
                    request = taken(await request.read(caller.counted_as))
                else:
                    taken(request)
                    caller = await self._caller(context, method)
                with self._gate.admit() if method.gated else nullcontext(), within(context):
                    return await method.serve(request, caller)
            except Exception as error:  # noqa: BLE001  # it is told to the caller
                await refuse(context, known_error(error))

        return unary

    def _streaming(self, method: Method, within: Within, *, many: bool) -> Any:
        # It is awaited, and writes to the context by itself: no generator, which could be left
        # in the middle.
        async def streaming(request: Any, context: Context) -> None:
            try:
                # Nothing is open before the first request, and a pause need not wait for it.
                first = await self._first(context) if many else request
                if first is grpc.aio.EOF:
                    return
                if isinstance(first, Large):
                    caller = await self._caller(context, method)
                    first = taken(await first.read(caller.counted_as))
                else:
                    taken(first)
                    caller = await self._caller(context, method)
                with self._gate.admit(), within(context):
                    await method.serve(first, caller, context)
            except grpc.aio.InternalError as error:
                raise asyncio.CancelledError from error  # its client has gone, and reads nothing
            except Exception as error:  # noqa: BLE001  # it is told to the caller
                await refuse(context, known_error(error))

        return streaming

    async def _first(self, context: Context) -> Any:
        try:
            async with asyncio.timeout(min(self._idle_seconds, FIRST_REQUEST_SECONDS)):
                return await context.read()
        except TimeoutError:
            raise silent() from None

"""How does one transaction talk to its node? A request, a reply, in turns, on one stream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.client.node_calls import (
    CLOSED,
    DEADLINE,
    TRANSACTIONS,
    NoAnswerError,
    failure_of,
)
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.observe.carried import headers

if TYPE_CHECKING:
    from scalar_tx.cluster.client.channels import Channel
    from scalar_tx.cluster.client.node_calls import NodeCalls

_TRANSACT: Final = f"{TRANSACTIONS}Transact"
_FIRST_TRIES: Final = 3
# What gRPC says where it could not write, since the stream has just ended. It keeps to itself then
# what the node has said at the end.
_NOT_WRITTEN: Final = "Internal error from Core"


class Stream:
    """The stream of one transaction. It lives on the loop of its connection."""

    def __init__(self, calls: NodeCalls) -> None:
        self._calls = calls
        self._channel: Channel | None = None
        self._call: Any = None
        self._lost_already = False

    async def say(self, request: rpc.Request) -> rpc.Reply:
        """What the node answers. NoAnswerError: nothing, and this request may be done.

        The first request of a stream may be sent to several nodes, one after the other, unless it
        ends the transaction as well: nothing is done before the end is asked for.
        """
        if self._lost_already:
            raise NoAnswerError(CLOSED)
        if self._call is not None:
            return await self._turn(request)
        tries = 1 if request.end == rpc.Request.COMMIT else _FIRST_TRIES
        while True:
            tries -= 1
            try:
                return await self._begun(request)
            except NoAnswerError as lost:
                if not tries or lost.refusal is not None:
                    raise

    async def _begun(self, request: rpc.Request) -> rpc.Reply:
        log_in = self._calls.log_in
        channel = await self._calls.wire.channels().take()
        metadata = await log_in.metadata(channel)
        for again in (True, False):
            self._channel = channel
            method = channel.stream(_TRANSACT, rpc.Reply)
            self._call = method(metadata=metadata + headers())
            self._calls.wire.holds(self)
            try:
                return await self._turn(request)
            except _UnknownCallerError as refused:
                renewed = await log_in.renewed(channel, metadata) if again else None
                if renewed is None:
                    raise refused.error from None
                metadata = renewed
        raise AssertionError

    async def _turn(self, request: rpc.Request) -> rpc.Reply:
        call, first = self._call, request.HasField("begin")
        try:
            async with asyncio.timeout(DEADLINE):
                await call.write(request)
                reply = await call.read()
        except TimeoutError:
            call.cancel()
            raise self._lost(NoAnswerError("no answer within the deadline")) from None
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            reply = grpc.aio.EOF
        if isinstance(reply, rpc.Reply):
            return reply
        code, details = await call.code(), await call.details()
        error = grpc.aio.AioRpcError(
            code, await call.initial_metadata(), await call.trailing_metadata(), details
        )
        found = failure_of(error)
        if isinstance(found, NoAnswerError):
            if not first and self._was_ended(error):
                found.refusal = _ended()
            raise self._lost(found)
        if first and code is grpc.StatusCode.UNAUTHENTICATED:
            raise _UnknownCallerError(found)
        self._call.cancel()
        raise found

    def _was_ended(self, error: grpc.aio.AioRpcError) -> bool:
        """Has the node ended the stream by itself while this was said? Why can't be heard then."""
        not_written = error.code() is grpc.StatusCode.INTERNAL and error.details() == _NOT_WRITTEN
        return not_written and self._channel is not None and self._channel.stands

    def _lost(self, lost: NoAnswerError) -> NoAnswerError:
        if self._channel is not None and lost.refusal is None:
            self._calls.wire.channels().failed(self._channel)
        return lost

    def lose(self) -> None:
        """Its connection was ended. What gRPC made for it is let go: see ``wire``."""
        self._lost_already = self._lost_already or self._call is not None
        self._call = self._channel = None

    async def break_off(self) -> None:
        """End it without a word; the node rolls back what has not been committed."""
        if self._call is not None:
            self._call.cancel()


def _ended() -> StorageUnavailableError:
    return StorageUnavailableError(
        "the transaction was rolled back: its node has ended it",
        advice="Begin again, and keep transactions short",
        code="STX-5058",
    )


class _UnknownCallerError(Exception):
    """The node wants another token."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

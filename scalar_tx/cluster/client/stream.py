"""How does one transaction talk to its node? A request, a reply, in turns, on one stream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.client.node_calls import (
    DEADLINE,
    TRANSACTIONS,
    BrokenOffError,
    NoAnswerError,
    told,
)
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc

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

    async def say(self, request: rpc.Request) -> rpc.Reply:
        """What the node answers. NoAnswerError: it is lost, and this request may be done.

        The first request of a stream may be sent to several nodes, one after the other, unless it
        ends the transaction as well: nothing is done before the end is asked for.
        """
        if self._call is not None:
            return await self._turn(request)
        tries = 1 if request.end == rpc.Request.COMMIT else _FIRST_TRIES
        while True:
            tries -= 1
            try:
                return await self._begun(request)
            except NoAnswerError:
                if not tries:
                    raise

    async def _begun(self, request: rpc.Request) -> rpc.Reply:
        log_in = self._calls.log_in
        channel = await self._calls.wire.channels().take()
        metadata = await log_in.metadata(channel)
        for again in (True, False):
            self._channel = channel
            method = channel.stream(_TRANSACT, rpc.Reply)
            self._call = method(metadata=metadata)
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
            raise self._lost("no answer within the deadline") from None
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            reply = grpc.aio.EOF
        if isinstance(reply, rpc.Reply):
            return reply
        code, details = await call.code(), await call.details()
        error = grpc.aio.AioRpcError(
            code, await call.initial_metadata(), await call.trailing_metadata(), details
        )
        found = told(error)
        if found is None:
            not_written = code is grpc.StatusCode.INTERNAL and details == _NOT_WRITTEN
            if not_written and not first and self._channel is not None and self._channel.stands:
                raise BrokenOffError("the node has ended its stream")
            raise self._lost(code.name)
        if first and code is grpc.StatusCode.UNAUTHENTICATED:
            raise _UnknownCallerError(found)
        self._call.cancel()
        raise found

    def _lost(self, why: str) -> NoAnswerError:
        if self._channel is not None:
            self._calls.wire.channels().failed(self._channel)
        return NoAnswerError(why)

    async def break_off(self) -> None:
        """End it without a word; the node rolls back what has not been committed."""
        if self._call is not None:
            self._call.cancel()


class _UnknownCallerError(Exception):
    """The node wants another token."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

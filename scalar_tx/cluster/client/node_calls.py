"""How is a node asked something, and what became of it if no answer came?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
from google.rpc import status_pb2

from scalar_tx.cluster.messages.errors import DETAILS, error_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import InvalidOperationError, ScalarTxError, StorageUnavailableError

if TYPE_CHECKING:
    from scalar_tx.cluster.client.channels import Channel
    from scalar_tx.cluster.client.log_in import LogIn
    from scalar_tx.cluster.client.wire import Wire
    from scalar_tx.runtime.interface import Runtime

TRANSACTIONS: Final = "/scalar_tx.v1.Transactions/"
ADMINISTRATION: Final = "/scalar_tx.v1.Administration/"
DEADLINE: Final = 60.0  # seconds
_NODES_TRIED: Final = 3


class NoAnswerError(Exception):
    """The connection was lost, or the answer did not come in time; the request may be done."""


class BrokenOffError(NoAnswerError):
    """The node has ended the stream by itself while this was said, and why can't be heard."""


def told(error: grpc.aio.AioRpcError) -> ScalarTxError | None:
    """What a node has said went wrong; None: it is the connection that failed."""
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
            found = error_of(status)
            if found is not None:
                return found
    if error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED):
        return InvalidOperationError(
            f"the node refuses the request: {error.details() or error.code().name}",
            advice="Ask for less at once; see the node's limits, and its version",
            code="STX-5062",
        )
    return None


class NodeCalls:
    """Calls of one request and one reply."""

    def __init__(self, wire: Wire, runtime: Runtime, log_in: LogIn) -> None:
        self.wire = wire
        self.runtime = runtime
        self.log_in = log_in

    async def ask(self, path: str, request: Any, answer: Any, *, harmless: bool) -> Any:
        """Ask some node; ``harmless``: it may be asked twice.

        StorageUnavailableError: nobody answers; of what is not harmless it is not known then
        whether it was done.
        """
        return await self.runtime.wait(
            self.wire.begin(self._ask(path, request, answer, harmless=harmless))
        )

    async def _ask(self, path: str, request: Any, answer: Any, *, harmless: bool) -> Any:
        channels = self.wire.channels()
        for _ in range(_NODES_TRIED):
            channel = await channels.take()
            try:
                return await self.one(channel, path, request, answer)
            except NoAnswerError:
                channels.failed(channel)
                if not harmless:
                    raise StorageUnavailableError(
                        "the node was lost before it answered; whether this was done is not known",
                        advice="Look whether it was done before you repeat it",
                        code="STX-5063",
                        retryable=False,
                    ) from None
        raise StorageUnavailableError(
            "nodes were lost before they answered",
            advice="Try again once the nodes are up",
            code="STX-5063",
        )

    async def execute(self, request: rpc.ExecuteRequest) -> rpc.ExecuteReply | None:
        """Have a script run, once. None: the connection was lost, and it may have been done."""
        found: rpc.ExecuteReply | None = await self.runtime.wait(
            self.wire.begin(self._execute(request))
        )
        return found

    async def _execute(self, request: rpc.ExecuteRequest) -> rpc.ExecuteReply | None:
        channel = await self.wire.channels().take()
        try:
            found: rpc.ExecuteReply = await self.one(
                channel, f"{TRANSACTIONS}Execute", request, rpc.ExecuteReply
            )
        except NoAnswerError:
            self.wire.channels().failed(channel)
            return None
        return found

    async def one(self, channel: Channel, path: str, request: Any, answer: Any) -> Any:
        """Ask by one connection. NoAnswerError: it was lost."""
        method = channel.unary(path, answer)
        metadata = await self.log_in.metadata(channel)
        for again in (True, False):
            try:
                return await method(request, timeout=DEADLINE, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                found = told(error)
                if found is None:
                    raise NoAnswerError(error.code().name) from error
                if again and error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    renewed = await self.log_in.renewed(channel, metadata)
                    if renewed is not None:
                        metadata = renewed
                        continue
                raise found from None
        raise AssertionError(path)

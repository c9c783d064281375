"""How is a node asked something, and what became of it if no answer came?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from scalar_tx.cluster.messages.errors import DETAILS, error_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import InvalidOperationError, ScalarTxError, StorageUnavailableError
from scalar_tx.observe.carried import headers

if TYPE_CHECKING:
    from scalar_tx.cluster.client.channels import Channel
    from scalar_tx.cluster.client.log_in import LogIn
    from scalar_tx.cluster.client.wire import Wire
    from scalar_tx.runtime.interface import Runtime

TRANSACTIONS: Final = "/scalar_tx.v1.Transactions/"
ADMINISTRATION: Final = "/scalar_tx.v1.Administration/"
DEADLINE: Final = 60.0  # seconds
_NODES_TRIED: Final = 3
_REFUSALS: Final = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED)


class NoAnswerError(Exception):
    """No node has said what became of the request: it may be done.

    The connection was lost, the answer did not come in time, or what came was not the word of a
    node that knew. ``refusal``: what to raise of it where nothing was done; None: a loss.
    """

    def __init__(self, why: str, refusal: ScalarTxError | None = None) -> None:
        super().__init__(why)
        self.refusal = refusal


def failure_of(error: grpc.aio.AioRpcError) -> ScalarTxError | NoAnswerError:
    """What a node has said went wrong, so that nothing was done; else that none has said it.

    What stands between a client and its node has errors of its own, also for what was done behind
    it; and a node that failed without knowing why may have done what it was asked.
    """
    code, said = error.code(), _signed(error)
    if said is not None and type(said) is not ScalarTxError:
        return said
    if said is None and code in _REFUSALS:
        said = InvalidOperationError(
            f"the node refuses the request: {error.details() or code.name}",
            advice="Ask for less at once; see the node's limits, and its version",
            code="STX-5062",
        )
    return NoAnswerError(code.name, said)


def _signed(error: grpc.aio.AioRpcError) -> ScalarTxError | None:
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS and isinstance(value, bytes):
            with suppress(DecodeError):
                return error_of(status_pb2.Status.FromString(value))
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
        refusal: ScalarTxError | None = None
        for _ in range(_NODES_TRIED):
            try:
                return await self.one(await channels.take(), path, request, answer)
            except NoAnswerError as lost:
                refusal = lost.refusal
                if not harmless:
                    raise refusal or StorageUnavailableError(
                        "the node was lost before it answered; whether this was done is not known",
                        advice="Look whether it was done before you repeat it",
                        code="STX-5063",
                        retryable=False,
                    ) from None
        raise refusal or StorageUnavailableError(
            "nodes were lost before they answered",
            advice="Try again once the nodes are up",
            code="STX-5063",
        )

    async def execute(self, request: rpc.ExecuteRequest) -> rpc.ExecuteReply:
        """Have a script run, once. NoAnswerError: it may have been done."""
        found: rpc.ExecuteReply = await self.runtime.wait(self.wire.begin(self._execute(request)))
        return found

    async def _execute(self, request: rpc.ExecuteRequest) -> Any:
        channel = await self.wire.channels().take()
        return await self.one(channel, f"{TRANSACTIONS}Execute", request, rpc.ExecuteReply)

    async def one(self, channel: Channel, path: str, request: Any, answer: Any) -> Any:
        """Ask by one connection. NoAnswerError: it was lost, or something else answered."""
        method = channel.unary(path, answer)
        metadata = await self.log_in.metadata(channel)
        for again in (True, False):
            try:
                found = await method(request, timeout=DEADLINE, metadata=metadata + headers())
            except grpc.aio.AioRpcError as error:
                failure = failure_of(error)
                if isinstance(failure, NoAnswerError):
                    if failure.refusal is None:
                        self.wire.channels().failed(channel)
                    raise failure from error
                if again and error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    renewed = await self.log_in.renewed(channel, metadata)
                    if renewed is not None:
                        metadata = renewed
                        continue
                raise failure from None
            else:
                if not isinstance(found, answer):  # OK, and no message: no node ends a call so
                    raise NoAnswerError("no answer")
                return found
        raise AssertionError(path)

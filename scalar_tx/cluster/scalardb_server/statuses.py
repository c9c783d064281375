"""By which gRPC status, or which code within a stream, is a client told of an error?

From the protocol's description: 8.2, 8.3 and 10.2. UNAVAILABLE is sent only where nothing was done:
Java clients repeat such a call by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.ending_calls import cut_off
from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import Kind, cut, refusal_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.cluster.scalardb_server.refusals import RefusedError

    Context = grpc.aio.ServicerContext[Any, Any]

_STATUSES: Final[Mapping[Kind, grpc.StatusCode]] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_APPLIED: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.PAUSED: grpc.StatusCode.UNAVAILABLE,
    Kind.FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.EXPIRED: grpc.StatusCode.ABORTED,
    Kind.LEFT: grpc.StatusCode.CANCELLED,
}

# The codes of the two streams are equal in number and name.
_Codes = rpc.TransactionResponse.Error
_CODES: Final[Mapping[Kind, rpc.TransactionResponse.Error.ErrorCode]] = {
    Kind.INVALID: _Codes.INVALID_ARGUMENT,
    Kind.CONFLICT: _Codes.TRANSACTION_CONFLICT,
    Kind.UNKNOWN: _Codes.UNKNOWN_TRANSACTION_STATUS,
    Kind.UNSATISFIED: _Codes.UNSATISFIED_CONDITION,
}


def code_in_stream(refusal: RefusedError) -> rpc.TransactionResponse.Error.ErrorCode:
    """The number of an error that is answered within a stream."""
    return _CODES.get(refusal.kind, _Codes.OTHER)


def status_of(refusal: RefusedError) -> grpc.StatusCode:
    """The status of a call that fails with it."""
    return _STATUSES.get(refusal.kind, grpc.StatusCode.INTERNAL)


async def end_with(context: Context, error: Exception) -> None:
    """End a call or a stream by the status that the error has."""
    refusal = refusal_of(error)
    await cut_off(context, status_of(refusal), cut(refusal.text))

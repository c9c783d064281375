"""How is a node paused over gRPC? ``rpc.Admin``, as the stock pause tool calls it.

ScalarDB Server's protocol 4.7 and 12. It is served by the supervisor, on a port of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import empty_pb2

from scalar_tx.cluster.auth.security_log import Caller, Event, Result, tell
from scalar_tx.cluster.ending_calls import understood
from scalar_tx.cluster.intake import reader
from scalar_tx.cluster.pausing import PauseFailedError
from scalar_tx.cluster.rpc import scalar_admin_pb2

if TYPE_CHECKING:
    from scalar_tx.cluster.pausing import Pausing

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE: Final = "rpc.Admin"


def admin_services(pausing: Pausing) -> grpc.GenericRpcHandler:
    """The service over the pause of a node. Pausing and unpausing twice is no error."""

    async def pause(request: Any, context: Context) -> Any:
        if not await understood(request, context):
            return None
        given = request.HasField("max_pause_wait_time")
        if request.max_pause_wait_time < 0:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "max_pause_wait_time is negative")
        try:
            await pausing.pause(
                wait=request.wait_outstanding,
                milliseconds=request.max_pause_wait_time if given else None,
            )
        except PauseFailedError as error:
            tell(Event.PAUSE, Caller(peer=context.peer()), result=Result.REFUSED, detail=str(error))
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        tell(Event.PAUSE, Caller(peer=context.peer()))
        return empty_pb2.Empty()

    async def unpause(request: Any, context: Context) -> Any:
        if not await understood(request, context):
            return None
        try:
            await pausing.unpause()
        except PauseFailedError as error:
            tell(
                Event.RESUME, Caller(peer=context.peer()), result=Result.REFUSED, detail=str(error)
            )
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        tell(Event.RESUME, Caller(peer=context.peer()))
        return empty_pb2.Empty()

    async def check_paused(request: Any, context: Context) -> Any:
        if not await understood(request, context):
            return None
        return scalar_admin_pb2.CheckPausedResponse(paused=await pausing.paused())

    empty = empty_pb2.Empty
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Pause": grpc.unary_unary_rpc_method_handler(
                pause,
                request_deserializer=reader(scalar_admin_pb2.PauseRequest, 1),
                response_serializer=empty.SerializeToString,
            ),
            "Unpause": grpc.unary_unary_rpc_method_handler(
                unpause,
                request_deserializer=reader(empty, 1),
                response_serializer=empty.SerializeToString,
            ),
            "CheckPaused": grpc.unary_unary_rpc_method_handler(
                check_paused,
                request_deserializer=reader(empty, 1),
                response_serializer=scalar_admin_pb2.CheckPausedResponse.SerializeToString,
            ),
        },
    )

"""Is a node alive, and should it be sent anything? ``grpc.health.v1``, without asking a storage.

``""`` is what ScalarDB Server tells: serving from the start until the end begins. ``readiness`` is
whether the node should be sent anything, ``liveness`` whether the process answers at all. A pause
changes none of them: a probe that fails would restart what is being backed up (ScalarDB Server's
protocol 13, operators' expectations 8.3).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from grpc_health.v1 import health_pb2

from scalar_tx.cluster.ending_calls import understood
from scalar_tx.cluster.intake import reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVICE: Final = "grpc.health.v1.Health"
OVERALL: Final = ""
LIVENESS: Final = "liveness"
READINESS: Final = "readiness"

_Request = health_pb2.HealthCheckRequest
_Response = health_pb2.HealthCheckResponse
_read: Final = reader(_Request, 1)


class Health:
    """The states that one process tells, in one event loop."""

    def __init__(self) -> None:
        self._serving = {OVERALL: True, LIVENESS: True, READINESS: False}
        self._changed = asyncio.Event()
        self._ended = False

    def set(self, service: str, *, serving: bool) -> None:
        """Tell another state from now on; nothing changes after the end."""
        if not self._ended:
            self._serving[service] = serving
            self._wake()

    def end(self) -> None:
        """Nothing is served any more; whoever watches is told so, and is let go."""
        self._serving = dict.fromkeys(self._serving, False)
        self._ended = True
        self._wake()

    def services(self, *, any_name: bool = False) -> grpc.GenericRpcHandler:
        """The service for a server. ``any_name``: each name is answered as the empty one."""
        if any_name:
            return Overall(self).services()
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Check": grpc.unary_unary_rpc_method_handler(
                    self._check,
                    request_deserializer=_read,
                    response_serializer=_Response.SerializeToString,
                ),
                "Watch": grpc.unary_stream_rpc_method_handler(
                    self._watch,
                    request_deserializer=_read,
                    response_serializer=_Response.SerializeToString,
                ),
            },
        )

    async def _check(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        if not await understood(request, context):
            return None
        if request.service not in self._serving:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return _Response(status=self._status(request.service))

    async def _watch(
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        if not await understood(request, context):
            return
        told = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status != told:
                yield _Response(status=status)
                told = status
            if self._ended:
                return
            await changed.wait()

    def _status(self, service: str) -> Any:
        if service not in self._serving:
            return _Response.SERVICE_UNKNOWN
        return _Response.SERVING if self._serving[service] else _Response.NOT_SERVING

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Overall(Health):
    """What clients and probes of ScalarDB Server expect: one answer, whatever is asked about."""

    def __init__(self, known: Health) -> None:
        self._known = known

    async def _check(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        if not await understood(request, context):
            return None
        return await self._known._check(_Request(), context)  # noqa: SLF001  # of one class

    async def _watch(
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        if not await understood(request, context):
            return
        async for answer in self._known._watch(_Request(), context):  # noqa: SLF001  # of one class
            yield answer

"""What does a node's worker offer for its tests? Work that passes the gate, and a look inside.

Plugged in by ``scalar.db.node.services``; requests and answers are JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.cluster.pausing import PauseFailedError
from scalar_tx.cluster.sessions import TooManyOpenError
from scalar_tx.connection import parts_of
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scalar_tx.cluster.gate import Admission
    from scalar_tx.cluster.host import Host
    from scalar_tx.cluster.sessions import Expiry

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "test.Work"
NAME = f"{__name__}:offer"


_log = logging.getLogger("test.work")


class Work:
    """The calls, over one worker."""

    def __init__(self, host: Host) -> None:
        self.host = host

    async def admitted(self, context: Context) -> Admission:
        try:
            return self.host.gate.admit()
        except GateClosedError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is paused")
            raise

    async def do(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        """Take so many seconds, and count one end; ``say`` is logged once it has begun."""
        with await self.admitted(context):
            if "say" in request:
                _log.info("%s", request["say"])
            await asyncio.sleep(request.get("seconds", 0))
            began = request.get("took", 0.0)
            outcome = TransactionState[request.get("outcome", "COMMITTED")]
            self.host.metrics.count_end(outcome, began, own_rollback=request.get("own", False))
        return {"process": os.getpid(), "slot": self.host.slot}

    async def hold(
        self, request: dict[str, Any], context: Context
    ) -> AsyncIterator[dict[str, Any]]:
        """Open a session that nobody finishes, until it is expired or the caller goes."""
        expired: asyncio.Future[Expiry] = asyncio.get_running_loop().create_future()
        with await self.admitted(context):
            try:
                session = self.host.sessions.open(
                    request.get("id", "t"), request.get("user", ""), expired.set_result
                )
            except TooManyOpenError as error:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
            try:
                yield {"process": os.getpid(), "slot": self.host.slot}
                reason = await expired
                await context.abort(grpc.StatusCode.ABORTED, f"expired: {reason.value}")
            finally:
                session.close()

    async def commit(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        """Commit a real transaction of one record, as often as is asked."""
        for number in range(request["times"]):
            with await self.admitted(context):
                tx = self.host.manager.begin()
                await tx.get(request["table"], {"id": request["id"]})
                await tx.upsert(request["table"], {"id": request["id"], "n": number})
                await tx.commit()
        return {}

    async def look(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        pool = self.host.settings.storage.connection_pool
        return {
            "process": os.getpid(),
            "slot": self.host.slot,
            "pool": [pool.min_idle, pool.max_idle, pool.max_total],
            "record_only": parts_of(self.host.manager).context.options.record_only,
            "paused": self.host.gate.closed,
        }

    async def pause(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        """Pause the whole node from inside a worker."""
        try:
            if request["paused"]:
                await self.host.pause.pause(wait=True, milliseconds=request.get("milliseconds"))
            else:
                await self.host.pause.unpause()
        except PauseFailedError as error:
            return {"failed": str(error)}
        return {"paused": await self.host.pause.paused()}

    async def block(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        """Hang with the whole event loop, as no service should."""
        _log.info("blocks")
        time.sleep(request["seconds"])  # noqa: ASYNC251  # that is the point
        return {}


def offer(host: Host) -> Sequence[grpc.GenericRpcHandler]:
    work = Work(host)

    def unary(function: Any) -> grpc.RpcMethodHandler[Any, Any]:
        return grpc.unary_unary_rpc_method_handler(
            function, request_deserializer=json.loads, response_serializer=as_json
        )

    return [
        grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Do": unary(work.do),
                "Commit": unary(work.commit),
                "Look": unary(work.look),
                "Pause": unary(work.pause),
                "Block": unary(work.block),
                "Hold": grpc.unary_stream_rpc_method_handler(
                    work.hold, request_deserializer=json.loads, response_serializer=as_json
                ),
            },
        )
    ]


def as_json(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode()

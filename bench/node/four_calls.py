"""What if begin, get, put and commit were a call each? A further service of a node, to compare.

Plugged in by ``scalar.db.node.services``. It does without what guards the node's own calls (log-in,
limits, the gate, what becomes of what was left open), and so is faster than it could be in earnest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.messages.errors import status_message
from scalar_tx.cluster.messages.operations import operation_of
from scalar_tx.cluster.node_server.replies import result_message
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx import AsyncTransaction
    from scalar_tx.cluster.host import Host

_SERVICE: Final = "bench.FourCalls"
CALL: Final = f"/{_SERVICE}/Call"


class FourCalls:
    """The transactions of one worker, by their ids."""

    def __init__(self, host: Host) -> None:
        self._manager = host.manager
        self._open: dict[str, AsyncTransaction] = {}

    async def call(self, request: rpc.Request, _: Any) -> rpc.Reply:
        """One of the four; the first one of an id begins."""
        tx_id = request.begin.transaction_id
        tx = self._open.get(tx_id)
        reply = rpc.Reply()
        if tx is None:
            self._open[tx_id] = self._manager.begin()
            return reply
        try:
            if request.HasField("one"):
                [found] = await tx.batch([operation_of(request.one)])
                reply.one.CopyFrom(result_message(found))
            elif request.end == rpc.Request.COMMIT:
                await tx.commit()
                del self._open[tx_id]
                reply.outcome = rpc.State.STATE_COMMITTED
        except ConflictError as conflict:
            await self._open.pop(tx_id).rollback()
            reply.error.CopyFrom(status_message(conflict))
        return reply


def offer(host: Host) -> Sequence[grpc.GenericRpcHandler]:
    """The service, for a worker."""
    methods: Any = {
        "Call": grpc.unary_unary_rpc_method_handler(
            FourCalls(host).call,
            request_deserializer=rpc.Request.FromString,
            response_serializer=rpc.Reply.SerializeToString,
        )
    }
    return [grpc.method_handlers_generic_handler(_SERVICE, methods)]

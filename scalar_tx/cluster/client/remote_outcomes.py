"""Where are the results of calls with a key, if a node has the database? It keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.client.node_calls import TRANSACTIONS
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.tagged_json import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.cluster.client.node_calls import NodeCalls
    from scalar_tx.keyed_calls import Call


@dataclass(frozen=True, slots=True)
class RemoteKnown:
    """What a transaction has found out about a call."""

    done: bool
    result: Any = None
    forgotten: bool = False


class RemoteOutcomes:
    """The outcomes that a node keeps."""

    def __init__(self, calls: NodeCalls) -> None:
        self._calls = calls

    async def look(self, steps: Any, call: Call) -> RemoteKnown:
        """Was the call done? InvalidOperationError: with other arguments."""
        reply = await steps.say(rpc.Request(look=_look(call)))
        known = reply.known
        return RemoteKnown(
            known.done, decoded(known.result) if known.done else None, known.forgotten
        )

    async def remember(self, steps: Any, call: Call, known: Any, result: object) -> None:
        """Write down that the call is done, with the transaction's other writes."""
        text = encoded(result, f"the result of {call.what}")
        message = rpc.Remember(call=_look(call), forgotten=known.forgotten, result=text)
        await steps.say(rpc.Request(remember=message), writes=True)

    async def forget_old(self, go_on: Callable[[], bool]) -> int:
        """Remove what is kept no longer; return how many that were."""
        removed = 0
        path = f"{TRANSACTIONS}ForgetOutcomes"
        while go_on():
            reply = await self._calls.ask(
                path, rpc.ForgetOutcomesRequest(), rpc.ForgetOutcomesReply, harmless=True
            )
            removed += reply.removed
            if not reply.more:
                break
        return removed


def _look(call: Call) -> rpc.Look:
    return rpc.Look(scope=call.scope, key=call.key, digest=call.digest, what=call.what)

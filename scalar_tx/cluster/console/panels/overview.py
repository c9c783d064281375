"""How is the node at this moment: is it ready, how are its workers, what is open in them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.console.panel import Panel, WorkerParts

if TYPE_CHECKING:
    from scalar_tx.cluster.console.asked import Asked
    from scalar_tx.cluster.console.panel import Call
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.node_server.access import Caller

MOST_LISTED: Final = 100  # open transactions: of the node, and of a worker


async def _overview(asked: Asked) -> Data:
    by_slot = await asked.of_all("transactions")
    state = asked.state()
    listed = [
        {**one, "worker": slot} for slot, told in by_slot.items() for one in told["transactions"]
    ]
    listed.sort(key=lambda one: -one["age"])
    workers = [
        {**one, "open": by_slot[slot]["count"] if slot in by_slot else None}
        for slot, one in enumerate(state["workers"])
    ]
    return {
        **state,
        "workers": workers,
        "count": sum(told["count"] for told in by_slot.values()),
        "transactions": listed[:MOST_LISTED],
    }


class _Calls:
    def __init__(self, parts: WorkerParts) -> None:
        self._sessions = parts.sessions

    async def transactions(self, ask: Data, caller: Caller) -> Data:
        owner = None if caller.principal.superuser else caller.name
        now = self._sessions.now()
        return {
            "count": self._sessions.count,
            "transactions": [
                {
                    "id": one.transaction_id,
                    "owner": one.owner,
                    "age": now - one.opened_at,
                    "rest": 0.0 if one.running else now - one.used_at,
                }
                for one in self._sessions.oldest(MOST_LISTED, owner=owner)
            ],
        }


def _calls(parts: WorkerParts) -> dict[str, Call]:
    return {"transactions": _Calls(parts).transactions}


PANEL: Final = Panel(reads={"overview": _overview}, calls=_calls)

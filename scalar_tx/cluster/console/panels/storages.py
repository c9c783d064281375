"""Are the storages of the node well?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.console.health import StorageHealth
from scalar_tx.cluster.console.panel import Panel, WorkerParts

if TYPE_CHECKING:
    from scalar_tx.cluster.console.asked import Asked
    from scalar_tx.cluster.console.panel import Call
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.node_server.access import Caller


async def _storages(asked: Asked) -> Data:
    return await asked.of_one("storages")


class _Calls:
    def __init__(self, parts: WorkerParts) -> None:
        self._health = StorageHealth(parts.database.manager.settings.storage)

    async def storages(self, ask: Data, caller: Caller) -> Data:
        return {"storages": await self._health.told(whole=caller.principal.superuser)}


def _calls(parts: WorkerParts) -> dict[str, Call]:
    return {"storages": _Calls(parts).storages}


PANEL: Final = Panel(reads={"storages": _storages}, calls=_calls)

"""What has a browser asked of a panel, and whom may it be asked of in turn?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.console.asking import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from scalar_tx.cluster.console.asking import Workers
    from scalar_tx.cluster.control import Data

_LARGEST_BODY: Final = 200_000  # bytes: a key may be large


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under ``/console/api``, of a page of this node.

    ``state`` tells how the node is; ``token``: of whoever asks, None where nobody logs in.
    """

    request: web.Request
    state: Callable[[], Data]
    _workers: Workers
    _token: str | None

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the question mark."""
        return self.request.query

    async def body(self, *names: str) -> dict[str, str]:
        """The texts of those names that were posted. AnswerError: they are not what was sent."""
        return await posted(self.request, *names)

    async def of_one(self, call: str, ask: Data | None = None) -> Data:
        """What any worker answers to this call. AnswerError."""
        return await self._workers.ask_one(call, self._token, peer_of(self.request), ask)

    async def of_all(self, call: str) -> dict[int, Data]:
        """What each worker answers, by slot; who says nothing in time is left out. AnswerError."""
        return await self._workers.ask_all(call, self._token, peer_of(self.request))


async def posted(request: web.Request, *names: str) -> dict[str, str]:
    """The texts of those names in the body. AnswerError: they are not what was sent."""
    malformed = refusal(400, "this is not what the page sends", "Reload the page")
    if request.content_type != "application/json":
        raise malformed
    try:
        sent: Any = json.loads(await request.clone(client_max_size=_LARGEST_BODY).text())
    except (ValueError, RecursionError):
        raise malformed from None
    if not isinstance(sent, dict) or not all(isinstance(sent.get(name), str) for name in names):
        raise malformed
    return {name: sent[name] for name in names}


def peer_of(request: web.Request) -> str:
    """Where a request came from, written as gRPC writes it."""
    address = "" if request.transport is None else request.transport.get_extra_info("peername")
    if not address:
        return ""
    host, port = str(address[0]), address[1]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

"""Is the server serving? (13)

Every name of a service gets the one answer that there is, as ``grpc_health_probe`` and the Java
server have it. A pause does not change it, else an orchestrator would restart what is paused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from grpc_health.v1 import health_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scalar_tx.cluster.scalardb_server.statuses import Context


class Health:
    """SERVING from its making until it is told otherwise."""

    def __init__(self) -> None:
        self._serving = True
        self._changed = asyncio.Event()

    @property
    def serving(self) -> bool:
        """The answer."""
        return self._serving

    def set(self, *, serving: bool) -> None:
        """Change the answer, and tell everybody who watches it."""
        self._serving = serving
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _answer(self) -> health_pb2.HealthCheckResponse:
        kind = health_pb2.HealthCheckResponse
        return kind(status=kind.SERVING if self._serving else kind.NOT_SERVING)

    async def check(
        self, _request: health_pb2.HealthCheckRequest, _context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The answer now."""
        return self._answer()

    async def watch(
        self, _request: health_pb2.HealthCheckRequest, _context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The answer now, and whenever it changes, until the client has enough."""
        told: bool | None = None
        while True:
            changed = self._changed
            if told is not self._serving:
                told = self._serving
                yield self._answer()
            await changed.wait()

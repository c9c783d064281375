"""A worker's services in this process, on a loop of their own, for tests of the protocol."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.node_server.access import OpenAccess
from scalar_tx.cluster.node_server.database import Database
from scalar_tx.cluster.node_server.services import handlers
from scalar_tx.cluster.node_server.worker_parts import CallLimits, Identity, WorkerParts
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Served:
    """One worker: ``url`` is what clients connect to."""

    def __init__(
        self,
        target: str,
        *,
        limits: CallLimits | None = None,
        sessions: Sessions | None = None,
        **settings: object,
    ) -> None:
        self.target = target
        self._settings = settings
        self._limits = limits or CallLimits()
        self._sessions = sessions
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._start())

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(60)

    async def _start(self) -> None:
        opening = functools.partial(open_async, leaves_decisions=True)
        self.manager = AsyncTransactionManager(load(self.target, self._settings), opening)
        self.worker = WorkerParts(
            Database(self.manager),
            OpenAccess(self.manager.settings),
            Gate(),
            self._sessions or Sessions(10_000, 10_000, 60, 60),
            self._limits,
            Identity("here"),
        )
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(handlers(self.worker))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self._watch = asyncio.ensure_future(self.worker.sessions.watch())

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def at_rest(self, seconds: float = 5.0) -> bool:
        """Is nothing left of what has ended, or will be in a moment?"""
        until = time.monotonic() + seconds
        while self.worker.sessions.count or self.worker.gate.outstanding:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    async def _stop(self) -> None:
        self._watch.cancel()
        await self._server.stop(None)
        await self.manager.close()

    def close(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

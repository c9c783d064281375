"""A worker's services in this process, on a loop of their own, for tests of the protocol."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.passwords import PasswordHashing
from scalar_tx.cluster.auth.principals import Principals
from scalar_tx.cluster.auth.token_store import wall_clock_ms
from scalar_tx.cluster.database import Database
from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.node_server.access import OpenAccess, TokenAccess
from scalar_tx.cluster.node_server.security import SecurityCalls
from scalar_tx.cluster.node_server.services import handlers
from scalar_tx.cluster.node_server.worker_parts import CallLimits, Identity, WorkerParts
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.cluster.turns import Turns
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scalar_tx.cluster.auth.tokens import Lifetimes


class Users:
    """The users of a served worker, by clocks that a test may move."""

    def __init__(
        self,
        *,
        lifetimes: Lifetimes | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetimes = lifetimes
        self._now_ms = now_ms
        self._elapsed = elapsed
        self.principals: Principals
        self.authenticator: Authenticator

    def begin(self, manager: AsyncTransactionManager) -> None:
        self._hashing = PasswordHashing(waiting=64)
        self.principals = Principals(
            manager, self._hashing, lifetimes=self._lifetimes, now_ms=self._now_ms
        )
        limits = LogInLimits(a_second=1000, elapsed=self._elapsed)
        self.authenticator = Authenticator(
            self.principals, self._hashing, limits=limits, elapsed=self._elapsed
        )

    async def close(self) -> None:
        await self.authenticator.close()
        await self._hashing.close()


class Served:
    """One worker: ``url`` is what clients connect to. ``users``: they have to log in."""

    def __init__(
        self,
        target: str,
        *,
        limits: CallLimits | None = None,
        sessions: Sessions | None = None,
        users: Users | None = None,
        turns: Turns | None = None,
        **settings: object,
    ) -> None:
        self._turns = turns or Turns()
        self.target = target
        self._settings = settings
        self._limits = limits or CallLimits()
        self._sessions = sessions
        self.users = users
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
        users = self.users
        if users is not None:
            users.begin(self.manager)
        self.worker = WorkerParts(
            Database(self.manager),
            TokenAccess(users.authenticator) if users else OpenAccess(self.manager.settings),
            Gate(),
            self._sessions or Sessions(10_000, 10_000, 60, 60),
            self._limits,
            Identity("here"),
            principals=users.principals if users else None,
            security=SecurityCalls(users.authenticator, users.principals) if users else None,
            turns=self._turns,
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
        if self.users is not None:
            await self.users.close()
        await self.manager.close()

    def close(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

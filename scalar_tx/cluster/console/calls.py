"""What does a worker answer to the console, and to whom?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.refusals import (
    NotAuthenticatedError,
    NotPermittedError,
    TooManyAttemptsError,
)
from scalar_tx.cluster.console.panel import WorkerParts, all_panels, joined
from scalar_tx.cluster.node_server.calls import known_error
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
    SchemaError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.auth.authenticator import Authenticator
    from scalar_tx.cluster.auth.tokens import TokenPair
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.database import Database
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.node_server.access import Access, Caller
    from scalar_tx.cluster.sessions import Sessions


class ConsoleCalls:
    """One worker's answers. ``authenticator``: where callers log in."""

    def __init__(
        self,
        database: Database,
        access: Access,
        gate: Gate,
        sessions: Sessions,
        authenticator: Authenticator | None = None,
    ) -> None:
        self._access = access
        self._authenticator = authenticator
        self._open: dict[str, Callable[[Data, str], Awaitable[Data]]] = {
            "log_in": self._log_in,
            "refresh": self._refresh,
            "log_out": self._log_out,
        }
        self._calls: dict[str, Callable[[Data, Caller], Awaitable[Data]]] = {
            "who": self._who,
        }
        parts = WorkerParts(database, gate, sessions)
        of_panels = (panel.calls(parts) for panel in all_panels())
        self._calls |= joined(of_panels, known={*self._open, *self._calls})

    async def answer(self, data: Data) -> Data:
        """``found``, or ``error``: what ``error_data`` makes of one."""
        try:
            return {"found": await self._found(data)}
        except Exception as error:  # noqa: BLE001  # it is told to the one who asks
            return {"error": error_data(known_error(error))}

    async def _found(self, data: Data) -> Data:
        call, peer, ask = str(data["call"]), str(data["peer"]), dict(data["ask"])
        if call in self._open:
            return await self._open[call](ask, peer)
        token = data["token"]
        authorization = "" if token is None else f"Bearer {token}"
        return await self._calls[call](ask, await self._access.caller(authorization, peer))

    # Who it is.

    @property
    def _asked(self) -> Authenticator:
        if self._authenticator is None:
            raise InvalidOperationError(
                "this node asks nobody to log in, and has no users",
                advice="Set scalar.db.cluster.auth.enabled=true in the node's settings",
                code="STX-5067",
            )
        return self._authenticator

    async def _log_in(self, ask: Data, peer: str) -> Data:
        return self._tokens(await self._asked.log_in(ask["user"], ask["password"], peer=peer))

    async def _refresh(self, ask: Data, peer: str) -> Data:
        return self._tokens(await self._asked.refresh(ask["token"], peer=peer))

    async def _log_out(self, ask: Data, peer: str) -> Data:
        await self._asked.log_out(ask["token"], peer=peer)
        return {}

    def _tokens(self, pair: TokenPair) -> Data:
        until = pair.access_expires_at.timestamp()
        return {"access": pair.access, "refresh": pair.refresh, "until": until}

    async def _who(self, ask: Data, caller: Caller) -> Data:
        return {"user": caller.name, "superuser": caller.principal.superuser}


_STATUSES: Final = (
    (NotAuthenticatedError, 401),
    (NotPermittedError, 403),
    (TooManyAttemptsError, 429),
    (StorageUnavailableError, 503),
    (ConflictError, 409),
    (SchemaError, 409),
    (InvalidOperationError, 400),
)


def error_data(error: ScalarTxError) -> Data:
    """What a page is told of an error, with the status of HTTP."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    return {
        "status": status,
        "code": error.code,
        "message": error.message,
        "advice": error.advice,
        "retry_after": getattr(error, "retry_after", None),
    }

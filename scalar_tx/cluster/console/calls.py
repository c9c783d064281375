"""What does a worker answer to the console, and to whom?"""

from __future__ import annotations

import asyncio
import binascii
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from scalar_tx.cluster.auth.permissions import check_table
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.refusals import (
    NotAuthenticatedError,
    NotPermittedError,
    TooManyAttemptsError,
)
from scalar_tx.cluster.auth.security_log import Caller as By
from scalar_tx.cluster.auth.security_log import Event, tell
from scalar_tx.cluster.console.health import StorageHealth
from scalar_tx.cluster.console.stuck import find_stuck
from scalar_tx.cluster.messages.values import MalformedError, columns_of
from scalar_tx.cluster.node_server.calls import known_error
from scalar_tx.cluster.rpc.v1 import values_pb2
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

MOST_LISTED: Final = 100  # open transactions of a worker
MOST_TABLES: Final = 1000


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
        self._database = database
        self._access = access
        self._gate = gate
        self._sessions = sessions
        self._authenticator = authenticator
        self._health = StorageHealth(database.manager.settings.storage)
        # A whole table is read: not by everybody at once.
        self._looking = asyncio.Lock()
        self._open: dict[str, Callable[[Data, str], Awaitable[Data]]] = {
            "log_in": self._log_in,
            "refresh": self._refresh,
            "log_out": self._log_out,
        }
        self._calls: dict[str, Callable[[Data, Caller], Awaitable[Data]]] = {
            "who": self._who,
            "transactions": self._transactions,
            "tables": self._tables,
            "stuck": self._stuck,
            "settle": self._settle,
            "storages": self._storages,
        }

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

    # What is seen.

    async def _transactions(self, ask: Data, caller: Caller) -> Data:
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

    async def _tables(self, ask: Data, caller: Caller) -> Data:
        with self._gate.admit():
            return {"tables": await self._database.change(self._seen_tables(caller))}

    async def _seen_tables(self, caller: Caller) -> list[str]:
        administration = self._database.parts.administration
        rights = caller.principal.rights
        found: list[str] = []
        for namespace in await administration.namespaces():
            if not rights.is_closed(namespace) and len(found) < MOST_TABLES:
                found += await administration.tables(namespace)
        return sorted(one for one in found if rights.allows(Privilege.SELECT, one))[:MOST_TABLES]

    async def _stuck(self, ask: Data, caller: Caller) -> Data:
        table, seconds = str(ask["table"]), float(ask["older"])
        check_table(caller.principal, Privilege.SELECT, table, peer=caller.peer)
        if self._looking.locked():
            raise StorageUnavailableError(
                "somebody else is looking for stuck records at this moment",
                advice="Try again in some seconds",
                code="STX-5072",
            )
        async with self._looking:
            with self._gate.admit():
                found = await find_stuck(self._database, table, seconds)
        found["may_settle"] = caller.principal.rights.allows(Privilege.UPDATE, table)
        return found

    async def _storages(self, ask: Data, caller: Caller) -> Data:
        return {"storages": await self._health.told(whole=caller.principal.superuser)}

    # What is done.

    async def _settle(self, ask: Data, caller: Caller) -> Data:
        table = str(ask["table"])
        # As of a transaction: it may be aborted, so it is for those who could have written.
        for privilege in (Privilege.SELECT, Privilege.UPDATE):
            check_table(caller.principal, privilege, table, peer=caller.peer)
        key = columns_of(_key(str(ask["key"])))
        with self._gate.admit():
            recover = self._database.parts.recover(table, key)
            state = await self._database.run(recover, whole=True)
        detail = "it was settled" if state is None else state.value
        tell(Event.SETTLE, By(caller.name, caller.peer), subject=table, detail=detail)
        return {"state": None if state is None else state.value}


def _key(text: str) -> Any:
    try:
        return values_pb2.Columns.FromString(urlsafe_b64decode(text))
    except (binascii.Error, ValueError, DecodeError) as error:
        raise MalformedError("this is no record's key") from error


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

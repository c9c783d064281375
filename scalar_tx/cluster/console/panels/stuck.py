"""Which tables may somebody look through for stuck records, and who may settle one?"""

from __future__ import annotations

import asyncio
import binascii
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from scalar_tx.cluster.auth.permissions import check_table
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.security_log import Caller as By
from scalar_tx.cluster.auth.security_log import Event, tell
from scalar_tx.cluster.console.asking import refusal
from scalar_tx.cluster.console.left_prepared import find_stuck
from scalar_tx.cluster.console.panel import Panel, WorkerParts
from scalar_tx.cluster.messages.values import MalformedError, columns_of
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.errors import StorageUnavailableError

if TYPE_CHECKING:
    from scalar_tx.cluster.console.asked import Asked
    from scalar_tx.cluster.console.panel import Call
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.node_server.access import Caller

MOST_TABLES: Final = 1000
_LONGEST_NAME: Final = 1000


async def _tables(asked: Asked) -> Data:
    return await asked.of_one("tables")


async def _stuck(asked: Asked) -> Data:
    table = asked.query.get("table", "")
    try:
        older = float(asked.query.get("older", "15"))
    except ValueError:
        older = -1.0
    if not table or len(table) > _LONGEST_NAME or not 0 <= older <= 1e9:
        raise refusal(400, "a table, and an age in seconds, are asked for")
    return await asked.of_one("stuck", {"table": table, "older": older})


async def _settle(asked: Asked) -> Data:
    return await asked.of_one("settle", {**await asked.body("table", "key")})


class _Calls:
    def __init__(self, parts: WorkerParts) -> None:
        self._database = parts.database
        self._gate = parts.gate
        # A whole table is read: not by everybody at once.
        self._looking = asyncio.Lock()

    async def tables(self, ask: Data, caller: Caller) -> Data:
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

    async def stuck(self, ask: Data, caller: Caller) -> Data:
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

    async def settle(self, ask: Data, caller: Caller) -> Data:
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


def _calls(parts: WorkerParts) -> dict[str, Call]:
    made = _Calls(parts)
    return {"tables": made.tables, "stuck": made.stuck, "settle": made.settle}


PANEL: Final = Panel(
    reads={"tables": _tables, "stuck": _stuck}, writes={"settle": _settle}, calls=_calls
)

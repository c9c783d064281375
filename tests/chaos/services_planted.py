"""Which mistakes of the services must their campaign notice?

Each is planted into every worker of a node, by the name of an offer of no service.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.audit import rules as audit
from scalar_auditor.audit.model import PersonOfSet, SetOfPerson
from scalar_auditor.event import rules as events
from scalar_auditor.event.model import ItemEvent
from scalar_auditor.identity import rules as identity
from scalar_tx import Upsert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.host import Host
    from scalar_tx.transaction_async import AsyncTransaction

LATER_S: Final = 0.3


def view_logged_behind_the_answer(host: Host) -> list[Any]:
    """An auditor is answered, and the log's row is written in another transaction, a bit later."""
    log = events.record_view
    later = _later(host)

    async def record(tx: AsyncTransaction, *args: Any, **how: Any) -> None:
        async def alone(other: AsyncTransaction) -> None:
            await log(other, *args, **how)

        later(alone)

    events.record_view = record
    return []


def item_events_apart(host: Host) -> list[Any]:
    """The events of items are written in another transaction than the events, a bit later."""
    take_in = events.take_in
    later = _later(host)

    class WithoutItemEvents:
        """A transaction that leaves them out."""

        def __init__(self, tx: AsyncTransaction) -> None:
            self._tx = tx
            self.left_out: list[Any] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(self._tx, name)

        async def batch(self, operations: list[Any]) -> Any:
            self.left_out += [one for one in operations if _of_item(one)]
            return await self._tx.batch([one for one in operations if not _of_item(one)])

    async def apart(tx: AsyncTransaction, *args: Any) -> Any:
        watched: Any = WithoutItemEvents(tx)
        answer = await take_in(watched, *args)

        async def alone(other: AsyncTransaction) -> None:
            await other.batch(watched.left_out)

        if watched.left_out:
            later(alone)
        return answer

    events.take_in = apart  # type: ignore[assignment]
    return []


def leavers_stay_in_groups(_: Host) -> list[Any]:
    """DeleteUser forgets a table."""

    async def forget_person(tx: AsyncTransaction, user_email: str, limit: int) -> bool:
        sets = await tx.scan(SetOfPerson, {"user_email": user_email}, limit=limit)
        for one in sets:
            key = {"audit_set_id": one.audit_set_id, "user_email": user_email}
            await tx.delete(PersonOfSet, key)
            await tx.delete(one)
        groups = await identity.groups_of(tx, user_email, limit=limit)
        for group in groups:
            await identity.left_group(tx, user_email, group.audit_group_id)
        return max(len(sets), len(groups)) < limit

    audit.forget_person = forget_person
    return []


def _of_item(operation: Any) -> bool:
    return isinstance(operation, Upsert) and isinstance(operation.table, ItemEvent)


def _later(host: Host) -> Callable[[Callable[[AsyncTransaction], Awaitable[None]]], None]:
    """What runs a transaction of its own in a while, whichever thread asks for it."""
    loop: list[asyncio.AbstractEventLoop] = []

    async def arm() -> None:
        loop.append(asyncio.get_running_loop())

    host.beside.append(arm)

    def later(work: Callable[[AsyncTransaction], Awaitable[None]]) -> None:
        def begin() -> None:
            asyncio.run_coroutine_threadsafe(host.manager.run(work), loop[0])

        threading.Timer(LATER_S, begin).start()

    return later

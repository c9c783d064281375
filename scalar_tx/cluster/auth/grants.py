"""Who was granted what, and on what?

A grant is two records as well: what a user or role has there, and who has something on a place.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scalar_tx.cluster.auth.privileges import Grant, Privilege, checked_place
from scalar_tx.cluster.auth.security_log import THE_NODE, Caller, Event, tell
from scalar_tx.cluster.auth.subjects import check_exists, checked_subject, subjects
from scalar_tx.cluster.auth.tables import GRANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scalar_tx.cluster.auth.tables import AuthTables
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row
    from scalar_tx.transaction_async import AsyncTransaction


class Grants:
    """The grants of a node; a part of ``Principals``.

    ``subject`` is ``user_subject("ada")`` or ``role_subject("clerks")``, ``place`` a namespace or
    ``namespace.table``, there already or not. Nothing can be granted on a ``closed`` namespace
    (STX-5214). ``by`` says who asks, for the log; whether they may is not asked here.
    """

    def __init__(self, tables: AuthTables, closed: frozenset[str]) -> None:
        self._tables = tables
        self._closed = closed

    async def grant(
        self,
        subject: str,
        privileges: Iterable[Privilege | str],
        place: str,
        *,
        by: Caller = THE_NODE,
    ) -> None:
        """Grant privileges, besides those that the subject has there. STX-5211: nobody is that."""
        wanted = _parsed(privileges)
        checked_place(place, self._closed)

        async def work(tx: AsyncTransaction) -> None:
            await check_exists(tx, subject)
            await self._set(tx, subject, place, await _held(tx, subject, place) | wanted)

        await self._tables.change(work)
        tell(Event.GRANT, by, subject=subject, detail=f"{_text(wanted)} on {place}")

    async def revoke(
        self,
        subject: str,
        privileges: Iterable[Privilege | str],
        place: str,
        *,
        by: Caller = THE_NODE,
    ) -> None:
        """Take privileges away on exactly this place; nothing happens where they aren't held.

        What was granted on a namespace can't be taken away on one of its tables.
        """
        unwanted = _parsed(privileges)
        checked_subject(subject)

        async def work(tx: AsyncTransaction) -> None:
            held = await _held(tx, subject, place)
            if held & unwanted:
                await self._set(tx, subject, place, held - unwanted)

        await self._tables.change(work)
        tell(Event.REVOKE, by, subject=subject, detail=f"{_text(unwanted)} on {place}")

    async def of(self, subject: str) -> list[Grant]:
        """What a user or role was granted itself, by place."""
        checked_subject(subject)

        async def work(tx: AsyncTransaction) -> list[Grant]:
            return await self.read(tx, subject)

        return await self._tables.read(work)

    async def on(self, place: str) -> list[Grant]:
        """Who was granted something on exactly this place, by subject."""

        async def work(tx: AsyncTransaction) -> list[Grant]:
            rows = await tx.scan(GRANT, {"subject": _on(place)})
            return [Grant(str(row["other"]), _privileges(row), place) for row in rows]

        return await self._tables.read(work)

    async def forget_place(self, place: str, *, by: Caller = THE_NODE) -> None:
        """Take away everything on a place, and of a namespace on each table in it.

        For what is dropped: a later one of its name is not for those who had the former.
        """
        within = [] if "." in place else await self._places_in(place)
        for one in (place, *within):
            if await self._tables.change(partial(self._forget_on, one)):
                tell(Event.REVOKE, by, detail=f"everything on {one}")

    async def _places_in(self, namespace: str) -> list[str]:
        """The tables of a namespace on which something is granted, there or not."""
        within: set[str] = set()
        for subject in await self._tables.read(subjects):
            granted = await self._tables.read(partial(self.read, subject=subject))
            within.update(one.place for one in granted if one.place.startswith(f"{namespace}."))
        return sorted(within)

    # Within a transaction.

    async def _forget_on(self, place: str, tx: AsyncTransaction) -> bool:
        rows = await tx.scan(GRANT, {"subject": _on(place)})
        for row in rows:
            await self._set(tx, str(row["other"]), place, frozenset())
        return bool(rows)

    async def read(self, tx: AsyncTransaction, subject: str) -> list[Grant]:
        """What a user or role was granted itself."""
        rows = await tx.scan(GRANT, {"subject": subject})
        return [Grant(subject, _privileges(row), str(row["other"])) for row in rows]

    async def forget(self, tx: AsyncTransaction, subject: str) -> None:
        """Take away everything from a user or role."""
        for grant in await self.read(tx, subject):
            await self._set(tx, subject, grant.place, frozenset())

    async def _set(
        self, tx: AsyncTransaction, subject: str, place: str, privileges: frozenset[Privilege]
    ) -> None:
        for key in _sides(subject, place):
            if privileges:
                values: Row = {"privileges": _text(privileges), "granted_at": self._tables.now()}
                await tx.upsert(GRANT, {**key, **values})
            else:
                await tx.delete(GRANT, key)


def _on(place: str) -> str:
    return f"on:{place}"


def _sides(subject: str, place: str) -> Iterator[dict[str, str]]:
    yield {"subject": subject, "other": place}
    yield {"subject": _on(place), "other": subject}


async def _held(tx: AsyncTransaction, subject: str, place: str) -> frozenset[Privilege]:
    row = await tx.get(GRANT, {"subject": subject, "other": place})
    return frozenset() if row is None else _privileges(row)


def _parsed(privileges: Iterable[Privilege | str]) -> frozenset[Privilege]:
    given = [privileges] if isinstance(privileges, str) else privileges
    return frozenset(Privilege.parse(one) for one in given)


def _privileges(row: Record) -> frozenset[Privilege]:
    return frozenset(Privilege.parse(one) for one in str(row["privileges"]).split(","))


def _text(privileges: Iterable[Privilege]) -> str:
    return ",".join(sorted(one.value for one in privileges))

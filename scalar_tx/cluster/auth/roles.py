"""Which roles are there, and who has them?

A role may have roles, and so on; never itself. A membership is two records: what the one side has,
and to whom the other is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.security_log import THE_NODE, Caller, Event, tell
from scalar_tx.cluster.auth.subjects import (
    check_exists,
    checked_name,
    checked_subject,
    exists_already,
    missing,
    role_of,
    role_subject,
)
from scalar_tx.cluster.auth.tables import MEMBERSHIP, REALM, ROLE
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.cluster.auth.grants import Grants
    from scalar_tx.cluster.auth.tables import AuthTables
    from scalar_tx.transaction_async import AsyncTransaction

_HAS: Final = "has"
_GIVEN_TO: Final = "given to"
_OPPOSITE: Final = {_HAS: _GIVEN_TO, _GIVEN_TO: _HAS}


class Roles:
    """The roles of a node; a part of ``Principals``.

    ``member`` is a subject: ``user_subject("ada")``, ``role_subject("clerks")``. ``by`` says who
    asks, for the log; whether they may is not asked here. STX-5208: that is no name; STX-5211:
    there is no such user or role.
    """

    def __init__(self, tables: AuthTables, grants: Grants) -> None:
        self._tables = tables
        self._grants = grants

    async def create(
        self, name: str, *, if_not_exists: bool = False, by: Caller = THE_NODE
    ) -> None:
        """Make a role. STX-5210: there is one."""
        key = _key(name)

        async def work(tx: AsyncTransaction) -> bool:
            if await tx.get(ROLE, key) is not None:
                return False
            await tx.insert(ROLE, {**key, "created_at": self._tables.now()})
            return True

        if await self._tables.change(work):
            tell(Event.CREATE_ROLE, by, subject=name)
        elif not if_not_exists:
            raise exists_already("role", name)

    async def drop(self, name: str, *, if_exists: bool = False, by: Caller = THE_NODE) -> None:
        """Remove a role, from those who have it too, with its grants."""
        key = _key(name)

        async def work(tx: AsyncTransaction) -> bool:
            if await tx.get(ROLE, key) is None:
                return False
            await self.forget(tx, role_subject(name))
            await self._grants.forget(tx, role_subject(name))
            await tx.delete(ROLE, key)
            return True

        if await self._tables.change(work):
            tell(Event.DROP_ROLE, by, subject=name)
        elif not if_exists:
            raise missing("role", name)

    async def all(self) -> list[str]:
        """The names of all roles."""

        async def work(tx: AsyncTransaction) -> list[str]:
            return [str(row["name"]) for row in await tx.scan(ROLE, {"realm": REALM})]

        return await self._tables.read(work)

    async def grant(self, role: str, member: str, *, by: Caller = THE_NODE) -> None:
        """Give a role to a user or another role; nothing happens if they have it.

        STX-5213: a role would have itself.
        """
        subject = role_subject(role)

        async def work(tx: AsyncTransaction) -> None:
            await check_exists(tx, subject)
            await check_exists(tx, member)
            if member in await self.reached(tx, subject):
                raise InvalidOperationError(
                    f"the role {role} has the role {role_of(member)}, or is it",
                    advice="Give roles in one direction only",
                    code="STX-5213",
                )
            for record in _both(member, subject):
                await tx.upsert(MEMBERSHIP, {**record, "granted_at": self._tables.now()})

        await self._tables.change(work)
        tell(Event.GRANT_ROLE, by, subject=member, detail=role)

    async def revoke(self, role: str, member: str, *, by: Caller = THE_NODE) -> None:
        """Take a role from a user or another role; nothing happens if they don't have it."""
        subject = role_subject(role)
        checked_subject(member)

        async def work(tx: AsyncTransaction) -> None:
            for record in _both(member, subject):
                await tx.delete(MEMBERSHIP, record)

        await self._tables.change(work)
        tell(Event.REVOKE_ROLE, by, subject=member, detail=role)

    async def of(self, member: str) -> list[str]:
        """The names of the roles that a user or role was given itself."""
        checked_subject(member)
        return await self._others(member, _HAS)

    async def members(self, role: str) -> list[str]:
        """The subjects that a role was given to."""
        return await self._others(role_subject(role), _GIVEN_TO)

    async def _others(self, subject: str, direction: str) -> list[str]:
        async def work(tx: AsyncTransaction) -> list[str]:
            return await _read(tx, subject, direction)

        found = await self._tables.read(work)
        return [role_of(one) or one for one in found] if direction == _HAS else found

    # Within a transaction.

    async def reached(self, tx: AsyncTransaction, subject: str) -> set[str]:
        """A subject, and the roles that it has by itself or by another role, as subjects."""
        found = {subject}
        left = [subject]
        while left:
            new = set(await _read(tx, left.pop(), _HAS)) - found
            found |= new
            left.extend(new)
        return found

    async def forget(self, tx: AsyncTransaction, subject: str) -> None:
        """Take a user or role out of all memberships."""
        for direction in (_HAS, _GIVEN_TO):
            for other in await _read(tx, subject, direction):
                for record in _sides(subject, direction, other):
                    await tx.delete(MEMBERSHIP, record)


def _key(name: str) -> dict[str, str]:
    return {"realm": REALM, "name": checked_name(name, "role")}


async def _read(tx: AsyncTransaction, subject: str, direction: str) -> list[str]:
    one = {"direction": direction}
    rows = await tx.scan(MEMBERSHIP, {"subject": subject}, start=one, end=one)
    return [str(row["other"]) for row in rows]


def _both(member: str, role: str) -> Iterator[dict[str, str]]:
    return _sides(member, _HAS, role)


def _sides(subject: str, direction: str, other: str) -> Iterator[dict[str, str]]:
    yield {"subject": subject, "direction": direction, "other": other}
    yield {"subject": other, "direction": _OPPOSITE[direction], "other": subject}

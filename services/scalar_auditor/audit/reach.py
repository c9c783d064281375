"""Which audit sets does a person reach, directly or through groups, and as what?"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import AuditSet, SetOfGroup, SetOfPerson
from scalar_auditor.audit.rules import ACTIVE, groups_ending
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, SetRole, highest
from scalar_auditor.reading_together import read_all
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_GROUPS: Final = 100  # memberships that are read at once


class _First:
    """The first sets by id of all that are told, at most ``most`` of them, with the best role."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ids: list[str] = []
        self.roles: dict[str, SetRole | None] = {}

    @property
    def end(self) -> dict[str, str] | None:
        """Behind which nothing is wanted; None: all is."""
        return {"audit_set_id": self._ids[-1]} if len(self._ids) == self._most else None

    def take(self, found: Iterable[tuple[str, SetRole]]) -> None:
        """Sets, and what the person is on them in one of the ways they are reached."""
        for audit_set_id, role in found:
            if audit_set_id not in self.roles:
                insort(self._ids, audit_set_id)
            self.roles[audit_set_id] = highest(role, self.roles.get(audit_set_id))
            if len(self._ids) > self._most:
                del self.roles[self._ids.pop()]

    def in_order(self) -> list[tuple[str, SetRole | None]]:
        """All of them by id."""
        return [(audit_set_id, self.roles[audit_set_id]) for audit_set_id in self._ids]


async def page(
    tx: AsyncTransaction, caller: Caller, after: str | None, limit: int
) -> list[tuple[str, AuditSet | None, SetRole | None]]:
    """The first sets by id behind ``after``, each once, with the caller's role.

    None instead of a set: it is being deleted, and is not there.
    """
    first = _First(limit)
    start = None if after is None else {"audit_set_id": after}
    direct = await tx.scan(
        SetOfPerson,
        {"user_email": caller.email},
        start=start,
        start_inclusive=False,
        limit=limit,
    )
    first.take((row.audit_set_id, SetRole(row.role)) for row in direct)
    last_group: str | None = None
    while True:
        memberships = await identity.groups_of(tx, caller.email, after=last_group, limit=_GROUPS)
        ending = await groups_ending(tx, [one.audit_group_id for one in memberships])
        for one in memberships:
            if one.audit_group_id in ending:
                continue
            role = THROUGH_A_GROUP[Privilege(one.privilege)]
            linked = await tx.scan(
                SetOfGroup,
                {"audit_group_id": one.audit_group_id},
                start=start,
                start_inclusive=False,
                end=first.end,
                limit=limit,
            )
            first.take((row.audit_set_id, role) for row in linked)
        if len(memberships) < _GROUPS:
            break
        last_group = memberships[-1].audit_group_id
    reached = first.in_order()
    asked = [Get(AuditSet, {"audit_set_id": one}) for one, _ in reached]
    found = await read_all(tx, asked)
    return [
        (audit_set_id, one if one is not None and one.status == ACTIVE else None, role)
        for (audit_set_id, role), one in zip(reached, found, strict=True)
    ]

"""Does what the audit service keeps agree with itself? (Services specification 4)

A set has exactly one OWNER, by person, by set and on the set itself; pairs of tables say the same;
what is named is there, and so is whoever is named. Where calls go on meanwhile, two reads may see
two states: what looks wrong is read once more, serializable, before it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.audit.model import (
    AuditGroup,
    AuditSet,
    GroupMember,
    GroupOfSet,
    PersonOfSet,
    SetItem,
    SetOfGroup,
    SetOfItem,
    SetOfPerson,
)
from scalar_auditor.audit.rules import ACTIVE, DELETING
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import SetRole
from scalar_auditor.reading_together import read_all
from scalar_auditor.whole_tables import looked, pages_of
from scalar_tx import Get, Isolation, column

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

    Key = dict[str, str]

_PAGE: Final = 500  # rows that are compared at once
_OWNERS: Final = 10  # that are told of a set which has too many


@dataclass(frozen=True, slots=True)
class _Expected:
    """Of each row of ``kind`` there is one of ``other``, under those columns of the row.

    ``key``: the key columns of ``kind``. ``same``: columns that both have, besides keys.
    """

    kind: type[Any]
    key: tuple[str, ...]
    other: type[Any]
    under: tuple[str, ...]
    same: tuple[str, ...] = ()

    def wrong(self, row: Any, other: Any) -> str | None:
        """What is wrong with the two; None: nothing is."""
        names = ", ".join(f"{name} {getattr(row, name)}" for name in self.key)
        if other is None:
            return f"{names}: there is a {self.kind.__name__} and no {self.other.__name__}"
        differing = [one for one in self.same if getattr(row, one) != getattr(other, one)]
        if not differing:
            return None
        told = ", ".join(differing)
        return f"{names}: {self.kind.__name__} and {self.other.__name__} have another {told}"


def _columns(row: Any, names: tuple[str, ...]) -> Key:
    return {name: getattr(row, name) for name in names}


def _twins(
    one: type[Any], two: type[Any], key: tuple[str, ...], same: tuple[str, ...]
) -> tuple[_Expected, _Expected]:
    return _Expected(one, key, two, key, same), _Expected(two, key, one, key)


_SET, _GROUP = ("audit_set_id",), ("audit_group_id",)
_PERSON = ("audit_set_id", "user_email")
_LINK = ("audit_group_id", "audit_set_id")
_MEMBER = ("audit_group_id", "user_email")
_ALL: Final = (
    *_twins(PersonOfSet, SetOfPerson, _PERSON, ("user_id", "role", "added_at")),
    *_twins(SetItem, SetOfItem, ("audit_set_id", "item_id"), ("added_at",)),
    *_twins(SetOfGroup, GroupOfSet, _LINK, ("linked_at",)),
    _Expected(PersonOfSet, _PERSON, AuditSet, _SET),
    _Expected(SetItem, ("audit_set_id", "item_id"), AuditSet, _SET),
    _Expected(SetOfGroup, _LINK, AuditSet, _SET),
    _Expected(SetOfGroup, _LINK, AuditGroup, _GROUP),
    _Expected(GroupMember, _MEMBER, AuditGroup, _GROUP),
)


async def findings(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    """What is not as it has to be, one text each; nothing is written."""
    for source in (_of_sets, _of_rows, _of_people, _of_members):
        async for text in source(manager):
            yield text


async def _of_sets(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    async for sets in pages_of(manager, AuditSet):
        for one in sets:
            text = await looked(manager, _of_set, one.audit_set_id)
            if text is not None:
                yield text


async def _of_rows(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    for expected in _ALL:
        async for rows in pages_of(manager, expected.kind, size=_PAGE):
            for row in await _suspects(manager, _unlike, expected, rows):
                text = await looked(manager, _again, expected, row)
                if text is not None:
                    yield text


async def _of_people(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    async for people in pages_of(manager, PersonOfSet, size=_PAGE):
        for one in await _suspects(manager, _unknown, people):
            for again in await looked(manager, _unknown, [one]):
                yield (
                    f"audit_set_id {again.audit_set_id}, user_email {again.user_email}: "
                    f"there is no such user of the id {again.user_id}"
                )


async def _of_members(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    async for members in pages_of(manager, GroupMember, size=_PAGE):
        pairs = [(member.user_email, member.audit_group_id) for member in members]
        for pair in await _suspects(manager, _apart, pairs):
            text = await looked(manager, _of_member, pair)
            if text is not None:
                yield text
    async for pairs in identity.memberships(manager, _PAGE):
        for pair in await _suspects(manager, _apart, pairs):
            text = await looked(manager, _of_member, pair)
            # What both tables have was told above.
            if text is not None and not await looked(manager, _is_member, pair):
                yield text


async def _suspects(manager: AsyncTransactionManager, work: Any, *args: Any) -> Any:
    return await looked(manager, work, *args, isolation=Isolation.SNAPSHOT)


async def _of_set(tx: AsyncTransaction, audit_set_id: str) -> str | None:
    found = await tx.get(AuditSet, {"audit_set_id": audit_set_id})
    if found is None:
        return None  # it was deleted since the page was read
    if found.status not in {ACTIVE, DELETING}:
        return f"audit_set_id {audit_set_id}: its status is {found.status!r:.40}"
    owners = await tx.scan(
        PersonOfSet,
        {"audit_set_id": audit_set_id},
        where=column("role") == SetRole.OWNER.value,
        limit=_OWNERS,
    )
    told = [(owner.user_email, owner.user_id) for owner in owners]
    if told == [(found.owner_email, found.owner_user_id)]:
        return None
    emails = ", ".join(email for email, _ in told) or "nobody"
    return f"audit_set_id {audit_set_id}: its owner is {found.owner_email}, OWNER is {emails}"


async def _unlike(tx: AsyncTransaction, expected: _Expected, rows: Sequence[Any]) -> list[Any]:
    others = await tx.batch([Get(expected.other, _columns(row, expected.under)) for row in rows])
    return [row for row, other in zip(rows, others, strict=True) if expected.wrong(row, other)]


async def _again(tx: AsyncTransaction, expected: _Expected, row: Any) -> str | None:
    row = await tx.get(expected.kind, _columns(row, expected.key))
    if row is None:
        return None
    other = await tx.get(expected.other, _columns(row, expected.under))
    return expected.wrong(row, other)


async def _unknown(tx: AsyncTransaction, people: Sequence[PersonOfSet]) -> list[PersonOfSet]:
    """Those who are still there, and name no account as it is. Members of groups identity asks."""
    keys = [_columns(one, _PERSON) for one in people]
    rows = await read_all(tx, [Get(PersonOfSet, key) for key in keys])
    there = [row for row in rows if row is not None]
    ids = await identity.user_ids_of(tx, [row.user_email for row in there])
    return [row for row, user_id in zip(there, ids, strict=True) if row.user_id != user_id]


async def _apart(tx: AsyncTransaction, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    asked = [Get(GroupMember, {"user_email": one, "audit_group_id": two}) for one, two in pairs]
    members = await tx.batch(asked)
    kept = await identity.privileges_of(tx, pairs)
    return [
        pair
        for pair, member, privilege in zip(pairs, members, kept, strict=True)
        if member is None or member.privilege != privilege
    ]


async def _is_member(tx: AsyncTransaction, pair: tuple[str, str]) -> bool:
    key = {"user_email": pair[0], "audit_group_id": pair[1]}
    return await tx.get(GroupMember, key) is not None


async def _of_member(tx: AsyncTransaction, pair: tuple[str, str]) -> str | None:
    email, group = pair
    member = await tx.get(GroupMember, {"user_email": email, "audit_group_id": group})
    (kept,) = await identity.privileges_of(tx, [pair])
    told = None if member is None else member.privilege
    if told == kept:
        return None
    return (
        f"audit_group_id {group}, user_email {email}: {told or 'no member'} by group, "
        f"{kept or 'no member'} by person"
    )

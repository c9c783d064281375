"""What may happen to audit sets and groups, and who is what on them?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import (
    AuditGroup,
    AuditSet,
    GroupMember,
    GroupOfSet,
    PersonOfSet,
    SetItem,
    SetOfPerson,
)
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, SetRole, highest
from scalar_auditor.reading_together import read_all
from scalar_tx import Get, column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

ACTIVE: Final = "ACTIVE"
DELETING: Final = "DELETING"


async def role_on(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str
) -> tuple[bool, SetRole | None]:
    """Is there such a set, and what is the caller on it, directly or through a group?

    A set that is being deleted is not there any more. The highest role wins.
    """
    found = await tx.get(AuditSet, {"audit_set_id": audit_set_id})
    if found is None or found.status != ACTIVE:
        return False, None
    if not caller.email:
        return True, None
    key = {"user_email": caller.email, "audit_set_id": audit_set_id}
    direct = await tx.get(SetOfPerson, key)
    role = None if direct is None else SetRole(direct.role)
    if role in {SetRole.OWNER, SetRole.CO_OWNER}:
        return True, role  # no group gives more
    return True, highest(role, await _role_through_groups(tx, caller.email, audit_set_id))


async def _role_through_groups(
    tx: AsyncTransaction, email: str, audit_set_id: str
) -> SetRole | None:
    links = await tx.scan(GroupOfSet, {"audit_set_id": audit_set_id})
    asked = [
        Get(GroupMember, {"audit_group_id": link.audit_group_id, "user_email": email})
        for link in links
    ]
    members = [member for member in await read_all(tx, asked) if member is not None]
    ending = await groups_ending(tx, [member.audit_group_id for member in members])
    return highest(
        *(
            THROUGH_A_GROUP[Privilege(member.privilege)]
            for member in members
            if member.audit_group_id not in ending
        )
    )


async def groups_of(tx: AsyncTransaction, audit_group_ids: Sequence[str]) -> list[AuditGroup]:
    """The groups of those ids, also those that are being deleted."""
    asked = [Get(AuditGroup, {"audit_group_id": one}) for one in audit_group_ids]
    return [group for group in await read_all(tx, asked) if group is not None]


def is_there(group: AuditGroup) -> bool:
    """Is it a group still? One that is being deleted has no name any more, and gives no rights."""
    return bool(group.name)


async def groups_ending(tx: AsyncTransaction, audit_group_ids: Sequence[str]) -> set[str]:
    """Which of those groups are being deleted? Who is in them is nothing through them."""
    found = await groups_of(tx, audit_group_ids)
    return {group.audit_group_id for group in found if not is_there(group)}


async def has_item(tx: AsyncTransaction, audit_set_id: str, item_id: str) -> bool:
    """Is that item in that set?"""
    key = {"audit_set_id": audit_set_id, "item_id": item_id}
    return await tx.get(SetItem, key) is not None


async def items_of_set(
    tx: AsyncTransaction, audit_set_id: str, after: str | None, limit: int
) -> list[SetItem]:
    """The items of a set, by id, behind ``after``; it asks nothing of the caller."""
    start = None if after is None else {"item_id": after}
    key = {"audit_set_id": audit_set_id}
    return await tx.scan(SetItem, key, start=start, start_inclusive=False, limit=limit)


async def items_among(tx: AsyncTransaction, audit_set_id: str, item_ids: Iterable[str]) -> set[str]:
    """Which of those items are in that set? In one read."""
    wanted = list(dict.fromkeys(item_ids))
    gets = [Get(SetItem, {"audit_set_id": audit_set_id, "item_id": one}) for one in wanted]
    found = await read_all(tx, gets)
    return {item_id for item_id, row in zip(wanted, found, strict=True) if row is not None}


async def owns_a_set(tx: AsyncTransaction, user_email: str) -> bool:
    """Is somebody the owner of a set, also of one that is being deleted?"""
    owned = await tx.scan(
        SetOfPerson,
        {"user_email": user_email},
        where=column("role") == SetRole.OWNER.value,
        limit=1,
    )
    return bool(owned)


async def forget_person(tx: AsyncTransaction, user_email: str, limit: int) -> bool:
    """Take somebody out of some sets and groups, at most so many of each.

    True: they are in no other. For one who is leaving and owns no set.
    """
    sets = await tx.scan(SetOfPerson, {"user_email": user_email}, limit=limit)
    for one in sets:
        key = {"audit_set_id": one.audit_set_id, "user_email": user_email}
        await tx.delete(PersonOfSet, key)
        await tx.delete(one)
    groups = await identity.groups_of(tx, user_email, limit=limit)
    for group in groups:
        key = {"audit_group_id": group.audit_group_id, "user_email": user_email}
        await tx.delete(GroupMember, key)
        await identity.left_group(tx, user_email, group.audit_group_id)
        await _belongs_to_another(tx, group.audit_group_id, user_email)
    return max(len(sets), len(groups)) < limit


async def _belongs_to_another(tx: AsyncTransaction, audit_group_id: str, user_email: str) -> None:
    """Name another OWNER of the group as whose it is; where there is none, nobody's e-mail."""
    group = await tx.get(AuditGroup, {"audit_group_id": audit_group_id})
    if group is None or group.owner_email != user_email:
        return
    owners = await tx.scan(
        GroupMember,
        {"audit_group_id": audit_group_id},
        where=column("privilege") == Privilege.OWNER.value,
        limit=1,
    )
    heir = await identity.find(tx, owners[0].user_email) if owners else None
    email, user_id = ("", group.owner_user_id) if heir is None else (heir.user_email, heir.user_id)
    await tx.update(replace(group, owner_email=email, owner_user_id=user_id))

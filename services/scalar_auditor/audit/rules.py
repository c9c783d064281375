"""What may happen to audit sets and groups, and who is what on them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import (
    AuditSet,
    GroupMember,
    GroupOfSet,
    PersonOfSet,
    SetItem,
    SetOfPerson,
)
from scalar_auditor.identity import rules as identity
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, SetRole, highest
from scalar_tx import column

if TYPE_CHECKING:
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
    for link in await tx.scan(GroupOfSet, {"audit_set_id": audit_set_id}):
        member_key = {"audit_group_id": link.audit_group_id, "user_email": caller.email}
        member = await tx.get(GroupMember, member_key)
        if member is not None:
            role = highest(role, THROUGH_A_GROUP[Privilege(member.privilege)])
    return True, role


async def has_item(tx: AsyncTransaction, audit_set_id: str, item_id: str) -> bool:
    """Is that item in that set?"""
    key = {"audit_set_id": audit_set_id, "item_id": item_id}
    return await tx.get(SetItem, key) is not None


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
    return max(len(sets), len(groups)) < limit

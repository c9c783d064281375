"""What may happen to audit sets and groups, and who is what on them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import (
    AuditSet,
    GroupMember,
    GroupOfSet,
    SetItem,
    SetOfPerson,
)
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, SetRole, highest
from scalar_auditor.reading_together import read_all
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Iterable

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


async def items_among(tx: AsyncTransaction, audit_set_id: str, item_ids: Iterable[str]) -> set[str]:
    """Which of those items are in that set? In one read."""
    wanted = list(dict.fromkeys(item_ids))
    gets = [Get(SetItem, {"audit_set_id": audit_set_id, "item_id": one}) for one in wanted]
    found = await read_all(tx, gets)
    return {item_id for item_id, row in zip(wanted, found, strict=True) if row is not None}

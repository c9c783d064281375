"""What may happen to audit sets and groups, and who is what on them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import (
    AuditGroup,
    AuditSet,
    GroupMember,
    GroupOfSet,
    SetItem,
    SetOfPerson,
)
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, SetRole, highest
from scalar_tx import Get

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
    members = [member for member in await tx.batch(asked) if member is not None]
    named = [member.audit_group_id for member in members]
    standing = {group.audit_group_id for group in await groups(tx, named)}
    return highest(
        *(
            THROUGH_A_GROUP[Privilege(member.privilege)]
            for member in members
            if member.audit_group_id in standing
        )
    )


def is_there(group: AuditGroup) -> bool:
    """Is it a group still? One that is being deleted has no name any more, and gives no rights."""
    return bool(group.name)


async def groups(tx: AsyncTransaction, audit_group_ids: Sequence[str]) -> list[AuditGroup]:
    """The groups of those ids, in their order, without those that are not there."""
    asked = [Get(AuditGroup, {"audit_group_id": one}) for one in audit_group_ids]
    return [one for one in await tx.batch(asked) if one is not None and is_there(one)]


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
    found = await tx.batch(
        [Get(SetItem, {"audit_set_id": audit_set_id, "item_id": item_id}) for item_id in wanted]
    )
    return {item_id for item_id, row in zip(wanted, found, strict=True) if row is not None}

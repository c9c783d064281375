"""May the caller see this item? (Services specification 2)

Asked in the same transaction as what is then read or done. What a caller may not see is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.audit import rules as audit
from scalar_auditor.errors import NotFoundError
from scalar_auditor.item import rules as items
from scalar_auditor.permissions import Action, insist

if TYPE_CHECKING:
    from scalar_auditor.item.model import Item
    from scalar_auditor.permissions import Caller, SetRole
    from scalar_tx.transaction_async import AsyncTransaction


async def insist_on_set(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, action: Action = Action.VIEW
) -> SetRole | None:
    """The caller's role on a set, None for an AUDIT_ADMIN without one; else as ``insist``."""
    there, role = await audit.role_on(tx, caller, audit_set_id)
    insist(caller, role, action, audit_set_id, exists=there)
    return role


async def visible_item(
    tx: AsyncTransaction,
    caller: Caller,
    item_id: str,
    audit_set_id: str,
    action: Action = Action.VIEW,
) -> Item:
    """An item that the caller may see; errors as of ``insist``, NotFoundError for the item too.

    With a set: by the caller's role on it, if the item is in it. Without: an AUDIT_ADMIN, a
    service, and the item's owner; an outside auditor always names the set, since each view of
    theirs is logged there.
    """
    if audit_set_id:
        await insist_on_set(tx, caller, audit_set_id, action)
        seen = await audit.has_item(tx, audit_set_id, item_id)
        item = await items.find(tx, item_id) if seen else None
    else:
        item = await items.find(tx, item_id)
        if item is not None and not owns_or_sees_all(caller, item):
            item = None
    if item is None:
        raise NotFoundError(
            f"there is no item {item_id!r}", reason="ITEM_NOT_FOUND", item_id=item_id
        )
    return item


def owns_or_sees_all(caller: Caller, item: Item) -> bool:
    """May the caller see the item without naming a set? An outside auditor never may."""
    if caller.is_outside_auditor:
        return False
    if caller.is_admin or caller.is_service:
        return True
    return bool(caller.email) and item.owner_email == caller.email

"""Which events may the caller see? Those of items that they may see (Services specification 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.audit import rules as audit
from scalar_auditor.item import rules as items
from scalar_auditor.visibility import insist_on_set, owns_or_sees_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_auditor.event.model import Event
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction


def sees_all(caller: Caller, audit_set_id: str) -> bool:
    """Is there no event that has to be looked at first?"""
    return not audit_set_id and (caller.is_admin or caller.is_service)


async def insist(tx: AsyncTransaction, caller: Caller, audit_set_id: str) -> None:
    """NotFoundError: a set is named that the caller may not see."""
    if audit_set_id:
        await insist_on_set(tx, caller, audit_set_id)


async def visible(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, events: Sequence[Event]
) -> list[Event]:
    """Of some events those of items in the set; without a set, of items that the caller owns.

    Whoever may see all items sees what happened to no item too. Call ``insist`` before.
    """
    if not events or sees_all(caller, audit_set_id):
        return list(events)
    item_ids = {event.item_id for event in events if event.item_id}
    if audit_set_id:
        seen = await audit.items_among(tx, audit_set_id, item_ids)
    else:
        found = await items.find_many(tx, item_ids)
        seen = {item_id for item_id, item in found.items() if owns_or_sees_all(caller, item)}
    return [event for event in events if event.item_id in seen]

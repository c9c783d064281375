"""Which other items have the same digest, as far as the caller may see them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.audit import rules as audit
from scalar_auditor.item import rules as items
from scalar_auditor.verification import rules
from scalar_auditor.visibility import insist_on_set, owns_or_sees_all

if TYPE_CHECKING:
    from scalar_auditor.paging import Page
    from scalar_auditor.permissions import Caller
    from scalar_auditor.verification.model import ItemBySha1
    from scalar_tx.transaction_async import AsyncTransaction

_LOOKED_AT: Final = 100  # of a page: whether the caller may see it takes a read for each


async def found_copies(
    tx: AsyncTransaction, caller: Caller, sha1_hash: str, audit_set_id: str, page: Page
) -> tuple[list[ItemBySha1], str | None]:
    """A page of the items under a digest, and the id behind which there are more.

    With a set: those that are in it. Without: an AUDIT_ADMIN and a service see all, other people
    what they own, an outside auditor none. Who can't see the set: NotFoundError.
    """
    if audit_set_id:
        await insist_on_set(tx, caller, audit_set_id)
    elif caller.is_outside_auditor:
        return [], None
    sees_all = not audit_set_id and (caller.is_admin or caller.is_service)
    size = page.size if sees_all else min(page.size, _LOOKED_AT)
    rows = await rules.copies_of(tx, sha1_hash, limit=size + 1, after=page.after)
    more = rows[size - 1].item_id if len(rows) > size else None
    rows = rows[:size]
    if sees_all:
        return rows, more
    ids = [row.item_id for row in rows]
    if audit_set_id:
        seen = await audit.items_among(tx, audit_set_id, ids)
    else:
        found = await items.find_many(tx, ids)
        seen = {item_id for item_id, item in found.items() if owns_or_sees_all(caller, item)}
    return [row for row in rows if row.item_id in seen], more

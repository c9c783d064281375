"""Which items are in an audit set, and how do they stand now?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import SetItem, SetOfItem
from scalar_auditor.audit.rules import has_item
from scalar_auditor.audit.sets import remove_item
from scalar_auditor.errors import FailedPreconditionError, NotFoundError
from scalar_auditor.item import rules as items
from scalar_auditor.permissions import Action
from scalar_auditor.verification import rules as verification
from scalar_auditor.visibility import insist_on_set
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

MONITORED: Final = "MONITORED"


@dataclass(frozen=True, slots=True)
class Standing:
    """An item of a set as it was added, and what is known of it now.

    ``deleted``: the item itself is. ``monitored``: a digest of it is registered. ``verified_at``:
    milliseconds since 1970 of its last verification, 0: never.
    """

    row: SetItem
    deleted: bool
    monitored: bool
    tampering_status: str
    verified_at: int

    @property
    def monitoring_status(self) -> str:
        """``monitored``, as a word."""
        return MONITORED if self.monitored else verification.NOT_MONITORED


async def add(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, item_ids: Sequence[str], now_ms: int
) -> list[Standing]:
    """Put items into a set, all or none; one that is there stays as it is.

    NotFoundError, FailedPreconditionError: an item is not known, or is deleted.
    """
    await insist_on_set(tx, caller, audit_set_id, Action.ITEMS)
    keys = [{"audit_set_id": audit_set_id, "item_id": item_id} for item_id in item_ids]
    standing = await tx.batch([Get(SetItem, key) for key in keys])
    rows = [row for row in standing if row is not None]
    there = {row.item_id for row in rows}
    missing = [item_id for item_id in item_ids if item_id not in there]
    found = await items.find_all(tx, missing)
    statuses = await verification.statuses_of(tx, missing)
    for item_id, item, status in zip(missing, found, statuses, strict=True):
        if item is None:
            raise _no_item(item_id)
        if item.deleted:
            raise FailedPreconditionError(
                f"the item {item_id!r} is deleted", reason="ITEM_DELETED", item_id=item_id
            )
        row = SetItem(
            audit_set_id=audit_set_id,
            item_id=item_id,
            item_type=item.item_type,
            item_name=item.name,
            parent_id=item.parent_id,
            sha1_hash=item.sha1_hash,
            monitoring_status=verification.NOT_MONITORED if status is None else MONITORED,
            added_by=caller.user_id,
            added_at=now_ms,
        )
        await tx.insert(row)
        await tx.insert(SetOfItem(item_id, audit_set_id, now_ms))
        rows.append(row)
    by_id = {row.item_id: row for row in rows}
    return await standings(tx, [by_id[item_id] for item_id in item_ids])


def _no_item(item_id: str) -> NotFoundError:
    return NotFoundError(f"there is no item {item_id!r}", reason="ITEM_NOT_FOUND", item_id=item_id)


async def remove(tx: AsyncTransaction, caller: Caller, audit_set_id: str, item_id: str) -> None:
    """Take an item out of a set. NotFoundError: it is not in it."""
    await insist_on_set(tx, caller, audit_set_id, Action.ITEMS)
    if not await has_item(tx, audit_set_id, item_id):
        raise _no_item(item_id)
    await remove_item(tx, audit_set_id, item_id)


async def page(
    tx: AsyncTransaction, caller: Caller, audit_set_id: str, after: str | None, limit: int
) -> list[Standing]:
    """Items of a set by id, behind ``after``."""
    await insist_on_set(tx, caller, audit_set_id)
    rows = await tx.scan(
        SetItem,
        {"audit_set_id": audit_set_id},
        start=None if after is None else {"item_id": after},
        start_inclusive=False,
        limit=limit,
    )
    return await standings(tx, rows)


async def standings(tx: AsyncTransaction, rows: Sequence[SetItem]) -> list[Standing]:
    """Those items of a set, with what the other services know of them now."""
    ids = [row.item_id for row in rows]
    found = await items.find_all(tx, ids)
    statuses = await verification.statuses_of(tx, ids)
    return [
        Standing(
            row=row,
            deleted=item is None or item.deleted,
            monitored=status is not None,
            tampering_status=(
                verification.NOT_MONITORED if status is None else status.tampering_status
            ),
            verified_at=0 if status is None else status.last_verified_at,
        )
        for row, item, status in zip(rows, found, statuses, strict=True)
    ]

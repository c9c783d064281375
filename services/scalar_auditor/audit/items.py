"""Which items are in an audit set, and how do they stand now?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_auditor.audit.model import SetItem, SetOfItem
from scalar_auditor.audit.rules import has_item, items_of_set
from scalar_auditor.audit.sets import remove_item
from scalar_auditor.errors import FailedPreconditionError, NotFoundError
from scalar_auditor.item import rules as items
from scalar_auditor.permissions import Action
from scalar_auditor.verification import rules as verification
from scalar_auditor.visibility import insist_on_set
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_auditor.item.model import Item
    from scalar_auditor.keys import KeyRing
    from scalar_auditor.permissions import Caller
    from scalar_auditor.verification.model import ItemStatus
    from scalar_tx.transaction_async import AsyncTransaction

MONITORED: Final = "MONITORED"


@dataclass(frozen=True, slots=True)
class Standing:
    """An item of a set as it was added, and what is known of it now.

    ``deleted``: the item itself is. ``monitoring_status``: is a digest of it registered by now?
    ``verified_at``: milliseconds since 1970 of its last verification, 0: never.
    """

    row: SetItem
    deleted: bool
    monitoring_status: str
    tampering_status: str
    verified_at: int


class SetItems:
    """The items of sets, with the keys that say whether what is stored of them was altered."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def add(
        self,
        tx: AsyncTransaction,
        caller: Caller,
        audit_set_id: str,
        item_ids: Sequence[str],
        now_ms: int,
    ) -> list[Standing]:
        """Put items into a set, all or none; one that is there stays as it is.

        NotFoundError, FailedPreconditionError: an item is not known, or is deleted.
        """
        await insist_on_set(tx, caller, audit_set_id, Action.ITEMS)
        keys = [{"audit_set_id": audit_set_id, "item_id": item_id} for item_id in item_ids]
        there = {row.item_id: row for row in await tx.batch([*map(_get, keys)]) if row is not None}
        found = await items.find_many(tx, item_ids)
        statuses = await verification.checked_statuses_of(tx, self._keys, item_ids)
        result = []
        for item_id, (verdict, status) in zip(item_ids, statuses, strict=True):
            row = there.get(item_id)
            if row is None:
                item = _can_be_added(item_id, found.get(item_id))
                row = SetItem(
                    audit_set_id=audit_set_id,
                    item_id=item_id,
                    item_type=item.item_type,
                    item_name=item.name,
                    parent_id=item.parent_id,
                    sha1_hash=item.sha1_hash,
                    monitoring_status=_monitoring_status(status),
                    added_by=caller.user_id,
                    added_at=now_ms,
                )
                await tx.insert(row)
                await tx.insert(SetOfItem(item_id, audit_set_id, now_ms))
            result.append(_standing(row, found.get(item_id), verdict, status))
        return result

    async def page(
        self,
        tx: AsyncTransaction,
        caller: Caller,
        audit_set_id: str,
        after: str | None,
        limit: int,
    ) -> list[Standing]:
        """Items of a set by id, behind ``after``."""
        await insist_on_set(tx, caller, audit_set_id)
        rows = await items_of_set(tx, audit_set_id, after, limit)
        ids = [row.item_id for row in rows]
        found = await items.find_many(tx, ids)
        statuses = await verification.checked_statuses_of(tx, self._keys, ids)
        return [
            _standing(row, found.get(row.item_id), verdict, status)
            for row, (verdict, status) in zip(rows, statuses, strict=True)
        ]


async def remove(tx: AsyncTransaction, caller: Caller, audit_set_id: str, item_id: str) -> None:
    """Take an item out of a set. NotFoundError: it is not in it."""
    await insist_on_set(tx, caller, audit_set_id, Action.ITEMS)
    if not await has_item(tx, audit_set_id, item_id):
        raise _no_item(item_id)
    await remove_item(tx, audit_set_id, item_id)


def _get(key: Mapping[str, str]) -> Get[SetItem]:
    return Get(SetItem, key)


def _can_be_added(item_id: str, item: Item | None) -> Item:
    if item is None:
        raise _no_item(item_id)
    if item.deleted:
        raise FailedPreconditionError(
            f"the item {item_id!r} is deleted", reason="ITEM_DELETED", item_id=item_id
        )
    return item


def _no_item(item_id: str) -> NotFoundError:
    return NotFoundError(f"there is no item {item_id!r}", reason="ITEM_NOT_FOUND", item_id=item_id)


def _monitoring_status(status: ItemStatus | None) -> str:
    return verification.NOT_MONITORED if status is None else MONITORED


def _standing(row: SetItem, item: Item | None, verdict: str, status: ItemStatus | None) -> Standing:
    return Standing(
        row=row,
        deleted=item is None or item.deleted,
        monitoring_status=_monitoring_status(status),
        tampering_status=verdict,
        verified_at=0 if status is None else status.last_verified_at or 0,
    )

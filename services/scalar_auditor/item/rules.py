"""What may happen to files and folders?

An item's ``modified_at`` orders what is told of it: older news never replaces newer. What lies in a
folder is listed in ``item_children``, which each change of a place or a name keeps in step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import FailedPreconditionError, NotFoundError
from scalar_auditor.item import tree
from scalar_auditor.item.model import Child, Item
from scalar_auditor.item.tree import FOLDER
from scalar_tx import Delete, Upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_tx.model.operations import Operation
    from scalar_tx.transaction_async import AsyncTransaction

_REFUSALS: Final = {
    tree.CIRCLE: "a folder can't lie inside itself",
    tree.TOO_DEEP: f"an item can't lie more than {tree.MOST_LEVELS} folders deep",
}


async def find(tx: AsyncTransaction, item_id: str) -> Item | None:
    """An item, also one that was deleted; None: nobody ever told of it."""
    return await tx.get(Item, {"item_id": item_id})


async def find_many(tx: AsyncTransaction, item_ids: Iterable[str]) -> dict[str, Item]:
    """Those of the items that there are, by id, in one read."""
    known: tree.Known = {}
    await tree.read_items(tx, item_ids, known)
    return {item_id: item for item_id, item in known.items() if item is not None}


async def children_of(
    tx: AsyncTransaction, item_id: str, *, after: str | None = None, limit: int | None = None
) -> list[Child]:
    """What is listed in a folder, deleted items too, by id, behind ``after``."""
    start = None if after is None else {"item_id": after}
    return await tx.scan(
        Child, {"parent_id": item_id}, start=start, start_inclusive=False, limit=limit
    )


async def path_to(tx: AsyncTransaction, item: Item) -> list[Item]:
    """From the root down to the item, at most 1,000 levels.

    It begins later where nobody has told of a folder further up.
    """
    return await tree.path_to(tx, item)


async def upsert(tx: AsyncTransaction, told: Item) -> Item:
    """Let an item be what is told of it; returns what is kept.

    FailedPreconditionError: NEWER_STATE, ITEM_TYPE_FIXED, PARENT_NOT_FOUND, PARENT_NOT_A_FOLDER,
    PARENT_DELETED, CIRCLE, TOO_DEEP.
    """
    known: tree.Known = {}
    await tree.read_items(tx, filter(None, (told.item_id, told.parent_id)), known)
    before = known[told.item_id]
    if before is not None:
        _insist_on_order(before, told.modified_at)
        if before.item_type != told.item_type:
            raise FailedPreconditionError(
                f"item {told.item_id!r} is a {before.item_type} and stays one",
                reason="ITEM_TYPE_FIXED",
                item_id=told.item_id,
            )
    return await _changed(tx, known, told)


async def move(tx: AsyncTransaction, item_id: str, parent_id: str, modified_at: int) -> Item:
    """Put an item into another folder, or, with no ``parent_id``, among the roots.

    NotFoundError; FailedPreconditionError as ``upsert``.
    """
    known: tree.Known = {}
    await tree.read_items(tx, filter(None, (item_id, parent_id)), known)
    item = _there(known[item_id], item_id)
    _insist_on_order(item, modified_at)
    return await _changed(tx, known, replace(item, parent_id=parent_id, modified_at=modified_at))


async def delete(tx: AsyncTransaction, item_id: str, modified_at: int) -> Item:
    """Mark an item as deleted; it stays where it is listed, and so does what lies in it.

    NotFoundError; FailedPreconditionError, NEWER_STATE.
    """
    item = _there(await find(tx, item_id), item_id)
    _insist_on_order(item, modified_at)
    after = replace(item, deleted=True, modified_at=modified_at)
    await _write(tx, _writes(item, after))
    return after


async def take_in(tx: AsyncTransaction, told: Sequence[Item]) -> None:
    """Let items be what a stream of events tells of them, in its order.

    A stream is never refused, since nobody could correct it: what is older than what is kept
    changes nothing, a parent may be unknown yet, an item keeps its type, and one whose new place
    would be inside itself stays where it is until the stream tells of the others.
    """
    if not told:
        return
    known: tree.Known = {}
    await tree.read_items(tx, [one.item_id for one in told], known)
    newest: dict[str, Item] = {}
    for one in told:
        before = newest.get(one.item_id) or known[one.item_id]
        if before is None or before.modified_at <= one.modified_at:
            newest[one.item_id] = one if before is None else _following(before, one)
    # Files need no look at their folders: what is only read makes the commit a step longer.
    folders = {one.item_id: one.parent_id for one in newest.values() if one.item_type == FOLDER}
    refused = await tree.refused_moves(tx, folders, known)
    writes: list[Operation] = []
    for item_id, item in newest.items():
        before = known[item_id]
        if item_id in refused:
            item = replace(item, parent_id="" if before is None else before.parent_id)  # noqa: PLW2901
        writes += _writes(before, item)
    await _write(tx, writes)


async def _changed(tx: AsyncTransaction, known: tree.Known, told: Item) -> Item:
    before = known[told.item_id]
    after = told if before is None else _following(before, told)
    if after.parent_id and (before is None or before.parent_id != after.parent_id):
        _insist_on_folder(known[after.parent_id], after.parent_id)
    refused = await tree.refused_moves(tx, {after.item_id: after.parent_id}, known)
    for item_id, why in refused.items():
        raise FailedPreconditionError(
            _REFUSALS[why], reason=why, item_id=item_id, parent_id=after.parent_id
        )
    await _write(tx, _writes(before, after))
    return after


def _following(before: Item, told: Item) -> Item:
    """What is told of an item that is known: its type stays, and when it was made, if not told."""
    created_at = told.created_at or before.created_at
    return replace(told, item_type=before.item_type, created_at=created_at)


async def _write(tx: AsyncTransaction, writes: Sequence[Operation]) -> None:
    if writes:
        await tx.batch(writes)


def _writes(before: Item | None, after: Item) -> list[Operation]:
    if before == after:
        return []
    writes: list[Operation] = [Upsert(after)]
    old, new = None if before is None else entry_of(before), entry_of(after)
    if old is not None and (new is None or old.parent_id != new.parent_id):
        writes.append(Delete(old))
    if new is not None and old != new:
        writes.append(Upsert(new))
    return writes


def entry_of(item: Item) -> Child | None:
    """How an item is listed in its folder; None: it is a root."""
    if not item.parent_id:
        return None
    return Child(item.parent_id, item.item_id, item.item_type, item.name, item.deleted)


def _there(item: Item | None, item_id: str) -> Item:
    if item is None:
        raise NotFoundError(
            f"there is no item {item_id!r}", reason="ITEM_NOT_FOUND", item_id=item_id
        )
    return item


def _insist_on_order(before: Item, modified_at: int) -> None:
    if modified_at < before.modified_at:
        raise FailedPreconditionError(
            f"what is known of item {before.item_id!r} is newer",
            reason="NEWER_STATE",
            item_id=before.item_id,
            modified_at=str(before.modified_at),
        )


def _insist_on_folder(parent: Item | None, parent_id: str) -> None:
    if parent is None:
        reason, what = "PARENT_NOT_FOUND", f"there is no item {parent_id!r}"
    elif parent.item_type != FOLDER:
        reason, what = "PARENT_NOT_A_FOLDER", f"item {parent_id!r} is no folder"
    elif parent.deleted:
        reason, what = "PARENT_DELETED", f"the folder {parent_id!r} was deleted"
    else:
        return
    raise FailedPreconditionError(what, reason=reason, parent_id=parent_id)

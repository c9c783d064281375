"""Does what is kept of items agree? (Services specification 4)

Tables are read page by page, so a finding is looked at again in one transaction before it is told:
a service may be at work meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.item.model import Child, Item
from scalar_auditor.item.rules import entry_of
from scalar_auditor.item.tree import FOLDER
from scalar_auditor.reading_together import read_all
from scalar_auditor.whole_tables import looked, pages_of
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction


async def findings(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    """What is not as it has to be, one text each. The parents of all folders are held in memory."""
    parents: dict[str, str] = {}
    async for items in pages_of(manager, Item):
        folders = (item for item in items if item.item_type == FOLDER)
        parents.update((one.item_id, one.parent_id) for one in folders if one.parent_id)
        for item in await looked(manager, _unlisted, items):
            if (text := await looked(manager, _of_item, item.item_id)) is not None:
                yield text
    async for children in pages_of(manager, Child):
        for child in await looked(manager, _unfounded, children):
            text = await looked(manager, _of_child, child.parent_id, child.item_id)
            if text is not None:
                yield text
    for item_id in _circles(parents):
        if (text := await looked(manager, _of_circle, item_id)) is not None:
            yield text


async def _unlisted(tx: AsyncTransaction, items: list[Item]) -> list[Item]:
    """Items that are not listed in their parent as what they are."""
    entries = {item.item_id: entry for item in items if (entry := entry_of(item)) is not None}
    found = await read_all(tx, [Get(Child, _key_of(entry)) for entry in entries.values()])
    listed = dict(zip(entries, found, strict=True))
    return [item for item in items if entries.get(item.item_id) != listed.get(item.item_id)]


async def _unfounded(tx: AsyncTransaction, children: list[Child]) -> list[Child]:
    """Entries of items that lie elsewhere, or are not there."""
    found = await read_all(tx, [Get(Item, {"item_id": child.item_id}) for child in children])
    return [
        child
        for child, item in zip(children, found, strict=True)
        if item is None or entry_of(item) != child
    ]


async def _of_item(tx: AsyncTransaction, item_id: str) -> str | None:
    item = await tx.get(Item, {"item_id": item_id})
    entry = None if item is None else entry_of(item)
    if entry is None:
        return None
    listed = await tx.get(Child, _key_of(entry))
    if listed is None:
        return f"item {item_id}: it is not listed in its parent {entry.parent_id}"
    if listed != entry:
        return f"item {item_id}: its parent {entry.parent_id} lists it as something else"
    return None


async def _of_child(tx: AsyncTransaction, parent_id: str, item_id: str) -> str | None:
    child = await tx.get(Child, {"parent_id": parent_id, "item_id": item_id})
    item = await tx.get(Item, {"item_id": item_id})
    if child is None or (item is not None and item.parent_id == parent_id):
        return None
    what = "does not exist" if item is None else f"lies in {item.parent_id or 'no folder'}"
    return f"item {parent_id}: it lists {item_id}, which {what}"


async def _of_circle(tx: AsyncTransaction, item_id: str) -> str | None:
    at, seen = item_id, set[str]()
    while at and at not in seen:
        seen.add(at)
        item = await tx.get(Item, {"item_id": at})
        at = "" if item is None or item.item_type != FOLDER else item.parent_id
    return f"item {item_id}: it lies inside itself" if at == item_id else None


def _circles(parents: dict[str, str]) -> list[str]:
    """Of each circle of parents one item, in order."""
    found, sound = [], set[str]()
    for item_id in parents:
        at, way = item_id, dict[str, None]()
        while at in parents and at not in sound and at not in way:
            way[at] = None
            at = parents[at]
        if at in way:
            circle = list(way)
            found.append(min(circle[circle.index(at) :]))
        sound.update(way)
    return sorted(found)


def _key_of(child: Child) -> dict[str, str]:
    return {"parent_id": child.parent_id, "item_id": child.item_id}

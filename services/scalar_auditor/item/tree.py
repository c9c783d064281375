"""Where does an item lie, and may it lie there? No folder is inside itself, however far down.

In a file lies nothing, whatever a stream says: every way up ends below one.

Every check walks up from the new parent within the transaction. What it has read is validated at
SERIALIZABLE, so two moves that only together would make a circle are not both committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.item.model import Item
from scalar_auditor.reading_together import read_all
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from scalar_tx.transaction_async import AsyncTransaction

    # What was read in this transaction; None: nobody ever told of that item.
    Known: TypeAlias = dict[str, Item | None]

FILE: Final = "FILE"
FOLDER: Final = "FOLDER"
MOST_LEVELS: Final = 1000  # from a root to the deepest item that something may be moved to
CIRCLE: Final = "CIRCLE"
TOO_DEEP: Final = "TOO_DEEP"


async def read_items(tx: AsyncTransaction, item_ids: Iterable[str], known: Known) -> None:
    """Read those that are not ``known`` yet, together."""
    wanted = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in known]
    found = await read_all(tx, [Get(Item, {"item_id": item_id}) for item_id in wanted])
    known.update(zip(wanted, found, strict=True))


async def read_ancestors(tx: AsyncTransaction, item_ids: Iterable[str], known: Known) -> None:
    """Read the items and all they lie in, level by level, as far as the tree may be deep."""
    level = {item_id for item_id in item_ids if item_id}
    seen: set[str] = set()
    for _ in range(MOST_LEVELS + 1):
        if not level:
            return
        await read_items(tx, sorted(level), known)
        seen |= level
        level = {above for one in level if (above := _above(known[one]))} - seen


async def path_to(tx: AsyncTransaction, item: Item) -> list[Item]:
    """From the root down to the item, as far up as is known, and at most so many levels."""
    found, seen = [item], {item.item_id}
    while found[-1].parent_id and len(found) < MOST_LEVELS:
        above = await tx.get(Item, {"item_id": found[-1].parent_id})
        if above is None or above.item_type != FOLDER or above.item_id in seen:
            break
        found.append(above)
        seen.add(above.item_id)
    return found[::-1]


async def refused_moves(
    tx: AsyncTransaction, parents: Mapping[str, str], known: Known
) -> dict[str, str]:
    """Of items and the parents they are to have, those that can't, with CIRCLE or TOO_DEEP.

    All others may move at once: none of the moves is judged by where another began. The items are
    among the ``known``; a new one is there as None.
    """
    former = {one: item.parent_id for one in parents if (item := known[one]) is not None}
    moves = {one: parent for one, parent in parents.items() if former.get(one, "") != parent}
    await read_ancestors(tx, {*moves.values(), *(former.get(one, "") for one in moves)}, known)
    moved: dict[str, str] = {}
    refused: dict[str, str] = {}
    waiting = moves
    while waiting:
        refused = {}
        for item_id, parent_id in waiting.items():
            why = _obstacle(item_id, parent_id, moved, known)
            if why is None:
                moved[item_id] = parent_id
            else:
                refused[item_id] = why
        if len(refused) == len(waiting):
            break
        # What stood in the way of these may have moved away meanwhile.
        waiting = {item_id: waiting[item_id] for item_id in refused}
    return refused


def _obstacle(item_id: str, parent_id: str, moved: Mapping[str, str], known: Known) -> str | None:
    at = parent_id
    for _ in range(MOST_LEVELS):
        if not at:
            return None
        if at == item_id:
            return CIRCLE
        at = moved.get(at, _above(known.get(at)))
    return TOO_DEEP


def _above(item: Item | None) -> str:
    """What a folder lies in."""
    return "" if item is None or item.item_type != FOLDER else item.parent_id

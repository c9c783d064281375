"""What may happen to files and folders?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.item.model import Item
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.transaction_async import AsyncTransaction


async def find(tx: AsyncTransaction, item_id: str) -> Item | None:
    """An item, also one that was deleted; None: nobody ever told of it."""
    return await tx.get(Item, {"item_id": item_id})


async def find_all(tx: AsyncTransaction, item_ids: Sequence[str]) -> list[Item | None]:
    """``find`` for several items, read together, in the same order."""
    return await tx.batch([Get(Item, {"item_id": item_id}) for item_id in item_ids])

"""What may happen to files and folders?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.item.model import Item

if TYPE_CHECKING:
    from scalar_tx.transaction_async import AsyncTransaction


async def find(tx: AsyncTransaction, item_id: str) -> Item | None:
    """An item, also one that was deleted; None: nobody ever told of it."""
    return await tx.get(Item, {"item_id": item_id})

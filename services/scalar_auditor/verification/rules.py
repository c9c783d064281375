"""What may happen to registered digests, and what do they say of a file?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.verification.model import ItemStatus

if TYPE_CHECKING:
    from scalar_tx.transaction_async import AsyncTransaction

NOT_TAMPERED = "NOT_TAMPERED"
TAMPERED = "TAMPERED"
NOT_MONITORED = "NOT_MONITORED"


async def status_of(tx: AsyncTransaction, item_id: str) -> ItemStatus | None:
    """What was last registered and found of an item; None: it is not monitored."""
    return await tx.get(ItemStatus, {"item_id": item_id})

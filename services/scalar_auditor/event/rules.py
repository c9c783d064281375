"""What may happen to events, positions of streams and the auditors' log?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.event.model import AuditorLog, ItemEvent
from scalar_tx import Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction


def time_ordered_id(created_at: int, source_id: str) -> str:
    """13 digits of milliseconds, ``-``, the source's own id: sorted by time, and the same again."""
    return f"{created_at:013d}-{source_id}"


async def record_view(
    tx: AsyncTransaction,
    caller: Caller,
    *,
    audit_set_id: str,
    log_id: str,
    action_type: str,
    item_id: str,
    created_at: int,
) -> None:
    """Put a view on record, once for a ``log_id``."""
    await tx.upsert(
        AuditorLog(
            audit_set_id=audit_set_id,
            log_id=log_id,
            action_type=action_type,
            item_id=item_id,
            user_id=caller.user_id,
            user_email=caller.email,
            created_at=created_at,
        )
    )


async def views_of(
    tx: AsyncTransaction, audit_set_id: str, after: str | None, limit: int
) -> list[AuditorLog]:
    """The auditors' log of a set, newest first, behind the row of the id ``after``."""
    end = None if after is None else {"log_id": after}
    return await tx.scan(
        AuditorLog, {"audit_set_id": audit_set_id}, end=end, end_inclusive=False, limit=limit
    )


async def events_of_items(
    tx: AsyncTransaction, item_ids: Sequence[str], after: str | None, limit: int
) -> list[list[ItemEvent]]:
    """So many events of each item, newest first, behind the one of the id ``after``."""
    end = None if after is None else {"event_id": after}
    return await tx.batch(
        [
            Scan(ItemEvent, {"item_id": item_id}, end=end, end_inclusive=False, limit=limit)
            for item_id in item_ids
        ]
    )

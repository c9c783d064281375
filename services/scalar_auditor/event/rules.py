"""What may happen to events, positions of streams and the auditors' log?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.event.model import AuditorLog

if TYPE_CHECKING:
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

"""How is what an outside auditor looks at logged, in the same transaction as the look?

A view without its row in the auditors' log does not exist (Services specification 3, 4).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_auditor.event import rules as events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """A look at a set or at something in it.

    ``action_type`` is the name of the method; ``item_id`` empty: the set itself.
    """

    caller: Caller
    action_type: str
    audit_set_id: str
    item_id: str = ""


async def viewed(
    auditor: Auditor,
    how: Callable[..., Awaitable[Any]],
    view: View,
    work: Callable[..., Awaitable[T]],
    *args: Any,
) -> T:
    """``work(tx, *args)`` by ``how`` (``auditor.read`` or ``listed``), logged where it has to be.

    What is logged is written by ``auditor.change``, whatever ``how`` is.
    """
    if not view.caller.is_outside_auditor:
        result: T = await how(view.caller, work, *args)
        return result
    now_ms = auditor.now_ms()
    log_id = events.time_ordered_id(now_ms, uuid.uuid4().hex)

    async def logged(tx: AsyncTransaction) -> T:
        result = await work(tx, *args)
        await events.record_view(
            tx,
            view.caller,
            audit_set_id=view.audit_set_id,
            log_id=log_id,
            action_type=view.action_type,
            item_id=view.item_id,
            created_at=now_ms,
        )
        return result

    return await auditor.change(view.caller, logged)

"""What does the report of an audit set say, page by page?

Each page is read in a transaction of its own, and checks anew what the caller may see: a report of
any length needs the memory of a page. It tells of each page what held when that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_auditor.audit.rules import has_item
from scalar_auditor.audit.sets import allowed
from scalar_auditor.event import rules as events
from scalar_auditor.permissions import Action, may

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from scalar_auditor.audit.items import SetItems, Standing
    from scalar_auditor.event.model import AuditorLog, ItemEvent
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

    Line: TypeAlias = dict[str, str | int | bool]
    Read: TypeAlias = Callable[..., Awaitable[Any]]

# What a line may tell of, in the order of a table's columns. ``record`` is SET, ITEM, EVENT (behind
# its item, newest first) or VIEW (by an outside auditor).
COLUMNS: Final = (
    "record",
    "audit_set_id",
    "name",
    "description",
    "owner_user_id",
    "owner_email",
    "status",
    "updated_at",
    "reported_at",
    "views_included",
    "item_id",
    "item_type",
    "item_name",
    "parent_id",
    "sha1_hash",
    "monitoring_status",
    "tampering_status",
    "last_verified_at",
    "deleted",
    "added_by",
    "added_at",
    "event_id",
    "event_type",
    "log_id",
    "action_type",
    "user_id",
    "user_email",
    "created_at",
)
ITEMS_A_PAGE: Final = 50
EVENTS_A_PAGE: Final = 50  # of an item, beside it and in each page behind
VIEWS_A_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose report it is, of what, and when it was asked for, in milliseconds since 1970."""

    items: SetItems
    caller: Caller
    audit_set_id: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class _Part:
    """An item and its newest events. ``more_behind``: the event behind which there are more."""

    item_id: str
    lines: list[Line]
    more_behind: str | None


async def lines(asked: Asked, read: Read) -> AsyncGenerator[list[Line], None]:
    """The lines of the report, some at a time. ``read(work, *args)`` is one transaction."""
    head = await read(_set, asked)
    yield [head]
    last_item: str | None = None
    while True:
        parts = await read(_items, asked, last_item)
        for part in parts:
            yield part.lines
            behind = part.more_behind
            while behind is not None:
                more, behind = await read(_events, asked, part.item_id, behind)
                yield more
        if len(parts) < ITEMS_A_PAGE:
            break
        last_item = parts[-1].item_id
    if not head["views_included"]:
        return
    last_view: str | None = None
    while True:
        views = await read(_views, asked, last_view)
        yield views
        if len(views) < VIEWS_A_PAGE:
            break
        last_view = str(views[-1]["log_id"])


async def _set(tx: AsyncTransaction, asked: Asked) -> Line:
    found, role = await allowed(tx, asked.caller, asked.audit_set_id)
    return {
        "record": "SET",
        "audit_set_id": found.audit_set_id,
        "name": found.name,
        "description": found.description,
        "owner_user_id": found.owner_user_id,
        "owner_email": found.owner_email,
        "status": found.status,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "reported_at": asked.now_ms,
        "views_included": may(asked.caller, role, Action.READ_LOG),
    }


async def _items(tx: AsyncTransaction, asked: Asked, after: str | None) -> list[_Part]:
    found = await asked.items.page(tx, asked.caller, asked.audit_set_id, after, ITEMS_A_PAGE)
    parts = []
    for one in found:
        of_page, behind = await _of_item(tx, one.row.item_id, None)
        parts.append(_Part(one.row.item_id, [_item(one), *map(_event, of_page)], behind))
    return parts


async def _events(
    tx: AsyncTransaction, asked: Asked, item_id: str, after: str
) -> tuple[list[Line], str | None]:
    await allowed(tx, asked.caller, asked.audit_set_id)
    if not await has_item(tx, asked.audit_set_id, item_id):
        return [], None  # it was taken out meanwhile
    of_page, behind = await _of_item(tx, item_id, after)
    return [*map(_event, of_page)], behind


async def _of_item(
    tx: AsyncTransaction, item_id: str, before: str | None
) -> tuple[Sequence[ItemEvent], str | None]:
    """A page of events, and behind which of them there are more."""
    found = await events.item_events(tx, item_id, before=before, limit=EVENTS_A_PAGE + 1)
    of_page = found[:EVENTS_A_PAGE]
    return of_page, of_page[-1].event_id if len(found) > EVENTS_A_PAGE else None


async def _views(tx: AsyncTransaction, asked: Asked, after: str | None) -> list[Line]:
    await allowed(tx, asked.caller, asked.audit_set_id, Action.READ_LOG)
    found = await events.views_of(tx, asked.audit_set_id, after, VIEWS_A_PAGE)
    return [*map(_view, found)]


def _item(found: Standing) -> Line:
    row = found.row
    return {
        "record": "ITEM",
        "item_id": row.item_id,
        "item_type": row.item_type,
        "item_name": row.item_name,
        "parent_id": row.parent_id,
        "sha1_hash": row.sha1_hash,
        "monitoring_status": found.monitoring_status,
        "tampering_status": found.tampering_status,
        "last_verified_at": found.verified_at,
        "deleted": found.deleted,
        "added_by": row.added_by,
        "added_at": row.added_at,
    }


def _event(row: ItemEvent) -> Line:
    return {
        "record": "EVENT",
        "item_id": row.item_id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "user_id": row.user_id,
        "user_email": row.user_email,
        "created_at": row.created_at,
    }


def _view(row: AuditorLog) -> Line:
    return {
        "record": "VIEW",
        "log_id": row.log_id,
        "action_type": row.action_type,
        "item_id": row.item_id,
        "user_id": row.user_id,
        "user_email": row.user_email,
        "created_at": row.created_at,
    }

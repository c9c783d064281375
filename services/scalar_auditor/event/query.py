"""Which events match a query, newest first, page by page?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.event import sight
from scalar_auditor.event.days import MOST_ROWS, Merge, Position
from scalar_auditor.event.model import Event
from scalar_auditor.event.rules import DIGITS, item_events, key_of
from scalar_auditor.reading_together import read_all
from scalar_auditor.visibility import visible_item
from scalar_tx import Get

if TYPE_CHECKING:
    from scalar_auditor.event.model import ItemEvent
    from scalar_auditor.paging import Page
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_FEW: Final = 20  # events whose items are looked at together, at first
_MANY: Final = 320
FIRST_DAY: Final = dt.date(1970, 1, 1)
LAST_DAY: Final = dt.date(2286, 11, 19)  # all of whose milliseconds have 13 digits


@dataclass(frozen=True, slots=True)
class Query:
    """Days, both included, and what an event has to be; an empty text is no condition."""

    from_day: dt.date
    to_day: dt.date
    audit_set_id: str
    event_type: str
    user_email: str
    item_id: str

    @property
    def filters(self) -> tuple[str, str, str, str]:
        """All that chooses among the days' events."""
        return self.audit_set_id, self.event_type, self.user_email, self.item_id

    def matches(self, event: Event | ItemEvent) -> bool:
        """Is it one of those, as far as the event itself tells?"""
        return (not self.event_type or event.event_type == self.event_type) and (
            not self.user_email or event.user_email == self.user_email
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A page: its events, and the position behind it; None: it was the last one."""

    events: list[Event]
    position: Any


async def find(tx: AsyncTransaction, caller: Caller, query: Query, page: Page) -> Found:
    """A page of the events that the caller may see; it may be short, or empty, before the end.

    NotFoundError: the set, or the item, is not there for the caller.
    """
    await sight.insist(tx, caller, query.audit_set_id)
    if query.item_id:
        return await _of_item(tx, caller, query, page)
    return await _of_days(tx, caller, query, page)


async def _of_days(tx: AsyncTransaction, caller: Caller, query: Query, page: Page) -> Found:
    position = Position(query.to_day)
    if page.after is not None:
        day, event_id = page.after
        position = Position(dt.date.fromisoformat(day), event_id)
    merge = Merge(tx, query.from_day, position, page.size)
    at_once = 0 if sight.sees_all(caller, query.audit_set_id) else _FEW
    found: list[Event] = []
    while len(found) < page.size:
        most = max(page.size - len(found), at_once)
        candidates = await merge.next(query.matches, most)
        found += await sight.visible(tx, caller, query.audit_set_id, candidates)
        if len(candidates) < most:
            break
        # The fewer of them may be seen, the more are looked at together.
        at_once = min(_MANY, 4 * at_once)
    behind = merge.position
    if len(found) > page.size:
        del found[page.size :]
        last = found[-1]
        behind = Position(dt.date.fromisoformat(last.yyyy_mm_dd), last.event_id)
    return Found(found, None if behind is None else [behind.day.isoformat(), behind.event_id])


async def _of_item(tx: AsyncTransaction, caller: Caller, query: Query, page: Page) -> Found:
    """The same by the item's own list, in which nothing has to be passed over but by filters."""
    if not sight.sees_all(caller, query.audit_set_id):
        await visible_item(tx, caller, query.item_id, query.audit_set_id)
    since = _first_digits(query.from_day)
    behind: str | None = page.after or _first_digits(query.to_day + dt.timedelta(days=1))
    matching: list[ItemEvent] = []
    looked_at = 0
    while len(matching) <= page.size and looked_at < MOST_ROWS:
        limit = max(page.size + 1, _MANY if looked_at else 0)
        rows = await item_events(tx, query.item_id, since=since, before=behind, limit=limit)
        matching += filter(query.matches, rows)
        looked_at += len(rows)
        if len(rows) < limit:
            behind = None
            break
        behind = rows[-1].event_id
    if len(matching) > page.size:
        del matching[page.size :]
        behind = matching[-1].event_id
    found = await read_all(tx, [Get(Event, key_of(one.event_id)) for one in matching])
    return Found([event for event in found if event is not None], behind)


def _first_digits(day: dt.date) -> str:
    """What the ids of a day are not less than, and those of the day before are."""
    return f"{(day - FIRST_DAY).days * 86_400_000:0{DIGITS}d}"

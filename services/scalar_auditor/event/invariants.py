"""Does what is kept of events agree? (Services specification 4)

Tables are read page by page, so a finding is looked at again in one transaction before it is told:
a service may be at work meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.event.model import Event, ItemEvent, StreamPosition
from scalar_auditor.event.rules import day_of, key_of, milliseconds_of, of_item, shard_of
from scalar_auditor.reading_together import read_all
from scalar_auditor.whole_tables import looked, pages_of
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction


async def findings(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    """What is not as it has to be, one text each."""
    async for events in pages_of(manager, Event):
        for event in events:
            if (text := _place(event)) is not None:
                yield text
        for event in await looked(manager, _unlisted, events):
            yield f"event {event.event_id}: item {event.item_id} does not list it as it is"
    async for entries in pages_of(manager, ItemEvent):
        for entry in await looked(manager, _unfounded, entries):
            yield f"item {entry.item_id}: it lists the event {entry.event_id}, which is not there"
    async for positions in pages_of(manager, StreamPosition):
        for position in await looked(manager, _unfinished, positions):
            yield (
                f"stream of user {position.user_id}: it was taken in until event "
                f"{position.last_event_id}, which is not there"
            )


def _place(event: Event) -> str | None:
    """Is it kept where its id says?"""
    if not _is_id(event.event_id):
        return f"event {event.event_id}: its id does not begin with its time"
    if milliseconds_of(event.event_id) != event.created_at:
        return f"event {event.event_id}: its id is not of the time that it was created at"
    day, shard = day_of(event.created_at), shard_of(event.event_id)
    if (event.yyyy_mm_dd, event.shard) != (day, shard):
        return (
            f"event {event.event_id}: it is kept in {event.yyyy_mm_dd}, shard {event.shard}, "
            f"and belongs into {day}, shard {shard}"
        )
    return None


# An event and its entry are written together and never removed: what is read behind the page is as
# new as the page, and a page needs no second look but the one that finds what belongs to it.


async def _unlisted(tx: AsyncTransaction, events: list[Event]) -> list[Event]:
    of_items = [event for event in events if event.item_id]
    found = await read_all(
        tx, [Get(ItemEvent, {"item_id": one.item_id, "event_id": one.event_id}) for one in of_items]
    )
    lost = [event for event, entry in zip(of_items, found, strict=True) if of_item(event) != entry]
    return [event for event in lost if await _is_lost(tx, event)]


async def _is_lost(tx: AsyncTransaction, event: Event) -> bool:
    """Does it still differ, both read at once? It may have been told of anew meanwhile."""
    day, shard, event_id = event.yyyy_mm_dd, event.shard, event.event_id
    now = await tx.get(Event, {"yyyy_mm_dd": day, "shard": shard, "event_id": event_id})
    if now is None or not now.item_id:
        return False
    entry = await tx.get(ItemEvent, {"item_id": now.item_id, "event_id": now.event_id})
    return of_item(now) != entry


async def _unfounded(tx: AsyncTransaction, entries: list[ItemEvent]) -> list[ItemEvent]:
    sound = [entry for entry in entries if _is_id(entry.event_id)]
    found = await read_all(tx, [Get(Event, key_of(entry.event_id)) for entry in sound])
    there = {event.event_id: event.item_id for event in found if event is not None}
    return [entry for entry in entries if there.get(entry.event_id) != entry.item_id]


async def _unfinished(
    tx: AsyncTransaction, positions: list[StreamPosition]
) -> list[StreamPosition]:
    sound = [one for one in positions if _is_id(one.last_event_id)]
    found = await read_all(tx, [Get(Event, key_of(one.last_event_id)) for one in sound])
    there = {event.event_id for event in found if event is not None}
    return [one for one in positions if one.last_event_id not in there]


def _is_id(event_id: str) -> bool:
    try:
        milliseconds_of(event_id)
    except ValueError:
        return False
    return True

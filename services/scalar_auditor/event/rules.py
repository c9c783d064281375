"""What may happen to events, positions of streams and the auditors' log?"""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import AlreadyExistsError, FailedPreconditionError
from scalar_auditor.event.model import AuditorLog, Event, ItemEvent, StreamPosition
from scalar_auditor.item import rules as items
from scalar_auditor.reading_together import read_all
from scalar_tx import Get, Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_auditor.item.model import Item
    from scalar_auditor.permissions import Caller
    from scalar_tx.model.operations import Operation
    from scalar_tx.transaction_async import AsyncTransaction

SHARDS: Final = 10  # of a day
DIGITS: Final = 13  # of the milliseconds at the beginning of an id
REMEMBERED_MS: Final = 24 * 3600 * 1000  # so long a request to log a view is known again
_LOG_PAGE: Final = 200
_LOG_PAGES: Final = 25  # in which a request is looked for: a set's log has no end
_DAY_MS: Final = 24 * 3600 * 1000


def time_ordered_id(created_at: int, source_id: str) -> str:
    """13 digits of milliseconds, ``-``, the source's own id: sorted by time, and the same again."""
    return f"{created_at:013d}-{source_id}"


def milliseconds_of(event_id: str) -> int:
    """When was it? ValueError: no id begins so."""
    digits, dash, source_id = event_id[:DIGITS], event_id[DIGITS : DIGITS + 1], event_id[14:]
    if not (dash == "-" and source_id and digits.isascii() and digits.isdigit()):
        raise ValueError(event_id)
    return int(digits)


def day_of(created_at: int) -> str:
    """The day in UTC, as yyyy-mm-dd."""
    return _day(created_at // _DAY_MS)


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=number)).isoformat()


def shard_of(event_id: str) -> int:
    """Where in its day an event is kept: the CRC-32 of its id, modulo 10, everywhere and always."""
    return zlib.crc32(event_id.encode()) % SHARDS


def key_of(event_id: str) -> dict[str, str | int]:
    """Where an event is kept. ValueError: it is no id of one."""
    day = day_of(milliseconds_of(event_id))
    return {"yyyy_mm_dd": day, "shard": shard_of(event_id), "event_id": event_id}


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one user's stream, in its order, and what they tell of items."""

    user_id: str
    from_position: str
    to_position: str
    events: Sequence[Event]
    items: Sequence[Item]


async def position_of(tx: AsyncTransaction, user_id: str) -> StreamPosition | None:
    """How far a user's stream was taken in; None: not at all."""
    return await tx.get(StreamPosition, {"user_id": user_id})


async def take_in(tx: AsyncTransaction, batch: Batch, now_ms: int) -> tuple[StreamPosition, bool]:
    """Keep a batch and where it ends, all or nothing; True: it had been kept before.

    A batch is known again by its end, its last event, and that all of its events are there.
    FailedPreconditionError, POSITION_MISMATCH with ``stored_position``: it begins elsewhere than
    the last one ended.
    """
    stored = await position_of(tx, batch.user_id)
    last = batch.events[-1].event_id
    if (
        stored is not None
        and stored.stream_position == batch.to_position
        and stored.last_event_id == last
        and await _are_there(tx, batch.events)
    ):
        return stored, True
    position = "" if stored is None else stored.stream_position
    if position != batch.from_position:
        raise FailedPreconditionError(
            f"the stream of user {batch.user_id!r} was taken in until {position!r}: go on there",
            reason="POSITION_MISMATCH",
            user_id=batch.user_id,
            stored_position=position,
        )
    reached = StreamPosition(batch.user_id, batch.to_position, last, now_ms)
    # No event is read before it is written: one that another stream has told of is the same row.
    writes: list[Operation] = [Upsert(event) for event in batch.events]
    writes += [Upsert(of_item(event)) for event in batch.events if event.item_id]
    await tx.batch([*writes, Upsert(reached)])
    await items.take_in(tx, batch.items)
    return reached, False


async def _are_there(tx: AsyncTransaction, events: Sequence[Event]) -> bool:
    found = await read_all(tx, [Get(Event, key_of(event.event_id)) for event in events])
    return None not in found


def of_item(event: Event) -> ItemEvent:
    """An event as it is listed with its item."""
    return ItemEvent(
        item_id=event.item_id,
        event_id=event.event_id,
        event_type=event.event_type,
        user_id=event.user_id,
        user_email=event.user_email,
        created_at=event.created_at,
    )


async def item_events(
    tx: AsyncTransaction,
    item_id: str,
    *,
    since: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[ItemEvent]:
    """The events of an item, newest first: of ids less than ``before`` and not less than ``since``.

    Each of the two may be an id, or the 13 digits of one.
    """
    return await tx.scan(
        ItemEvent,
        {"item_id": item_id},
        start=None if since is None else {"event_id": since},
        end=None if before is None else {"event_id": before},
        end_inclusive=False,
        limit=limit,
    )


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
    tx: AsyncTransaction, audit_set_id: str, after: str | None = None, limit: int | None = None
) -> list[AuditorLog]:
    """The auditors' log of a set, newest first, behind the row of id ``after``."""
    return await tx.scan(
        AuditorLog,
        {"audit_set_id": audit_set_id},
        end=None if after is None else {"log_id": after},
        end_inclusive=False,
        limit=limit,
    )


async def record_requested_view(
    tx: AsyncTransaction,
    caller: Caller,
    *,
    audit_set_id: str,
    action_type: str,
    item_id: str,
    request_id: str,
    now_ms: int,
) -> None:
    """Put on record what somebody says to have looked at, once for a ``request_id`` of theirs.

    A request is known again for a day, as long as it is among the newest 5,000 of the set's log.
    AlreadyExistsError, REQUEST_ID_USED: it was another look.
    """
    # Whose request it is belongs to the id, so that nobody can use up another one's.
    name = f"{caller.email}\n{request_id}".encode()
    own = f"-request-{hashlib.sha256(name).hexdigest()[:32]}"
    since = f"{max(0, now_ms - REMEMBERED_MS):0{DIGITS}d}"
    before: str | None = None
    for _ in range(_LOG_PAGES):
        rows = await tx.scan(
            AuditorLog,
            {"audit_set_id": audit_set_id},
            start={"log_id": since},
            end=None if before is None else {"log_id": before},
            end_inclusive=False,
            limit=_LOG_PAGE,
        )
        for row in rows:
            if row.log_id.endswith(own):
                if (row.action_type, row.item_id) != (action_type, item_id):
                    raise AlreadyExistsError(
                        f"the request {request_id!r} was for another look",
                        reason="REQUEST_ID_USED",
                        request_id=request_id,
                    )
                return
        if len(rows) < _LOG_PAGE:
            break
        before = rows[-1].log_id
    await record_view(
        tx,
        caller,
        audit_set_id=audit_set_id,
        log_id=f"{now_ms:0{DIGITS}d}{own}",
        action_type=action_type,
        item_id=item_id,
        created_at=now_ms,
    )

"""How does an event look in a message, and can what a message says of one be right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.event.model import Event, ItemEvent, StreamPosition
from scalar_auditor.event.rules import Batch, day_of, shard_of, time_ordered_id
from scalar_auditor.item.messages import ItemType, item_in, told_in_passing
from scalar_auditor.rpc.v1 import event_pb2

if TYPE_CHECKING:
    from typing import Any

    from scalar_auditor.item.model import Item

MOST_EVENTS: Final = 500  # of a batch
LONGEST_DETAILS: Final = 16_000  # characters
_AHEAD_MS: Final = 24 * 3600 * 1000  # no clock of a source is wrong by more


def batch_in(ask: event_pb2.IngestEventsRequest, now_ms: int) -> Batch:
    """The batch of a request. InvalidArgumentError names the field."""
    user_id = fields.identifier("user_id", ask.user_id)
    from_position = fields.optional_identifier("from_position", ask.from_position)
    to_position = fields.identifier("to_position", ask.to_position)
    if to_position == from_position:
        raise InvalidArgumentError("to_position", "the batch ends where it begins")
    fields.count("events", len(ask.events), 1, MOST_EVENTS)
    events: list[Event] = []
    items: list[Item] = []
    seen: set[str] = set()
    for number, message in enumerate(ask.events):
        at = f"events[{number}]."
        event = event_in(message, at, now_ms)
        if event.event_id in seen:
            raise InvalidArgumentError(f"{at}source_id", "the batch has this event twice")
        seen.add(event.event_id)
        events.append(event)
        item = _item_of(message, event, at)
        if item is not None:
            items.append(item)
    return Batch(user_id, from_position, to_position, events, items)


def event_in(message: Any, at: str, now_ms: int) -> Event:
    """The event of a message, which is ``at`` a place. InvalidArgumentError names the field."""
    created_at = fields.moment(f"{at}created_at", message.created_at)
    if created_at > now_ms + _AHEAD_MS:
        raise InvalidArgumentError(f"{at}created_at", "it is more than a day ahead")
    event_id = time_ordered_id(created_at, fields.identifier(f"{at}source_id", message.source_id))
    if message.event_id and message.event_id != event_id:
        raise InvalidArgumentError(
            f"{at}event_id", f"it is not made of created_at and source_id: {event_id}"
        )
    item_id = fields.optional_identifier(f"{at}item_id", message.item_id)
    if message.item_type:
        fields.one_of(f"{at}item_type", message.item_type, ItemType)
        if not item_id:
            raise InvalidArgumentError(f"{at}item_id", "it is missing, and there is an item_type")
    return Event(
        yyyy_mm_dd=day_of(created_at),
        shard=shard_of(event_id),
        event_id=event_id,
        event_type=fields.identifier(f"{at}event_type", message.event_type),
        item_id=item_id,
        item_type=message.item_type,
        item_name=fields.line(f"{at}item_name", message.item_name, empty=True),
        user_id=fields.optional_identifier(f"{at}user_id", message.user_id),
        user_email=(
            fields.email(f"{at}user_email", message.user_email) if message.user_email else ""
        ),
        source_id=message.source_id,
        additional_details=fields.json_text(
            f"{at}additional_details", message.additional_details, longest=LONGEST_DETAILS
        ),
        created_at=created_at,
    )


def _item_of(message: Any, event: Event, at: str) -> Item | None:
    """What the event tells of its item; None: nothing."""
    if message.HasField("item"):
        item = item_in(message.item, f"{at}item.", modified_at=event.created_at)
        if item.item_id != event.item_id:
            raise InvalidArgumentError(f"{at}item.item_id", "it is not the event's item_id")
        if event.item_type and item.item_type != event.item_type:
            raise InvalidArgumentError(f"{at}item.item_type", "it is not the event's item_type")
        return item
    if event.item_type and event.item_name.strip():
        return told_in_passing(event.item_id, event.item_type, event.item_name)
    return None


def event_message(event: Event) -> event_pb2.Event:
    """An event as it is answered."""
    return event_pb2.Event(
        event_id=event.event_id,
        event_type=event.event_type,
        item_id=event.item_id,
        item_type=event.item_type,
        item_name=event.item_name,
        user_id=event.user_id,
        user_email=event.user_email,
        source_id=event.source_id,
        additional_details=event.additional_details,
        created_at=event.created_at,
    )


def item_event_message(event: ItemEvent) -> event_pb2.ItemEvent:
    """An event of an item as it is answered."""
    return event_pb2.ItemEvent(
        event_id=event.event_id,
        event_type=event.event_type,
        user_id=event.user_id,
        user_email=event.user_email,
        created_at=event.created_at,
    )


def position_message(position: StreamPosition, *, repeated: bool = False) -> event_pb2.Position:
    """The position of a stream as it is answered."""
    return event_pb2.Position(
        user_id=position.user_id,
        stream_position=position.stream_position,
        last_event_id=position.last_event_id,
        updated_at=position.updated_at,
        repeated_batch=repeated,
    )

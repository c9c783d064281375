"""What is one record of each table of the namespace ``event``? (namespaces/event.json)"""

from __future__ import annotations

from dataclasses import dataclass

from scalar_tx import table


@table("event.events")
@dataclass(frozen=True, slots=True)
class Event:
    """An event, by day and shard."""

    yyyy_mm_dd: str
    shard: int
    event_id: str
    event_type: str
    item_id: str
    item_type: str
    item_name: str
    user_id: str
    user_email: str
    source_id: str
    additional_details: str
    created_at: int


@table("event.item_events")
@dataclass(frozen=True, slots=True)
class ItemEvent:
    """An event, by item."""

    item_id: str
    event_id: str
    event_type: str
    user_id: str
    user_email: str
    created_at: int


@table("event.auditor_logs")
@dataclass(frozen=True, slots=True)
class AuditorLog:
    """One view of a set by an outside auditor."""

    audit_set_id: str
    log_id: str
    action_type: str
    item_id: str
    user_id: str
    user_email: str
    created_at: int


@table("event.position_tracker")
@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a user's event stream was taken in."""

    user_id: str
    stream_position: str
    last_event_id: str
    updated_at: int

"""What can a client ask of the event service? (proto/scalar_auditor/v1/event.proto)

Raises as ``Connection.call`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.client.connection import Repeat
from scalar_auditor.client.new_id import new_id
from scalar_auditor.client.pages import entries
from scalar_auditor.rpc.v1 import common_pb2, event_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scalar_auditor.client.connection import Connection


class EventCalls:
    """Events, and who looked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ingest_events(
        self,
        *,
        user_id: str,
        from_position: str,
        to_position: str,
        events: Iterable[event_pb2.Event],
    ) -> event_pb2.Position:
        """Take in 1 to 500 events of one user's stream, from the stored position to another one."""
        request = event_pb2.IngestEventsRequest(
            user_id=user_id, from_position=from_position, to_position=to_position, events=events
        )
        return self._connection.call(
            "EventService.IngestEvents", request, event_pb2.Position, Repeat.SAME
        )

    def get_position(self, *, user_id: str) -> event_pb2.Position:
        """How far a user's stream was taken in."""
        request = event_pb2.GetPositionRequest(user_id=user_id)
        return self._connection.call(
            "EventService.GetPosition", request, event_pb2.Position, Repeat.READS
        )

    def query_events(
        self,
        *,
        from_day: str,
        to_day: str,
        audit_set_id: str = "",
        event_type: str = "",
        user_email: str = "",
        item_id: str = "",
        page_size: int = 100,
    ) -> Iterator[event_pb2.Event]:
        """Events of days as yyyy-mm-dd in UTC, both included, newest first.

        Empty filters choose all.
        """
        request = event_pb2.QueryEventsRequest(
            from_day=from_day,
            to_day=to_day,
            audit_set_id=audit_set_id,
            event_type=event_type,
            user_email=user_email,
            item_id=item_id,
        )
        return entries(
            self._connection,
            "EventService.QueryEvents",
            request,
            event_pb2.Events,
            lambda page: page.events,
            page_size=page_size,
        )

    def list_item_events(
        self, *, item_id: str, audit_set_id: str = "", page_size: int = 100
    ) -> Iterator[event_pb2.ItemEvent]:
        """What happened to an item, newest first."""
        request = event_pb2.ListItemEventsRequest(item_id=item_id, audit_set_id=audit_set_id)
        return entries(
            self._connection,
            "EventService.ListItemEvents",
            request,
            event_pb2.ItemEvents,
            lambda page: page.events,
            page_size=page_size,
        )

    def record_auditor_log(
        self,
        *,
        audit_set_id: str,
        action_type: str,
        item_id: str = "",
        request_id: str | None = None,
    ) -> None:
        """Put on record that the caller looked at something outside of this system.

        A ``request_id`` that is not given is chosen here, so that the call can be sent again.
        """
        request = event_pb2.RecordAuditorLogRequest(
            audit_set_id=audit_set_id,
            item_id=item_id,
            action_type=action_type,
            request_id=request_id or new_id(),
        )
        self._connection.call(
            "EventService.RecordAuditorLog", request, common_pb2.Done, Repeat.SAME
        )

    def watch(
        self, *, audit_set_id: str = "", after_event_id: str = ""
    ) -> Iterator[event_pb2.Event]:
        """Events as they come in, each at least once, without end.

        Of one set, or of all that the caller may see. If it breaks off, go on behind the last
        ``event_id``.
        """
        request = event_pb2.WatchRequest(audit_set_id=audit_set_id, after_event_id=after_event_id)
        return self._connection.stream("EventService.Watch", request, event_pb2.Event)

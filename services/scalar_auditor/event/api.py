"""What does EventService answer?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError, TooManyRequestsError
from scalar_auditor.event import query, rules
from scalar_auditor.event.messages import (
    batch_in,
    event_message,
    item_event_message,
    position_message,
)
from scalar_auditor.event.watching import Watch
from scalar_auditor.rpc.v1 import common_pb2, event_pb2
from scalar_auditor.serving import LOGGED_IN, PEOPLE, SERVICES, Method
from scalar_auditor.viewing import View, viewed
from scalar_auditor.visibility import insist_on_set, visible_item

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_auditor.event.model import Event, ItemEvent
    from scalar_auditor.paging import Page
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

MOST_DAYS: Final = 366  # of a query, and back from where a watch goes on
MOST_WATCHES: Final = 5  # of a caller, in one process of the node
_DAY_MS: Final = 24 * 3600 * 1000


class Api:
    """The methods of EventService."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self._watches: Counter[str] = Counter()

    def methods(self) -> Mapping[str, Method]:
        """Each method and whom it is for."""
        return {
            "IngestEvents": Method(self.ingest_events, SERVICES),
            "GetPosition": Method(self.get_position, SERVICES),
            "QueryEvents": Method(self.query_events, LOGGED_IN),
            "ListItemEvents": Method(self.list_item_events, LOGGED_IN),
            "RecordAuditorLog": Method(self.record_auditor_log, PEOPLE),
            "Watch": Method(self.watch, LOGGED_IN),
        }

    async def ingest_events(
        self, ask: event_pb2.IngestEventsRequest, caller: Caller
    ) -> event_pb2.Position:
        """Take in a batch of events, all of it or nothing, and once."""
        now_ms = self._auditor.now_ms()
        batch = batch_in(ask, now_ms)
        reached, repeated = await self._auditor.change(caller, rules.take_in, batch, now_ms)
        # A batch sent twice tells no lag, and that somebody is at work.
        self._auditor.metrics.importer_called(batch.user_id, now_ms)
        if not repeated:
            newest = max(event.created_at for event in batch.events)
            self._auditor.metrics.ingested(batch.user_id, max(0, now_ms - newest) / 1000)
        return position_message(reached, repeated=repeated)

    async def get_position(
        self, ask: event_pb2.GetPositionRequest, caller: Caller
    ) -> event_pb2.Position:
        """How far a user's stream was taken in; an empty position: not at all."""
        user_id = fields.identifier("user_id", ask.user_id)
        found = await self._auditor.read(caller, rules.position_of, user_id)
        if found is None:
            return event_pb2.Position(user_id=user_id)
        # An importer that has nothing to bring still asks. Who has never brought anything is none.
        self._auditor.metrics.importer_called(user_id, self._auditor.now_ms())
        return position_message(found)

    async def query_events(
        self, ask: event_pb2.QueryEventsRequest, caller: Caller
    ) -> event_pb2.Events:
        """The events of a span of days that the caller may see, newest first."""
        asked = _query_in(ask)
        _insist_that_set_is_named(caller, asked.audit_set_id)
        of = ("QueryEvents", ask.from_day, ask.to_day, *asked.filters)
        page = self._auditor.pages.asked(ask.page, *of)
        view = View(caller, "QueryEvents", asked.audit_set_id, asked.item_id)
        found = await viewed(
            self._auditor, self._auditor.listed, view, query.find, caller, asked, page
        )
        more = found.position is not None
        return event_pb2.Events(
            events=map(event_message, found.events),
            next_page_token=self._auditor.pages.token(found.position, *of) if more else "",
        )

    async def list_item_events(
        self, ask: event_pb2.ListItemEventsRequest, caller: Caller
    ) -> event_pb2.ItemEvents:
        """The events of an item, newest first."""
        item_id = fields.identifier("item_id", ask.item_id)
        audit_set_id = fields.optional_identifier("audit_set_id", ask.audit_set_id)
        of = ("ListItemEvents", item_id, audit_set_id)
        page = self._auditor.pages.asked(ask.page, *of)
        view = View(caller, "ListItemEvents", audit_set_id, item_id)
        found = await viewed(self._auditor, self._auditor.listed, view, _item_events, view, page)
        more = len(found) > page.size
        del found[page.size :]
        return event_pb2.ItemEvents(
            events=map(item_event_message, found),
            next_page_token=self._auditor.pages.token(found[-1].event_id, *of) if more else "",
        )

    async def record_auditor_log(
        self, ask: event_pb2.RecordAuditorLogRequest, caller: Caller
    ) -> common_pb2.Done:
        """Put on record that the caller looked at something elsewhere."""
        view = View(
            caller,
            fields.identifier("action_type", ask.action_type),
            fields.identifier("audit_set_id", ask.audit_set_id),
            fields.optional_identifier("item_id", ask.item_id),
        )
        request_id = fields.identifier("request_id", ask.request_id)
        await self._auditor.change(caller, _record, view, request_id, self._auditor.now_ms())
        return common_pb2.Done()

    async def watch(
        self,
        ask: event_pb2.WatchRequest,
        caller: Caller,
        send: Callable[[event_pb2.Event], Awaitable[None]],
    ) -> None:
        """New events as they come in, each at least once."""
        audit_set_id = fields.optional_identifier("audit_set_id", ask.audit_set_id)
        _insist_that_set_is_named(caller, audit_set_id)
        after = self._known_event(ask.after_event_id)
        who = caller.counted_as
        if self._watches[who] >= MOST_WATCHES:
            raise TooManyRequestsError(
                f"a caller has at most {MOST_WATCHES} watches at a time",
                retry_after=60,
                reason="TOO_MANY_WATCHES",
            )

        async def send_message(event: Event) -> None:
            await send(event_message(event))

        self._watches[who] += 1
        try:
            await Watch(self._auditor, caller, audit_set_id, after).follow(send_message)
        finally:
            self._watches[who] -= 1
            self._watches += Counter()  # nobody is kept who watches nothing

    def _known_event(self, event_id: str) -> str:
        if event_id:
            try:
                age = self._auditor.now_ms() - rules.milliseconds_of(event_id)
            except ValueError:
                raise InvalidArgumentError("after_event_id", "it is no id of an event") from None
            if age > MOST_DAYS * _DAY_MS:
                raise InvalidArgumentError(
                    "after_event_id", f"it is more than {MOST_DAYS} days old: query the events"
                )
        return event_id


def _insist_that_set_is_named(caller: Caller, audit_set_id: str) -> None:
    """InvalidArgumentError: an outside auditor names no set, in whose log the look would be."""
    if caller.is_outside_auditor and not audit_set_id:
        raise InvalidArgumentError(
            "audit_set_id",
            "an outside auditor names the audit set, since each look is logged there",
        )


def _query_in(ask: event_pb2.QueryEventsRequest) -> query.Query:
    from_day, to_day = _day_in("from_day", ask.from_day), _day_in("to_day", ask.to_day)
    if to_day < from_day:
        raise InvalidArgumentError("to_day", "it is before from_day")
    if (to_day - from_day).days >= MOST_DAYS:
        raise InvalidArgumentError("to_day", f"a query spans {MOST_DAYS} days at most")
    return query.Query(
        from_day,
        to_day,
        fields.optional_identifier("audit_set_id", ask.audit_set_id),
        fields.optional_identifier("event_type", ask.event_type),
        fields.email("user_email", ask.user_email) if ask.user_email else "",
        fields.optional_identifier("item_id", ask.item_id),
    )


def _day_in(field: str, text: str) -> dt.date:
    day = fields.day(field, text)
    if not query.FIRST_DAY <= day <= query.LAST_DAY:
        raise InvalidArgumentError(field, f"it is from {query.FIRST_DAY} to {query.LAST_DAY}")
    return day


async def _item_events(tx: AsyncTransaction, view: View, page: Page) -> list[ItemEvent]:
    item = await visible_item(tx, view.caller, view.item_id, view.audit_set_id)
    return await rules.item_events(tx, item.item_id, before=page.after, limit=page.size + 1)


async def _record(tx: AsyncTransaction, view: View, request_id: str, now_ms: int) -> None:
    if view.item_id:
        await visible_item(tx, view.caller, view.item_id, view.audit_set_id)
    else:
        await insist_on_set(tx, view.caller, view.audit_set_id)
    await rules.record_requested_view(
        tx,
        view.caller,
        audit_set_id=view.audit_set_id,
        action_type=view.action_type,
        item_id=view.item_id,
        request_id=request_id,
        now_ms=now_ms,
    )

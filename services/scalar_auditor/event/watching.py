"""How are new events told of as they come in, each at least once, by a storage that tells nothing?

A watch reads, again and again, what lies behind a floor, and sends what it has not sent. Events do
not come in by the order of their ids: streams lag behind one another. So the floor stays ten
minutes behind the newest event that was seen (and behind now), or behind the newest 20,000 events
where there are more in that time, and never falls back by more than a day. An event that comes in
within that window is sent; one that is older than all of it is found by a query only.

A watch ends after an hour, since what its caller may do is asked of the log-in only when it begins:
its client goes on behind the last event that it has seen. What it may see of a set is asked anew
each time.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.event import sight
from scalar_auditor.event.model import Event
from scalar_auditor.event.rules import DIGITS, SHARDS, milliseconds_of
from scalar_auditor.viewing import View, viewed
from scalar_tx import Scan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

WINDOW_MS: Final = 10 * 60 * 1000
MOST_KEPT: Final = 20_000  # ids of events that were sent, so as not to send them again
MOST_SECONDS: Final = 3600.0
PAUSE: Final = 0.5  # seconds between two looks, at least
_SHARE: Final = 4  # the pause is so many times as long as the look that it follows
_ROWS: Final = 100  # of a shard in one transaction
_DAY_MS: Final = 24 * 3600 * 1000


class Watch:
    """One stream of new events. ``after_event_id`` empty: from now on."""

    def __init__(
        self, auditor: Auditor, caller: Caller, audit_set_id: str, after_event_id: str
    ) -> None:
        self._auditor = auditor
        self._caller = caller
        self._audit_set_id = audit_set_id
        self._after = after_event_id
        self._seen: set[str] = set()
        self._newest_ms = auditor.now_ms()
        self._floor = ""
        self._forgotten = ""  # the newest event that was seen and is not among them
        self._is_logged = False

    async def follow(self, send: Callable[[Event], Awaitable[None]]) -> None:
        """Send events until the watch ends. NotFoundError: the set is not there any more."""
        ends = time.monotonic() + MOST_SECONDS
        if self._after:
            # First what is certainly new; what came in late behind it is found by the window.
            self._newest_ms = milliseconds_of(self._after)
            self._seen.add(self._after)
            self._floor = self._after
            await self._look(send)
        else:
            self._raise_floor()
            await self._look(None)
        while time.monotonic() < ends:
            began = time.monotonic()
            self._raise_floor()
            await self._look(send)
            await asyncio.sleep(max(PAUSE, _SHARE * (time.monotonic() - began)))

    def _raise_floor(self) -> None:
        now_ms = self._auditor.now_ms()
        floor_ms = max(min(self._newest_ms, now_ms) - WINDOW_MS, now_ms - _DAY_MS, 0)
        self._floor = f"{floor_ms:0{DIGITS}d}"
        self._floor = max(self._floor, self._forgotten)
        self._seen = {event_id for event_id in self._seen if event_id > self._floor}

    async def _look(self, send: Callable[[Event], Awaitable[None]] | None) -> None:
        """Read all behind the floor once; ``send`` None: only note that it is there."""
        for day in self._days():
            behind = dict.fromkeys(range(SHARDS), self._floor)
            while behind:
                news, behind = await self._news(day, behind, silent=send is None)
                if send is not None:
                    for event in news:
                        await send(event)

    def _days(self) -> Iterator[str]:
        first = _day(int(self._floor[:DIGITS]))
        # A source's clock may be ahead of ours over midnight.
        last = _day(self._auditor.now_ms() + WINDOW_MS)
        for number in range((last - first).days + 1):
            yield (first + dt.timedelta(days=number)).isoformat()

    async def _news(
        self, day: str, behind: dict[int, str], *, silent: bool
    ) -> tuple[list[Event], dict[int, str]]:
        """A page of each shard: the events to send, and where shards with more of them go on."""
        work = self._there if silent else self._unseen
        look = (work, day, behind)
        pages, news = await self._step(self._auditor.listed, *look)
        if self._caller.is_outside_auditor and (news or not self._is_logged):
            # What is sent is what was read together with the writing of its row in the log.
            pages, news = await self._step(self._logged, *look)
            self._is_logged = True
        full = {}
        for number, page in pages.items():
            for event in page:
                self._seen.add(event.event_id)
                self._newest_ms = max(self._newest_ms, event.created_at)
            if len(page) == _ROWS:
                full[number] = page[-1].event_id
        if len(self._seen) > 2 * MOST_KEPT:
            in_order = sorted(self._seen)
            self._forgotten = in_order[-MOST_KEPT - 1]
            self._seen = set(in_order[-MOST_KEPT:])
        return news, full

    async def _step(self, how: Callable[..., Awaitable[Any]], *look: Any) -> Any:
        return await self._auditor.step(how, self._caller, *look)

    async def _logged(self, caller: Caller, work: Callable[..., Awaitable[Any]], *look: Any) -> Any:
        view = View(caller, "Watch", self._audit_set_id)
        return await viewed(self._auditor, self._auditor.listed, view, work, *look)

    async def _there(
        self, tx: AsyncTransaction, day: str, behind: dict[int, str]
    ) -> tuple[dict[int, list[Event]], list[Event]]:
        """A page of each shard, and nothing of them to send."""
        await sight.insist(tx, self._caller, self._audit_set_id)
        scans = [
            Scan(
                Event,
                {"yyyy_mm_dd": day, "shard": number},
                start={"event_id": event_id},
                start_inclusive=False,
                order_by=["event_id"],
                limit=_ROWS,
            )
            for number, event_id in behind.items()
        ]
        return dict(zip(behind, await tx.batch(scans), strict=True)), []

    async def _unseen(
        self, tx: AsyncTransaction, day: str, behind: dict[int, str]
    ) -> tuple[dict[int, list[Event]], list[Event]]:
        """The same, and of it what is to be sent."""
        pages, _ = await self._there(tx, day, behind)
        unseen = [
            event for page in pages.values() for event in page if event.event_id not in self._seen
        ]
        news = await sight.visible(tx, self._caller, self._audit_set_id, unseen)
        return pages, sorted(news, key=lambda event: event.event_id)


def _day(milliseconds: int) -> dt.date:
    return dt.datetime.fromtimestamp(milliseconds // 1000, dt.UTC).date()

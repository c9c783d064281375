"""How are the events of a span of days read, newest first, out of ten shards a day?

Each shard is read in small pages, a further one only once the merge needs it: what is held does not
depend on how many events a day has. How many rows are looked at for one answer is bounded; where
that ends, a later call goes on.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_auditor.event.model import Event
from scalar_auditor.event.rules import SHARDS
from scalar_tx import Scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.transaction_async import AsyncTransaction

MOST_ROWS: Final = 3_000  # that are read for one answer, before the pages that are under way end
MOST_SCANS: Final = 200  # days without events cost ten each
_SPARE: Final = 8  # rows that a shard gives more than its share, so that few are read twice
_LARGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Position:
    """Behind which event to go on; with no ``event_id``: at the beginning of the day's list."""

    day: dt.date
    event_id: str = ""


@dataclass(slots=True)
class _Shard:
    """A shard of the day that is being read."""

    rows: deque[Event] = field(default_factory=deque)
    before: str | None = None
    page: int = 0
    ended: bool = False


class Merge:
    """Reads from a position down to the first day. ``size``: how many events are wanted in all."""

    def __init__(self, tx: AsyncTransaction, first: dt.date, position: Position, size: int) -> None:
        self._tx = tx
        self._first = first
        self._at: Position | None = position
        self._page = size // SHARDS + size // 50 + _SPARE
        self._shards: list[_Shard] = []
        self._rows = 0
        self._scans = 0

    @property
    def position(self) -> Position | None:
        """Behind all that was looked at; None: nothing is left."""
        return self._at

    async def next(self, wanted: Callable[[Event], bool], most: int) -> list[Event]:
        """The next events that are wanted, at most so many; fewer: look at ``position``."""
        found: list[Event] = []
        while len(found) < most and self._at is not None:
            if not self._shards:
                self._begin(self._at)
            empty = [one for one in range(SHARDS) if self._is_empty(one)]
            if empty:
                if self._rows >= MOST_ROWS or self._scans >= MOST_SCANS:
                    break
                await self._fill(self._at.day, empty)
                continue
            event = self._newest()
            if event is None:
                self._end_day(self._at.day)
                continue
            self._at = Position(self._at.day, event.event_id)
            if wanted(event):
                found.append(event)
        return found

    def _begin(self, at: Position) -> None:
        before = at.event_id or None
        self._shards = [_Shard(before=before, page=self._page) for _ in range(SHARDS)]

    def _end_day(self, day: dt.date) -> None:
        self._shards = []
        self._at = None if day <= self._first else Position(day - dt.timedelta(days=1))

    def _is_empty(self, number: int) -> bool:
        shard = self._shards[number]
        return not shard.rows and not shard.ended

    async def _fill(self, day: dt.date, numbers: list[int]) -> None:
        scans = [self._scan(day, number) for number in numbers]
        for number, rows in zip(numbers, await self._tx.batch(scans), strict=True):
            shard = self._shards[number]
            shard.rows.extend(rows)
            shard.ended = len(rows) < shard.page
            shard.before = rows[-1].event_id if rows else shard.before
            # Whoever asks for more of a shard wants much: a filter passes over it.
            shard.page = max(shard.page, min(_LARGEST, 4 * shard.page))
            self._rows += len(rows)
        self._scans += len(numbers)

    def _scan(self, day: dt.date, number: int) -> Scan[Event]:
        shard = self._shards[number]
        return Scan(
            Event,
            {"yyyy_mm_dd": day.isoformat(), "shard": number},
            end=None if shard.before is None else {"event_id": shard.before},
            end_inclusive=False,
            limit=shard.page,
        )

    def _newest(self) -> Event | None:
        heads = [shard for shard in self._shards if shard.rows]
        if not heads:
            return None
        return max(heads, key=lambda shard: shard.rows[0].event_id).rows.popleft()

"""Is the merge of a day's shards the sorted list, from every position, however they are filled?

A shard is any that a test says here: they are as uneven as can be, and many events are of the same
millisecond.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import scalar_tx
from scalar_auditor.event import days
from scalar_auditor.event.days import Merge, Position
from scalar_auditor.event.model import Event
from scalar_auditor.event.rules import SHARDS, time_ordered_id
from scalar_schema import read_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scalar_tx import Scan
    from scalar_tx.transaction_async import AsyncTransaction

FIRST = dt.date(2026, 9, 20)
LAST = dt.date(2026, 9, 22)
MIDNIGHT = 20_716 * 86_400_000  # the beginning of the first day
SCHEMA = Path(__file__).resolve().parents[3] / "namespaces" / "event.json"


@dataclass(frozen=True)
class Row:
    """An event, as far as it matters here."""

    day: int  # after the first
    ms: int
    source: str
    shard: int
    wanted: bool

    @property
    def event_id(self) -> str:
        return time_ordered_id(MIDNIGHT + self.day * 86_400_000 + self.ms, self.source)

    @property
    def date(self) -> dt.date:
        return FIRST + dt.timedelta(days=self.day)


ROWS = st.lists(
    st.builds(
        Row,
        day=st.integers(0, 2),
        ms=st.sampled_from([0, 1, 1, 1, 2, 86_399_999]),
        source=st.text(alphabet="aAz~-0", min_size=1, max_size=3),
        shard=st.sampled_from([0, 0, 0, 0, 1, 1, 5, 9]),
        wanted=st.booleans(),
    ),
    unique_by=lambda row: row.event_id,
    max_size=60,
)
SIZES = st.sampled_from([1, 2, 3, 7, 50])


def even(count: int) -> list[Row]:
    """So many of one day, in each shard as many."""
    return [Row(1, number // 3, f"s{number:04d}", number % SHARDS, True) for number in range(count)]


class Days:
    """A database with these events, and a transaction that notes how it is asked for them."""

    def __init__(self, target: str, rows: Iterable[Row]) -> None:
        self._target = target
        self._rows = list(rows)
        self.merge: Merge | None = None
        self.scans = 0

    async def __aenter__(self) -> Self:
        self.db = scalar_tx.connect_async(self._target)
        for one in read_files([SCHEMA]):
            await self.db.admin.create_table(one.name, one.schema, if_not_exists=True)
        async with self.db.transaction() as tx:
            for row in self._rows:
                await tx.insert(stored(row))
        self.tx = self.db.begin(read_only=True, isolation=scalar_tx.Isolation.SNAPSHOT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tx.rollback()
        await self.db.close()

    async def batch(self, scans: Sequence[Scan[Event]]) -> Any:
        """What the transaction answers; a shard is asked for more only where all is used up."""
        assert self.merge is not None
        self.scans += len(scans)
        at = self.merge.position
        assert at is not None
        for scan in scans:
            bound = (scan.end or {}).get("event_id")
            if bound is not None:
                assert str(bound) >= at.event_id, "rows of this shard are left"
        found = await self.tx.batch(scans)
        held = sum(len(shard.rows) for shard in self.merge._shards) + sum(map(len, found))
        assert held <= SHARDS * days._LARGEST
        return found

    def begin(self, position: Position, size: int) -> Merge:
        tx: AsyncTransaction = self  # type: ignore[assignment]  # all that a merge calls is batch
        self.merge = Merge(tx, FIRST, position, size)
        return self.merge

    async def paged(self, size: int, wanted: Callable[[Event], bool]) -> list[list[str]]:
        """All pages from the newest event on, each by a merge of its own."""
        found = []
        position: Position | None = Position(LAST)
        while position is not None:
            merge = self.begin(position, size)
            page = await merge.next(wanted, size)
            assert len(page) <= size
            assert merge.position != position
            found.append([event.event_id for event in page])
            position = merge.position
        return found


def stored(row: Row) -> Event:
    return Event(
        yyyy_mm_dd=row.date.isoformat(),
        shard=row.shard,
        event_id=row.event_id,
        event_type="WANTED" if row.wanted else "OTHER",
        item_id="",
        item_type="",
        item_name="",
        user_id="",
        user_email="",
        source_id=row.source,
        additional_details="",
        created_at=0,
    )


def newest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.event_id, reverse=True)


@pytest.fixture(params=["memory", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Where a new database is to be; of SQLite a file each."""
    files = (tmp_path / f"{number}.db" for number in range(10_000))
    if request.param == "memory":
        return lambda: "memory://"
    return lambda: f"sqlite:///{next(files)}?synchronous=off"


often = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@often
@given(ROWS, SIZES, st.sampled_from([1, 2, 8]), st.sampled_from([20, 3_000]))
@example(even(300), 50, 1, 3_000)
@example(even(300), 7, 8, 20)
@example([], 1, 8, 3_000)
def test_pages_add_up_to_the_sorted_list(
    target: Callable[[], str], rows: list[Row], size: int, spare: int, most_rows: int
) -> None:
    """However few rows a shard gives at first, and where what is looked at is bounded."""

    async def run() -> None:
        async with Days(target(), rows) as those:
            everything = await those.paged(size, lambda _: True)
            chosen = await those.paged(size, lambda event: event.event_type == "WANTED")
        ids = [row.event_id for row in newest_first(rows)]
        assert [one for page in everything for one in page] == ids
        wanted = [row.event_id for row in newest_first(rows) if row.wanted]
        assert [one for page in chosen for one in page] == wanted
        if most_rows > len(rows):  # no page is short but the last
            assert [len(page) for page in everything[:-1]] == [size] * (len(everything) - 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "_SPARE", spare)
        patch.setattr(days, "MOST_ROWS", most_rows)
        asyncio.run(run())


@often
@given(ROWS, SIZES)
@example(even(100), 7)
def test_behind_each_event_comes_the_next(
    target: Callable[[], str], rows: list[Row], size: int
) -> None:
    async def run() -> None:
        order = newest_first(rows)
        async with Days(target(), rows) as those:
            for number, row in enumerate(order):
                merge = those.begin(Position(row.date, row.event_id), size)
                found = await merge.next(lambda _: True, size)
                behind = order[number + 1 :]
                assert [one.event_id for one in found] == [one.event_id for one in behind[:size]]
                last = (
                    None
                    if len(found) < size
                    else Position(behind[size - 1].date, found[-1].event_id)
                )
                assert merge.position == last

    asyncio.run(run())


@pytest.mark.parametrize("most", [1, 10, 29, 30])
def test_one_merge_goes_on_where_it_was(target: Callable[[], str], most: int) -> None:
    rows = even(120)

    async def run() -> None:
        async with Days(target(), rows) as those:
            merge = those.begin(Position(LAST), 30)
            found = []
            while len(some := await merge.next(lambda _: True, most)) == most:
                found += some
            found += some
            assert [one.event_id for one in found] == [row.event_id for row in newest_first(rows)]
            # Each row once: what an earlier call had left over was not read again.
            assert those.scans <= 10 * 3 + 2 * SHARDS

    asyncio.run(run())


def test_a_page_of_even_shards_is_one_read_of_each(target: Callable[[], str]) -> None:
    async def run() -> None:
        async with Days(target(), even(600)) as those:
            merge = those.begin(Position(FIRST + dt.timedelta(days=1)), 100)
            assert len(await merge.next(lambda _: True, 100)) == 100
            assert those.scans == SHARDS

    asyncio.run(run())

"""Are the scans of a batch read at the same time, and are they what each of them would be alone?"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import Get, Isolation, Scan, StorageUnavailableError, Update, Upsert
from scalar_tx.errors import RecordNotFoundError
from scalar_tx.storage.interface import Waits
from tests.faces.either import each, entered, now
from tests.faces.slow_reads import SlowReads, opened
from tests.faces.tables import ENTRY, make_entries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DAYS = tuple(f"day {number}" for number in range(10))
WAYS = [
    (face, waits) for face in ("blocking", "asyncio") for waits in (Waits.BLOCKS, Waits.FUTURES)
]
SECONDS = 10.0  # in which all have to meet
FEW = 3  # rows of a scan


def scans(days: tuple[str, ...] = DAYS, **how: Any) -> list[Scan]:
    return [Scan(ENTRY, {"day": day}, limit=FEW, **how) for day in days]


def read(found: Any) -> list[list[tuple[str, int]]]:
    return [[(row["day"], row["seq"]) for row in rows] for rows in found]


WANTED = [[(day, seq) for seq in (5, 4, 3)] for day in DAYS]


# Over storages that wait.


class Place:
    """A manager of a face over a storage in memory, whose reads of entries are slow."""

    def __init__(self, face: str, waits: Waits, threads: int = 32) -> None:
        self.storage = SlowReads(waits)
        self.db = opened(self.storage, face, threads=threads)

    async def fill(self) -> None:
        await make_entries(self.db, days=DAYS)
        self.storage.slow = {ENTRY}
        self.storage.forget()

    async def close(self) -> None:
        await now(self.db.close())


@asynccontextmanager
async def at_a_place(face: str, waits: Waits, threads: int = 32) -> AsyncIterator[Place]:
    place = Place(face, waits, threads)
    try:
        await place.fill()
        yield place
    finally:
        await place.close()
    assert place.storage.open_scans == 0
    assert place.storage.under_way == 0


def all_meet(number: int) -> Callable[[Any], None]:
    """Each read waits for the others: BrokenBarrierError where one of them does not come."""
    barrier = threading.Barrier(number)

    def met(_: Any) -> None:
        barrier.wait(SECONDS)

    return met


@pytest.mark.parametrize("isolation", Isolation)
@pytest.mark.parametrize("face, waits", WAYS)
async def test_first_pages_are_under_way_together(
    face: str, waits: Waits, isolation: Isolation
) -> None:
    async with at_a_place(face, waits) as place:
        place.storage.first = all_meet(10)
        tx = place.db.begin(isolation=isolation, read_only=True)
        assert read(await now(tx.batch(scans()))) == WANTED
        assert place.storage.waves == [10]
        assert sorted(place.storage.read) == sorted((day,) for day in DAYS)
        await now(tx.rollback())


@pytest.mark.parametrize("face, waits", WAYS)
async def test_gets_by_key_and_by_index_are_under_way_with_them(face: str, waits: Waits) -> None:
    async with at_a_place(face, waits) as place:
        await now(
            place.db.upsert(ENTRY, {"day": "x", "seq": 0, "part": "y", "what": "one", "amount": 1})
        )
        place.storage.forget()
        place.storage.first = all_meet(4)
        tx = place.db.begin(isolation=Isolation.SNAPSHOT)
        *lists, by_key, by_index = await now(
            tx.batch(
                [
                    *scans(DAYS[:2]),
                    Get(ENTRY, {"day": DAYS[2], "seq": 1, "part": "x"}),
                    Get(ENTRY, index={"what": "one"}),
                ]
            )
        )
        assert read(lists) == WANTED[:2]
        assert (by_key["seq"], by_index["day"]) == (1, "x")
        assert place.storage.waves == [4]
        await now(tx.rollback())


@pytest.mark.parametrize("face, waits", WAYS)
async def test_a_page_that_is_not_needed_is_not_asked_for(face: str, waits: Waits) -> None:
    """Not by a scan that has what it wants; further pages are asked for where one is missing."""
    async with at_a_place(face, waits) as place:
        for day in DAYS[:2]:  # what was deleted, and matches no more, takes up no place
            await now(place.db.delete(ENTRY, {"day": day, "seq": 5, "part": "x"}))
        tx = place.db.begin(isolation=Isolation.SNAPSHOT)
        for day in DAYS[:2]:
            await now(tx.delete(ENTRY, {"day": day, "seq": 4, "part": "x"}))
        place.storage.forget()
        assert read(await now(tx.batch(scans()))) == [
            *([(day, seq) for seq in (3, 2, 1)] for day in DAYS[:2]),
            *WANTED[2:],
        ]
        # An own delete hides one of the first page: those two scans alone read on.
        assert len(place.storage.read) == 12
        assert place.storage.rows == 12 * FEW
        await now(tx.rollback())


@pytest.mark.parametrize("face, waits", WAYS)
async def test_where_one_fails_all_have_ended_and_one_error_is_told(
    face: str, waits: Waits
) -> None:
    async with at_a_place(face, waits) as place:
        begun = threading.Barrier(10)

        def fail_one(where: Any, begun: threading.Barrier = begun) -> None:
            begun.wait(SECONDS)
            if where == (DAYS[3],):
                raise StorageUnavailableError("day 3 is down")
            time.sleep(0.05)

        place.storage.first = fail_one
        tx = place.db.begin(isolation=Isolation.SERIALIZABLE)
        with pytest.raises(StorageUnavailableError, match="day 3 is down") as caught:
            await now(tx.batch([Upsert(ENTRY, {"day": "x", "seq": 0, "part": "y"}), *scans()]))
        assert caught.value.transaction_id == tx.id
        assert place.storage.under_way == 0
        assert place.storage.open_scans == 0
        # The transaction goes on, with nothing of that batch, and depends on none of its reads.
        place.storage.first = lambda _: None
        await now(
            place.db.upsert(
                ENTRY, {"day": DAYS[0], "seq": 9, "part": "x", "what": "w", "amount": 1}
            )
        )
        place.storage.forget()
        place.storage.first = all_meet(9)
        assert read(await now(tx.batch(scans(DAYS[1:])))) == WANTED[1:]
        assert place.storage.waves == [9]
        place.storage.first = lambda _: None
        await now(tx.commit())
        assert await now(place.db.get(ENTRY, {"day": "x", "seq": 0, "part": "y"})) is None


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
async def test_one_after_the_other_none_begins_behind_one_that_failed(face: str) -> None:
    """Each of them might wait for a time-out."""

    def fails(_: Any) -> None:
        raise StorageUnavailableError("all is down")

    async with at_a_place(face, Waits.BLOCKS, threads=0) as place:
        place.storage.first = fails
        tx = place.db.begin(isolation=Isolation.SNAPSHOT)
        with pytest.raises(StorageUnavailableError):
            await now(tx.batch(scans()))
        assert place.storage.read == [(DAYS[0],)]
        # That was then: the next batch reads all.
        place.storage.first = lambda _: None
        assert read(await now(tx.batch(scans()))) == WANTED
        await now(tx.rollback())


@pytest.mark.parametrize("face, waits", WAYS)
async def test_what_was_read_for_a_turn_that_never_comes_is_let_go(face: str, waits: Waits) -> None:
    async with at_a_place(face, waits) as place:
        tx = place.db.begin(isolation=Isolation.SERIALIZABLE)
        missing = Update(ENTRY, {"day": "none", "seq": 0, "part": "y"}, {"amount": 1})
        with pytest.raises(RecordNotFoundError):
            await now(tx.batch([*scans(DAYS[:2]), missing, *scans(DAYS[2:])]))
        assert place.storage.open_scans == 0
        # Two of them were in their turn, and have to hold; nobody was shown the others.
        await now(place.db.update(ENTRY, {"day": DAYS[5], "seq": 5, "part": "x"}, {"amount": 0}))
        await now(tx.commit())


@pytest.mark.parametrize("waits", [Waits.BLOCKS, Waits.FUTURES])
async def test_a_cancelled_batch_leaves_nothing_behind(waits: Waits) -> None:
    async with at_a_place("asyncio", waits) as place:
        begun, go_on = threading.Barrier(11), threading.Event()

        def wait(_: Any, begun: Any = begun, go_on: Any = go_on) -> None:
            begun.wait(SECONDS)
            go_on.wait(SECONDS)

        place.storage.first = wait
        others = asyncio.all_tasks()
        tx = place.db.begin(isolation=Isolation.SNAPSHOT)
        task = asyncio.ensure_future(tx.batch(scans()))
        await asyncio.to_thread(begun.wait, SECONDS)
        assert place.storage.under_way == 10
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == others
        assert place.storage.under_way == 0
        assert place.storage.open_scans == 0
        place.storage.first = lambda _: None
        assert read(await tx.batch(scans())) == WANTED
        await tx.rollback()


# On each target of the faces, a node among them.


@pytest.mark.parametrize("isolation", Isolation)
async def test_a_batch_of_scans_finds_what_each_finds(db: Any, isolation: Isolation) -> None:
    await make_entries(db, days=DAYS)
    tx = db.begin(isolation=isolation)
    await now(tx.upsert(ENTRY, {"day": DAYS[0], "seq": 7, "part": "x", "what": "w1", "amount": 1}))
    await now(tx.delete(ENTRY, {"day": DAYS[1], "seq": 5, "part": "x"}))
    later = {"day": DAYS[2], "seq": 8, "part": "x", "what": "w0", "amount": 2}
    asked = [
        *scans(),
        Scan(ENTRY, {"day": DAYS[3]}, end={"seq": 3}, end_inclusive=False),
        Scan(ENTRY, {"day": DAYS[4]}, order_by=["seq", "-part"], columns=["seq"]),
        Scan(ENTRY, index={"what": "w1"}),
        Scan(ENTRY, whole_table=True, weak=True),
        Upsert(ENTRY, later),
        *scans(DAYS[2:3]),
        Scan(ENTRY, {"day": "none"}),
    ]
    together = await now(tx.batch(asked))
    await now(tx.rollback())
    alone = db.begin(isolation=isolation)
    await now(
        alone.upsert(ENTRY, {"day": DAYS[0], "seq": 7, "part": "x", "what": "w1", "amount": 1})
    )
    await now(alone.delete(ENTRY, {"day": DAYS[1], "seq": 5, "part": "x"}))
    found = [(await now(alone.batch([one])))[0] for one in asked]
    await now(alone.rollback())
    assert [rows and sorted(map(repr, rows)) for rows in together] == [
        rows and sorted(map(repr, rows)) for rows in found
    ]
    assert read(together[:10]) == read(found[:10])
    assert read(together[:3]) == [
        [(DAYS[0], seq) for seq in (7, 5, 4)],
        [(DAYS[1], seq) for seq in (4, 3, 2)],
        [(DAYS[2], seq) for seq in (5, 4, 3)],  # the later write comes behind it
    ]
    assert read(together[15:16]) == [[(DAYS[2], seq) for seq in (8, 5, 4)]]


async def test_a_scanner_of_the_same_rows_goes_on_beside_a_batch(db: Any) -> None:
    await make_entries(db, days=DAYS)
    tx = db.begin(isolation=Isolation.SNAPSHOT)
    async with entered(await now(tx.scanner(ENTRY, {"day": DAYS[0]}))) as scanner:
        assert read(await now(tx.batch(scans()))) == WANTED
        assert [row["seq"] async for row in each(scanner)] == [5, 4, 3, 2, 1]
    await now(tx.rollback())

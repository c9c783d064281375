"""Is a scan whole when rows move or reads fail between two pages? What does a weak one give?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    StorageUnavailableError,
)
from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Scan
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages, ScanRequest
    from tests.protocol.world import Tx

LOG = "bank.log"
NOTE = "bank.note"
SCHEMA = TableSchema(
    columns={"p": "INT", "k": "INT", "v": "INT"}, partition_key=["p"], clustering_key=["k"]
)
BY_VALUE = {"whole_table": True, "order_by": ["v"]}


class PagingStorage(MemoryStorage):
    """Pages that stay small; does something before a chosen page of the scans of one table."""

    def __init__(self) -> None:
        super().__init__()
        self.before_page: dict[int, Callable[[], None]] = {}
        self.pages_read = 0

    def scan(self, request: ScanRequest) -> SmallPages:  # type: ignore[override]  # as a Pages
        return SmallPages(self, request)

    def rows_behind(self, request: ScanRequest) -> Pages:
        return super().scan(request)


class SmallPages:
    def __init__(self, storage: PagingStorage, request: ScanRequest) -> None:
        self._storage = storage
        self._request = request

    async def next_page(self) -> Sequence[Row] | None:
        storage = self._storage
        if self._request.table.name == LOG:
            storage.pages_read += 1
            if storage.pages_read in storage.before_page:
                storage.before_page.pop(storage.pages_read)()
        page = await storage.rows_behind(self._request).next_page()
        if page is not None:
            self._request = replace(self._request, after=page[-1])
        return page

    async def close(self) -> None:
        """Nothing is held."""


def world_of(storage: MemoryStorage, fetch: int) -> World:
    world = World(storage, scan_fetch_size=fetch)
    for table in (LOG, NOTE):
        world.create_table(table, SCHEMA)
    world.load(LOG, *({"p": 1, "k": k, "v": 10 * k} for k in range(1, 9)))
    return world


def leave_prepared(world: World, name: str, k: int, v: int) -> None:
    dead = world.begin(name)
    dead.update(LOG, {"p": 1, "k": k}, {"v": v})
    assert dead.commit_until("commit-state")
    dead.crash()


def numbers(tx: Tx, **how: object) -> list[object]:
    return [record["k"] for record in tx.scan(LOG, **how)]  # type: ignore[arg-type]  # a scan's


def test_a_row_that_moves_ahead_of_validation_is_not_overlooked() -> None:
    """One transaction adds a row behind the scan and a note; another one moves that row.

    Whoever reads the note, and not the row, did not run alone: the row was missed by the scan
    because it came too late, and must not be missed by validation because it has moved.
    """
    storage = PagingStorage()
    world = world_of(storage, fetch=2)

    def add() -> None:
        tx = world.begin("add")
        tx.insert(LOG, {"p": 1, "k": 0, "v": 45})
        tx.insert(NOTE, {"p": 1, "k": 0, "v": 45})
        tx.commit()

    def move() -> None:
        tx = world.begin("move")
        tx.update(LOG, {"p": 1, "k": 0}, {"v": 5})
        tx.commit()

    storage.before_page[4] = add
    reader = world.begin("reader")
    assert numbers(reader, **BY_VALUE) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert reader.get(NOTE, {"p": 1, "k": 0}) is not None
    storage.pages_read = 0
    storage.before_page[3] = move
    with pytest.raises(ConflictError):
        reader.commit()


@pytest.mark.parametrize("isolation", list(Isolation))
def test_a_row_that_moves_ahead_of_a_scan_by_values_is_not_overlooked(
    isolation: Isolation,
) -> None:
    """It was there before the scan and is there behind it: at no level may it be missing."""
    storage = PagingStorage()
    world = world_of(storage, fetch=2)

    def move() -> None:
        tx = world.begin("move")
        tx.update(LOG, {"p": 1, "k": 8}, {"v": 5})
        tx.commit()

    reader = world.begin("reader", isolation)
    storage.pages_read = 0
    storage.before_page[3] = move
    assert sorted(map(str, numbers(reader, **BY_VALUE))) == list("12345678")
    assert not storage.before_page
    reader.rollback()


@pytest.mark.parametrize("isolation", [Isolation.SNAPSHOT, Isolation.SERIALIZABLE])
def test_a_scanner_that_failed_does_not_go_on_without_the_rows_of_that_page(
    isolation: Isolation,
) -> None:
    world = world_of(MemoryStorage(), fetch=10)
    leave_prepared(world, "dead", 4, 41)
    reader = world.begin("reader", isolation)
    cursor = reader._run(reader.steps.open_cursor(Scan(LOG, {"p": 1})))
    with pytest.raises(ConflictError):
        reader._run(cursor.next_page())
    world.runtime.ms += 16_000
    with pytest.raises(InvalidOperationError) as refused:
        reader._run(cursor.next_page())
    assert refused.value.code == "STX-3046"
    assert numbers(reader, partition={"p": 1}) == [1, 2, 3, 4, 5, 6, 7, 8]
    reader.commit()


def test_reads_are_confirmed_while_a_scan_over_left_records_is_open() -> None:
    """What it has met of dead writers is settled first; else it would look like a change."""
    world = world_of(MemoryStorage(), fetch=8)
    leave_prepared(world, "dead", 1, 0)
    world.runtime.ms += 16_000
    reader = world.begin("reader", Isolation.SERIALIZABLE)
    cursor = reader._run(reader.steps.open_cursor(Scan(LOG, {"p": 1})))
    assert len(reader._run(cursor.next_page()) or ()) == 8
    reader._run(reader.steps.confirm_reads())
    reader.rollback()


@pytest.mark.parametrize("isolation", [Isolation.SNAPSHOT, Isolation.SERIALIZABLE])
def test_a_scan_by_values_that_failed_begins_anew(isolation: Isolation) -> None:
    """Row 1 was moved to the front and is moved back in memory, then the read of row 8 fails."""
    world = world_of(MemoryStorage(), fetch=3)
    leave_prepared(world, "dead", 1, 0)
    leave_prepared(world, "dead too", 8, 0)
    world.runtime.ms += 16_000
    world.storage.faults.append(
        Fault("read-state", lambda: StorageUnavailableError("made to fail"), skip=1, times=5)
    )
    reader = world.begin("reader", isolation)
    with pytest.raises(StorageUnavailableError):
        numbers(reader, **BY_VALUE)
    assert numbers(reader, **BY_VALUE) == [1, 2, 3, 4, 5, 6, 7, 8]
    reader.commit()


@pytest.mark.parametrize("isolation", [Isolation.SNAPSHOT, Isolation.SERIALIZABLE])
def test_an_update_over_what_a_weak_scan_found_is_not_lost(isolation: Isolation) -> None:
    world = world_of(MemoryStorage(), fetch=10)
    tx = world.begin("tx", isolation)
    (found,) = tx.scan(LOG, {"p": 1}, start={"k": 1}, end={"k": 1}, weak=True)
    other = world.begin("other")
    other.update(LOG, {"p": 1, "k": 1}, {"v": 1000})
    other.commit()
    tx.upsert(LOG, {"p": 1, "k": 1, "v": int(str(found["v"])) + 1})
    with pytest.raises(ConflictError):
        tx.commit()


def test_a_condition_judged_by_what_a_weak_scan_found_has_to_hold() -> None:
    world = world_of(MemoryStorage(), fetch=10)
    tx = world.begin("tx")
    tx.scan(LOG, {"p": 1}, weak=True)
    with pytest.raises(ConditionNotMetError):
        tx.update(LOG, {"p": 1, "k": 1}, {"v": 0}, where=column("v") > 100)
    other = world.begin("other")
    other.update(LOG, {"p": 1, "k": 1}, {"v": 1000})
    other.commit()
    tx.insert(NOTE, {"p": 1, "k": 1, "v": 1})
    with pytest.raises(ConflictError):
        tx.commit()


def test_a_weak_scan_is_itself_not_validated() -> None:
    world = world_of(MemoryStorage(), fetch=10)
    tx = world.begin("tx")
    tx.scan(LOG, {"p": 1}, weak=True)
    other = world.begin("other")
    other.update(LOG, {"p": 1, "k": 1}, {"v": 1000})
    other.commit()
    tx.insert(NOTE, {"p": 1, "k": 1, "v": 1})
    tx.commit()

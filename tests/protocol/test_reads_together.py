"""What is read in one call: several records by key, both indexes of a column, a page of a scan?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError, StorageBusyError, StorageUnavailableError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Get
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.sql.storage import SqlStorage
from tests.protocol import test_storage_calls as shapes
from tests.protocol.counting import counted, in_kinds
from tests.protocol.watched_storage import Fault
from tests.protocol.world import Tx, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer, ScanRequest
    from scalar_tx.storage.sql.connections import Reader

RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE
STORAGE, PARTITION = AtomicityUnit.STORAGE, AtomicityUnit.PARTITION
ITEMS, KEY = shapes.ITEMS, shapes.key
N = shapes.N


def world_of(unit: AtomicityUnit, **options: Any) -> World:
    world = shapes.world_of(unit, **options)
    world.storage.together = True
    return world


def batch(tx: Tx) -> None:
    tx.world.run(tx.steps.batch([Get(ITEMS, KEY(shop)) for shop in range(1, 1 + N)]), tx.id)


@pytest.mark.parametrize(
    "work,unit,isolation,calls,steps",
    [
        (shapes.unread_upserts, STORAGE, SI, "1R 1P 1C 1M", 4),
        (shapes.unread_upserts, PARTITION, SER, f"1R {N}P 1C {N}M", 4),
        (shapes.index_scan_and_update, STORAGE, SI, "1R 1P 1C 1M", 4),
        (shapes.index_scan_and_update, STORAGE, SER, "1R 1P 1V 1C 1M", 5),
        (shapes.gets, STORAGE, SER, f"{N}R 1V", N + 1),
        (batch, STORAGE, SI, "1R", 1),
        (batch, STORAGE, SER, "1R 1V", 2),
        (shapes.two_storages, STORAGE, SER, "2R 2P 1C 2M", 5),
    ],
)
def test_calls(
    work: Callable[[Tx], None], unit: AtomicityUnit, isolation: Isolation, calls: str, steps: int
) -> None:
    world = world_of(unit)
    counts = counted(world, work, lambda: world.begin(isolation=isolation))
    assert (counts.calls, counts.steps) == (calls, steps)


@pytest.mark.parametrize("work", [shapes.unread_upserts, shapes.gets, batch])
@pytest.mark.parametrize("isolation", Isolation)
def test_it_is_explained_so(work: Callable[[Tx], None], isolation: Isolation) -> None:
    world = world_of(STORAGE)
    tx = Tx(world, TransactionSteps(world.parts.context, isolation), "T")
    work(tx)
    found = tx.steps.explain()
    world.storage.calls.clear()
    world.runtime.steps = 0
    tx.commit()
    kinds = in_kinds(world.storage.calls, 0).split()
    assert found.requests == sum(int(kind[:-1]) for kind in kinds)
    assert found.round_trips == world.runtime.steps


class Refusing(MemoryStorage):
    """Does not hand out some records of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[object, Exception] = {}

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        answers = await super().get_many(wanted)
        return [
            self.errors.get(key[0], answer)
            for (_, key), answer in zip(wanted, answers, strict=True)
        ]


def refusing() -> tuple[World, Refusing]:
    storage = Refusing()
    world = World(storage)
    world.storage.together = True
    world.create_table(ITEMS, shapes.SCHEMA)
    world.load(ITEMS, *({**KEY(shop), "price": 1} for shop in range(1, 1 + N)))
    return world, storage


@pytest.mark.parametrize(
    "error,kind",
    [
        (StorageUnavailableError("it is down"), StorageUnavailableError),
        (StorageBusyError("it is throttled"), ConflictError),
    ],
)
def test_a_member_that_fails_is_named_and_the_others_are_kept(
    error: Exception, kind: type[Exception]
) -> None:
    world, storage = refusing()
    storage.errors = {2: error, 3: error}
    tx = world.begin()
    with pytest.raises(kind, match=r"a read of shop\.items \{'shop': 2, 'no': 1\}") as caught:
        batch(tx)
    assert "'shop': 3" not in str(caught.value)
    assert "shop" not in str(error)
    storage.errors = {}
    world.storage.calls.clear()
    for shop in (1, 4):
        assert tx.get(ITEMS, KEY(shop)) is not None
    assert world.storage.reached() == []
    assert tx.get(ITEMS, KEY(2)) is not None
    assert world.storage.reached() == ["get read x1"]


def test_a_change_outweighs_what_can_t_be_read_again() -> None:
    world, storage = refusing()
    tx = world.begin()
    batch(tx)
    storage.errors = {1: StorageUnavailableError("it is down")}
    with pytest.raises(StorageUnavailableError, match="'shop': 1"):
        world.run(tx.steps.confirm_reads())
    other = world.begin()
    other.update(ITEMS, KEY(4), {"price": 2})
    other.commit()
    with pytest.raises(ConflictError, match="STX-1020"):
        tx.commit()


def test_without_moments_absences_are_looked_at_before_what_was_there() -> None:
    world, _ = refusing()
    tx = world.begin()
    for shop in (1, 9, 2, 8, 3):
        tx.get(ITEMS, KEY(shop))
    world.storage.calls.clear()
    tx.commit()
    assert world.storage.reached() == ["get read x2", "get read x3"]


def test_an_undecided_member_is_settled_and_the_others_are_not_lost() -> None:
    world, _ = refusing()
    world.write(ITEMS, (2, 1), tx_id="dead", tx_state=1, tx_version=2, price=9)
    prepared_at = world.runtime.ms
    world.write(ITEMS, (2, 1), tx_prepared_at=prepared_at, before_price=1, before_tx_version=1)
    world.write(ITEMS, (2, 1), before_tx_id="load-1", before_tx_state=3)
    tx = world.begin()
    with pytest.raises(ConflictError, match="STX-1010"):
        batch(tx)
    world.storage.calls.clear()
    assert tx.get(ITEMS, KEY(1)) is not None
    assert world.storage.reached() == []
    world.runtime.ms += 16_000
    batch(tx)
    found = tx.get(ITEMS, KEY(2))
    assert found is not None
    assert found["price"] == 1


# Both indexes of a column.


def indexed(kind: str, folder: Path) -> World:
    world = World(open_inner(kind, folder))
    world.storage.together = True
    world.create_table(ITEMS, shapes.SCHEMA)
    world.load(ITEMS, {**KEY(1), "kind": "toy"}, {**KEY(2), "kind": "book"})
    return world


def prepared(world: World, kind: str, *, tx_id: str = "W") -> Tx:
    """Somebody is about to move the first record to another kind."""
    writer = world.begin(tx_id)
    writer.get(ITEMS, KEY(1))
    writer.update(ITEMS, KEY(1), {"kind": kind})
    assert writer.commit_until("commit-state")
    return writer


def shops(tx: Tx, kind: str) -> list[Value]:
    return [record["shop"] for record in tx.scan(ITEMS, index={"kind": kind})]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("isolation", Isolation)
def test_a_living_writer_is_met_by_the_previous_value(
    kind: str, isolation: Isolation, tmp_path: Path
) -> None:
    world = indexed(kind, tmp_path)
    prepared(world, "book").crash()
    tx = world.begin(isolation=isolation)
    with pytest.raises(ConflictError, match="STX-1010"):
        shops(tx, "toy")
    assert shops(tx, "game") == []
    if isolation is RC:
        assert shops(tx, "book") == [2]
    else:
        with pytest.raises(ConflictError, match="STX-1010"):
            shops(tx, "book")
    world.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("isolation", Isolation)
@pytest.mark.parametrize("decided", [True, False])
def test_what_a_dead_writer_left_is_found_where_it_belongs(
    kind: str, isolation: Isolation, decided: bool, tmp_path: Path
) -> None:
    world = indexed(kind, tmp_path)
    writer = prepared(world, "book")
    if decided:
        assert writer.commit_until("commit")
    writer.crash()
    world.runtime.ms += 16_000
    tx = world.begin(isolation=isolation)
    assert shops(tx, "toy") == ([] if decided else [1])
    # Those who wait for nobody: the record stands as it was, until it is settled.
    assert shops(world.begin(isolation=isolation), "book") == ([1, 2] if decided else [2])
    tx.commit()
    world.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_record_about_to_leave_is_a_conflict_for_who_read_the_whole_index(
    kind: str, tmp_path: Path
) -> None:
    world = indexed(kind, tmp_path)
    tx = world.begin()
    assert shops(tx, "toy") == [1]
    prepared(world, "book").crash()
    with pytest.raises(ConflictError, match="STX-1020"):
        tx.commit()
    world.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_writer_that_gives_up_hides_no_record(kind: str, tmp_path: Path) -> None:
    """Read one after the other, neither index would show the record to the validation."""
    world = indexed(kind, tmp_path)
    tx = world.begin("T")
    assert shops(tx, "game") == []
    mover = world.begin()
    mover.update(ITEMS, KEY(1), {"kind": "game"})
    mover.commit()
    found = tx.get(ITEMS, KEY(1))
    assert found is not None
    assert found["kind"] == "game"

    def give_up() -> None:
        world.runtime.ms += 16_000
        world.recover(ITEMS, KEY(1))

    world.storage.faults = [
        Fault("read", None, actor="T", action=lambda: prepared(world, "book").crash()),
        Fault("read", None, actor="T", action=give_up, skip=1),
    ]
    with pytest.raises(ConflictError, match="STX-1020"):
        tx.commit()
    world.close()


def test_without_the_index_on_previous_values_one_index_is_read(tmp_path: Path) -> None:
    world = World(open_inner("sqlite", tmp_path))
    world.storage.together = True
    world.create_table(ITEMS, shapes.SCHEMA, before_indexes=False)
    world.load(ITEMS, {**KEY(1), "kind": "toy"})
    prepared(world, "book").crash()
    assert shops(world.begin(isolation=SI), "toy") == []
    world.close()


# Pages.

LOG = "shop.log"
LOG_SCHEMA = TableSchema(
    columns={"p": "INT", "k": "INT", "v": "INT"}, partition_key=["p"], clustering_key=["k"]
)


def log_of(folder: Path, rows: int, **options: Any) -> World:
    world = World(open_inner("sqlite", folder), **options)
    world.create_table(LOG, LOG_SCHEMA)
    world.load(LOG, *({"p": 1, "k": k, "v": k} for k in range(rows)))
    return world


@pytest.mark.parametrize(
    "options,how,pages",
    [
        ({}, {}, [(100, 100), (200, 200), (400, 400), (800, 300)]),
        ({}, {"limit": 3}, [(3, 3)]),
        ({}, {"limit": 600}, [(600, 600)]),
        ({"scan_fetch_size": 300}, {}, [(300, 300)] * 3 + [(300, 100)]),
        ({"scan_fetch_size": 300}, {"limit": 400}, [(300, 300), (300, 300)]),
    ],
)
def test_how_many_rows_a_page_holds(
    options: dict[str, int],
    how: dict[str, int],
    pages: list[tuple[int, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = log_of(tmp_path, 1000, **options)
    read, found = SqlStorage.page, []

    def page(
        self: SqlStorage, request: ScanRequest, after: list[object] | None, rows: int, by: Reader
    ) -> tuple[list[Row], list[object] | None]:
        answer = read(self, request, after, rows, by)
        found.append((rows, len(answer[0])))
        return answer

    monkeypatch.setattr(SqlStorage, "page", page)
    tx = world.begin(isolation=SER)
    wanted = how.get("limit", 1000)
    assert [record["k"] for record in tx.scan(LOG, {"p": 1}, **how)] == list(range(wanted))
    assert found == pages
    found.clear()
    tx.commit()
    if not options:  # validated in one page, which is not full where the end was reached
        assert found == [(min(wanted + (not how), 1000), wanted)] + [(1000, 0)] * (not how)
    world.close()


def test_what_lies_behind_a_limit_is_left_alone(tmp_path: Path) -> None:
    world = log_of(tmp_path, 5)
    now = world.runtime.ms
    # An insert that was given up takes the second place, a living writer holds the fourth.
    world.write(LOG, (1, 1), tx_id="gone", tx_state=1, tx_version=1, tx_prepared_at=now)
    world.write(LOG, (1, 1), before_tx_id=None, before_tx_version=None)
    world.write_decision("gone", 4)
    world.write(LOG, (1, 3), tx_id="alive", tx_state=1, tx_version=2, tx_prepared_at=now)
    world.write(LOG, (1, 3), before_tx_id="load-1", before_tx_version=1, before_tx_state=3)
    tx = world.begin()
    assert [record["k"] for record in tx.scan(LOG, {"p": 1}, limit=2)] == [0, 2]
    tx.commit()
    with pytest.raises(ConflictError, match="STX-1010"):
        world.begin().scan(LOG, {"p": 1}, limit=3)
    world.close()

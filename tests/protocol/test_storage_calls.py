"""Does a transaction make exactly the storage calls that it must?

The column "Default ops" of Consensus Commit specification 12.2, shapes 1 to 21, by kind, with its
column "Steps"; by the unit of atomic writes where the table tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Get
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from tests.protocol.counting import counted
from tests.protocol.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.world import Tx

RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE
ALL = (RC, SI, SER)
PARTITION, STORAGE = AtomicityUnit.PARTITION, AtomicityUnit.STORAGE
BOTH = (PARTITION, STORAGE)
N = 4

ITEMS = "shop.items"
FAR = "far.items"
SCHEMA = TableSchema(
    columns={"shop": "INT", "no": "INT", "price": "INT", "kind": "TEXT"},
    partition_key=["shop"],
    clustering_key=["no"],
    secondary_index=["kind"],
)


def key(shop: int, no: int = 1) -> dict[str, int]:
    return {"shop": shop, "no": no}


def update(tx: Tx, shop: int, no: int = 1, table: str = ITEMS) -> None:
    tx.get(table, key(shop, no))
    tx.update(table, key(shop, no), {"price": 2})


def one(tx: Tx) -> None:
    update(tx, 1)


def two_in_one_partition(tx: Tx) -> None:
    update(tx, 1, 1)
    update(tx, 1, 2)


def two_partitions(tx: Tx) -> None:
    update(tx, 1)
    update(tx, 2)


def two_storages(tx: Tx) -> None:
    update(tx, 1)
    update(tx, 1, table=FAR)


def blind_insert(tx: Tx) -> None:
    tx.insert(ITEMS, {**key(9), "price": 1})


def inserts_in_one_partition(tx: Tx) -> None:
    for no in range(N):
        tx.insert(ITEMS, {**key(9, no), "price": 1})


def unread_upsert(tx: Tx) -> None:
    tx.upsert(ITEMS, {**key(1), "price": 2})


def unread_delete(tx: Tx) -> None:
    tx.delete(ITEMS, key(1))


def unread_upserts(tx: Tx) -> None:
    for shop in range(1, 1 + N):
        tx.upsert(ITEMS, {**key(shop), "price": 2})


def read_one_write_another(tx: Tx) -> None:
    tx.get(ITEMS, key(1))
    tx.insert(ITEMS, {**key(9), "price": 1})


def scan_and_update(tx: Tx) -> None:
    tx.scan(ITEMS, {"shop": 1})
    tx.update(ITEMS, key(1), {"price": 2})


def index_scan_and_update(tx: Tx) -> None:
    tx.scan(ITEMS, index={"kind": "toy"})
    tx.update(ITEMS, key(1), {"price": 2})


def gets(tx: Tx) -> None:
    for shop in range(1, 1 + N):
        tx.get(ITEMS, key(shop))


def one_operation(tx: Tx) -> None:
    tx.world.run(tx.steps.batch([Get(ITEMS, key(1))]), tx.id)


# number, work, units, isolation levels, default ops, steps
SHAPES: list[
    tuple[str, Callable[[Tx], None], tuple[AtomicityUnit, ...], tuple[Isolation, ...], str, int]
] = [
    ("1", one, BOTH, (RC, SI), "1R 1P 1C 1M", 4),
    ("2", one, BOTH, (SER,), "1R 1P 1C 1M", 4),
    ("3", two_in_one_partition, BOTH, ALL, "2R 1P 1C 1M", 5),
    ("4", two_partitions, (PARTITION,), ALL, "2R 2P 1C 2M", 5),
    ("5", two_partitions, (STORAGE,), ALL, "2R 1P 1C 1M", 5),
    ("6", two_storages, BOTH, ALL, "2R 2P 1C 2M", 5),
    ("7", blind_insert, BOTH, ALL, "1P 1C 1M", 3),
    ("8", inserts_in_one_partition, BOTH, ALL, "1P 1C 1M", 3),
    ("9, upsert", unread_upsert, BOTH, ALL, "1R 1P 1C 1M", 4),
    ("9, delete", unread_delete, BOTH, ALL, "1R 1P 1C 1M", 4),
    ("10", unread_upserts, (PARTITION,), ALL, f"{N}R {N}P 1C {N}M", 4),
    ("11", unread_upserts, (STORAGE,), ALL, f"{N}R 1P 1C 1M", 4),
    ("12", read_one_write_another, BOTH, (RC, SI), "1R 1P 1C 1M", 4),
    ("13", read_one_write_another, BOTH, (SER,), "1R 1P 1V 1C 1M", 5),
    ("14", scan_and_update, BOTH, (SI,), "1R 1P 1C 1M", 4),
    ("15", scan_and_update, BOTH, (SER,), "1R 1P 1V 1C 1M", 5),
    ("16", index_scan_and_update, BOTH, (SI,), "2R 1P 1C 1M", 5),
    ("17", index_scan_and_update, BOTH, (SER,), "2R 1P 2V 1C 1M", 7),
]
# The read-only ones: number, work, levels, default ops, steps, is write omission on?
READ_ONLY: list[tuple[str, Callable[[Tx], None], tuple[Isolation, ...], str, int, bool]] = [
    ("18", gets, (RC, SI), f"{N}R", N, True),
    ("19", gets, (SER,), f"{N}R {N}V", N + 1, True),
    ("20", one_operation, (SER,), "1R 1V", 2, True),
    ("21", gets, (SI,), f"{N}R 1C", N + 1, False),
]


def world_of(unit: AtomicityUnit, **options: bool) -> World:
    storage = RoutedStorage(
        {"near": MemoryStorage(unit=unit), "far": MemoryStorage(unit=unit)},
        default="near",
        namespaces={"far": "far"},
    )
    world = World(storage, **options)
    for table in (ITEMS, FAR):
        world.create_table(table, SCHEMA)
    rows = [{"shop": s, "no": n, "price": 1, "kind": "toy"} for s in (1, 2, 3, 4) for n in (1, 2)]
    world.load(ITEMS, *rows)
    world.load(FAR, *rows)
    return world


@pytest.mark.parametrize(
    "work,unit,isolation,calls,steps",
    [
        pytest.param(work, unit, level, calls, steps, id=f"{number}: {unit.name}, {level.name}")
        for number, work, units, levels, calls, steps in SHAPES
        for unit in units
        for level in levels
    ],
)
def test_writing_shape(
    work: Callable[[Tx], None], unit: AtomicityUnit, isolation: Isolation, calls: str, steps: int
) -> None:
    world = world_of(unit)
    counts = counted(world, work, lambda: world.begin(isolation=isolation))
    assert (counts.calls, counts.steps) == (calls, steps)


@pytest.mark.parametrize(
    "work,isolation,calls,steps,omission",
    [
        pytest.param(work, level, calls, steps, omission, id=f"{number}: {level.name}")
        for number, work, levels, calls, steps, omission in READ_ONLY
        for level in levels
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_reading_shape(  # noqa: PLR0917  # a row of the table
    work: Callable[[Tx], None],
    isolation: Isolation,
    calls: str,
    steps: int,
    omission: bool,
    read_only: bool,
) -> None:
    world = world_of(STORAGE, write_omission_on_read_only=omission)
    counts = counted(world, work, lambda: world.begin(isolation=isolation, read_only=read_only))
    assert (counts.calls, counts.steps) == (calls, steps)


def test_all_shapes_are_here() -> None:
    numbers = [number.split(",")[0] for number, *_ in [*SHAPES, *READ_ONLY]]
    assert list(dict.fromkeys(map(int, numbers))) == list(range(1, 22))


def test_a_transaction_that_does_nothing_costs_nothing() -> None:
    world = world_of(STORAGE)
    counts = counted(world, lambda tx: None, world.begin)
    assert (counts.calls, counts.steps) == ("", 0)


def test_a_scan_of_several_pages_is_one_read() -> None:
    world = world_of(STORAGE)
    world.load(ITEMS, *({"shop": 7, "no": no, "price": no} for no in range(250)))

    def work(tx: Tx) -> None:
        assert len(tx.scan(ITEMS, {"shop": 7})) == 250

    counts = counted(world, work, lambda: world.begin(isolation=SI))
    assert counts.calls == "1R"


@pytest.mark.parametrize(
    "unit,calls,steps", [(STORAGE, "2R 1P 1C 1M", 4), (PARTITION, "2R 2P 1C 2M", 4)]
)
def test_reads_of_a_batch_run_together(unit: AtomicityUnit, calls: str, steps: int) -> None:
    world = world_of(unit)

    def work(tx: Tx) -> None:
        tx.world.run(tx.steps.batch([Get(ITEMS, key(1)), Get(ITEMS, key(2))]), tx.id)
        tx.update(ITEMS, key(1), {"price": 2})
        tx.update(ITEMS, key(2), {"price": 2})

    counts = counted(world, work, world.begin)
    assert (counts.calls, counts.steps) == (calls, steps)


def test_an_abort_by_prepare_conflict() -> None:
    """Shape 22: the prepares, one ABORTED, what was prepared undone; no record is read again."""
    world = world_of(PARTITION)
    tx = world.begin()
    two_partitions(tx)
    other = world.begin()
    update(other, 2)
    other.commit()
    world.storage.calls.clear()
    world.runtime.steps = 0
    with pytest.raises(Exception, match="STX-1031"):
        tx.commit()
    assert world.storage.reached() == [
        "mutate prepare x1",
        "mutate prepare x1 -> NoMutationException",
        "put abort-state x1",
        "mutate rollback x1",
    ]
    assert world.runtime.steps == 3


def test_an_abort_by_validation() -> None:
    """Shape 23."""
    world = world_of(STORAGE)
    tx = world.begin()
    read_one_write_another(tx)
    other = world.begin()
    update(other, 1)
    other.commit()
    world.storage.calls.clear()
    with pytest.raises(Exception, match="STX-1020"):
        tx.commit()
    assert world.storage.reached() == [
        "mutate prepare x1",
        "get read x1",
        "put abort-state x1",
        "mutate rollback x1",
    ]


@pytest.mark.parametrize(
    "tx_id,decision,after,calls",
    [
        ("J", 3, 0, ["get read x1", "get read-state x1", "mutate commit x1"]),
        ("J", 4, 0, ["get read x1", "get read-state x1", "mutate rollback x1"]),
        ("J", None, 1, ["get read x1", "get read-state x1"]),
        (
            "J",
            None,
            16,
            [
                "get read x1",
                "get read-state x1",
                "get read x1",
                "put abort-state x1",
                "get read x1",
                "mutate rollback x1",
            ],
        ),
        ("p" * 24 + "$c", 3, 0, ["get read x1", "get read-state x1", "get read-state x1"]),
        ("p" * 24 + "$c", None, 1, ["get read x1", "get read-state x1", "get read-state x1"]),
    ],
)
def test_meeting_an_uncommitted_record(
    tx_id: str, decision: int | None, after: int, calls: list[str]
) -> None:
    """Consensus Commit specification 12.3."""
    world = world_of(STORAGE)
    now = world.runtime.ms
    world.write(ITEMS, (1, 1), tx_id=tx_id, tx_state=1, tx_version=2, tx_prepared_at=now)
    world.write(ITEMS, (1, 1), before_tx_id="load-1", before_tx_version=1, before_tx_state=3)
    if decision is not None:
        world.write_decision(tx_id, decision)
    world.runtime.ms += 1000 * after
    tx = world.begin()
    if decision is None and after < 15:
        with pytest.raises(ConflictError, match="STX-1010"):
            tx.get(ITEMS, key(1))
    else:
        tx.get(ITEMS, key(1))
    assert world.storage.reached()[: len(calls)] == calls
    tx = world.begin(isolation=RC, read_only=True)
    world.storage.calls.clear()
    tx.get(ITEMS, key(1))
    assert world.storage.reached() == ["get read x1"]

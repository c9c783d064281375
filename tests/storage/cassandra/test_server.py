"""What is peculiar to Cassandra, on a real server."""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

import scalar_tx
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column, if_exists, if_not_exists
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import connecting, open_cassandra
from scalar_tx.storage.cassandra.event_loop import asyncio_class, libev_class
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    ReadKind,
    ScanRequest,
    StorageMutation,
    WholeTableSource,
    Write,
)
from tests.storage.cassandra.connections import sockets, until_only

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from scalar_tx.model.types import Row
    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

T = TypeVar("T")

TABLE: Final = Table(
    "cassandra_own.t",
    TableSchema(
        {"p": "INT", "c": "INT", "n": "INT", "t": "TEXT", "i": "INT"}, ["p"], ["c DESC"], ["i"]
    ),
)
KEYS_ONLY: Final = Table("cassandra_own.keys", TableSchema({"p": "INT", "c": "INT"}, ["p"], ["c"]))
SHORT: Final = {"scalar.db.cassandra.request_timeout_millis": "1500"}


def run(steps: Coroutine[Any, Any, T]) -> T:
    return run_blocking(steps)


@pytest.fixture(scope="module")
def opened(cassandra_server: Cluster) -> Iterator[CassandraStorage]:
    storage = open_cassandra(load(cassandra_server.properties(**SHORT)).storage)
    for table in (TABLE, KEYS_ONLY):
        run(storage.admin.create_table(table, if_not_exists=True))
    yield storage
    run(storage.close())


@pytest.fixture
def storage(opened: CassandraStorage) -> CassandraStorage:
    for table in (TABLE, KEYS_ONLY):
        run(opened.admin.truncate_table(table.name))
    return opened


def mutate(storage: CassandraStorage, *mutations: StorageMutation) -> None:
    run(storage.mutate(mutations))


def rows(storage: CassandraStorage, request: ScanRequest) -> list[Row]:
    found: list[Row] = []
    pages = storage.scan(request)
    while (page := run(pages.next_page())) is not None:
        found.extend(page)
    return found


def test_only_reads_of_one_partition_are_declared_linearizable(storage: CassandraStorage) -> None:
    assert storage.info(TABLE.name).linearizable == {ReadKind.GET, ReadKind.PARTITION}


def test_a_condition_never_makes_a_record(storage: CassandraStorage) -> None:
    # In CQL "IF n = null" and "IF n != 5" are true of a record that is not there.
    for condition in (
        column("n").is_null(),
        column("n") != 5,
        column("n").is_null() | (column("n") == 1),
    ):
        with pytest.raises(WriteRefusedError):
            mutate(storage, Write(TABLE, (1, 1), {"t": "made"}, condition))
        with pytest.raises(WriteRefusedError):
            mutate(storage, Erase(TABLE, (1, 1), condition))
    assert run(storage.get(TABLE, (1, 1))) is None


def test_a_record_without_values_is_told_from_a_missing_one_or_refused(
    storage: CassandraStorage,
) -> None:
    mutate(storage, Write(TABLE, (1, 1), {}))
    mutate(storage, Write(TABLE, (1, 1), {}, if_exists))
    mutate(storage, Write(TABLE, (1, 1), {}, column("n").is_null()))
    with pytest.raises(InvalidOperationError) as caught:
        mutate(storage, Write(TABLE, (1, 1), {"n": 1}, column("n").is_null()))
    assert caught.value.code == "STX-3506"
    mutate(storage, Write(TABLE, (1, 1), {"n": 1}, if_exists))
    mutate(storage, Write(TABLE, (1, 1), {"t": "x"}, column("t").is_null()))
    assert run(storage.get(TABLE, (1, 1))) == {"p": 1, "c": 1, "n": 1, "t": "x", "i": None}


def test_a_write_that_sets_nothing_keeps_its_condition(storage: CassandraStorage) -> None:
    mutate(storage, Write(TABLE, (1, 1), {"n": 1}), Write(TABLE, (1, 2), {"n": 2}))
    touch = Write(TABLE, (1, 1), {}, column("n") == 1)
    mutate(storage, touch)
    mutate(storage, touch, Write(TABLE, (1, 2), {"n": 3}, column("n") == 2))
    with pytest.raises(WriteRefusedError):
        mutate(storage, touch, Write(TABLE, (1, 2), {"n": 4}, column("n") == 2))
    with pytest.raises(WriteRefusedError):
        mutate(storage, Write(TABLE, (1, 9), {}, if_exists))
    with pytest.raises(WriteRefusedError):
        mutate(storage, Write(TABLE, (1, 9), {}, if_exists), Write(TABLE, (1, 2), {"n": 5}))
    found = [run(storage.get(TABLE, (1, c))) for c in (1, 2)]
    assert [row and row["n"] for row in found] == [1, 3]


def test_an_unmet_condition_beside_nan_is_a_refusal(storage: CassandraStorage) -> None:
    table = Table(
        "cassandra_own.nan", TableSchema({"p": "INT", "c": "INT", "x": "DOUBLE"}, ["p"], ["c"])
    )
    run(storage.admin.create_table(table, if_not_exists=True))
    mutate(storage, Write(table, (1, 1), {"x": math.nan}), Write(table, (1, 2), {"x": 0.0}))
    judged = (column("x") > 5.0) | (column("x") == 1.0)
    with pytest.raises(WriteRefusedError):
        mutate(
            storage,
            Write(table, (1, 1), {"x": 2.0}, judged),
            Write(table, (1, 2), {"x": 3.0}, column("x") == 1.0),
        )


@pytest.mark.parametrize("key", [-0.0, math.nan])
def test_a_float_key_of_another_program_is_scanned(storage: CassandraStorage, key: float) -> None:
    table = Table("cassandra_own.floats", TableSchema({"p": "DOUBLE", "n": "INT"}, ["p"]))
    run(storage.admin.create_table(table, if_not_exists=True))
    run(storage.admin.truncate_table(table.name))
    mutate(storage, Write(table, (key,), {"n": 1}))
    mutate(storage, Write(table, (0.0,), {"n": 2}))
    found = rows(storage, ScanRequest(table, WholeTableSource()))
    assert sorted(str(row["p"]) for row in found) == sorted([str(key), "0.0"])


def test_a_table_of_keys_only(storage: CassandraStorage) -> None:
    mutate(storage, Write(KEYS_ONLY, (1, 1), {}, if_not_exists))
    mutate(storage, Write(KEYS_ONLY, (1, 1), {}, if_exists))
    with pytest.raises(WriteRefusedError):
        mutate(storage, Write(KEYS_ONLY, (1, 1), {}, if_not_exists))
    mutate(storage, Erase(KEYS_ONLY, (1, 1), if_exists))
    assert run(storage.get(KEYS_ONLY, (1, 1))) is None


def test_a_record_stays_although_all_its_values_go(storage: CassandraStorage) -> None:
    mutate(storage, Write(TABLE, (1, 1), {"n": 1}, if_not_exists))
    mutate(storage, Write(TABLE, (1, 1), {"n": None}, column("n") == 1))
    assert run(storage.get(TABLE, (1, 1))) is not None


def test_a_whole_table_of_many_partitions_resumes_anywhere(storage: CassandraStorage) -> None:
    for p in range(12):
        group = [Write(TABLE, (p, c), {"n": p, "i": p % 2}) for c in range(3)]
        mutate(storage, *group)
    for source in (WholeTableSource(), IndexSource("i", 1)):
        whole = rows(storage, ScanRequest(TABLE, source, page_size=5))
        assert len({TABLE.key_of(row) for row in whole}) == len(whole) >= 18
        for at, row in enumerate(whole):
            rest = rows(storage, ScanRequest(TABLE, source, after=row, page_size=4))
            assert rest == whole[at + 1 :]


def test_what_is_missing_is_named(storage: CassandraStorage) -> None:
    absent = Table("cassandra_own.absent", TABLE.schema)
    nowhere = Table("cassandra_nowhere.t", TABLE.schema)
    for table in (absent, nowhere):
        with pytest.raises(InvalidOperationError) as caught:
            run(storage.get(table, (1, 1)))
        assert caught.value.code == "STX-3017"
        with pytest.raises(InvalidOperationError):
            mutate(storage, Write(table, (1, 1), {"n": 1}, if_not_exists))
    narrow = Table(TABLE.name, TableSchema({"p": "INT", "c": "INT", "x": "INT"}, ["p"], ["c DESC"]))
    with pytest.raises(SchemaError):
        run(storage.get(narrow, (1, 1)))


def test_a_table_with_other_types_is_refused(storage: CassandraStorage) -> None:
    text = "CREATE TABLE IF NOT EXISTS cassandra_own.foreign_types (id uuid PRIMARY KEY)"
    run(storage._session.define(text, "foreign"))
    with pytest.raises(SchemaError, match="uuid"):
        run(storage.admin.table("cassandra_own.foreign_types"))
    run(storage.admin.drop_table("cassandra_own.foreign_types"))


def test_a_column_added_by_another_is_read_at_once(
    storage: CassandraStorage, cassandra_server: Cluster
) -> None:
    name = "cassandra_own.grows"
    small = Table(name, TableSchema({"p": "INT", "a": "INT"}, ["p"]))
    run(storage.admin.drop_table(name, if_exists=True))
    run(storage.admin.create_table(small))
    mutate(storage, Write(small, (1,), {"a": 1}))
    assert run(storage.get(small, (1,))) == {"p": 1, "a": 1}
    other = open_cassandra(load(cassandra_server.properties()).storage)
    run(other.admin.add_columns(small, {"b": DataType.TEXT}))
    run(other.close())
    wide = run(storage.admin.table(name))
    assert wide is not None
    mutate(storage, Write(wide, (1,), {"b": "x"}, column("a") == 1))
    assert run(storage.get(wide, (1,))) == {"p": 1, "a": 1, "b": "x"}
    assert run(storage.get(small, (1,))) == {"p": 1, "a": 1}
    run(storage.admin.drop_table(name))


def test_many_begin_at_once(cassandra_server: Cluster) -> None:
    storage = open_cassandra(load(cassandra_server.properties()).storage)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: run(storage.admin.namespaces()), range(16)))
    assert all("cassandra_own" in names for names in found)
    run(storage.close())
    run(storage.close())
    with pytest.raises(StorageUnavailableError) as caught:
        run(storage.admin.namespaces())
    assert caught.value.code == "STX-4215"


@pytest.mark.parametrize("chosen", [libev_class, asyncio_class])
def test_either_event_loop_serves(
    storage: CassandraStorage,
    cassandra_server: Cluster,
    chosen: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "_CONNECTION_CLASS", chosen())
    own = open_cassandra(load(cassandra_server.properties()).storage)
    for n in range(20):
        mutate(own, Write(TABLE, (n, 1), {"n": n}, if_not_exists))
        assert run(own.get(TABLE, (n, 1))) == {"p": n, "c": 1, "n": n, "t": None, "i": None}
    assert len(rows(own, ScanRequest(TABLE, WholeTableSource(), page_size=3))) == 20
    run(own.close())


def test_no_connection_outlives_its_storage(
    storage: CassandraStorage, cassandra_server: Cluster
) -> None:
    before = sockets()
    for _ in range(5):
        own = open_cassandra(load(cassandra_server.properties()).storage)
        run(own.get(TABLE, (1, 1)))
        assert sockets() > before
        run(own.close())
    wrong = open_cassandra(StorageSettings("cassandra", ("127.0.0.1:1",)))
    for _ in range(5):
        with pytest.raises(StorageUnavailableError):
            run(wrong.get(TABLE, (1, 1)))
    run(wrong.close())
    until_only(before)


def test_a_crowd_at_one_record_is_told_the_truth(cassandra_server: Cluster) -> None:
    async def one(storage: CassandraStorage, n: int) -> tuple[int, type[Exception] | None]:
        try:
            await storage.mutate([Write(TABLE, (99, 1), {"n": n}, if_not_exists)])
        except (WriteRefusedError, ReplyLostError, StorageUnavailableError) as error:
            return n, type(error)
        return n, None

    async def crowd() -> None:
        own = open_cassandra(load(cassandra_server.properties(**SHORT)).storage, AsyncioRuntime())
        await own.admin.truncate_table(TABLE.name)
        told = dict(await asyncio.gather(*(one(own, n) for n in range(100))))
        row = None
        with suppress(StorageUnavailableError):
            row = await own.get(TABLE, (99, 1))
        row = row or await own.get(TABLE, (99, 1))
        await own.close()
        applied = [n for n, kind in told.items() if kind is None]
        perhaps = [n for n, kind in told.items() if kind is ReplyLostError]
        assert len(applied) <= 1
        if row is None:
            assert not applied
        else:
            assert row["n"] in (applied or perhaps)

    asyncio.run(crowd())


def test_a_paused_node_loses_replies_in_bounded_time(
    storage: CassandraStorage, cassandra_server: Cluster
) -> None:
    mutate(storage, Write(TABLE, (1, 1), {"n": 0}, if_not_exists))
    (node,) = cassandra_server.nodes
    node.pause()
    begun = time.monotonic()
    try:
        with pytest.raises(ReplyLostError):
            mutate(storage, Write(TABLE, (1, 1), {"n": 1}, column("n") == 0))
        with pytest.raises(StorageUnavailableError):
            run(storage.get(TABLE, (1, 1)))
        assert time.monotonic() - begun < 10
    finally:
        node.resume()
    # The request was on its way, and takes effect once: its repetition is refused.
    patiently(lambda: seen(storage, 1))
    with pytest.raises(WriteRefusedError):
        mutate(storage, Write(TABLE, (1, 1), {"n": 1}, column("n") == 0))


def test_a_killed_node_is_found_again(storage: CassandraStorage, cassandra_server: Cluster) -> None:
    for n in range(30):
        mutate(storage, Write(TABLE, (n, 1), {"n": n}, if_not_exists))
    change = changed(2)
    mutate(storage, changed(3))
    (node,) = cassandra_server.nodes
    open_before = sockets()
    with scalar_tx.connect(cassandra_server.properties(**SHORT)) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_table(
            "cassandra_own.tx", columns={"p": "INT"}, partition_key=["p"], if_not_exists=True
        )
        db.admin.truncate_table("cassandra_own.tx")
        db.insert("cassandra_own.tx", {"p": 1})
        node.kill()
        with pytest.raises((StorageUnavailableError, ReplyLostError)):
            mutate(storage, Write(TABLE, (1, 1), {"n": 99}, column("n") == 1))
        with pytest.raises(StorageUnavailableError):
            run(storage.get(TABLE, (1, 1)))
        with pytest.raises(StorageUnavailableError):
            db.begin().get("cassandra_own.tx", {"p": 1})
        node.start()
        patiently(lambda: run(storage.get(TABLE, (1, 1))) is not None)
        found = [run(storage.get(TABLE, (n, 1))) for n in range(30)]
        assert [row and row["n"] for row in found] == list(range(30))
        # The node knows no prepared statement any more: told again, it runs this one once.
        mutate(storage, change)
        with pytest.raises(WriteRefusedError):
            mutate(storage, change)
        patiently(lambda: db.get("cassandra_own.tx", {"p": 1}) is not None)
        db.insert("cassandra_own.tx", {"p": 2})
    until_only(open_before)


def changed(p: int) -> Write:
    """A change that is applied once, and whose repetition is refused."""
    condition = column("t").is_null() & (column("n") == p)
    return Write(TABLE, (p, 1), {"t": "changed"}, condition)


def seen(storage: CassandraStorage, n: int) -> bool:
    row = run(storage.get(TABLE, (1, 1)))
    return row is not None and row["n"] == n


def patiently(succeeds: Any) -> None:
    """Until it does; what a server answers while it comes back is no matter."""
    until = time.monotonic() + 30
    while True:
        try:
            if succeeds():
                return
        except StorageUnavailableError as error:
            last: object = error
        else:
            last = "not yet"
        assert time.monotonic() < until, last
        time.sleep(0.2)

"""Locks, dead and silent servers: what a caller is told, in bounded time, and no leak."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from tests.storage.sql.stage import KINDS, all_rows, mutate, opened, run, with_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.interface import Reads
    from scalar_tx.storage.sql.driver import Wire
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

ACCOUNTS = Table("outages.accounts", TableSchema({"id": "INT", "n": "INT"}, ["id"]))
PATIENCE = {
    "postgresql": "connect_timeout=2&lock_timeout=1&statement_timeout=2&socketTimeout=3",
    "mysql": "connectTimeout=2000&lock_timeout=1&socketTimeout=3000",
}


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{kind}_server")
    return found


@pytest.fixture
def storage(kind: str, server: Cluster) -> Iterator[ServerStorage]:
    """A storage of little patience, with one table of two records."""
    found = opened(kind, with_parameters(server, PATIENCE[kind]))
    run(found.admin.drop_table(ACCOUNTS.name, if_exists=True))
    run(found.admin.create_table(ACCOUNTS))
    for key in (1, 2):
        mutate(found, Write(ACCOUNTS, (key,), {"n": 0}))
    yield found
    server.mend()
    run(found.admin.drop_table(ACCOUNTS.name, if_exists=True))
    run(found.close())
    assert found.pool.open_connections == 0


def test_a_locked_record_makes_busy_and_nothing_changed(kind: str, storage: ServerStorage) -> None:
    def hold(wire: Wire) -> None:
        wire.count("UPDATE outages.accounts SET n=5 WHERE id=1")
        began = time.monotonic()
        with pytest.raises(StorageBusyError):
            mutate(storage, Write(ACCOUNTS, (1,), {"n": 1}, column("n") == 0))
        with pytest.raises(StorageBusyError):
            mutate(
                storage,
                Write(ACCOUNTS, (2,), {"n": 1}),
                Write(ACCOUNTS, (1,), {"n": 1}, column("n") == 0),
            )
        assert time.monotonic() - began < 8
        raise WriteRefusedError("enough")

    with pytest.raises(WriteRefusedError):
        storage.pool.transaction(hold)
    assert run(storage.get(ACCOUNTS, (1,))) == {"id": 1, "n": 0}
    assert run(storage.get(ACCOUNTS, (2,))) == {"id": 2, "n": 0}


def test_a_deadlock_makes_one_busy(kind: str, storage: ServerStorage) -> None:
    met = threading.Barrier(2, timeout=20)
    told: list[object] = []

    def cross(first: int, second: int) -> None:
        def steps(wire: Wire) -> None:
            wire.count("UPDATE outages.accounts SET n=n+1 WHERE id=%s", (first,))
            met.wait()
            wire.count("UPDATE outages.accounts SET n=n+1 WHERE id=%s", (second,))

        try:
            storage.pool.transaction(steps)
        except StorageBusyError as busy:
            told.append(busy)

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert told
    found = [run(storage.get(ACCOUNTS, (key,))) for key in (1, 2)]
    assert {row["n"] for row in found if row} == {2 - len(told)}


def test_a_silent_server_loses_the_reply_and_then_serves_again(
    kind: str, storage: ServerStorage, server: Cluster
) -> None:
    server.nodes[0].pause()
    time.sleep(0.3)  # until the last of its threads stands still
    began = time.monotonic()
    with pytest.raises(ReplyLostError):
        mutate(storage, Write(ACCOUNTS, (1,), {"n": 1}, column("n") == 0))
    with pytest.raises((StorageUnavailableError, StorageBusyError)):
        run(storage.get(ACCOUNTS, (1,)))
    assert time.monotonic() - began < 20
    server.nodes[0].resume()
    deadline = time.monotonic() + 10
    while (row := run(storage.get(ACCOUNTS, (1,)))) != {"id": 1, "n": 1}:
        assert row == {"id": 1, "n": 0}, "what was in doubt either took effect or did not"
        if time.monotonic() > deadline:
            break  # the server gave the statement up with its connection
        time.sleep(0.1)


def test_a_killed_server_and_its_return(kind: str, storage: ServerStorage, server: Cluster) -> None:
    mutate(storage, Write(ACCOUNTS, (1,), {"n": 7}))
    server.nodes[0].kill()
    for turn in range(2):
        # A connection that answered a moment ago is not asked first: what it sends may be lost.
        lost = ReplyLostError if turn == 0 else StorageUnavailableError
        with pytest.raises((StorageUnavailableError, lost)):
            mutate(storage, Write(ACCOUNTS, (2,), {"n": 7}))
        with pytest.raises(StorageUnavailableError):
            run(storage.get(ACCOUNTS, (2,)))
    assert storage.pool.open_connections == 0
    server.nodes[0].start()
    found = all_rows(storage, ScanRequest(ACCOUNTS, WholeTableSource()))
    assert found == [{"id": 1, "n": 7}, {"id": 2, "n": 0}]


def test_a_connection_that_died_idle_is_replaced_unnoticed(
    kind: str, storage: ServerStorage, server: Cluster
) -> None:
    server.nodes[0].kill()
    server.nodes[0].start()
    mutate(storage, Write(ACCOUNTS, (1,), {"n": 1}, column("n") == 0))
    assert run(storage.get(ACCOUNTS, (1,))) == {"id": 1, "n": 1}


def test_a_moment_is_one_moment(kind: str, storage: ServerStorage) -> None:
    async def steps(reads: Reads) -> None:
        first = await reads.get(ACCOUNTS, (1,))
        mutate(storage, Write(ACCOUNTS, (1,), {"n": 9}), Write(ACCOUNTS, (2,), {"n": 9}))
        assert await reads.get(ACCOUNTS, (1,)) == first == {"id": 1, "n": 0}
        assert await reads.get(ACCOUNTS, (2,)) == {"id": 2, "n": 0}

    run(storage.at_one_moment(ACCOUNTS.name, steps))
    assert run(storage.get(ACCOUNTS, (2,))) == {"id": 2, "n": 9}
    before = storage.pool.open_connections

    async def fails(reads: Reads) -> None:
        await reads.get(ACCOUNTS, (1,))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(storage.at_one_moment(ACCOUNTS.name, fails))
    assert storage.pool.open_connections <= before


def test_errors_leak_no_connections(kind: str, storage: ServerStorage) -> None:
    missing = Table("outages.missing", ACCOUNTS.schema)
    for _ in range(20):
        with pytest.raises(WriteRefusedError):
            mutate(storage, Write(ACCOUNTS, (1,), {"n": 1}, if_not_exists))
        with pytest.raises(InvalidOperationError):
            run(storage.get(missing, (1,)))
        with pytest.raises((InvalidOperationError, StorageUnavailableError)):
            storage.pool.read("SELECT nonsense FROM nowhere")
    assert storage.pool.open_connections <= 1


def test_a_full_pool_is_busy(kind: str, server: Cluster) -> None:
    small = opened(
        kind,
        with_parameters(
            server,
            PATIENCE[kind] + "&statement_timeout=1",
            **{
                f"scalar.db.connection_pool.{name}": size
                for name, size in (("max_total", "2"), ("max_idle", "2"), ("min_idle", "0"))
            },
        ),
    )  # fmt: skip
    held = [small.pool.moment(), small.pool.moment()]
    with pytest.raises(StorageBusyError, match="max_total"):
        small.pool.read("SELECT 1")
    for one in held:
        one.close()
        one.close()
    assert small.pool.read("SELECT 1") == [(1,)]
    run(small.close())
    with pytest.raises(InvalidOperationError):
        small.pool.read("SELECT 1")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"scalar.db.password": "wrong"}, "password"),
        ({"port": "1"}, ""),
        ({"database": "nowhere"}, "database"),
    ],
)
def test_a_wrong_address_says_what_to_do(
    kind: str, server: Cluster, change: dict[str, str], words: str
) -> None:
    properties = {**server.properties(), **change}
    url = properties["scalar.db.contact_points"]
    if "port" in change:
        properties["scalar.db.contact_points"] = url.replace(
            server.nodes[0].endpoint, "127.0.0.1:1"
        )
    if "database" in change:
        properties["scalar.db.contact_points"] = url.rpartition("/")[0] + "/nowhere"
    properties.pop("port", None)
    properties.pop("database", None)
    storage = opened(kind, properties)
    with pytest.raises(StorageUnavailableError) as caught:
        storage.pool.read("SELECT 1")
    assert words in caught.value.advice
    assert storage.pool.open_connections == 0

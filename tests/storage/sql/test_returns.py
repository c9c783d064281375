"""A server that dies, freezes or runs out of room, and then serves again, under one manager."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.errors import (
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.retry import RetryPolicy
from scalar_tx.storage.interface import Write
from tests.servers.kinds import KINDS as SERVERS
from tests.storage.sql.stage import KINDS, mutate, opened, run, with_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

TABLE = "returns.accounts"
PATIENCE = {
    "postgresql": "connect_timeout=2&socketTimeout=3",
    "mysql": "connectTimeout=2000&socketTimeout=3000",
}
ONCE = RetryPolicy(retries=0)


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{kind}_server")
    return found


@pytest.fixture
def db(kind: str, server: Cluster) -> Iterator[scalar_tx.TransactionManager]:
    """An impatient manager, and a table that a patient one has made."""
    with (
        scalar_tx.connect(server.properties()) as patient,
        scalar_tx.connect(with_parameters(server, PATIENCE[kind])) as db,
    ):
        patient.admin.create_coordinator_tables(if_not_exists=True)
        patient.admin.drop_table(TABLE, if_exists=True)
        columns = {"id": "INT", "n": "INT"}
        patient.admin.create_table(TABLE, columns=columns, partition_key=["id"])
        patient.insert(TABLE, {"id": 1, "n": 0})
        yield db
        server.mend()
        patient.admin.drop_table(TABLE)


def add_one(tx: scalar_tx.Transaction) -> None:
    found = tx.get(TABLE, {"id": 1})
    assert found is not None
    tx.update(TABLE, {"id": 1}, {"n": int(str(found["n"])) + 1})


def test_a_killed_server_is_an_error_and_its_return_needs_nothing(
    kind: str, db: scalar_tx.TransactionManager, server: Cluster
) -> None:
    db.run(add_one)
    begun = db.begin()
    add_one(begun)
    server.nodes[0].kill()
    began = time.monotonic()
    with pytest.raises(ScalarTxError) as caught:
        begun.commit()
    assert caught.value.advice
    with pytest.raises(ScalarTxError) as caught:
        db.run(add_one, retry=ONCE)
    assert caught.value.retryable
    assert time.monotonic() - began < 30
    server.nodes[0].start()
    db.run(add_one)
    assert db.get(TABLE, {"id": 1}) == {"id": 1, "n": 2}


def test_a_frozen_server_is_given_up_and_serves_again(
    kind: str, db: scalar_tx.TransactionManager, server: Cluster
) -> None:
    db.run(add_one)
    server.nodes[0].pause()
    began = time.monotonic()
    with pytest.raises(ScalarTxError) as caught:
        db.run(add_one, retry=ONCE)
    assert time.monotonic() - began < 30
    assert caught.value.advice
    server.nodes[0].resume()
    db.run(add_one)
    assert db.get(TABLE, {"id": 1}) == {"id": 1, "n": 2}


def grow(storage: ServerStorage, table: Table, rows: int) -> list[int]:
    """Write until the server refuses or stays silent; which records it took."""
    for i in range(1, rows):
        try:
            mutate(storage, Write(table, (i,), {"t": "x" * 100_000}))
        except StorageUnavailableError as error:
            assert "room" in error.advice  # noqa: PT017  # the loop goes on where there is none
            return list(range(i))
        except ReplyLostError:  # MariaDB's engine waits for room, and says nothing
            return list(range(i))
    raise AssertionError("the disk took everything")


def test_a_full_disk_is_an_error_until_there_is_room(kind: str) -> None:
    table = Table("returns.large", TableSchema({"id": "INT", "t": "TEXT"}, ["id"]))
    with SERVERS[kind](disk=256) as full:  # type: ignore[call-arg]  # both have it
        storage = opened(kind, with_parameters(full, PATIENCE[kind]))
        run(storage.admin.create_table(table))
        [node] = full.nodes
        mutate(storage, Write(table, (0,), {"t": "x"}))
        node.fill_disk()
        written = grow(storage, table, 2000)
        node.empty_disk()
        deadline = time.monotonic() + 60
        while True:
            try:
                mutate(storage, Write(table, (5000,), {"t": "y"}))
                break
            except (StorageUnavailableError, StorageBusyError, ReplyLostError):
                assert time.monotonic() < deadline
                time.sleep(0.2)
        found = {key for (key,) in storage.pool.read("SELECT id FROM returns.large")}
        assert found >= {*written, 5000}
        assert len(found) <= len(written) + 2, "at most the one in doubt besides"
        run(storage.close())
        assert storage.pool.open_connections == 0

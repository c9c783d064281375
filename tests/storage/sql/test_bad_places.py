"""Servers that refuse, are full or never answer: a typed error with advice, soon, and no leak."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Write
from tests.storage.sql.stage import KINDS, mutate, opened, run, with_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.pool import HeldConnection
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

PLACE = "strangers"  # a schema, and for MySQL the database of the URL
COLUMNS = {"id": "INT", "n": "INT"}
TABLE = Table(f"{PLACE}.plain", TableSchema(COLUMNS, ["id"]))
REQUIRED_TLS = {"postgresql": "sslmode=require", "mysql": "sslMode=trust"}


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{kind}_server")
    return found


@pytest.fixture
def owner(kind: str, server: Cluster) -> Iterator[ServerStorage]:
    storage = opened(kind, server.properties())
    run(storage.admin.drop_table(TABLE.name, if_exists=True))
    run(storage.admin.create_table(TABLE))
    yield storage
    run(storage.admin.drop_table(TABLE.name, if_exists=True))
    run(storage.close())


def instead(server: Cluster, **change: str) -> dict[str, str]:
    return {**server.properties(), **{f"scalar.db.{k}": value for k, value in change.items()}}


def test_a_server_that_takes_the_connection_and_says_nothing(kind: str, server: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        wait = "connect_timeout=2" if kind == "postgresql" else "connectTimeout=1000"
        properties = instead(
            server, contact_points=f"jdbc:{kind}://127.0.0.1:{port}/{PLACE}?{wait}"
        )
        storage = opened(kind, properties)
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError) as caught:
            storage.pool.read("SELECT 1")
        assert time.monotonic() - began < 8
        assert caught.value.advice
        assert storage.pool.open_connections == 0


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"username": "nobody_at_all"}])
def test_a_wrong_login_is_not_retried(kind: str, server: Cluster, change: dict[str, str]) -> None:
    began = time.monotonic()
    with (
        scalar_tx.connect(instead(server, **change)) as db,
        pytest.raises(ScalarTxError) as caught,
    ):
        db.get(TABLE.name, {"id": 1})
    assert not caught.value.retryable
    assert "password" in caught.value.advice
    assert time.monotonic() - began < 10


def test_a_server_without_tls_is_told_apart(kind: str, server: Cluster) -> None:
    storage = opened(kind, with_parameters(server, REQUIRED_TLS[kind]))
    with pytest.raises(StorageUnavailableError) as caught:
        storage.pool.read("SELECT 1")
    assert "TLS" in caught.value.advice
    assert not caught.value.retryable
    assert storage.pool.open_connections == 0


def test_a_schema_that_is_not_there(kind: str, owner: ServerStorage) -> None:
    nowhere = Table("no_such_schema.t", TABLE.schema)
    for _ in range(3):
        with pytest.raises(InvalidOperationError) as caught:
            run(owner.get(nowhere, (1,)))
        assert caught.value.code == "STX-3017"
        with pytest.raises(InvalidOperationError):
            mutate(owner, Write(nowhere, (1,), {"n": 1}))
    assert owner.pool.open_connections == 1


def test_a_missing_coordinator_table_is_named(kind: str, server: Cluster) -> None:
    other = "scalar.db.consensus_commit.coordinator.namespace"
    with scalar_tx.connect({**server.properties(), other: "no_such_coordinator"}) as db:
        db.admin.create_table(f"{PLACE}.kept", columns=COLUMNS, partition_key=["id"])
        with pytest.raises(InvalidOperationError, match="no_such_coordinator") as caught:
            db.insert(f"{PLACE}.kept", {"id": 1, "n": 1})
        db.admin.drop_table(f"{PLACE}.kept")
    assert caught.value.code == "STX-3040"


def test_a_table_without_transaction_columns_is_refused(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    with (
        scalar_tx.connect(server.properties()) as db,
        pytest.raises(InvalidOperationError) as caught,
    ):
        db.get(TABLE.name, {"id": 1})
    assert caught.value.code == "STX-3019"


def test_too_many_connections_are_refused_and_those_that_are_there_serve(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    if kind == "postgresql":
        owner.pool.write("DROP ROLE IF EXISTS few")
        owner.pool.write("CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 2")
    else:
        owner.pool.write("DROP USER IF EXISTS few@'127.0.0.1'")
        owner.pool.write("CREATE USER few@'127.0.0.1' IDENTIFIED BY 'few'")
        owner.pool.write("GRANT ALL ON *.* TO few@'127.0.0.1' WITH MAX_USER_CONNECTIONS 2")
    storage = opened(kind, instead(server, username="few", password="few"))
    held = [moment(storage), moment(storage)]
    for _ in range(3):
        with pytest.raises(StorageUnavailableError) as caught:
            storage.pool.read("SELECT 1")
        assert caught.value.retryable
        assert "connections" in caught.value.advice
        assert storage.pool.open_connections == 2
    for one in held:
        one.close()
    assert storage.pool.read("SELECT 1") == [(1,)]
    run(storage.close())


def moment(storage: ServerStorage) -> HeldConnection:
    held = storage.pool.moment()
    held.read("SELECT 1")
    return held


def at_the_server(owner: ServerStorage, kind: str) -> int:
    """How many connections the server counts of those that name the place."""
    text = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name=%s"
        if kind == "postgresql"
        else "SELECT count(*) FROM information_schema.processlist WHERE db=%s"
    )
    ((found,),) = owner.pool.read(text, (PLACE,))
    return int(found)


def test_the_server_counts_no_connection_after_errors_and_the_end(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    if kind == "postgresql":
        properties = with_parameters(server, f"ApplicationName={PLACE}&statement_timeout=1")
    else:
        properties = server.properties()
        url = properties["scalar.db.contact_points"].rpartition("/")[0]
        properties["scalar.db.contact_points"] = f"{url}/{PLACE}?statement_timeout=1"
    storage = opened(kind, properties)
    slow = "SELECT pg_sleep(5)" if kind == "postgresql" else "SELECT SLEEP(5)"
    held = storage.pool.moment()
    with pytest.raises(StorageBusyError):
        held.read(slow)
    for text in ("SELECT nonsense", "SELECT * FROM nowhere", slow):
        with pytest.raises((ScalarTxError, StorageBusyError)):
            storage.pool.read(text)

    def interrupted(wire: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.pool.transaction(interrupted)
    assert storage.pool.read("SELECT 1") == [(1,)]
    assert at_the_server(owner, kind) == storage.pool.open_connections == 1
    run(storage.close())
    deadline = time.monotonic() + 10  # the server takes note of an end a little later
    while at_the_server(owner, kind) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert at_the_server(owner, kind) == 0

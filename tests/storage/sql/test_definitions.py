"""Definitions that last, and definitions whose end nobody hears of."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Write
from tests.servers.proxy import Proxy
from tests.storage.sql.stage import KINDS, mutate, opened, run, with_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.driver import Wire
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

TABLE = Table("definitions.accounts", TableSchema({"id": "INT", "n": "INT"}, ["id"]))
# Longer than a statement may take, and longer than the client waits for an answer.
HURRY = "statement_timeout=1&reply_timeout=1.5"
SLOW = {
    "postgresql": "CREATE TABLE definitions.slow AS SELECT 1 AS one FROM pg_sleep(2.5)",
    "mysql": "CREATE TABLE definitions.slow AS SELECT SLEEP(2.5)",
}
SLOW_READ = {"postgresql": "SELECT pg_sleep(2.5)", "mysql": "SELECT SLEEP(2.5)"}


@pytest.fixture
def server(kind: str, request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{kind}_server")
    return found


@pytest.fixture
def owner(kind: str, server: Cluster) -> Iterator[ServerStorage]:
    storage = opened(kind, server.properties())
    run(storage.admin.drop_table(TABLE.name, if_exists=True))
    run(storage.admin.create_table(TABLE))
    mutate(storage, Write(TABLE, (1,), {"n": 0}))
    yield storage
    storage.pool.write("DROP TABLE IF EXISTS definitions.slow")
    run(storage.admin.drop_table(TABLE.name, if_exists=True))
    run(storage.close())


def test_a_definition_takes_the_time_it_needs(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    storage = opened(kind, with_parameters(server, HURRY))

    def steps(wire: Wire) -> None:
        for _ in range(8):  # however often it is said before
            wire.define("DROP TABLE IF EXISTS definitions.slow")
        began = time.monotonic()
        wire.define(SLOW[kind])
        assert time.monotonic() - began > 2

    storage.pool.transaction(steps)
    assert len(owner.pool.read("SELECT * FROM definitions.slow")) == 1
    for _ in range(2):  # the same connection has its limits again
        with pytest.raises(StorageBusyError):
            storage.pool.read(SLOW_READ[kind])
    assert storage.pool.open_connections == 1
    run(storage.close())


def test_a_definition_waits_for_a_lock_no_longer_than_anybody(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    storage = opened(kind, with_parameters(server, "lock_timeout=1"))

    def hold(wire: Wire) -> None:
        wire.count("UPDATE definitions.accounts SET n=1 WHERE id=1")
        with pytest.raises(StorageBusyError):
            run(storage.admin.truncate_table(TABLE.name))

    owner.pool.transaction(hold)
    assert run(owner.get(TABLE, (1,))) == {"id": 1, "n": 1}
    run(storage.close())


def test_a_definition_whose_reply_is_lost_is_in_doubt_where_it_commits_by_itself(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    with Proxy.before(server) as proxy:
        storage = opened(kind, proxy.properties(server))
        lost = proxy.lose_reply("TRUNCATE", closes=True)
        with pytest.raises(ReplyLostError if kind == "mysql" else StorageUnavailableError):
            run(storage.admin.truncate_table(TABLE.name))
        lost.wait()
        run(storage.close())
    deadline = time.monotonic() + 10
    while kind == "mysql" and run(owner.get(TABLE, (1,))) is not None:
        assert time.monotonic() < deadline, "the server did it"
    if kind == "postgresql":
        assert run(owner.get(TABLE, (1,))) is not None, "nothing was done"


def test_after_a_definition_that_committed_nothing_is_told_as_not_done(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    storage = opened(kind, with_parameters(server, "lock_timeout=1"))

    def partly(wire: Wire) -> None:
        wire.define("CREATE TABLE definitions.slow (n INT)")
        wire.count("UPDATE definitions.accounts SET n=2 WHERE id=1")

    def hold(wire: Wire) -> None:
        wire.count("UPDATE definitions.accounts SET n=1 WHERE id=1")
        with pytest.raises(ReplyLostError if kind == "mysql" else StorageBusyError):
            storage.pool.transaction(partly, keep=False)

    owner.pool.transaction(hold)
    there = owner._engine.definitions.relations(owner.pool.read, "definitions")
    assert ("slow" in there) is (kind == "mysql")
    run(storage.close())


def test_after_a_definition_a_silent_server_is_given_up_as_ever(
    kind: str, server: Cluster, owner: ServerStorage
) -> None:
    def steps(wire: Wire) -> None:
        wire.define("DROP TABLE IF EXISTS definitions.slow")
        wire.count("UPDATE definitions.accounts SET n=3 WHERE id=1")

    with Proxy.before(server) as proxy:
        known = proxy.properties(server)
        known["scalar.db.contact_points"] += f"?{HURRY}"
        storage = opened(kind, known)
        proxy.lose_request("UPDATE")
        with pytest.raises(
            ReplyLostError if kind == "mysql" else StorageUnavailableError,
            match=r"timed out|no answer within",
        ):
            storage.pool.transaction(steps, keep=False)
        run(storage.close())
    assert run(owner.get(TABLE, (1,))) == {"id": 1, "n": 0}


def test_a_server_that_is_gone_is_noticed_within_minutes(kind: str, owner: ServerStorage) -> None:
    wire: Any = owner.pool.driver.open()
    number = wire._line.socket if kind == "postgresql" else wire._connection._sock.fileno()
    with socket.socket(fileno=os.dup(number)) as line:
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    wire.close()

"""A MySQL server that was the primary, and is read only now: its connections are not read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Write
from scalar_tx.storage.mysql import connections
from tests.storage.sql.stage import mutate, opened, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.pool import HeldConnection
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

TABLE = Table("switchovers.accounts", TableSchema({"id": "INT", "n": "INT"}, ["id"]))


@pytest.fixture
def accounts(mysql: ServerStorage) -> Iterator[ServerStorage]:
    """Of a user who may write to a server that is read only."""
    run(mysql.admin.drop_table(TABLE.name, if_exists=True))
    run(mysql.admin.create_table(TABLE))
    mutate(mysql, Write(TABLE, (1,), {"n": 0}))
    yield mysql
    mysql.pool.write("SET GLOBAL read_only=0")
    run(mysql.admin.drop_table(TABLE.name))


@pytest.fixture
def plain(accounts: ServerStorage, mysql_server: Cluster) -> Iterator[ServerStorage]:
    """Of a user who may not, with two idle connections."""
    accounts.pool.write("CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'plain'")
    accounts.pool.write("GRANT SELECT, INSERT, UPDATE ON *.* TO plain@'127.0.0.1'")
    known = {"scalar.db.username": "plain", "scalar.db.password": "plain"}
    storage = opened("mysql", {**mysql_server.properties(), **known})
    for one in [held(storage), held(storage)]:
        one.close()
    assert run(storage.get(TABLE, (1,))) == {"id": 1, "n": 0}
    assert storage.pool.open_connections == 2
    yield storage
    run(storage.close())
    accounts.pool.write("DROP USER plain@'127.0.0.1'")


def held(storage: ServerStorage) -> HeldConnection:
    found = storage.pool.moment()
    found.read("SELECT 1")
    return found


def test_a_connection_asks_again_whether_its_server_is_a_primary(
    accounts: ServerStorage, plain: ServerStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.pool.write("SET GLOBAL read_only=1")
    assert run(plain.get(TABLE, (1,))) is not None, "asked a moment ago"
    monkeypatch.setattr(connections, "_ASK_AGAIN_S", 0.0)
    with pytest.raises(StorageUnavailableError, match="read only") as caught:
        run(plain.get(TABLE, (1,)))
    assert "primary" in caught.value.advice
    assert plain.pool.open_connections == 0, "the others lead there, too"
    accounts.pool.write("SET GLOBAL read_only=0")
    for _ in range(3):
        assert run(plain.get(TABLE, (1,))) == {"id": 1, "n": 0}
    one = held(plain)
    assert one.read("SELECT n FROM switchovers.accounts") == [(0,)]
    one.close()
    assert plain.pool.open_connections == 1


def test_a_write_that_finds_its_server_read_only_ends_the_other_connections(
    accounts: ServerStorage, plain: ServerStorage
) -> None:
    in_use = held(plain)
    accounts.pool.write("SET GLOBAL read_only=1")
    with pytest.raises(StorageUnavailableError) as caught:
        mutate(plain, Write(TABLE, (1,), {"n": 1}))
    assert "primary" in caught.value.advice
    assert plain.pool.open_connections == 1, "the one in use"
    in_use.close()
    assert plain.pool.open_connections == 0
    accounts.pool.write("SET GLOBAL read_only=0")
    mutate(plain, Write(TABLE, (1,), {"n": 2}))
    assert run(accounts.get(TABLE, (1,))) == {"id": 1, "n": 2}

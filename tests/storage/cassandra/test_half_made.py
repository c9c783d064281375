"""Tables that are made in steps: what do others see, and what does a second attempt do?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.errors import InvalidOperationError, ReplyLostError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import ddl, open_cassandra
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

NAMESPACE: Final = "cassandra_steps"
SCHEMA: Final = TableSchema({"p": "INT", "a": "INT", "b": "INT"}, ["p"], (), ["a", "b"])
TABLE: Final = Table(f"{NAMESPACE}.t", SCHEMA)
BARE: Final = Table(TABLE.name, TableSchema(SCHEMA.columns, ["p"]))
# The names of indexes are in lower case, those of tables are not.
RIVAL: Final = Table(f"{NAMESPACE}.T", SCHEMA)


@pytest.fixture(scope="module")
def opened(cassandra_server: Cluster) -> Iterator[CassandraStorage]:
    storage = open_cassandra(load(cassandra_server.properties()).storage)
    run(storage.admin.create_namespace(NAMESPACE, if_not_exists=True))
    yield storage
    run(storage.close())


@pytest.fixture
def storage(opened: CassandraStorage) -> CassandraStorage:
    for table in (TABLE, RIVAL):
        run(opened.admin.drop_table(table.name, if_exists=True))
    return opened


def whole(storage: CassandraStorage, table: Table = TABLE) -> bool:
    return run(storage.admin.table(table.name)) == table


def test_a_table_whose_index_name_is_taken_is_not_begun(storage: CassandraStorage) -> None:
    run(storage.admin.create_table(RIVAL))
    with pytest.raises(InvalidOperationError, match="t_index_a") as caught:
        run(storage.admin.create_table(TABLE))
    assert "another name" in caught.value.advice
    assert run(storage.admin.tables(NAMESPACE)) == [RIVAL.name]
    run(storage.admin.create_table(BARE))
    for attempt in (
        storage.admin.create_index(BARE, "a"),
        storage.admin.repair_table(TABLE),
        storage.admin.create_table(TABLE, if_not_exists=True),
    ):
        with pytest.raises(InvalidOperationError, match="t_index_a"):
            run(attempt)
    assert whole(storage, RIVAL)
    assert whole(storage, BARE)


def test_a_table_that_others_may_use_is_never_dropped(
    storage: CassandraStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = f"CREATE INDEX ON {TABLE.name} (nothing)"
    monkeypatch.setattr(ddl, "create_index", lambda *_, **__: wrong)
    with pytest.raises(Exception, match="nothing"):
        run(storage.admin.create_table(TABLE))
    monkeypatch.undo()
    assert whole(storage, BARE)
    run(storage.admin.repair_table(TABLE))
    assert whole(storage)


def test_what_a_crash_left_out_is_made_by_the_next_attempt(storage: CassandraStorage) -> None:
    run(storage.admin.create_table(BARE))
    run(storage.admin.create_table(TABLE, if_not_exists=True))
    assert whole(storage)
    run(storage.admin.create_table(TABLE, if_not_exists=True))


def test_several_make_it_at_once(storage: CassandraStorage, cassandra_server: Cluster) -> None:
    others = [open_cassandra(load(cassandra_server.properties()).storage) for _ in range(4)]
    for other in others:
        run(other.admin.namespaces())
    with ThreadPoolExecutor(4) as pool:
        making = [
            pool.submit(lambda s=one: run(s.admin.create_table(TABLE, if_not_exists=True)))  # type: ignore[misc]
            for one in others
        ]
        for one in making:
            one.result()
    assert whole(storage)
    for other in others:
        run(other.close())


def test_one_who_comes_second_finds_the_table_made(
    storage: CassandraStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = storage.admin._catalog
    genuine = catalog.tables

    async def made_meanwhile(keyspace: str) -> list[str]:
        found = await genuine(keyspace)
        monkeypatch.undo()
        await storage.admin.create_table(TABLE)
        return found

    monkeypatch.setattr(catalog, "tables", made_meanwhile)
    run(storage.admin.create_table(TABLE, if_not_exists=True))
    assert whole(storage)


@pytest.mark.parametrize("lost", ["CREATE TABLE", "CREATE INDEX", "TRUNCATE", "DROP TABLE"])
def test_a_definition_whose_reply_is_lost(
    storage: CassandraStorage, cassandra_server: Cluster, lost: str
) -> None:
    if not lost.startswith("CREATE"):
        run(storage.admin.create_table(TABLE))
    with Proxy.before(cassandra_server) as proxy:
        other = open_cassandra(load(proxy.properties(cassandra_server)).storage)
        run(other.admin.namespaces())
        steps = {
            "TRUNCATE": other.admin.truncate_table,
            "DROP TABLE": other.admin.drop_table,
        }.get(lost, lambda _: other.admin.create_table(TABLE))(TABLE.name)
        fault = proxy.lose_reply(lost, closes=True)
        with pytest.raises(ReplyLostError):
            run(steps)
        fault.wait()
        run(other.close())

"""What is said, of a running server, about a coordinator, a table or a column that is not there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

import scalar_tx
from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra, session
from scalar_tx.storage.interface import Write
from tests.storage.cassandra.connections import sockets, until_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager
    from scalar_tx.model.types import Row
    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

NAMESPACE: Final = "cassandra_missing"
WHOLE: Final = f"{NAMESPACE}.whole"
BARE: Final = Table(f"{NAMESPACE}.bare", TableSchema({"p": "INT", "n": "INT", "t": "TEXT"}, ["p"]))


@pytest.fixture(scope="module")
def storage(cassandra_server: Cluster) -> Iterator[CassandraStorage]:
    """Tables without transaction columns are made and changed by it."""
    opened = open_cassandra(load(cassandra_server.properties()).storage)
    run(opened.admin.drop_table(BARE.name, if_exists=True))
    run(opened.admin.create_table(BARE))
    yield opened
    run(opened.close())


@pytest.fixture(scope="module")
def db(cassandra_server: Cluster) -> Iterator[TransactionManager]:
    """A manager whose coordinator table was never made."""
    before = sockets()
    settings = {"scalar.db.consensus_commit.coordinator.namespace": "cassandra_never_made"}
    with scalar_tx.connect(cassandra_server.properties(**settings)) as opened:
        opened.admin.create_table(
            WHOLE, columns={"p": "INT", "b": "BLOB"}, partition_key=["p"], if_not_exists=True
        )
        yield opened
    until_only(before)


def refusal(db: TransactionManager, table: str) -> InvalidOperationError:
    with pytest.raises(InvalidOperationError) as caught:
        db.get(table, {"p": 1})
    return caught.value


def test_a_namespace_that_is_not_there(db: TransactionManager) -> None:
    error = refusal(db, "cassandra_nowhere.t")
    assert error.code == "STX-3017"
    assert "create_table" in error.advice


def test_a_table_that_is_not_there(db: TransactionManager) -> None:
    error = refusal(db, f"{NAMESPACE}.while")
    assert error.code == "STX-3017"
    assert "did you mean" in error.advice


def test_a_table_without_transaction_columns(
    db: TransactionManager, storage: CassandraStorage
) -> None:
    error = refusal(db, BARE.name)
    assert error.code == "STX-3019"
    assert "open_storage" in error.advice


def test_no_coordinator_table(db: TransactionManager) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        db.insert(WHOLE, {"p": 1})
    assert caught.value.code == "STX-3040"
    assert "create_coordinator_tables" in caught.value.advice
    assert db.get(WHOLE, {"p": 1}) is None


def test_a_record_too_large_for_a_request(storage: CassandraStorage) -> None:
    with pytest.raises(InvalidOperationError, match="too big") as caught:
        run(storage.mutate([Write(BARE, (1,), {"t": "x" * 17_000_000}, column("n") == 1)]))
    assert "smaller values" in caught.value.advice
    assert run(storage.get(BARE, (1,))) is None


def test_a_column_that_another_has_dropped(
    storage: CassandraStorage, cassandra_server: Cluster
) -> None:
    run(storage.mutate([Write(BARE, (2,), {"n": 1, "t": "x"})]))
    write = Write(BARE, (2,), {"n": 2}, (column("n") == 1) & (column("t") == "x"))
    elsewhere = Write(BARE, (2,), {"n": 2}, column("n") == 1)
    run(storage.mutate([write]))  # prepared from here on
    run(storage.mutate([Write(BARE, (2,), {"n": 1})]))
    other = open_cassandra(load(cassandra_server.properties()).storage)
    run(other._session.define(f"ALTER TABLE {BARE.name} DROP t", BARE.name))
    run(other.close())
    try:
        with pytest.raises(SchemaError) as caught:
            run(storage.mutate([write]))
        assert caught.value.code == "STX-3302"
        with pytest.raises(SchemaError):
            run(storage.get(BARE, (2,)))
    finally:
        run(storage._session.define(f"ALTER TABLE {BARE.name} ADD t text", BARE.name))
    # Nothing of the refused write is there.
    run(storage.mutate([elsewhere]))
    row = run(storage.get(BARE, (2,)))
    assert row is not None
    assert row["n"] == 2


def test_more_statements_than_are_kept_prepared(
    storage: CassandraStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_MOST_PREPARED", 2)
    storage._session._prepared.clear()
    each: tuple[Row, ...] = ({"n": 7}, {"t": "x"}, {"n": 8, "t": "x"})
    for _ in range(3):
        for values in each:
            run(storage.mutate([Write(BARE, (3,), values)]))
    assert run(storage.get(BARE, (3,))) == {"p": 3, "n": 8, "t": "x"}
    assert len(storage._session._prepared) == 2

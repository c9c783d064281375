"""Tables that one side changed or imported are the other's as if it had done it itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.compatibility.bank import ACCOUNT, COLUMNS, account
from tests.compatibility.ours import ours
from tests.compatibility.places import at
from tests.compatibility.test_java_schema import metadata, shape

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.model.types import Row
    from tests.compatibility.java_peer import JavaPeer
    from tests.compatibility.places import Place

CHANGES: dict[str, tuple[Any, Any]] = {
    "add column": (
        lambda admin: admin.add_column(ACCOUNT, "note", "TEXT"),
        lambda java: java.admin("add_column", table=ACCOUNT, column="note", type="TEXT"),
    ),
    "drop column": (
        lambda admin: admin.drop_column(ACCOUNT, "balance"),
        lambda java: java.admin("drop_column", table=ACCOUNT, column="balance"),
    ),
    "rename column": (
        lambda admin: admin.rename_column(ACCOUNT, "balance", "amount"),
        lambda java: java.admin("rename_column", table=ACCOUNT, column="balance", to="amount"),
    ),
    "rename key": (
        lambda admin: admin.rename_column(ACCOUNT, "id", "number"),
        lambda java: java.admin("rename_column", table=ACCOUNT, column="id", to="number"),
    ),
    "rename table": (
        lambda admin: admin.rename_table(ACCOUNT, "bank.customer"),
        lambda java: java.admin("rename_table", table=ACCOUNT, to="customer"),
    ),
    "drop index": (
        lambda admin: admin.drop_index(ACCOUNT, "balance"),
        lambda java: java.admin("drop_index", table=ACCOUNT, column="balance"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_both_change_a_table_alike(java: JavaPeer, tmp_path: Path, change: str) -> None:
    theirs, own = tmp_path / "theirs.db", tmp_path / "own.db"
    by_us, by_java = CHANGES[change]
    session = java.open_sqlite(theirs)
    session.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"], ["balance"])
    by_java(session)
    session.close()
    with ours(own) as db:
        db.admin.create_table(
            ACCOUNT,
            columns=COLUMNS,
            partition_key=["id"],
            clustering_key=["kind"],
            secondary_index=["balance"],
        )
        by_us(db.admin)
    assert shape(own) == shape(theirs)
    assert metadata(own) == metadata(theirs)


def test_java_works_on_tables_that_we_changed_and_imported(java: JavaPeer, file: Path) -> None:
    with ours(file) as db:
        db.admin.create_table(
            ACCOUNT,
            columns=COLUMNS,
            partition_key=["id"],
            clustering_key=["kind"],
            secondary_index=["balance"],
        )
        db.upsert(ACCOUNT, account(1))
        db.admin.rename_column(ACCOUNT, "balance", "amount")
        db.admin.rename_table(ACCOUNT, "bank.customer")
        made_by_hand(file)
        db.admin.import_table("bank.shelf", override_types={"free": "BOOLEAN"})
        session = java.open_sqlite(file)
        with session.transaction(isolation="SERIALIZABLE") as tx:
            [found] = tx.scan("bank.customer", index={"amount": 100})
            tx.update("bank.customer", {"id": 1, "kind": found["kind"]}, {"amount": 7})
            shelf = tx.get("bank.shelf", {"id": 1})
            assert shelf == {"id": 1, "free": True, "what": "pens"}
            tx.update("bank.shelf", {"id": 1}, {"what": "ink"})
        session.close()
        [row] = db.scan("bank.customer", index={"amount": 7})
        assert row["amount"] == 7
        assert dict(db.get("bank.shelf", {"id": 1}) or {})["what"] == "ink"


def made_by_hand(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            'CREATE TABLE "bank$shelf" (id INTEGER PRIMARY KEY, free INT, what VARCHAR(20))'
        )
        connection.execute("INSERT INTO \"bank$shelf\" VALUES (1, 1, 'pens')")


# On servers: the same native table, imported by Java under one name and by us under another.

NATIVE = {
    "postgresql": (
        "k2 VARCHAR(20), k1 INTEGER, b BOOLEAN, s SMALLINT, i BIGINT NOT NULL, f REAL, "
        "d DOUBLE PRECISION, t TEXT, x BYTEA, da DATE, ti TIME, ts TIMESTAMP, tz TIMESTAMPTZ"
    ),
    "mysql": (
        "k2 VARCHAR(20) COLLATE utf8mb4_nopad_bin, k1 INT, b TINYINT(1), s SMALLINT, "
        "i BIGINT NOT NULL, u INT UNSIGNED, d DOUBLE, t TEXT, x VARBINARY(9), da DATE, ti TIME(6), "
        "ts DATETIME(3), tz TIMESTAMP(3)"
    ),
}


def statements(place: Place, *texts: str) -> None:
    storage: Any = scalar_tx.open_storage(place.properties)
    for text in texts:
        storage.pool.write(text)
    storage.pool.close()


def described(place: Place, table: str) -> list[tuple[Any, ...]]:
    """The metadata rows of a table, but for its name."""
    storage: Any = scalar_tx.open_storage(place.properties)
    found = storage.pool.read(
        "SELECT column_name, data_type, key_type, clustering_order, indexed FROM "
        "scalardb.metadata WHERE full_table_name=%s ORDER BY ordinal_position",
        (table,),
    )
    storage.pool.close()
    fixed = [row for row in found if not row[0].startswith("before_")]
    return [*fixed, *sorted(found)]


@at("postgresql", "mysql")
def test_both_import_a_table_alike(place: Place) -> None:
    theirs, own = f"{place.first}.theirs", f"{place.first}.own"
    place.create_coordinator()
    place.create_table(f"{place.first}.any", {"id": "INT"}, ["id"])  # makes the namespace
    columns = NATIVE[place.name]
    for table in (theirs, own):
        statements(
            place,
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {table} ({columns}, PRIMARY KEY (k2, k1))",
            f"INSERT INTO {table} (k1, k2, i, t) VALUES (1, 'a', 5, 'text')",
        )
    place.java.admin("import_table", table=theirs, options={})
    place.ours.admin.import_table(own)
    assert described(place, own) == described(place, theirs)
    for table in (theirs, own):
        key: Row = {"k1": 1, "k2": "a"}
        with place.java.transaction(isolation="SERIALIZABLE") as tx:
            found = tx.get(table, key)
            assert found is not None
            assert (found["i"], found["t"]) == (5, "text")
            tx.update(table, key, {"i": 6})
        place.ours.update(table, key, {"t": "ours"})
        record = place.ours.get(table, key)
        assert record is not None
        assert (record["i"], record["t"]) == (6, "ours")
        with place.java.transaction() as tx:
            tx.delete(table, key)
            tx.insert(table, {**key, "i": 1})
        place.ours.delete(table, key)
        assert place.rows(table) == []
        place.ours.admin.drop_table(table)


@at("cassandra")
def test_java_works_on_a_table_of_cassandra_that_we_imported(place: Place) -> None:
    """The Java library imports none there, and needs none: the schema is the metadata."""
    table = f"{place.first}.imported"
    place.create_coordinator()
    admin = place.ours.admin
    admin.drop_table(table, if_exists=True)
    admin.create_table(
        table,
        columns={"id": "INT", "at": "INT", "n": "INT"},
        partition_key=["id"],
        clustering_key=["at DESC"],
        transaction=False,
    )
    place.java.storage_put(table, {"id": 1, "at": 2, "n": 3})
    admin.import_table(table)
    key = {"id": 1, "at": 2}
    with place.java.transaction(isolation="SERIALIZABLE") as tx:
        assert tx.get(table, key) == {**key, "n": 3}
        tx.update(table, key, {"n": 4})
    assert dict(place.ours.get(table, key) or {}) == {**key, "n": 4}
    admin.rename_column(table, "at", "moment")
    assert dict(place.ours.get(table, {"id": 1, "moment": 2}) or {})["n"] == 4
    admin.drop_column(table, "n")
    admin.drop_table(table)

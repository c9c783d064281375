"""Tables, indexes and metadata, made, changed, repaired and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import IndexSource, ReadKind, ScanRequest, Waits, Write
from scalar_tx.storage.sql.tables import index_name
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.files import ACCOUNTS, all_rows, by_hand, mutate, run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.sqlite.storage import SqliteStorage

OBJECTS = "SELECT name FROM sqlite_master WHERE sql <> '' ORDER BY name"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def storage(path: Path) -> SqliteStorage:
    return open_sqlite(str(path))


def names(path: Path) -> list[str]:
    return [row[0] for row in by_hand(path, OBJECTS)]


def test_the_last_table_takes_the_metadata_table_with_it(
    storage: SqliteStorage, path: Path
) -> None:
    other = Table("shop.orders", ACCOUNTS.schema)
    run(storage.admin.create_table(ACCOUNTS))
    run(storage.admin.create_table(other))
    run(storage.admin.drop_table(ACCOUNTS.name))
    assert names(path) == ["index_shop_orders_owner", "scalardb$metadata", "shop$orders"]
    run(storage.admin.drop_table(other.name))
    assert names(path) == []
    assert run(storage.admin.namespaces()) == ["scalardb"]
    assert run(storage.admin.table(other.name)) is None
    with pytest.raises(InvalidOperationError):
        run(storage.admin.drop_table(other.name))
    run(storage.admin.drop_table(other.name, if_exists=True))


def test_a_metadata_schema_of_ones_own(path: Path) -> None:
    storage = open_sqlite(str(path), name="mine", metadata_schema="meta")
    run(storage.admin.create_table(ACCOUNTS))
    assert "meta$metadata" in names(path)
    assert run(storage.admin.namespaces()) == ["bank", "meta"]
    assert storage.info("a.b").name == "mine"
    assert run(open_sqlite(str(path)).admin.table(ACCOUNTS.name)) is None


def test_a_table_that_can_not_be_made_leaves_nothing(storage: SqliteStorage, path: Path) -> None:
    by_hand(path, 'CREATE TABLE "bank$accounts"(a)')
    before = names(path)
    with pytest.raises(InvalidOperationError, match="without metadata"):
        run(storage.admin.create_table(ACCOUNTS))
    assert names(path) == before
    wide = Table("a.b", TableSchema({f"c{i}": "INT" for i in range(3000)}, ["c0"]))
    with pytest.raises(InvalidOperationError, match="too many columns"):
        run(storage.admin.create_table(wide))
    assert names(path) == before


def test_an_index_is_made_marked_and_removed(storage: SqliteStorage, path: Path) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 5}))
    run(storage.admin.create_index(ACCOUNTS, "balance"))
    assert "index_bank_accounts_balance" in names(path)
    wider = run(storage.admin.table(ACCOUNTS.name))
    assert wider is not None
    assert set(wider.schema.secondary_index) == {"owner", "balance"}
    assert all_rows(storage, ScanRequest(wider, IndexSource("balance", 5)))
    for wrong in ("balance", "nothing"):
        with pytest.raises(InvalidOperationError):
            run(storage.admin.create_index(wider, wrong))
    run(storage.admin.drop_index(wider, "balance"))
    assert run(storage.admin.table(ACCOUNTS.name)) == ACCOUNTS
    assert "index_bank_accounts_balance" not in names(path)
    for wrong in ("balance", "nothing"):
        with pytest.raises(InvalidOperationError):
            run(storage.admin.drop_index(wider, wrong))


def test_an_index_of_an_older_release_is_found_by_what_it_indexes(
    storage: SqliteStorage, path: Path
) -> None:
    name = "a_rather_long_column_name_" * 3
    table = Table("ns.t", TableSchema({"id": "INT", name: "INT"}, ["id"], (), [name]))
    run(storage.admin.create_table(table))
    assert index_name(table, name) in names(path)
    by_hand(path, f'DROP INDEX "{index_name(table, name)}"')
    by_hand(path, f'CREATE INDEX "index_ns_t_{name}" ON "ns$t" ("{name}")')
    run(storage.admin.repair_table(table))
    assert names(path) == [f"index_ns_t_{name}", "ns$t", "scalardb$metadata"]
    run(storage.admin.drop_index(table, name))
    assert names(path) == ["ns$t", "scalardb$metadata"]


@pytest.mark.parametrize(
    "loss",
    [
        'DROP TABLE "bank$accounts"',
        "DROP INDEX index_bank_accounts_owner",
        'DROP TABLE "scalardb$metadata"',
        "DELETE FROM \"scalardb$metadata\" WHERE column_name='owner'",
        "UPDATE \"scalardb$metadata\" SET data_type='FLOAT', indexed=0",
        "SELECT 1",
    ],
)
def test_repair_makes_what_is_missing(storage: SqliteStorage, path: Path, loss: str) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 5}))
    text = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
    whole = by_hand(path, text)
    by_hand(path, loss)
    run(storage.admin.repair_table(ACCOUNTS))
    assert by_hand(path, text) == whole
    assert run(storage.admin.table(ACCOUNTS.name)) == ACCOUNTS
    assert (run(storage.get(ACCOUNTS, (1,))) is None) == ("bank$accounts" in loss)


def test_repair_appends_columns_and_refuses_another_key(storage: SqliteStorage) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 5}))
    columns = {**ACCOUNTS.schema.columns, "note": DataType.TEXT}
    wider = Table(ACCOUNTS.name, TableSchema(columns, ["id"], (), ["owner", "note"]))
    run(storage.admin.repair_table(wider))
    assert run(storage.admin.table(ACCOUNTS.name)) == wider
    assert run(storage.get(wider, (1,))) == {"id": 1, "balance": 5, "owner": None, "note": None}
    other = Table(ACCOUNTS.name, TableSchema({**columns, "k": "INT"}, ["id"], ["k"]))
    with pytest.raises(SchemaError, match="'k'"):
        run(storage.admin.repair_table(other))
    assert run(storage.admin.table(ACCOUNTS.name)) == wider


def test_columns_are_appended_once(storage: SqliteStorage, path: Path) -> None:
    clustered = Table(
        "ns.t", TableSchema({"p": "INT", "c": "INT", "v": "INT"}, ["p"], ["c DESC"], ["v"])
    )
    run(storage.admin.create_table(clustered))
    for _ in range(2):
        run(
            storage.admin.add_columns(
                clustered, {"v": DataType.TEXT, "w": DataType.DATE, "x": DataType.BLOB}
            )
        )
    found = run(storage.admin.table("ns.t"))
    columns = {"p": "INT", "c": "INT", "v": "INT", "w": "DATE", "x": "BLOB"}
    assert found == Table("ns.t", TableSchema(columns, ["p"], ["c DESC"], ["v"]))
    rows = by_hand(path, 'SELECT column_name, ordinal_position FROM "scalardb$metadata" ORDER BY 2')
    assert rows == [("p", 1), ("c", 2), ("v", 3), ("w", 4), ("x", 5)]
    with pytest.raises(InvalidOperationError, match="differ in case"):
        run(storage.admin.add_columns(clustered, {"W": DataType.INT}))
    with pytest.raises(InvalidOperationError):
        run(storage.admin.add_columns(Table("ns.none", clustered.schema), {"w": DataType.INT}))


def test_tables_of_a_namespace_are_its_own(storage: SqliteStorage) -> None:
    for namespace in ("a", "a_", "ab", "a%", "b"):
        run(storage.admin.create_table(Table(f"{namespace}.t", ACCOUNTS.schema)))
    assert run(storage.admin.tables("a_")) == ["a_.t"]
    assert run(storage.admin.tables("a%")) == ["a%.t"]
    assert run(storage.admin.tables("a")) == ["a.t"]
    assert run(storage.admin.tables("scalardb")) == []


def test_a_virtual_table_is_seen_and_refused(storage: SqliteStorage, path: Path) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    by_hand(path, 'CREATE VIEW "bank$joined" AS SELECT * FROM "bank$accounts"')
    by_hand(
        path,
        'CREATE TABLE "scalardb$virtual_tables"("full_table_name" TEXT, '
        '"left_source_table_full_table_name" TEXT, "right_source_table_full_table_name" TEXT, '
        '"join_type" TEXT, "attributes" TEXT, PRIMARY KEY ("full_table_name"))',
    )
    row = ("bank.joined", "bank.joined_data", "bank.joined_tx_metadata", "INNER", "")
    by_hand(path, 'INSERT INTO "scalardb$virtual_tables" VALUES (?,?,?,?,?)', row)
    assert run(storage.admin.tables("bank")) == ["bank.accounts", "bank.joined"]
    joined = Table("bank.joined", ACCOUNTS.schema)
    for steps in (
        storage.admin.table("bank.joined"),
        storage.admin.drop_table("bank.joined"),
        storage.admin.truncate_table("bank.joined"),
        storage.admin.create_table(joined),
    ):
        with pytest.raises(InvalidOperationError):
            run(steps)


def test_metadata_that_makes_no_sense_is_named(storage: SqliteStorage, path: Path) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    for change, named in (
        ("data_type='NUMBER'", "NUMBER"),
        ("data_type='INT', key_type='PRIMARY'", "PRIMARY"),
        ("key_type=NULL", "partition key"),
    ):
        by_hand(path, f'UPDATE "scalardb$metadata" SET {change}')
        with pytest.raises(SchemaError, match=named) as caught:
            run(storage.admin.table(ACCOUNTS.name))
        assert "bank.accounts" in str(caught.value)


def test_what_the_storage_says_of_itself(storage: SqliteStorage) -> None:
    info = storage.info("a.b")
    assert info.name == "jdbc"
    assert info.atomicity_unit.name == "STORAGE"
    assert info.max_mutations == 2_147_483_647
    assert info.linearizable == frozenset(ReadKind)
    assert info.waits is Waits.BLOCKS
    assert info.orders_whole_table
    assert not info.parallel


def test_an_index_is_called_after_its_table_and_column_whatever_they_are_called_by_now(
    storage: SqliteStorage, path: Path
) -> None:
    run(storage.admin.create_table(ACCOUNTS))
    run(storage.admin.rename_columns(ACCOUNTS, {"owner": "holder"}))
    assert "index_bank_accounts_holder" in names(path)
    run(storage.admin.rename_table(ACCOUNTS.name, "bank.customers"))
    assert names(path) == ["bank$customers", "index_bank_customers_holder", "scalardb$metadata"]

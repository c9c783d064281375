"""Tables that one side made are the other's as if it had made them itself."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scalar_schema.cli import main
from scalar_tx import TableSchema, TransactionState
from tests.compatibility.bank import ACCOUNT, COLUMNS, COMMITTED, account, look
from tests.compatibility.ours import COORDINATOR, ours
from tests.compatibility.type_limits import LIMITS

if TYPE_CHECKING:
    from tests.compatibility.java_peer import JavaPeer

ROOT = Path(__file__).parents[2]
TYPED = {f"c_{name.lower()}": name for name in LIMITS}
DEFINITIONS: dict[str, dict[str, Any]] = {
    "shop.types": {"columns": {"id": "INT", **TYPED}, "partition_key": ["id"]},
    "shop.indexed": {
        "columns": {"id": "INT", **TYPED},
        "partition_key": ["id"],
        "secondary_index": list(TYPED),
    },
    "shop.keys": {
        "columns": {"v": "INT", **TYPED},
        "partition_key": ["c_text", "c_blob"],
        "clustering_key": ["c_timestamptz DESC", "c_int", "c_date ASC", "c_boolean DESC"],
        "secondary_index": ["v", "c_int"],
    },
    "Mixed_1.CaseTable": {
        "columns": {"Id": "BIGINT", "before_Id": "INT", "order": "TEXT", "before_x": "TEXT"},
        "partition_key": ["Id"],
        "secondary_index": ["before_x"],
    },
    "shop.raw": {
        "columns": {"id": "INT", "n": "INT", "tx_id": "TEXT"},
        "partition_key": ["id"],
        "clustering_key": ["n DESC"],
        "secondary_index": ["tx_id"],
        "transaction": False,
    },
}


def shape(file: Path) -> dict[str, Any]:
    """Everything SQLite knows of the tables and indexes; before columns have no order."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found: dict[str, Any] = {}
        for table in sorted(tables):
            columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            named = [(name, *rest) for _, name, *rest in columns]
            fixed = [column for column in named if not column[0].startswith("before_")]
            indexes = {
                name: (unique, origin, partial, _indexed(connection, name))
                for _, name, unique, origin, partial in connection.execute(
                    f'PRAGMA index_list("{table}")'
                )
            }
            found[table] = (fixed, sorted(named), indexes)
    return found


def _indexed(connection: sqlite3.Connection, index: str) -> list[tuple[Any, ...]]:
    columns = connection.execute(f'PRAGMA index_xinfo("{index}")')
    return [(rank, name, *how) for rank, _, name, *how in columns if name is not None]


def metadata(file: Path) -> list[dict[str, Any]]:
    """The rows of the metadata table; before columns without their number, which means nothing."""
    rows = look(file, "scalardb.metadata", "full_table_name, column_name")
    for table in {row["full_table_name"] for row in rows}:
        numbers = [row["ordinal_position"] for row in rows if row["full_table_name"] == table]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return [
        row | {"ordinal_position": None} if row["column_name"].startswith("before_") else row
        for row in rows
    ]


def twins(
    java: JavaPeer, tmp_path: Path, definitions: dict[str, dict[str, Any]]
) -> tuple[Path, Path]:
    """The same tables in two files, one made by Java and one by us."""
    theirs, own = tmp_path / "theirs.db", tmp_path / "own.db"
    session = java.open_sqlite(theirs)
    with ours(own) as db:
        for table, definition in definitions.items():
            session.create_table(table, **definition)
            db.admin.create_table(table, **definition)
    session.close()
    return theirs, own


def test_a_table_is_made_alike_by_both(java: JavaPeer, tmp_path: Path) -> None:
    theirs, own = twins(java, tmp_path, DEFINITIONS)
    assert metadata(own) == metadata(theirs)
    assert shape(own) == shape(theirs)
    assert shape(own)["shop$indexed"][2].keys() >= {
        *(f"index_shop_indexed_{name}" for name in TYPED),
        *(f"index_shop_indexed_before_{name}" for name in TYPED),
    }

    described = [java.open_sqlite(file) for file in (theirs, own)]
    with ours(theirs) as first, ours(own) as second:
        for table, definition in DEFINITIONS.items():
            for metadata_columns in (False, True):
                one, two = (
                    session.describe(table, metadata_columns=metadata_columns)
                    for session in described
                )
                assert one == two
                transactional = definition.get("transaction", True)
                assert (one is None) == (not transactional and not metadata_columns)
            assert first.admin.stored_table(table) == second.admin.stored_table(table)
            if transactional:
                assert first.admin.table(table) == second.admin.table(table)
        for namespace in ("shop", "Mixed_1"):
            tables = [sorted(s.admin("tables", namespace=namespace)) for s in described]
            own_names = [f"{namespace}.{name}" for name in tables[0]]
            assert tables[0] == tables[1]
            assert sorted(second.admin.tables(namespace)) == own_names
            assert sorted(first.admin.tables(namespace)) == own_names
    for session in described:
        session.close()


def test_a_table_is_changed_alike_by_both(java: JavaPeer, tmp_path: Path) -> None:
    """Each side changes the table that the other one made."""
    theirs, own = twins(java, tmp_path, {ACCOUNT: {"columns": COLUMNS, "partition_key": ["id"]}})
    session = java.open_sqlite(own)
    session.admin("add_column", table=ACCOUNT, column="note", type="TEXT")
    session.admin("create_index", table=ACCOUNT, column="note")
    session.admin("create_index", table=ACCOUNT, column="balance")
    with ours(theirs) as db:
        db.admin.add_column(ACCOUNT, "note", "TEXT")
        db.admin.create_index(ACCOUNT, "note")
        db.admin.create_index(ACCOUNT, "balance")
        assert shape(own) == shape(theirs)
        assert metadata(own) == metadata(theirs)
        db.admin.drop_index(ACCOUNT, "note")
        session.admin("drop_index", table=ACCOUNT, column="note")
        assert shape(own) == shape(theirs)
        assert metadata(own) == metadata(theirs)
        assert "index_bank_account_before_balance" in shape(own)["bank$account"][2]
        db.admin.drop_table(ACCOUNT)
        session.admin("drop_table", table=ACCOUNT)
    session.close()
    assert shape(own) == shape(theirs) == {}


def test_each_side_repairs_what_the_other_made(java: JavaPeer, tmp_path: Path) -> None:
    definition: dict[str, Any] = {
        "columns": COLUMNS,
        "partition_key": ["id"],
        "clustering_key": ["kind"],
        "secondary_index": ["balance"],
    }
    theirs, own = twins(java, tmp_path, {ACCOUNT: definition})
    whole, rows = shape(own), metadata(own)
    session = java.open_sqlite(own)
    with ours(theirs) as db:
        for file in (theirs, own):
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute("DROP INDEX index_bank_account_before_balance")
                connection.execute("DELETE FROM \"scalardb$metadata\" WHERE column_name = 'name'")
        assert shape(own) != whole
        session.repair_table(ACCOUNT, **definition)
        db.admin.repair_table(ACCOUNT, TableSchema(**definition))
    session.close()
    assert shape(own) == shape(theirs) == whole
    assert metadata(own) == metadata(theirs) == rows


def test_java_works_on_tables_of_ours(java: JavaPeer, file: Path) -> None:
    with ours(file) as db:
        db.admin.create_table(
            ACCOUNT,
            columns=COLUMNS,
            partition_key=["id"],
            clustering_key=["kind DESC"],
            secondary_index=["balance"],
        )
        db.upsert(ACCOUNT, account(1))
        session = java.open_sqlite(file)
        with session.transaction(isolation="SERIALIZABLE") as tx:
            assert tx.scan(ACCOUNT, index={"balance": 100}) == [account(1)]
            tx.insert(ACCOUNT, account(1) | {"kind": 2})
            tx.insert(ACCOUNT, account(2, 200))
        session.close()
        assert [r["kind"] for r in db.scan(ACCOUNT, {"id": 1})] == [2, 1]
        assert dict(db.get(ACCOUNT, index={"balance": 200}) or {}) == account(2, 200)


# The coordinator table

GROUP = "scalar.db.consensus_commit.coordinator.group_commit.enabled"
WRITE_SET = "scalar.db.consensus_commit.coordinator.write_set_logging.enabled"
LAYOUTS = [(), (GROUP,), (WRITE_SET,), (GROUP, WRITE_SET)]


def own_settings(layout: tuple[str, ...]) -> dict[str, bool]:
    return {name.removeprefix("scalar.db.").replace(".", "_"): True for name in layout}


@pytest.mark.parametrize("layout", LAYOUTS, ids=len)
def test_the_coordinator_is_made_alike_by_both(
    java: JavaPeer, tmp_path: Path, layout: tuple[str, ...]
) -> None:
    theirs, own = tmp_path / "theirs.db", tmp_path / "own.db"
    session = java.open_sqlite(theirs, properties=dict.fromkeys(layout, "true"))
    session.create_coordinator()
    session.close()
    with ours(own, **own_settings(layout)) as db:
        db.admin.create_coordinator_tables()
    assert shape(own) == shape(theirs)
    assert metadata(own) == metadata(theirs)
    assert shape(own)["coordinator$state"][0][0][0] == "tx_id"


@pytest.mark.parametrize("maker", ["java", "ours"])
@pytest.mark.parametrize("layout", LAYOUTS[1:], ids=len)
def test_a_coordinator_is_repaired_under_an_open_manager_of_the_other(
    java: JavaPeer, file: Path, maker: str, layout: tuple[str, ...]
) -> None:
    """What was opened before the columns came works on, and so does who needs them."""
    before = java.open_sqlite(file)
    with ours(file) as db:
        if maker == "java":
            before.create_coordinator()
        before.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"])
        db.upsert(ACCOUNT, account(1))  # ours makes the coordinator where there is none
        with before.transaction() as tx:
            tx.insert(ACCOUNT, account(2))

        wanted = java.open_sqlite(file, properties=dict.fromkeys(layout, "true"))
        if maker == "java":
            with ours(file, **own_settings(layout)) as repairing:
                repairing.admin.repair_coordinator_tables()
        else:
            wanted.repair_coordinator()
        columns = {row["name"] for row in pragma(file, "coordinator$state")}
        assert ("tx_child_ids" in columns) == (GROUP in layout)
        assert ("tx_write_set" in columns) == (WRITE_SET in layout)

        with wanted.transaction() as with_extras:
            with_extras.insert(ACCOUNT, account(3))
        with before.transaction() as tx:
            tx.insert(ACCOUNT, account(4))
        db.upsert(ACCOUNT, account(5))
        assert db.state(with_extras.id) is TransactionState.COMMITTED
        assert [r["id"] for r in db.scan(ACCOUNT, whole_table=True)] == [1, 2, 3, 4, 5]
        by_id = {row["tx_id"]: row for row in look(file, COORDINATOR)}
        written = by_id.get(with_extras.id) or by_id[with_extras.id[:24]]
        assert (GROUP in layout) == (written.get("tx_child_ids") is not None)
        assert (WRITE_SET in layout) == (written.get("tx_write_set") is not None)
        wanted.close()
    before.close()
    assert {row["tx_state"] for row in look(file, ACCOUNT)} == {COMMITTED}


def pragma(file: Path, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'PRAGMA table_info("{table}")')]


# The schema loader


def test_the_schema_loader_makes_what_java_makes_of_the_same_definitions(
    java: JavaPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, own = tmp_path / "theirs.db", tmp_path / "own.db"
    properties = tmp_path / "scalardb.properties"
    properties.write_text(
        f"scalar.db.storage=jdbc\nscalar.db.contact_points=jdbc:sqlite:{own}?busy_timeout=10000\n"
    )
    session = java.open_sqlite(theirs)
    session.create_coordinator()
    made = 0
    for schema in sorted((ROOT / "namespaces").glob("*.json")):
        monkeypatch.setattr(
            sys,
            "argv",
            ["scalar-schema", "-c", str(properties), "-f", str(schema), "--coordinator"],
        )
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in {0, None}
        for table, definition in json.loads(schema.read_text()).items():
            session.create_table(
                table,
                definition["columns"],
                definition["partition-key"],
                definition.get("clustering-key", ()),
                definition.get("secondary-index", ()),
                transaction=definition.get("transaction", True),
            )
            made += 1
    session.close()
    assert made >= 5
    assert shape(own) == shape(theirs)
    assert metadata(own) == metadata(theirs)

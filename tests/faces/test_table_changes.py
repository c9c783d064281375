"""What becomes of a table's records, settled or not, when its columns or its name are changed?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError, InvalidOperationError, SchemaError, TransactionState
from tests.faces import either
from tests.faces.either import Face, now
from tests.faces.left_behind import leave_prepared
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEAD, LIVING = 20.0, 1.0  # seconds since the prepare


async def rows(db: Any, table: str = ACCOUNT) -> list[dict[str, Any]]:
    return [dict(one) for one in await now(db.scan(table, whole_table=True))]


async def stored(db: Any, table: str = ACCOUNT) -> set[str]:
    return set((await now(db.admin.stored_table(table))).columns)


async def test_drop_column(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.admin.drop_column(ACCOUNT, "owner"))
    assert await rows(db) == [{"id": 1, "balance": 100}]
    assert not {"owner", "before_owner"} & await stored(db)
    assert (await now(db.admin.table(ACCOUNT))).secondary_index == ()
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 5}))
    with pytest.raises(InvalidOperationError, match="no column 'owner'") as caught:
        await now(db.admin.drop_column(ACCOUNT, "owner"))
    assert caught.value.code == "STX-3012"
    await now(db.admin.drop_column(ACCOUNT, "owner", if_exists=True))
    with pytest.raises(InvalidOperationError, match="of the key") as caught:
        await now(db.admin.drop_column(ACCOUNT, "id"))
    assert caught.value.code == "STX-3074"
    await now(db.admin.add_column(ACCOUNT, "owner", "INT"))
    assert await rows(db) == [{"id": 1, "balance": 5, "owner": None}]


async def test_rename_column(db: Any) -> None:
    await make_accounts(db, count=2)
    await now(db.admin.rename_column(ACCOUNT, "owner", "holder"))
    schema = await now(db.admin.table(ACCOUNT))
    assert list(schema.secondary_index) == ["holder"]
    assert {"holder", "before_holder"} <= await stored(db)
    assert not {"owner", "before_owner"} & await stored(db)
    found = await now(db.scan(ACCOUNT, index={"holder": "owner 1"}))
    assert [dict(one) for one in found] == [{"id": 1, "holder": "owner 1", "balance": 100}]
    await now(db.admin.rename_column(ACCOUNT, "id", "number"))
    assert await now(db.get(ACCOUNT, {"number": 2})) is not None
    for wrong in ("balance", "tx_id", "before_balance", "", None, 5):
        with pytest.raises((InvalidOperationError, SchemaError)):
            await now(db.admin.rename_column(ACCOUNT, "holder", wrong))
    assert set((await now(db.admin.table(ACCOUNT))).columns) == {"number", "holder", "balance"}


async def test_rename_table(db: Any) -> None:
    await make_accounts(db, count=1)
    before = await rows(db)
    await now(db.admin.rename_table(ACCOUNT, "bank.customer"))
    assert await rows(db, "bank.customer") == before
    assert await now(db.admin.tables("bank")) == ["bank.customer"]
    with pytest.raises(InvalidOperationError, match=r"no table bank\.account"):
        await now(db.get(ACCOUNT, {"id": 1}))
    await make_accounts(db, count=0)
    for wrong in (ACCOUNT, "shop.customer", "customer", None):
        with pytest.raises(InvalidOperationError):
            await now(db.admin.rename_table("bank.customer", wrong))
    assert await now(db.scan("bank.customer", index={"owner": "owner 1"})) == before


async def test_alter_column_type_is_refused_where_it_would_lose(db: Any) -> None:
    await make_accounts(db, count=1)
    for column, kind in (("id", "BIGINT"), ("owner", "BLOB"), ("balance", "INT")):
        with pytest.raises(InvalidOperationError) as caught:
            await now(db.admin.alter_column_type(ACCOUNT, column, kind))
        assert caught.value.code == "STX-3074"
    await now(db.admin.alter_column_type(ACCOUNT, "balance", "BIGINT"))  # it is


async def test_alter_column_type(face: Face) -> None:
    db = face.open("memory://")
    await make_accounts(db, count=1)
    await now(db.admin.add_column(ACCOUNT, "points", "INT"))
    with pytest.raises(InvalidOperationError):
        await now(db.update(ACCOUNT, {"id": 1}, {"points": 2**40}))
    await now(db.admin.alter_column_type(ACCOUNT, "points", "BIGINT"))
    await now(db.update(ACCOUNT, {"id": 1}, {"points": 2**40}))
    schema = await now(db.admin.stored_table(ACCOUNT))
    assert schema.columns["before_points"] is schema.columns["points"]
    either_closed = db.close()
    await now(either_closed)


CHANGES = {
    "drop": lambda admin: admin.drop_column(ACCOUNT, "owner"),
    "rename": lambda admin: admin.rename_column(ACCOUNT, "balance", "amount"),
    "rename key": lambda admin: admin.rename_column(ACCOUNT, "id", "number"),
    "rename table": lambda admin: admin.rename_table(ACCOUNT, "bank.customer"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_dead_writers_left_is_settled_first(db: Any, change: str) -> None:
    await make_accounts(db)
    dead = leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 1}, age=DEAD)
    leave_prepared(db, ACCOUNT, {"id": 9}, {"balance": 9}, age=DEAD)
    await now(CHANGES[change](db.admin))
    assert await now(db.state(dead)) is TransactionState.ABORTED
    [table] = await now(db.admin.tables("bank"))
    amount = "amount" if change == "rename" else "balance"
    assert [one[amount] for one in await rows(db, table)] == [100, 100, 100]
    storage: Any = either.parts(db).storage
    kept = await storage.admin.table(table)
    for number in (1, 2, 3):
        row = await storage.get(kept, (number,))
        assert row["tx_state"] == 3, "nobody had to read it"
    assert await storage.get(kept, (9,)) is None


@pytest.mark.parametrize("change", CHANGES)
async def test_no_change_while_a_writer_may_be_alive(db: Any, change: str) -> None:
    await make_accounts(db)
    living = leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 1}, age=LIVING)
    before = await now(db.admin.stored_table(ACCOUNT))
    with pytest.raises(ConflictError, match="can't be changed now") as caught:
        await now(CHANGES[change](db.admin))
    assert caught.value.other_transaction == living
    assert caught.value.retry_after is not None
    assert 10 < caught.value.retry_after < 15
    assert await now(db.admin.stored_table(ACCOUNT)) == before
    assert await now(db.admin.tables("bank")) == [ACCOUNT]


async def test_a_transaction_that_knows_the_old_columns_conflicts(db: Any) -> None:
    await make_accounts(db, count=1)
    tx = db.begin()
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(db.admin.rename_column(ACCOUNT, "balance", "amount"))
    with pytest.raises((ConflictError, InvalidOperationError)):
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 7}))
    await now(tx.rollback())
    assert (await rows(db))[0]["amount"] == 100


async def test_plain_tables_change_alike(db: Any) -> None:
    admin = db.admin
    columns = {"id": "INT", "n": "INT", "m": "INT"}
    await now(
        admin.create_table("bank.plain", columns=columns, partition_key=["id"], transaction=False)
    )
    with pytest.raises(InvalidOperationError) as caught:
        await now(admin.drop_column("bank.plain", "n"))
    assert caught.value.code == "STX-3019"
    await now(admin.drop_column("bank.plain", "n", transaction=False))
    await now(admin.rename_column("bank.plain", "m", "k", transaction=False))
    await now(admin.rename_table("bank.plain", "bank.bare", transaction=False))
    assert await stored(db, "bank.bare") == {"id", "k"}


async def test_upgrade_makes_what_older_releases_did_not(db: Any) -> None:
    await make_accounts(db)
    storage: Any = either.parts(db).storage
    await storage.admin.drop_index(await storage.admin.table(ACCOUNT), "before_owner")
    either.parts(db).context.catalog.forget()
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.scan(ACCOUNT, index={"owner": "owner 1"}))
    assert "upgrade" in caught.value.advice
    wanted = [f"index {ACCOUNT}.before_owner"]
    assert await now(db.admin.upgrade(dry_run=True)) == wanted
    assert await now(db.admin.upgrade(dry_run=True)) == wanted, "it was dry"
    assert await now(db.admin.upgrade()) == wanted
    assert len(await now(db.scan(ACCOUNT, index={"owner": "owner 1"}))) == 2
    assert await now(db.admin.upgrade()) == []


async def test_a_coordinator_keeps_the_columns_it_has(face: Face, tmp_path: Path) -> None:
    """Columns that others need stay, although this program's settings ask for none."""
    target = either.url("sqlite", tmp_path)
    grouped = face.open(target, consensus_commit_coordinator_group_commit_enabled=True)
    plain = face.open(target)
    await make_accounts(plain)
    assert await now(grouped.admin.upgrade()) == ["add tx_child_ids to coordinator.state"]
    await now(plain.admin.repair_coordinator_tables())
    name = either.parts(grouped).coordinator.name
    table: Any = await either.parts(plain).storage.admin.table(name)
    assert list(table.schema.columns) == ["tx_id", "tx_state", "tx_created_at", "tx_child_ids"]
    assert await now(grouped.admin.upgrade()) == []
    for manager in (plain, grouped):
        await now(manager.close())


# Tables of other programs


@pytest.fixture
def foreign(face: Face, tmp_path: Path) -> Iterator[Any]:
    """A manager of a file in which another program has made a table."""
    with closing(sqlite3.connect(tmp_path / "data.db")) as connection:
        connection.executescript(
            'CREATE TABLE "bank$account" (id INTEGER PRIMARY KEY, owner VARCHAR(20) NOT NULL,'
            " balance INT, rate REAL, seen INT);"
            "INSERT INTO \"bank$account\" VALUES (1, 'ann', 100, 0.5, 1), (2, 'bob', 200, 1, 0);"
            "CREATE TABLE orders (id INT PRIMARY KEY)"
        )
    manager = face.open(either.url("sqlite", tmp_path))
    yield manager
    either.close(manager)


async def test_import(foreign: Any) -> None:
    db = foreign
    await now(db.admin.import_table(ACCOUNT, override_types={"seen": "BOOLEAN"}))
    schema = await now(db.admin.table(ACCOUNT))
    assert {name: kind.value for name, kind in schema.columns.items()} == {
        "id": "BIGINT",
        "owner": "TEXT",
        "balance": "BIGINT",
        "rate": "DOUBLE",
        "seen": "BOOLEAN",
    }
    assert schema.partition_key == ("id",)
    ann = {"id": 1, "owner": "ann", "balance": 100, "rate": 0.5, "seen": True}
    assert dict(await now(db.get(ACCOUNT, {"id": 1}))) == ann
    tx = db.begin()
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}))
    await now(tx.rollback())
    await now(db.update(ACCOUNT, {"id": 2}, {"balance": 201}))
    assert [one["balance"] for one in await rows(db)] == [100, 201]
    leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 1}, age=DEAD)
    assert (await rows(db))[0] == ann
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.admin.import_table(ACCOUNT))
    assert caught.value.code == "STX-3018"


async def test_import_without_transaction_columns(foreign: Any) -> None:
    await now(foreign.admin.import_table(ACCOUNT, transaction=False))
    assert await now(foreign.admin.tables("bank")) == []
    assert await now(foreign.admin.stored_tables("bank")) == [ACCOUNT]


@pytest.mark.parametrize(
    "arguments,code,words",
    [
        ({"override_types": {"owner": "INT"}}, "STX-3075", "owner is TEXT, not INT"),
        ({"override_types": {"nobody": "INT"}}, "STX-3012", "no column nobody"),
        ({"override_types": {"owner": "UUID"}}, "STX-3003", "UUID"),
        ({"override_types": ["owner"]}, "STX-3013", "no mapping"),
        ({"transaction": None}, "STX-3013", "transaction is None"),
        ({"options": {"transaction-metadata-decoupling": True}}, "STX-3306", "kept apart"),
        ({"table": "bank.orders"}, "STX-3017", 'RENAME TO "bank$orders"'),
        ({"table": "coordinator.state"}, "STX-3017", "coordinator"),
    ],
)
async def test_import_refused(
    foreign: Any, arguments: dict[str, Any], code: str, words: str
) -> None:
    arguments = {"table": ACCOUNT, **arguments}
    with pytest.raises((InvalidOperationError, SchemaError)) as caught:
        await now(foreign.admin.import_table(**arguments))
    assert caught.value.code == code
    assert words in f"{caught.value.message} {caught.value.advice}"
    assert await now(foreign.admin.stored_tables("bank")) == []


async def test_a_table_with_names_of_ours_is_not_imported(face: Face, tmp_path: Path) -> None:
    """A column of the user's called tx_id must not be taken for one of ours."""
    with closing(sqlite3.connect(tmp_path / "data.db")) as connection:
        connection.execute('CREATE TABLE "a$one" (id INT PRIMARY KEY, tx_id TEXT)')
        connection.execute('CREATE TABLE "a$two" (id INT PRIMARY KEY, x INT, before_x INT)')
    db = face.open(either.url("sqlite", tmp_path))
    for name in ("a.one", "a.two"):
        with pytest.raises(SchemaError):
            await now(db.admin.import_table(name))
    assert await now(db.admin.stored_tables("a")) == []
    await now(db.close())


async def test_a_decoupled_table_is_passed_over(
    face: Face, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    db = face.open(either.url("sqlite", tmp_path))
    await make_accounts(db, count=0)
    with closing(sqlite3.connect(tmp_path / "data.db")) as connection, connection:
        connection.execute('CREATE TABLE "scalardb$virtual_tables" (full_table_name TEXT)')
        connection.execute("INSERT INTO \"scalardb$virtual_tables\" VALUES ('bank.view')")
    with caplog.at_level("WARNING"):
        assert await now(db.admin.tables("bank")) == [ACCOUNT]
    assert "bank.view is passed over" in caplog.text
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.get("bank.view", {"id": 1}))
    assert caught.value.code == "STX-3306"
    await now(db.close())

"""Do the calls of ``db.admin`` that the loader leans on keep a table transactional?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, SchemaError, TableSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scalar_tx import TransactionManager

SCHEMA = TableSchema({"id": "INT", "owner": "TEXT"}, ["id"])


@pytest.fixture(params=["memory", "sqlite"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TransactionManager]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/a.db"
    with scalar_tx.connect(target) as manager:
        manager.admin.create_table("b.t", SCHEMA)
        manager.admin.create_table("b.plain", SCHEMA, transaction=False)
        yield manager


def test_a_column_is_added_with_its_twin(db: TransactionManager) -> None:
    db.insert("b.t", {"id": 1, "owner": "a"})
    db.admin.add_column("b.t", "balance", "bigint")
    stored = db.admin.stored_table("b.t")
    assert stored is not None
    assert stored.columns["balance"] is stored.columns["before_balance"]
    assert dict(db.admin.table("b.t").columns) == {
        **SCHEMA.columns,
        "balance": stored.columns["balance"],
    }
    db.update("b.t", {"id": 1}, {"balance": 7})
    record = db.get("b.t", {"id": 1})
    assert record is not None
    assert (record["owner"], record["balance"]) == ("a", 7)


def test_a_column_that_is_there_is_an_error_unless_it_may_be(db: TransactionManager) -> None:
    with pytest.raises(InvalidOperationError, match="'owner' already; it is TEXT") as caught:
        db.admin.add_column("b.t", "owner", "TEXT")
    assert caught.value.code == "STX-3018"
    db.admin.add_column("b.t", "owner", "TEXT", if_not_exists=True)
    with pytest.raises(InvalidOperationError):
        db.admin.add_column("b.t", "owner", "INT", if_not_exists=True)
    assert db.admin.table("b.t") == SCHEMA


@pytest.mark.parametrize("name", ["tx_id", "before_tx_state", "before_owner", ""])
def test_a_reserved_name_is_refused(db: TransactionManager, name: str) -> None:
    with pytest.raises(SchemaError):
        db.admin.add_column("b.t", name, "TEXT")
    assert db.admin.table("b.t") == SCHEMA


def test_a_plain_table_stays_plain(db: TransactionManager) -> None:
    admin = db.admin
    admin.add_column("b.plain", "balance", "INT", transaction=False)
    admin.create_index("b.plain", "owner", transaction=False)
    admin.create_index("b.plain", "balance", transaction=False)
    admin.drop_index("b.plain", "owner", transaction=False)
    admin.repair_table("b.plain", transaction=False)
    wanted = TableSchema({**SCHEMA.columns, "balance": "INT"}, ["id"], secondary_index=["balance"])
    assert admin.stored_table("b.plain") == wanted
    assert admin.tables("b") == ["b.t"]
    assert sorted(admin.stored_tables("b")) == ["b.plain", "b.t"]


@pytest.mark.parametrize("table,transaction", [("b.plain", True), ("b.t", False)])
def test_a_table_of_the_other_kind_is_refused(
    db: TransactionManager, table: str, transaction: bool
) -> None:
    before = db.admin.stored_table(table)
    calls: list[Callable[[], None]] = [
        lambda: db.admin.add_column(table, "n", "INT", transaction=transaction),
        lambda: db.admin.create_index(table, "owner", transaction=transaction),
        lambda: db.admin.drop_index(table, "owner", transaction=transaction),
        lambda: db.admin.repair_table(table, transaction=transaction),
    ]
    for call in calls:
        with pytest.raises(InvalidOperationError) as caught:
            call()
        assert caught.value.code == "STX-3019"
    assert db.admin.stored_table(table) == before


async def on_asyncio(url: str) -> TableSchema | None:
    async with scalar_tx.connect_async(url) as db:
        admin = db.admin
        await admin.create_table("b.t", SCHEMA)
        await admin.add_column("b.t", "balance", "INT")
        await admin.create_index("b.t", "balance")
        await admin.create_index("b.t", "owner")
        await admin.drop_index("b.t", "owner")
        await admin.repair_table("b.t")
        assert await admin.stored_tables("b") == ["b.t"]
        return await admin.stored_table("b.t")


def test_the_same_with_asyncio() -> None:
    import asyncio

    stored = asyncio.run(on_asyncio("memory://"))
    assert stored is not None
    assert {"balance", "before_balance"} <= set(stored.columns)
    assert set(stored.secondary_index) == {"balance", "before_balance"}

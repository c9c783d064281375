"""What does ``db.admin`` do? The same on both faces and both storages."""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx import InvalidOperationError, SchemaError, TableSchema
from tests.faces import either
from tests.faces.either import Face, now
from tests.faces.tables import ACCOUNT, make_accounts


async def test_namespaces(db: Any) -> None:
    """On SQLite a namespace is there while it has tables (Storage specification 5.1)."""
    admin = db.admin
    await now(admin.create_namespace("shop"))
    await now(admin.create_table("shop.item", columns={"id": "INT"}, partition_key=["id"]))
    await now(admin.create_table("new.item", columns={"id": "INT"}, partition_key=["id"]))
    assert {"shop", "new"} <= set(await now(admin.namespaces()))
    assert "coordinator" not in await now(admin.namespaces())
    with pytest.raises(InvalidOperationError) as caught:
        await now(admin.create_namespace("shop"))
    assert caught.value.code == "STX-3018"
    await now(admin.create_namespace("shop", if_not_exists=True))
    with pytest.raises(InvalidOperationError) as caught:
        await now(admin.drop_namespace("shop"))
    assert "empty" in caught.value.message
    await now(admin.drop_table("shop.item"))
    await now(admin.drop_namespace("shop", if_exists=True))
    assert "shop" not in await now(admin.namespaces())
    with pytest.raises(InvalidOperationError):
        await now(admin.drop_namespace("shop"))
    await now(admin.drop_namespace("shop", if_exists=True))


async def test_tables(db: Any) -> None:
    admin = db.admin
    schema = TableSchema(
        columns={"id": "INT", "at": "TIMESTAMP", "n": "INT", "owner": "TEXT"},
        partition_key=["id"],
        clustering_key=["at DESC"],
        secondary_index=["owner"],
    )
    await now(admin.create_table("shop.one", schema))
    await now(
        admin.create_table(
            "shop.two",
            columns={"id": "int", "at": "TIMESTAMP", "n": "INT", "owner": "TEXT"},
            partition_key=["id"],
            clustering_key=["at DESC"],
            secondary_index=["owner"],
        )
    )
    assert await now(admin.table("shop.one")) == schema == await now(admin.table("shop.two"))
    assert sorted(await now(admin.tables("shop"))) == ["shop.one", "shop.two"]
    with pytest.raises(InvalidOperationError) as caught:
        await now(admin.create_table("shop.one", schema))
    assert caught.value.code == "STX-3018"
    await now(admin.create_table("shop.one", schema, if_not_exists=True))
    await now(admin.drop_table("shop.one"))
    with pytest.raises(InvalidOperationError):
        await now(admin.drop_table("shop.one"))
    await now(admin.drop_table("shop.one", if_exists=True))
    assert await now(admin.tables("shop")) == ["shop.two"]
    with pytest.raises(InvalidOperationError, match=r"shop\.one"):
        await now(admin.table("shop.one"))


async def test_an_index_is_completed_and_a_table_that_lacks_one_is_told_of(
    db: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A crash may have come between an index and the one on previous values."""
    await make_accounts(db)
    storage: Any = either.parts(db).storage
    stored = await storage.admin.table(ACCOUNT)
    await storage.admin.drop_index(stored, "before_owner")
    await now(db.admin.create_index(ACCOUNT, "owner", if_not_exists=True))
    stored = await storage.admin.table(ACCOUNT)
    assert {"owner", "before_owner"} <= set(stored.schema.secondary_index)
    wider = {"id": "INT", "owner": "TEXT", "balance": "INT", "note": "TEXT"}
    with caplog.at_level("WARNING"):
        await now(
            db.admin.create_table(
                ACCOUNT,
                TableSchema(wider, ["id"], (), ["balance"]),
                if_not_exists=True,
            )
        )
    assert "lacks the columns note, before_note and the indexes on balance" in caplog.text


async def test_a_missing_table_is_named_with_its_nearest(db: Any) -> None:
    await make_accounts(db)
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.get("bank.acount", {"id": 1}))
    assert caught.value.code == "STX-3017"
    assert ACCOUNT in caught.value.advice


async def test_truncate(db: Any) -> None:
    await make_accounts(db)
    await now(db.admin.truncate_table(ACCOUNT))
    assert await now(db.scan(ACCOUNT, whole_table=True)) == []
    await now(db.upsert(ACCOUNT, {"id": 1}))


async def test_indexes(db: Any) -> None:
    await make_accounts(db)
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.scan(ACCOUNT, index={"balance": 100}))
    assert caught.value.code == "STX-3015"
    assert "create_index" in caught.value.advice
    await now(db.admin.create_index(ACCOUNT, "balance"))
    assert len(await now(db.scan(ACCOUNT, index={"balance": 100}))) == 3
    with pytest.raises(InvalidOperationError):
        await now(db.admin.create_index(ACCOUNT, "balance"))
    await now(db.admin.create_index(ACCOUNT, "balance", if_not_exists=True))
    assert set((await now(db.admin.table(ACCOUNT))).secondary_index) == {"owner", "balance"}
    await now(db.admin.drop_index(ACCOUNT, "owner"))
    with pytest.raises(InvalidOperationError):
        await now(db.admin.drop_index(ACCOUNT, "owner"))
    await now(db.admin.drop_index(ACCOUNT, "owner", if_exists=True))
    with pytest.raises(InvalidOperationError):
        await now(db.scan(ACCOUNT, index={"owner": "owner 1"}))


async def test_add_column(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.admin.add_column(ACCOUNT, "note", "TEXT"))
    assert await now(db.get(ACCOUNT, {"id": 1})) == {
        "id": 1,
        "owner": "owner 1",
        "balance": 100,
        "note": None,
    }
    await now(db.update(ACCOUNT, {"id": 1}, {"note": "new"}))
    assert (await now(db.get(ACCOUNT, {"id": 1})))["note"] == "new"
    with pytest.raises(InvalidOperationError):
        await now(db.admin.add_column(ACCOUNT, "note", "TEXT"))
    await now(db.admin.add_column(ACCOUNT, "note", "TEXT", if_not_exists=True))
    with pytest.raises(SchemaError):
        await now(db.admin.add_column(ACCOUNT, "before_note", "TEXT"))


async def test_coordinator_tables(db: Any) -> None:
    await make_accounts(db)
    admin = db.admin
    assert await now(admin.coordinator_tables_exist())
    with pytest.raises(InvalidOperationError):
        await now(admin.create_coordinator_tables())
    await now(admin.create_coordinator_tables(if_not_exists=True))
    tx = db.begin(id="decided")
    await now(tx.upsert(ACCOUNT, {"id": 9}))
    await now(tx.commit())
    await now(admin.truncate_coordinator_tables())
    assert (await now(db.state("decided"))).value == "UNKNOWN"
    await now(admin.repair_coordinator_tables())
    await now(admin.drop_coordinator_tables())
    assert not await now(admin.coordinator_tables_exist())
    with pytest.raises(InvalidOperationError):
        await now(admin.drop_coordinator_tables())
    await now(admin.drop_coordinator_tables(if_exists=True))
    await now(db.upsert(ACCOUNT, {"id": 10}))  # made anew at its first use
    assert await now(admin.coordinator_tables_exist())


async def test_stored_tables(db: Any) -> None:
    await make_accounts(db)
    await now(
        db.admin.create_table(
            "bank.bare", columns={"id": "INT"}, partition_key=["id"], transaction=False
        )
    )
    assert await now(db.admin.tables("bank")) == [ACCOUNT]
    assert sorted(await now(db.admin.stored_tables("bank"))) == [ACCOUNT, "bank.bare"]
    stored = await now(db.admin.stored_table(ACCOUNT))
    assert {"id", "balance", "tx_id", "before_balance", "before_tx_id"} <= stored.columns.keys()
    assert await now(db.admin.stored_table("bank.nothing")) is None
    assert set((await now(db.admin.table(ACCOUNT))).columns) == {"id", "owner", "balance"}


async def test_repair(db: Any) -> None:
    await make_accounts(db)
    await now(db.admin.repair_table(ACCOUNT))
    schema = await now(db.admin.table(ACCOUNT))
    await now(db.admin.repair_table("bank.again", schema))
    assert await now(db.admin.table("bank.again")) == schema
    assert len(await now(db.scan(ACCOUNT, whole_table=True))) == 3


async def test_another_manager_sees_a_change(db: Any, face: Face, target: str) -> None:
    if target == "memory://":  # each has a database of its own: nothing is shared
        assert await now(db.admin.tables("bank")) == []
        return
    await make_accounts(db)
    other = either.another(db, face, target)
    assert len(await now(other.scan(ACCOUNT, whole_table=True))) == 3
    await now(other.admin.create_table("bank.more", columns={"id": "INT"}, partition_key=["id"]))
    await now(db.upsert("bank.more", {"id": 1}))
    assert await now(other.get("bank.more", {"id": 1})) == {"id": 1}
    await now(other.close())

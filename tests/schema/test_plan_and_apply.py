"""What does the loader mean to do, does it do just that, and what when something fails?"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import scalar_schema
import scalar_tx
from scalar_schema import Action, Mode, Plan, Subject, apply, make_plan, parse_schema
from scalar_tx import InvalidOperationError, SchemaError, StorageUnavailableError, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx import TransactionManager

ACCOUNT: dict[str, Any] = {
    "partition-key": ["id"],
    "columns": {"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
    "secondary-index": ["owner"],
}
SCHEMA = TableSchema(ACCOUNT["columns"], ["id"], secondary_index=["owner"])


@pytest.fixture(params=["memory", "sqlite"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TransactionManager]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/p.db"
    with scalar_tx.connect(target) as manager:
        yield manager


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[TransactionManager]:
    with scalar_tx.connect(f"sqlite:///{tmp_path}/p.db") as manager:
        yield manager


def definitions(**tables: Any) -> tuple[scalar_schema.TableDefinition, ...]:
    """``bank__account={…}`` as the table bank.account."""
    named = {name.replace("__", "."): fields for name, fields in tables.items()}
    return parse_schema(json.dumps(named, indent=1), "f.json")


def changed(**fields: Any) -> dict[str, Any]:
    table = {**ACCOUNT, **{name.replace("_", "-"): value for name, value in fields.items()}}
    return {name: value for name, value in table.items() if value is not None}


def texts(plan: Plan) -> list[str]:
    return [str(step) for step in plan.steps]


def carried_out(
    db: TransactionManager, mode: Mode = Mode.CREATE, *, coordinator: bool = False, **tables: Any
) -> Plan:
    plan = make_plan(db, definitions(**tables), mode, coordinator=coordinator)
    apply(db, plan).raise_for_failure()
    return plan


# Create.


def test_a_plan_changes_nothing(db: TransactionManager) -> None:
    plan = make_plan(db, definitions(bank__account=ACCOUNT), coordinator=True)
    assert texts(plan) == [
        "create namespace bank",
        "create table bank.account: 3 columns, key id, index on owner",
        "create coordinator coordinator.state: the table of decisions",
    ]
    assert db.admin.stored_table("bank.account") is None
    assert not db.admin.coordinator_tables_exist()


def test_create_makes_what_is_missing_and_leaves_what_is_there(db: TransactionManager) -> None:
    carried_out(db, bank__account=ACCOUNT)
    db.insert("bank.account", {"id": 1, "owner": "a", "balance": 5})
    plan = carried_out(db, bank__account=ACCOUNT, bank__log=ACCOUNT, shop__item=ACCOUNT)
    assert [str(step).partition(":")[0] for step in plan.steps] == [
        "skip table bank.account",
        "create table bank.log",
        "create namespace shop",
        "create table shop.item",
    ]
    assert db.admin.table("bank.account") == SCHEMA
    assert db.get("bank.account", {"id": 1}) is not None
    assert db.admin.tables("shop") == ["shop.item"]


def test_a_table_without_transactions_has_no_transaction_columns(db: TransactionManager) -> None:
    carried_out(db, bank__plain=changed(transaction=False))
    assert db.admin.stored_table("bank.plain") == SCHEMA
    assert db.admin.tables("bank") == []
    assert db.admin.stored_tables("bank") == ["bank.plain"]
    assert make_plan(db, definitions(bank__plain=changed(transaction=False))).pending == ()


def test_create_says_how_a_table_differs(db: TransactionManager) -> None:
    carried_out(db, bank__account=ACCOUNT)
    wider = changed(columns={**ACCOUNT["columns"], "note": "TEXT"}, secondary_index=["note"])
    plan = make_plan(db, definitions(bank__account=wider))
    assert plan.pending == ()
    place = "f.json:2:2: bank.account: "
    *differs, remedy = plan.warnings
    assert differs == [
        f"{place}the table differs: add note TEXT",
        f"{place}the table differs: index note",
        f"{place}the table differs: drop the index on owner",
    ]
    assert remedy.startswith(f"{place}run apply --alter (the loader with --alter)")
    other = changed(
        columns={"id": "INT", "owner": "BLOB"}, partition_key=["owner"], clustering_key=["id DESC"]
    )
    warnings = make_plan(db, definitions(bank__account=other)).warnings
    assert [warning.partition("differs: ")[2] for warning in warnings[:-1]] == [
        "its partition key is id, by its file owner",
        "its clustering key is empty, by its file id DESC",
        "owner is TEXT, by its file BLOB",
        "balance is not in the file",
    ]
    assert "correct the file" in warnings[-1]


def test_the_coordinators_namespace_is_nobody_elses(db: TransactionManager) -> None:
    for mode in (Mode.CREATE, Mode.ALTER, Mode.REPAIR, Mode.DELETE):
        with pytest.raises(SchemaError, match=r"f\.json:2:2: coordinator\.x: the namespace"):
            make_plan(db, definitions(coordinator__x=ACCOUNT), mode)
    for mode in (Mode.IMPORT, Mode.UPGRADE):
        with pytest.raises(InvalidOperationError, match="no schema file asks for"):
            make_plan(db, definitions(bank__x=ACCOUNT), mode)


# Alter.


def test_alter_adds_columns_and_indexes_and_drops_indexes(db: TransactionManager) -> None:
    carried_out(db, bank__account=ACCOUNT)
    db.insert("bank.account", {"id": 1, "owner": "a", "balance": 5})
    wanted = changed(
        columns={**ACCOUNT["columns"], "note": "TEXT", "at": "TIMESTAMP"}, secondary_index=["note"]
    )
    plan = carried_out(db, Mode.ALTER, bank__account=wanted)
    (step,) = plan.steps
    assert step.name == "bank.account"
    assert step.details == (
        "add note TEXT",
        "add at TIMESTAMP",
        "index note",
        "drop the index on owner",
    )
    stored = db.admin.stored_table("bank.account")
    assert stored is not None
    assert {"note", "before_note", "at", "before_at"} <= set(stored.columns)
    assert set(stored.secondary_index) == {"note", "before_note"}
    db.update("bank.account", {"id": 1}, {"note": "n"})
    found = db.get("bank.account", index={"note": "n"})
    assert found is not None
    assert (found["owner"], found["at"]) == ("a", None)
    assert carried_out(db, Mode.ALTER, bank__account=wanted).pending == ()


def test_alter_of_a_table_without_transactions(db: TransactionManager) -> None:
    carried_out(db, bank__plain=changed(transaction=False))
    wanted = changed(
        columns={**ACCOUNT["columns"], "note": "TEXT"}, secondary_index=["note"], transaction=False
    )
    carried_out(db, Mode.ALTER, bank__plain=wanted)
    assert db.admin.stored_table("bank.plain") == definitions(bank__plain=wanted)[0].schema


@pytest.mark.parametrize(
    "fields,words",
    [
        ({"columns": {"id": "INT", "owner": "TEXT"}}, "balance is gone"),
        ({"columns": {**ACCOUNT["columns"], "balance": "INT"}}, "balance is BIGINT, by its file"),
        ({"partition_key": ["owner"]}, "its partition key is id, by its file owner"),
        ({"clustering_key": ["balance"]}, "its clustering key is empty, by its file balance ASC"),
        ({"transaction": False}, "it has transaction columns, by its file it has none"),
    ],
)
def test_what_alter_can_not_do_is_an_error_before_anything_is_done(
    db: TransactionManager, fields: dict[str, Any], words: str
) -> None:
    carried_out(db, bank__a=ACCOUNT, bank__b=ACCOUNT)
    wider = changed(columns={**ACCOUNT["columns"], "note": "TEXT"})
    with pytest.raises(SchemaError) as caught:
        carried_out(db, Mode.ALTER, bank__a=wider, bank__b=changed(**fields))
    assert caught.value.message.startswith("f.json:")
    assert ": bank.b: the table can't be altered to this: " in caught.value.message
    assert words in caught.value.message
    assert db.admin.table("bank.a") == SCHEMA


def test_alter_needs_the_table(db: TransactionManager) -> None:
    with pytest.raises(SchemaError, match=r"bank\.account: there is no such table to alter"):
        carried_out(db, Mode.ALTER, bank__account=ACCOUNT)


# Repair.


def test_repair_makes_a_missing_table(db: TransactionManager) -> None:
    plan = carried_out(db, Mode.REPAIR, coordinator=True, bank__account=ACCOUNT)
    assert [str(step).partition(":")[0] for step in plan.steps] == [
        "create namespace bank",
        "repair table bank.account",
        "create coordinator coordinator.state",
    ]
    assert db.admin.table("bank.account") == SCHEMA
    assert db.admin.coordinator_tables_exist()


def test_repair_adds_the_indexes_that_older_releases_did_not_make(db: TransactionManager) -> None:
    carried_out(db, bank__account=ACCOUNT)
    stored = db.admin.stored_table("bank.account")
    assert stored is not None
    plain = TableSchema(stored.columns, ["id"], secondary_index=["owner"])
    db.admin.drop_table("bank.account")
    db.admin.create_table("bank.account", plain, transaction=False)
    with pytest.raises(SchemaError, match="lacks the index on before_owner"):
        make_plan(db, definitions(bank__account=ACCOUNT), Mode.ALTER)
    (warning, remedy) = make_plan(db, definitions(bank__account=ACCOUNT)).warnings
    assert "add the index on before_owner" in warning
    assert "run repair" in remedy

    plan = carried_out(db, Mode.REPAIR, bank__account=ACCOUNT)
    assert texts(plan) == ["repair table bank.account: add the index on before_owner"]
    assert db.admin.stored_table("bank.account") == stored


def test_repair_gives_transaction_columns_to_a_table_without(db: TransactionManager) -> None:
    db.admin.create_table("bank.account", SCHEMA, transaction=False)
    carried_out(db, Mode.REPAIR, bank__account=ACCOUNT)
    assert db.admin.table("bank.account") == SCHEMA
    db.insert("bank.account", {"id": 1, "balance": 5})


def test_repair_takes_nothing_away(db: TransactionManager) -> None:
    wider = changed(columns={**ACCOUNT["columns"], "note": "TEXT"}, secondary_index=["note"])
    carried_out(db, bank__account=wider)
    plan = carried_out(db, Mode.REPAIR, bank__account=ACCOUNT)
    assert [warning.partition("account: ")[2] for warning in plan.warnings] == [
        "note is not in the file, and is kept",
        "the index on note is not in the file, and is kept",
    ]
    schema = db.admin.table("bank.account")
    assert "note" in schema.columns
    assert set(schema.secondary_index) == {"note", "owner"}


@pytest.mark.parametrize(
    "fields",
    [
        {"columns": {**ACCOUNT["columns"], "balance": "INT"}},
        {"partition_key": ["owner"]},
        {"transaction": False},
    ],
)
def test_repair_changes_nothing(db: TransactionManager, fields: dict[str, Any]) -> None:
    carried_out(db, bank__account=ACCOUNT)
    with pytest.raises(SchemaError, match=r"bank\.account: the table can't be repaired to this"):
        carried_out(db, Mode.REPAIR, bank__account=changed(**fields))
    assert db.admin.table("bank.account") == SCHEMA


def test_repair_of_a_table_without_transactions(db: TransactionManager) -> None:
    fields = changed(transaction=False)
    carried_out(db, bank__plain=fields)
    wider = changed(columns={**ACCOUNT["columns"], "note": "TEXT"}, transaction=False)
    carried_out(db, Mode.REPAIR, bank__plain=wider)
    assert db.admin.stored_table("bank.plain") == definitions(bank__plain=wider)[0].schema


def test_repair_brings_back_lost_metadata(sqlite: TransactionManager, tmp_path: Path) -> None:
    carried_out(sqlite, bank__account=ACCOUNT)
    sqlite.insert("bank.account", {"id": 1, "balance": 5})
    with closing(sqlite3.connect(tmp_path / "p.db")) as file, file:
        file.execute('DELETE FROM "scalardb$metadata"')
    with scalar_tx.connect(f"sqlite:///{tmp_path}/p.db") as db:
        carried_out(db, Mode.REPAIR, bank__account=ACCOUNT)
        record = db.get("bank.account", {"id": 1})
        assert record is not None
        assert record["balance"] == 5


# Delete.


def test_delete_removes_tables_and_namespaces_left_empty(db: TransactionManager) -> None:
    carried_out(db, coordinator=True, bank__a=ACCOUNT, bank__b=ACCOUNT, shop__c=ACCOUNT)
    db.admin.create_table("shop.plain", SCHEMA, transaction=False)
    plan = carried_out(
        db, Mode.DELETE, coordinator=True, bank__a=ACCOUNT, bank__b=ACCOUNT, shop__c=ACCOUNT
    )
    assert texts(plan) == [
        "delete table bank.a: and all its records",
        "delete table bank.b: and all its records",
        "delete table shop.c: and all its records",
        "delete namespace bank",
        "skip namespace shop: is kept: it holds shop.plain",
        "delete coordinator coordinator.state: undecided records can't be settled without it",
    ]
    assert set(db.admin.namespaces()) - {"scalardb"} == {"shop"}
    assert db.admin.stored_tables("shop") == ["shop.plain"]
    assert not db.admin.coordinator_tables_exist()
    assert make_plan(db, definitions(bank__a=ACCOUNT), Mode.DELETE).pending == ()


def test_a_namespace_in_which_a_table_was_made_meanwhile_is_kept(db: TransactionManager) -> None:
    carried_out(db, bank__a=ACCOUNT)
    plan = make_plan(db, definitions(bank__a=ACCOUNT), Mode.DELETE)
    db.admin.create_table("bank.late", SCHEMA)
    assert apply(db, plan).ok
    assert db.admin.tables("bank") == ["bank.late"]


# On the way.


def test_a_plan_may_be_carried_out_twice(db: TransactionManager) -> None:
    wider = changed(columns={**ACCOUNT["columns"], "note": "TEXT"}, secondary_index=["note"])
    for mode, fields in ((Mode.CREATE, ACCOUNT), (Mode.ALTER, wider), (Mode.DELETE, wider)):
        plan = make_plan(db, definitions(bank__account=fields), mode, coordinator=True)
        assert apply(db, plan).ok
        again = apply(db, plan)
        assert again.ok
        assert again.done == plan.pending


def test_every_step_is_told(db: TransactionManager) -> None:
    told: list[tuple[Action, Subject, str]] = []
    plan = make_plan(db, definitions(bank__account=ACCOUNT), coordinator=True)
    apply(db, plan, lambda step: told.append((step.action, step.subject, step.name)))
    assert told == [
        (Action.CREATE, Subject.NAMESPACE, "bank"),
        (Action.CREATE, Subject.TABLE, "bank.account"),
        (Action.CREATE, Subject.COORDINATOR, "coordinator.state"),
    ]


def test_a_failure_says_what_was_done_and_what_was_not(sqlite: TransactionManager) -> None:
    # SQLite can't hold the second table: to it, two of its columns are one.
    bad = changed(columns={"id": "INT", "ID": "INT"}, secondary_index=[])
    plan = make_plan(sqlite, definitions(bank__a=ACCOUNT, bank__b=bad, shop__c=ACCOUNT))
    outcome = apply(sqlite, plan)
    assert not outcome.ok
    assert [step.name for step in outcome.done] == ["bank", "bank.a"]
    assert outcome.failed is not None
    assert outcome.failed.name == "bank.b"
    assert [step.name for step in outcome.left] == ["shop", "shop.c"]
    assert sqlite.admin.tables("bank") == ["bank.a"]
    with pytest.raises(InvalidOperationError) as caught:
        outcome.raise_for_failure()
    (note,) = caught.value.__notes__
    assert note.splitlines() == [
        "done: create namespace bank",
        "done: create table bank.a: 3 columns, key id, index on owner",
        "failed: create table bank.b: 2 columns, key id",
        "not begun: create namespace shop",
        "not begun: create table shop.c: 3 columns, key id, index on owner",
    ]
    # What was done is not done twice, and the rest is.
    plan = carried_out(sqlite, bank__a=ACCOUNT, bank__b=ACCOUNT, shop__c=ACCOUNT)
    assert [step.name for step in plan.pending] == ["bank.b", "shop", "shop.c"]


def test_a_database_that_can_not_be_opened_is_an_error(tmp_path: Path) -> None:
    with (
        scalar_tx.connect(f"sqlite:///{tmp_path}/missing/p.db") as db,
        pytest.raises(StorageUnavailableError),
    ):
        make_plan(db, definitions(bank__account=ACCOUNT))

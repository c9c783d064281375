"""Whatever is wrong with a schema change, the refusal says so and the tables stay as they were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from scalar_tx import TableSchema
from scalar_tx.errors import InvalidOperationError, SchemaError
from tests.bad_input import wrong_values as wrong
from tests.bad_input.refusals import blanks, refusal
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Iterable

NEW: Final = {
    "table": "bank.new",
    "columns": {"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
    "partition_key": ["id"],
}
MISSING_TABLE: Final = tuple(name for name in wrong.TABLE if name != ACCOUNT)
NEW_TABLE: Final = tuple(
    name
    for name in wrong.TABLE
    if name not in ("bank.nothing", "nowhere.account", "BANK.ACCOUNT", "bank.account\x00")
)
NO_NEW_COLUMN: Final[tuple[Any, ...]] = (
    *(None, 5, True, [], {}, "", "owner", "id", "tx_id", "before_owner", "a\x00"),
)
CALLS: Final[list[tuple[str, dict[str, Any], dict[str, Iterable[Any]]]]] = [
    (
        "create_namespace",
        {"namespace": "new"},
        {
            "namespace": (*wrong.NAMESPACE, "bank"),
            "if_not_exists": wrong.FLAG,
            "options": wrong.OPTIONS,
        },
    ),
    (
        "drop_namespace",
        {"namespace": "nowhere"},
        {"namespace": (*wrong.NAMESPACE, "nowhere", "bank"), "if_exists": wrong.FLAG},
    ),
    (
        "create_table",
        NEW,
        {
            "table": (*NEW_TABLE, ACCOUNT),
            "schema": (*wrong.SCHEMA, TableSchema({"id": "INT"}, ["id"])),
            "columns": (None, *wrong.COLUMN_TYPES),
            "partition_key": (None, *wrong.KEY_COLUMNS),
            "clustering_key": wrong.CLUSTERING,
            "secondary_index": wrong.MORE_COLUMNS,
            "transaction": wrong.FLAG,
            "if_not_exists": wrong.FLAG,
            "options": wrong.OPTIONS,
        },
    ),
    ("create_table", {"table": "bank.new", "schema": None}, {"schema": (None, *wrong.SCHEMA)}),
    ("drop_table", {"table": ACCOUNT}, {"table": MISSING_TABLE, "if_exists": wrong.FLAG}),
    ("truncate_table", {"table": ACCOUNT}, {"table": MISSING_TABLE}),
    ("tables", {"namespace": "bank"}, {"namespace": wrong.NAMESPACE}),
    ("stored_tables", {"namespace": "bank"}, {"namespace": wrong.NAMESPACE}),
    ("table", {"table": ACCOUNT}, {"table": MISSING_TABLE}),
    ("stored_table", {"table": ACCOUNT}, {"table": (*wrong.NAMES, "", "account", "a.b.c")}),
    (
        "add_column",
        {"table": ACCOUNT, "column": "more", "data_type": "INT"},
        {
            "table": MISSING_TABLE,
            "column": NO_NEW_COLUMN,
            "data_type": wrong.COLUMN_TYPE,
            "if_not_exists": wrong.FLAG,
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "drop_column",
        {"table": ACCOUNT, "column": "balance"},
        {
            "table": MISSING_TABLE,
            "column": (*wrong.COLUMN_NAME, "id"),
            "if_exists": wrong.FLAG,
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "rename_column",
        {"table": ACCOUNT, "column": "balance", "new_name": "amount"},
        {
            "table": MISSING_TABLE,
            "column": wrong.COLUMN_NAME,
            "new_name": (*NO_NEW_COLUMN, "balance"),
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "alter_column_type",
        {"table": ACCOUNT, "column": "balance", "data_type": "TEXT"},
        {
            "table": MISSING_TABLE,
            "column": (*wrong.COLUMN_NAME, "id"),
            "data_type": (*wrong.COLUMN_TYPE, "INT", "DOUBLE"),
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "rename_table",
        {"table": ACCOUNT, "new_name": "bank.customer"},
        {
            "table": MISSING_TABLE,
            "new_name": (*wrong.NAMES, "", "customer", "bank.", "a.b.c", "shop.customer"),
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "import_table",
        {"table": "bank.nothing"},
        {
            "table": wrong.TABLE,
            "override_types": (*wrong.SCALARS, [], [("id", "INT")], {"id": "UUID"}, {"id": None}),
            "transaction": wrong.FLAG,
            "options": (*wrong.OPTIONS, {"transaction-metadata-decoupling": "TRUE"}),
        },
    ),
    ("upgrade", {}, {"options": wrong.OPTIONS, "dry_run": wrong.FLAG}),
    (
        "create_index",
        {"table": ACCOUNT, "column": "balance"},
        {
            "table": MISSING_TABLE,
            "column": (*wrong.COLUMN_NAME, "owner"),
            "if_not_exists": wrong.FLAG,
            "transaction": (False, *wrong.FLAG),
            "options": wrong.OPTIONS,
        },
    ),
    (
        "drop_index",
        {"table": ACCOUNT, "column": "owner"},
        {
            "table": MISSING_TABLE,
            "column": (*wrong.COLUMN_NAME, "balance", "id"),
            "if_exists": wrong.FLAG,
            "transaction": (False, *wrong.FLAG),
        },
    ),
    (
        "repair_table",
        {"table": ACCOUNT},
        {
            "table": MISSING_TABLE,
            "schema": wrong.SCHEMA,
            "transaction": (False, *wrong.FLAG),
            "options": wrong.OPTIONS,
        },
    ),
    (
        "create_coordinator_tables",
        {},
        {"if_not_exists": (False, *wrong.FLAG), "options": wrong.OPTIONS},
    ),
    ("drop_coordinator_tables", {}, {"if_exists": wrong.FLAG}),
    ("repair_coordinator_tables", {}, {"options": wrong.OPTIONS}),
]


def one_wrong(right: dict[str, Any], wrongs: dict[str, Iterable[Any]]) -> Iterable[dict[str, Any]]:
    for name, values in wrongs.items():
        for value in values:
            yield {**right, name: value}


async def test_administration(db: Any) -> None:
    await make_accounts(db)
    records = await now(db.scan(ACCOUNT, whole_table=True))
    schema = await now(db.admin.table(ACCOUNT))
    namespaces = await now(db.admin.namespaces())
    found = []
    for method, right, wrongs in CALLS:
        for arguments in one_wrong(right, wrongs):
            error = await refusal(getattr(db.admin, method), **arguments)
            if not isinstance(error, InvalidOperationError | SchemaError):
                found.append(f"{method}({arguments}): {error!r}")
            elif blanks(error):
                found.append(f"{method}({arguments}): no {blanks(error)}: {error}")
    assert found == []
    assert await now(db.admin.namespaces()) == namespaces
    assert await now(db.admin.tables("bank")) == [ACCOUNT]
    assert await now(db.admin.table(ACCOUNT)) == schema
    assert await now(db.scan(ACCOUNT, whole_table=True)) == records


async def test_a_table_without_transaction_columns(db: Any) -> None:
    await now(
        db.admin.create_table(
            "bank.bare", columns={"id": "INT"}, partition_key=["id"], transaction=False
        )
    )
    for call in (
        db.get,
        db.delete,
        db.upsert,
    ):
        error = await refusal(call, "bank.bare", {"id": 1})
        assert isinstance(error, InvalidOperationError)
        assert error.code == "STX-3019"
        assert "open_storage" in error.advice


@pytest.mark.parametrize(
    "arguments",
    [
        dict(zip(("columns", "partition_key"), pair, strict=True))
        for pair in [
            *((columns, ["id"]) for columns in wrong.COLUMN_TYPES if columns != {"id": None}),
            *(({"id": "INT"}, key) for key in wrong.KEY_COLUMNS),
        ]
    ],
    # The same in every process: no addresses.
    ids=lambda arguments: re.sub(r" at 0x\w+", "", repr(arguments))[:60],
)
def test_a_schema_that_can_t_be(arguments: dict[str, Any]) -> None:
    columns = arguments["columns"]
    if isinstance(columns, dict) and ("tx_id" in columns or "before_a" in columns):
        TableSchema(**arguments)  # only a transactional table has reserved names
        return
    with pytest.raises(SchemaError) as caught:
        TableSchema(**arguments)
    assert blanks(caught.value) == []

"""Hostile names and values: what goes in comes out, and no name reaches another table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.model.types import DataType, to_float32
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    OrderBy,
    ScanRequest,
    WholeTableSource,
    Write,
)
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.files import all_rows, by_hand, key_of, mutate, others_of, run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.model.types import Row
    from scalar_tx.storage.sqlite.storage import SqliteStorage

HOSTILE = st.sampled_from(
    ['"', "'", "`", "]", '"; DROP TABLE x; --', "?", "%s", ":a", "@a", "a b", "excluded", "rowid",
     "select", "\u00e4", "\u0130", "\U0001f600", "\n", "_", "%", "{column}", "NULL", "t", "T"]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="$.\x00"), min_size=1)
NAMES = st.one_of(HOSTILE, TEXT, st.builds(str.__add__, HOSTILE, HOSTILE))
COLUMNS = st.lists(
    NAMES.map(str.strip).filter(bool),
    min_size=4,
    max_size=6,
    unique_by=lambda n: n.encode().lower(),
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]))
EXAMPLES = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> SqliteStorage:
    return open_sqlite(f"jdbc:sqlite:{tmp_path_factory.mktemp('names')}/a.db?synchronous=OFF")


@EXAMPLES
@given(namespace=NAMES, names=st.lists(NAMES, min_size=2, max_size=2, unique=True), columns=COLUMNS,
       values=st.lists(VALUES, min_size=2, max_size=2, unique=True))  # fmt: skip
@example(namespace="a", names=["b_c", "c"], columns=["a", "d", "e", "f"], values=["1", "2"])
def test_any_name_is_a_name(
    storage: SqliteStorage,
    namespace: str,
    names: list[str],
    columns: list[str],
    values: list[str],
) -> None:
    assume(names[0].encode().lower() != names[1].encode().lower())
    assume(not namespace.lower().startswith("sqlite_"))
    partition, clustering, indexed, plain = columns[:4]
    assume(not any(name.upper().endswith((" ASC", " DESC")) for name in columns))
    schema = TableSchema(
        dict.fromkeys(columns, "TEXT"), [partition], [f"{clustering} DESC"], [indexed]
    )
    tables = [Table(f"{namespace}.{name}", schema) for name in names]
    for table in tables:
        run(storage.admin.create_table(table))
    try:
        for table in tables:
            assert run(storage.admin.table(table.name)) == table
            assert table.name in run(storage.admin.tables(namespace))
        assert namespace in run(storage.admin.namespaces())
        rows: list[Row] = [
            dict.fromkeys(table.columns, f"{number}{value}")
            for number, (table, value) in enumerate(zip(tables, values, strict=True))
        ]
        for table, row in zip(tables, rows, strict=True):
            key = key_of(table, row)
            mutate(storage, Write(table, key, others_of(table, row), if_not_exists))
            mutate(storage, Write(table, key, {plain: row[plain]}))
            mutate(storage, Write(table, key, {plain: row[plain]}, column(indexed) == row[indexed]))
        for table, row in zip(tables, rows, strict=True):
            assert run(storage.get(table, key_of(table, row))) == row
            order = (OrderBy(plain, Order.DESC),)
            for source in (WholeTableSource(order), IndexSource(indexed, row[indexed])):
                where = column(plain) == row[plain]
                assert all_rows(storage, ScanRequest(table, source, where)) == [row]
                assert all_rows(storage, ScanRequest(table, source, after=row)) == []
        mutate(storage, Erase(tables[0], key_of(tables[0], rows[0]), column(plain).like("%")))
        assert all_rows(storage, ScanRequest(tables[0], WholeTableSource())) == []
        assert all_rows(storage, ScanRequest(tables[1], WholeTableSource())) == [rows[1]]
        run(storage.admin.drop_index(tables[0], indexed))
        run(storage.admin.drop_table(tables[0].name))
        assert run(storage.admin.table(tables[0].name)) is None
        assert all_rows(storage, ScanRequest(tables[1], IndexSource(indexed, rows[1][indexed])))
    finally:
        for table in tables:
            run(storage.admin.drop_table(table.name, if_exists=True))


TYPES: dict[str, st.SearchStrategy[object]] = {
    "BOOLEAN": st.booleans(),
    "INT": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "FLOAT": st.floats(width=32, allow_nan=False),
    "DOUBLE": st.floats(allow_nan=False),
    "TEXT": VALUES,
    "BLOB": st.binary(),
    "DATE": st.dates(dt.date(1000, 1, 1)),
    "TIME": st.times(),
    "TIMESTAMP": st.datetimes(dt.datetime(1000, 1, 1)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    ),
}
TYPES["TIMESTAMPTZ"] = TYPES["TIMESTAMP"].map(lambda t: t.replace(tzinfo=dt.UTC))  # type: ignore[attr-defined]
EVERY_TYPE = Table(
    "ns.types",
    TableSchema({"id": "INT"} | {name.lower(): name for name in TYPES}, ["id"]),
)


@settings(EXAMPLES, max_examples=150)
@given(values=st.fixed_dictionaries({n.lower(): st.none() | v for n, v in TYPES.items()}))
def test_any_value_comes_back(storage: SqliteStorage, values: Row) -> None:
    run(storage.admin.create_table(EVERY_TYPE, if_not_exists=True))
    for name, value in values.items():
        data_type = EVERY_TYPE.schema.columns[name]
        assert storage.objection("ns.t", data_type, value, in_key=False) is None
    mutate(storage, Write(EVERY_TYPE, (1,), values))
    row = run(storage.get(EVERY_TYPE, (1,)))
    assert row == {"id": 1, **values}
    assert row is not None
    assert [type(row[name]) for name in values] == [type(value) for value in values.values()]
    for name, value in values.items():
        where = column(name).is_null() if value is None else column(name) == value
        mutate(storage, Write(EVERY_TYPE, (1,), {}, where))
        assert all_rows(storage, ScanRequest(EVERY_TYPE, WholeTableSource(), where)) == [row]


def test_values_sqlite_can_not_hold_are_told(storage: SqliteStorage) -> None:
    for data_type in (DataType.FLOAT, DataType.DOUBLE):
        objection = storage.objection("ns.t", data_type, float("nan"), in_key=True)
        assert objection is not None
        assert "NaN" in objection
    assert storage.objection("ns.t", DataType.DOUBLE, -0.0, in_key=True) is None
    assert storage.objection("ns.t", DataType.FLOAT, to_float32(1.1), in_key=True) is None
    assert storage.objection("ns.t", DataType.BLOB, bytes(10**6), in_key=False) is None
    assert storage.objection("ns.t", DataType.BLOB, bytes(10**9 + 1), in_key=False) is not None


def simple(name: str, *columns: str) -> Table:
    names = columns or ("id", "v")
    return Table(name, TableSchema(dict.fromkeys(names, "INT"), [names[0]]))


@pytest.mark.parametrize(
    "table",
    [
        simple("a$b.c"),
        simple("a.b$c"),
        simple("a.b\x00c"),
        simple("a.\ud800"),
        simple("sqlite_a.b"),
        simple("SQLite_a.b"),
        simple("a.b", "id", "ID"),
        simple("a.b", "id", "v", "V"),
        simple("a.b", "id", "\ud800"),
        simple("scalardb.metadata"),
    ],
    ids=repr,
)
def test_names_that_can_not_be_are_refused(tmp_path: Path, table: Table) -> None:
    storage = open_sqlite(str(tmp_path / "a.db"))
    for attempt in (storage.admin.create_table, storage.admin.repair_table):
        if table.name == "scalardb.metadata" and attempt == storage.admin.repair_table:
            continue
        with pytest.raises(InvalidOperationError) as caught:
            run(attempt(table))
        assert caught.value.advice
        assert caught.value.code == ("STX-3018" if "metadata" in table.name else "STX-3305")
    assert run(storage.admin.tables(table.namespace)) == []


def test_a_namespace_with_the_joint_is_refused(storage: SqliteStorage) -> None:
    with pytest.raises(InvalidOperationError, match=r"\$"):
        run(storage.admin.create_namespace("a$b"))


def test_a_table_that_differs_in_case_only_is_refused(tmp_path: Path) -> None:
    storage = open_sqlite(str(tmp_path / "a.db"))
    run(storage.admin.create_table(simple("shop.orders")))
    mutate(storage, Write(simple("shop.orders"), (1,), {"v": 1}))
    other = simple("shop.Orders")
    for attempt in (
        storage.admin.create_table(other),
        storage.get(other, (1,)),
        storage.mutate([Write(other, (1,), {"v": 2})]),
        storage.mutate([Erase(other, (1,)), Erase(other, (2,))]),
        storage.admin.truncate_table("shop.ORDERS"),
        storage.admin.drop_table("Shop.orders"),
    ):
        with pytest.raises(InvalidOperationError):
            run(attempt)
    with pytest.raises(InvalidOperationError):
        all_rows(storage, ScanRequest(other, WholeTableSource()))
    assert run(storage.get(simple("shop.orders"), (1,))) == {"id": 1, "v": 1}
    assert run(storage.admin.table("shop.Orders")) is None
    # Only ASCII letters are the same to SQLite.
    run(storage.admin.create_table(simple("shop.\u00e4")))
    run(storage.admin.create_table(simple("shop.\u00c4")))
    assert len(run(storage.admin.tables("shop"))) == 3


def test_a_column_that_is_not_in_the_file_is_no_text(tmp_path: Path) -> None:
    """SQLite would take a quoted name that is no column for a text."""
    storage = open_sqlite(str(tmp_path / "a.db"))
    run(storage.admin.create_table(simple("shop.orders")))
    mutate(storage, Write(simple("shop.orders"), (1,), {"v": 1}))
    with pytest.raises(SchemaError, match="lacks w"):
        run(storage.get(simple("shop.orders", "id", "v", "w"), (1,)))
    # Also where it vanished after the table was first used.
    assert run(storage.get(simple("shop.orders"), (1,)))
    by_hand(tmp_path / "a.db", 'ALTER TABLE "shop$orders" RENAME COLUMN v TO gone')
    for attempt in (
        storage.get(simple("shop.orders"), (1,)),
        storage.mutate([Write(simple("shop.orders"), (1,), {"v": 1})]),
        storage.mutate([Write(simple("shop.orders"), (1,), {"v": 1}, column("v") == 1)]),
        storage.mutate([Erase(simple("shop.orders"), (1,), column("v") == 1)]),
    ):
        with pytest.raises(SchemaError):
            run(attempt)
    with pytest.raises(SchemaError):
        all_rows(
            storage,
            ScanRequest(simple("shop.orders"), WholeTableSource((OrderBy("v", Order.ASC),))),
        )


def test_index_names_that_meet_are_kept_apart(tmp_path: Path) -> None:
    storage = open_sqlite(str(tmp_path / "a.db"))
    tables = [
        Table("a.b_c", TableSchema({"id": "INT", "d": "INT"}, ["id"], (), ["d"])),
        Table("a_b.c", TableSchema({"id": "INT", "d": "INT"}, ["id"], (), ["d"])),
    ]
    for table in tables:
        run(storage.admin.create_table(table))
    text = "SELECT name, tbl_name FROM sqlite_master WHERE type='index' AND sql <> '' ORDER BY 2"
    (first, _), (second, _) = by_hand(tmp_path / "a.db", text)
    assert first == "index_a_b_c_d" != second
    run(storage.admin.drop_index(tables[1], "d"))
    assert by_hand(tmp_path / "a.db", text) == [("index_a_b_c_d", "a$b_c")]
    run(storage.admin.create_index(tables[1], "d"))
    assert len(by_hand(tmp_path / "a.db", text)) == 2

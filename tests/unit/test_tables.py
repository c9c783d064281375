"""What is a table, and what do its checks say of a request?"""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.checks import Checks
from scalar_tx.model.record import Record
from scalar_tx.model.table import Order, Table, TableSchema, split_name
from scalar_tx.storage.mysql.codec import objection_for

COLUMNS = {"p": "INT", "c": "TEXT", "d": "INT", "v": "INT"}


def test_a_schema() -> None:
    schema = TableSchema(COLUMNS, ["p"], ["c DESC", "d asc"], ["v", "v"])
    assert schema.primary_key == ("p", "c", "d")
    assert schema.other_columns == ("v",)
    assert dict(schema.clustering_orders) == {"c": Order.DESC, "d": Order.ASC}
    assert schema.secondary_index == ("v",)
    assert Order.ASC.reversed is Order.DESC
    table = Table("a.b", schema)
    assert (table.namespace, table.short_name, table.columns) == ("a", "b", ("p", "c", "d", "v"))
    assert table.key_of({"v": 1, "d": 2, "c": "x", "p": 3}) == (3, "x", 2)


def test_equality_is_by_what_has_a_meaning() -> None:
    one = TableSchema(COLUMNS, ["p"], ["c"], ["v", "d"])
    assert one == TableSchema(dict(reversed(COLUMNS.items())), ["p"], ["c ASC"], ["d", "v"])
    for other in (
        TableSchema(COLUMNS, ["p"], ["c DESC"], ["v", "d"]),
        TableSchema(COLUMNS, ["p", "c"], [], ["v", "d"]),
        TableSchema(COLUMNS, ["p"], ["c"], ["v"]),
        TableSchema({**COLUMNS, "v": "TEXT"}, ["p"], ["c"], ["v", "d"]),
    ):
        assert one != other
    assert one != "schema"


def test_a_name_may_hold_a_space() -> None:
    schema = TableSchema({"p": "INT", "c DESC": "INT"}, ["p"], ["c DESC"])
    assert schema.clustering_key == ("c DESC",)
    assert schema.clustering_orders["c DESC"] is Order.ASC


@pytest.mark.parametrize(
    "arguments",
    [
        ({}, ["p"]),
        (COLUMNS, []),
        (COLUMNS, ["nope"]),
        (COLUMNS, ["p"], ["nope"]),
        (COLUMNS, ["p"], ["c", "c DESC"]),
        (COLUMNS, ["p"], ["p"]),
        (COLUMNS, ["p", "p"]),
        (COLUMNS, ["p"], [], ["nope"]),
        (COLUMNS, ["p"], ["c SIDEWAYS"]),
        ({"": "INT"}, [""]),
    ],
)
def test_what_does_not_fit_together(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(SchemaError):
        TableSchema(*arguments)


@pytest.mark.parametrize("name", ["", ".", "a", "a.", ".b", "a.b.c", None, 5, ["a.b"]])
def test_what_is_no_table_name(name: object) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        split_name(name)
    assert caught.value.code == "STX-3011"
    assert split_name("a.b") == ("a", "b")


@pytest.fixture
def checks() -> Checks:
    def objection(table: str, data_type: object, value: object, *, in_key: bool) -> str | None:
        return "thirteen is unlucky" if value == 13 else None

    return Checks("a.b", TableSchema(COLUMNS, ["p"], ["c", "d"], ["v"]), objection)


def test_keys(checks: Checks) -> None:
    columns = checks.schema.primary_key
    assert checks.key({"d": 2, "p": 1, "c": "x"}, columns, "key") == (1, "x", 2)
    for wrong, word in (
        ({"p": 1, "c": "x"}, "lacks d"),
        ({"p": 1, "c": "x", "d": 1, "v": 1}, "does not have v"),
        ({"p": 1, "c": "", "d": 1}, "empty"),
        ({"p": 1, "c": None, "d": 1}, "NULL"),
        ({"p": 13, "c": "x", "d": 1}, "unlucky"),
        ([1, "x", 2], "list"),
    ):
        with pytest.raises(InvalidOperationError) as caught:
            checks.key(wrong, columns, "key")
        assert word in caught.value.message


def test_values(checks: Checks) -> None:
    assert checks.values({"v": 1, "p": 1, "c": "x", "d": 2}, with_key=True) == (
        (1, "x", 2),
        {"v": 1},
    )
    assert checks.values({"v": None}, with_key=False) == ((), {"v": None})
    for wrong in ({"p": 1}, {"nope": 1}, {"v": "x"}, {"v": 13}):
        with pytest.raises(InvalidOperationError):
            checks.values(wrong, with_key=False)


def test_what_an_index_can_not_hold_is_refused_where_it_is_written() -> None:
    schema = TableSchema({"n": "INT", "indexed": "TEXT", "plain": "TEXT"}, ["n"], (), ["indexed"])
    objection = objection_for(key_size=128)
    checks = Checks("a.b", schema, lambda *given, in_key: objection(given[2], in_key))
    long = "x" * 129
    assert checks.values({"plain": long, "indexed": long[1:]}, with_key=False)
    with pytest.raises(InvalidOperationError, match=r"a\.b\.indexed: a key holds at most 128"):
        checks.values({"indexed": long}, with_key=False)
    assert checks.indexed({"indexed": long}) == ("indexed", long)  # which finds nothing


def test_bounds_and_indexes(checks: Checks) -> None:
    assert checks.bound(None, "start") == ()
    assert checks.bound({"c": "x"}, "start") == ("x",)
    assert checks.bound({"d": 1, "c": "x"}, "start") == ("x", 1)
    for wrong in ({"d": 1}, {}, {"c": "x", "v": 1}, {"c": None}):
        with pytest.raises(InvalidOperationError):
            checks.bound(wrong, "start")
    assert checks.indexed({"v": 5}) == ("v", 5)
    for wrong in ({"v": None}, {"d": 1}, {"nope": 1}, {}, {"v": 1, "d": 1}):
        with pytest.raises(InvalidOperationError):
            checks.indexed(wrong)
    assert checks.projection(["v", "p", "v"]) == ("v", "p")


def test_equal_records_have_equal_hashes() -> None:
    records = [Record("a.b", {"p": number}, {"v": 1}) for number in (1, 2, 1)]
    assert records[0] == records[2]
    assert hash(records[0]) == hash(records[2])
    assert records[0] != records[1]
    assert records[0] != Record("a.other", {"p": 1}, {"v": 1})
    assert records[0] == {"v": 1}
    assert records[0] != 5

"""The requests of writes, by the specification's worked example and one condition at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import column, if_exists, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.dynamo.conditions import needs_judging, pinned
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.statements import TableStatements, transact_entry
from scalar_tx.storage.interface import Erase, Write

if TYPE_CHECKING:
    from scalar_tx.model.conditions import Condition

TABLE = Table(
    "ns.tbl",
    TableSchema(
        {"p1": "INT", "p2": "TEXT", "c1": "INT", "c2": "TEXT", "v1": "TEXT", "v2": "INT"},
        ["p1", "p2"],
        ["c1 ASC", "c2 DESC"],
        ["v1"],
    ),
)
KEY = (1, "abc", 2, "ab")
MADE = TableStatements(TABLE, Names("pre_"))
EXISTS = (
    "attribute_exists(concatenatedPartitionKey) AND attribute_exists(concatenatedClusteringKey)"
)


def test_an_unconditional_write_names_its_key() -> None:
    request = MADE.mutation(Write(TABLE, KEY, {"v1": "x", "v2": None}))
    assert request == {
        "TableName": "pre_ns.tbl",
        "Key": {
            "concatenatedPartitionKey": {"B": bytes.fromhex("8000000161626300")},
            "concatenatedClusteringKey": {"B": bytes.fromhex("800000029e9dff")},
        },
        "UpdateExpression": "SET #col0 = :val0, #col1 = :val1, #col2 = :val2, #col3 = :val3, "
        "#col4 = :val4 REMOVE #col5",
        "ExpressionAttributeNames": {
            "#col0": "p1", "#col1": "p2", "#col2": "c1", "#col3": "c2", "#col4": "v1", "#col5": "v2"
        },
        "ExpressionAttributeValues": {
            ":val0": {"N": "1"}, ":val1": {"S": "abc"}, ":val2": {"N": "2"}, ":val3": {"S": "ab"},
            ":val4": {"S": "x"},
        },
    }  # fmt: skip


def test_a_conditional_write_names_what_is_given() -> None:
    condition = (column("v1") == "x") & column("v2").is_null()
    request = MADE.mutation(Write(TABLE, KEY, {"v2": 5}, condition))
    assert request["UpdateExpression"] == "SET #col0 = :val0"
    assert request["ConditionExpression"] == (
        f"{EXISTS} AND (#ccol0 = :cval0 AND (attribute_not_exists(#ccol1) OR #ccol1 = :cval1))"
    )
    assert request["ExpressionAttributeNames"] == {"#col0": "v2", "#ccol0": "v1", "#ccol1": "v2"}
    assert request["ExpressionAttributeValues"] == {
        ":val0": {"N": "5"}, ":cval0": {"S": "x"}, ":cval1": {"NULL": True}
    }  # fmt: skip


def test_a_new_record_names_its_key() -> None:
    request = MADE.mutation(Write(TABLE, KEY, {}, if_not_exists))
    assert request["ConditionExpression"] == EXISTS.replace("exists", "not_exists")
    assert request["UpdateExpression"].count("=") == 4


def test_nothing_to_set_leaves_no_empty_mapping() -> None:
    write = Write(TABLE, KEY, {}, if_exists)
    request = MADE.mutation(write)
    assert set(request) == {"TableName", "Key", "ConditionExpression"}
    assert set(transact_entry(write, request)) == {"ConditionCheck"}
    only_null = MADE.mutation(Write(TABLE, KEY, {"v2": None}, if_exists))
    assert "ExpressionAttributeValues" not in only_null
    erase = Erase(TABLE, KEY)
    assert set(transact_entry(erase, MADE.mutation(erase))) == {"Delete"}
    assert set(MADE.mutation(erase)) == {"TableName", "Key"}


@pytest.mark.parametrize(
    "condition, wanted",
    [
        (column("v2") > 1, "#ccol0 > :cval0"),
        (column("v2") <= 1, "#ccol0 <= :cval0"),
        (
            column("v2") != 1,
            "((attribute_exists(#ccol0) AND NOT #ccol0 = :cval1) AND NOT #ccol0 = :cval0)",
        ),
        (column("v2").is_not_null(), "(attribute_exists(#ccol0) AND NOT #ccol0 = :cval0)"),
        ((column("v2") == 1) | (column("v1") == "y"), "(#ccol0 = :cval0 OR #ccol1 = :cval1)"),
    ],
    ids=str,
)
def test_conditions(condition: Condition, wanted: str) -> None:
    request = MADE.mutation(Erase(TABLE, KEY, condition))
    assert request["ConditionExpression"] == f"{EXISTS} AND {wanted}"


def test_what_was_judged_here_is_asked_for_by_value() -> None:
    condition = column("v1").like("x%") | (column("v2") == 3)
    assert needs_judging(condition)
    assert not needs_judging(column("v2") == 3)
    assert (
        pinned(condition, {"v1": "xy", "v2": None})
        == (column("v1") == "xy") & column("v2").is_null()
    )
    with pytest.raises(InvalidOperationError):
        MADE.mutation(Erase(TABLE, KEY, condition))


def test_an_index_holds_nothing_empty() -> None:
    with pytest.raises(InvalidOperationError, match="indexed"):
        MADE.mutation(Write(TABLE, KEY, {"v1": ""}))

"""Does a value arrive as it was, at clients of every release?

From the protocol's description: columns and nulls (6.1), clients before 3.6 (6.6).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import (
    column_message,
    column_of,
    columns_of,
    old_column_message,
    old_column_of,
)
from scalar_tx.cluster.scalardb_server.results import result_message
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.record import Record
from scalar_tx.model.types import INT64_MIN, DataType, Value, to_float32
from tests.cluster.shop import COLUMN_OF_TYPE, SCHEMA, TABLE, VALUES, ZEROES

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize("data_type", COLUMN_OF_TYPE, ids=lambda t: t.value)
def test_zero_false_and_empty_are_values_on_the_wire(data_type: DataType) -> None:
    name, zero = COLUMN_OF_TYPE[data_type], ZEROES[data_type]
    message = column_message(name, zero, data_type, TABLE)
    assert message.WhichOneof("value") == f"{data_type.value.lower()}_value"
    assert column_of(message, SCHEMA, TABLE) == (name, zero)


@pytest.mark.parametrize("data_type", COLUMN_OF_TYPE, ids=lambda t: t.value)
def test_null_is_a_column_with_only_a_name(data_type: DataType) -> None:
    name = COLUMN_OF_TYPE[data_type]
    message = column_message(name, None, data_type, TABLE)
    assert message == rpc.Column(name=name)
    assert message.WhichOneof("value") is None
    assert column_of(message, SCHEMA, TABLE) == (name, None)


def test_a_column_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match="no column 'gone'") as caught:
        column_of(rpc.Column(name="gone"), SCHEMA, TABLE)
    assert caught.value.code == "STX-3012"


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match=r"shop\.orders\.total is BIGINT") as caught:
        column_of(rpc.Column(name="total", int_value=1), SCHEMA, TABLE)
    assert caught.value.code == "STX-3010"


def test_float_is_rounded_to_32_bits_both_ways() -> None:
    sent = column_message("share", 0.1, DataType.FLOAT, TABLE)
    assert sent.float_value == to_float32(0.1) != 0.1
    received = rpc.Column.FromString(sent.SerializeToString())
    assert column_of(received, SCHEMA, TABLE) == ("share", to_float32(0.1))
    with pytest.raises(InvalidOperationError, match="32-bit"):
        column_message("share", 1e39, DataType.FLOAT, TABLE)


def test_not_a_number_arrives() -> None:
    for name in ("share", "exact"):
        sent = column_message(name, math.nan, SCHEMA.columns[name], TABLE)
        value = column_of(sent, SCHEMA, TABLE)[1]
        assert isinstance(value, float)
        assert math.isnan(value)


def test_a_bigint_may_use_all_of_its_64_bits() -> None:
    sent = column_message("total", INT64_MIN, DataType.BIGINT, TABLE)
    assert column_of(sent, SCHEMA, TABLE) == ("total", INT64_MIN)


def test_a_date_can_not_be_sent() -> None:
    with pytest.raises(InvalidOperationError, match=r"shop\.orders\.day is DATE"):
        column_message("day", None, DataType.DATE, TABLE)


@pytest.mark.parametrize("old", [False, True], ids=["columns", "values"])
def test_a_column_twice_in_one_list_is_refused(old: bool) -> None:
    columns = [rpc.Column(name="size", int_value=n) for n in (1, 2)]
    values = [rpc.Value(name="size", int_value=n) for n in (1, 2)]
    with pytest.raises(InvalidOperationError, match=r"shop\.orders\.size is there twice"):
        columns_of([] if old else columns, values if old else [], SCHEMA, TABLE)


def rows() -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries(
        {}, optional={n: VALUES[t] | st.none() for n, t in SCHEMA.columns.items()}
    )


@given(rows())
def test_a_record_arrives_as_it_is(row: dict[str, Value]) -> None:
    record = Record(TABLE, {}, row)
    sent = rpc.Result.FromString(result_message(record, SCHEMA, TABLE).SerializeToString())
    assert [column.name for column in sent.columns] == list(row)  # each of them once
    assert not sent.value
    assert columns_of(sent.columns, sent.value, SCHEMA, TABLE) == row


def can_be_old(row: Mapping[str, Value]) -> bool:
    return all(
        value is not None or SCHEMA.columns[name] in (DataType.TEXT, DataType.BLOB)
        for name, value in row.items()
    )


@given(rows().filter(can_be_old))
def test_a_record_arrives_at_an_old_client(row: dict[str, Value]) -> None:
    message = result_message(Record(TABLE, {}, row), SCHEMA, TABLE, old=True)
    sent = rpc.Result.FromString(message.SerializeToString())
    assert not sent.columns
    assert columns_of(sent.columns, sent.value, SCHEMA, TABLE) == row


def test_an_old_null_is_an_empty_text_or_blob() -> None:
    text = old_column_message("note", None, DataType.TEXT, TABLE)
    assert text == rpc.Value(name="note", text_value=rpc.Value.TextValue())
    assert text.WhichOneof("value") == "text_value"
    blob = old_column_message("scan", None, DataType.BLOB, TABLE)
    assert blob == rpc.Value(name="scan", blob_value=rpc.Value.BlobValue())
    assert old_column_of(text, SCHEMA, TABLE) == ("note", None)
    assert old_column_of(blob, SCHEMA, TABLE) == ("scan", None)
    empty = old_column_message("note", "", DataType.TEXT, TABLE)
    assert empty != text
    assert old_column_of(empty, SCHEMA, TABLE) == ("note", "")


@pytest.mark.parametrize("name", ["paid", "size", "total", "share", "exact"])
def test_an_old_client_can_not_be_told_of_other_nulls(name: str) -> None:
    with pytest.raises(InvalidOperationError, match=r"before 3\.6"):
        old_column_message(name, None, SCHEMA.columns[name], TABLE)


def test_an_old_value_that_is_unset_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match="has no value"):
        old_column_of(rpc.Value(name="note"), SCHEMA, TABLE)

"""Do the shared encodings keep values and their order?"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.encoding import (
    date_code,
    date_from_code,
    epoch_ms,
    ordered_bytes,
    time_code,
    time_from_code,
    timestamp_code,
    timestamp_from_code,
    timestamptz_from_code,
    value_bytes,
    values_from_bytes,
)
from scalar_tx.model.table import Order
from scalar_tx.model.types import DataType

MILLISECONDS = st.datetimes(min_value=dt.datetime(1000, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
NO_NUL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
KEYS: dict[DataType, st.SearchStrategy[Any]] = {
    DataType.BOOLEAN: st.booleans(),
    DataType.INT: st.integers(-(2**31), 2**31 - 1),
    DataType.BIGINT: st.integers(-(2**63), 2**63 - 1),
    DataType.FLOAT: st.floats(width=32, allow_nan=False),
    DataType.DOUBLE: st.floats(allow_nan=False),
    DataType.TEXT: NO_NUL,
    DataType.BLOB: st.binary(),
    DataType.DATE: st.dates(min_value=dt.date(1000, 1, 1)),
    DataType.TIME: st.times(),
    DataType.TIMESTAMP: MILLISECONDS,
    DataType.TIMESTAMPTZ: MILLISECONDS.map(lambda at: at.replace(tzinfo=dt.UTC)),
}


def test_every_type_is_here() -> None:
    assert KEYS.keys() == set(DataType)


@given(data=st.data(), data_type=st.sampled_from(DataType))
def test_bytes_are_ordered_as_values_are(data: st.DataObject, data_type: DataType) -> None:
    one, other = data.draw(KEYS[data_type]), data.draw(KEYS[data_type])
    if one == other == 0:  # 0.0 and -0.0 are equal and have bytes of their own
        return
    ascending = [ordered_bytes(value, data_type) for value in (one, other)]
    assert (ascending[0] < ascending[1]) == (one < other)
    assert (ascending[0] == ascending[1]) == (one == other)
    if data_type is DataType.BLOB and b"\x00" in one + other:
        with pytest.raises(InvalidOperationError):
            ordered_bytes(one if b"\x00" in one else other, data_type, Order.DESC)
        return
    descending = [ordered_bytes(value, data_type, Order.DESC) for value in (one, other)]
    assert (descending[0] > descending[1]) == (one < other)


def test_nan_is_the_greatest() -> None:
    for data_type in (DataType.FLOAT, DataType.DOUBLE):
        assert ordered_bytes(math.nan, data_type) > ordered_bytes(math.inf, data_type)


@pytest.mark.parametrize(
    "value,data_type", [("a\x00b", DataType.TEXT), ("x", DataType.INT), (None, DataType.INT)]
)
def test_what_can_not_be_a_key(value: Any, data_type: DataType) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        ordered_bytes(value, data_type)
    assert caught.value.code == "STX-3014"


@given(data=st.data(), types=st.lists(st.sampled_from(DataType), max_size=5))
def test_values_come_back(data: st.DataObject, types: list[DataType]) -> None:
    values = [(kind, data.draw(st.one_of(st.none(), KEYS[kind]))) for kind in types]
    assert values_from_bytes(value_bytes(values)) == values


@given(st.binary(max_size=40))
def test_other_bytes_hold_no_values_or_some(data: bytes) -> None:
    try:
        found = values_from_bytes(data)
    except SchemaError:
        return
    assert isinstance(found, list)


@given(data=st.data(), cut=st.integers(1, 4))
def test_bytes_that_were_cut_short_are_noticed(data: st.DataObject, cut: int) -> None:
    whole = value_bytes([(DataType.TEXT, data.draw(NO_NUL)), (DataType.INT, 5)])
    with pytest.raises(SchemaError):
        values_from_bytes(whole[:-cut])


@given(MILLISECONDS)
def test_timestamps(value: dt.datetime) -> None:
    code = timestamp_code(value)
    assert timestamp_from_code(code) == value
    assert timestamptz_from_code(code) == value.replace(tzinfo=dt.UTC)
    assert epoch_ms(value) == epoch_ms(value.replace(tzinfo=dt.UTC))
    assert code == epoch_ms(value) - (0 if value >= dt.datetime(1970, 1, 1) else 999)


@given(st.dates(), st.times())
def test_dates_and_times(date: dt.date, time: dt.time) -> None:
    assert date_from_code(date_code(date)) == date
    assert time_from_code(time_code(time)) == time


def test_known_codes() -> None:
    assert date_code(dt.date(1970, 1, 2)) == 1
    assert date_code(dt.date(1969, 12, 31)) == -1
    assert time_code(dt.time(0, 0, 1, 5)) == 1_000_005_000
    assert timestamp_code(dt.datetime(1970, 1, 1, 0, 0, 1)) == 1000
    assert timestamp_code(dt.datetime(1969, 12, 31, 23, 59, 59, 999000)) == -1000

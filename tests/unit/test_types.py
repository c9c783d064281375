"""Which values may a column hold, and what becomes of them?"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import struct
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.types import DataType, checked, to_float32

UTC = dt.UTC


class Colour(enum.IntEnum):
    RED = 1


class Tagged(str):
    """A str of another class may mean something else than its letters."""

    __slots__ = ()


class FromNumpy(float):
    """Stands for a number of another library."""


FromNumpy.__module__ = "numpy"

REFUSED: list[tuple[DataType, Any, str]] = [
    (DataType.BOOLEAN, 1, "BOOLEAN"),
    (DataType.BOOLEAN, "true", "BOOLEAN"),
    (DataType.INT, True, "int(value)"),
    (DataType.INT, 1.0, "INT"),
    (DataType.INT, 2**31, "INT"),
    (DataType.INT, Colour.RED, ".value"),
    (DataType.BIGINT, 2**53 + 1, "bigint_range=64"),
    (DataType.BIGINT, -(2**53) - 1, "bigint_range=64"),
    (DataType.BIGINT, decimal.Decimal(1), "smallest unit"),
    (DataType.FLOAT, 1e39, "32-bit"),
    (DataType.FLOAT, 16777217, "exactly"),
    (DataType.FLOAT, FromNumpy(1.5), ".item()"),
    (DataType.DOUBLE, 2**53 + 1, "exactly"),
    (DataType.DOUBLE, 10**400, "exactly"),
    (DataType.DOUBLE, "1.0", "DOUBLE"),
    (DataType.DOUBLE, decimal.Decimal("1.1"), "smallest unit"),
    (DataType.TEXT, b"x", "TEXT"),
    (DataType.TEXT, "\ud800", "surrogate"),
    (DataType.TEXT, Tagged("x"), "TEXT"),
    (DataType.TEXT, uuid.UUID(int=1), "str(value)"),
    (DataType.BLOB, "x", "BLOB"),
    (DataType.BLOB, [1], "BLOB"),
    (DataType.DATE, dt.datetime(2024, 1, 1), "not a datetime"),
    (DataType.DATE, dt.date(999, 12, 31), "1000"),
    (DataType.DATE, "2024-01-01", "DATE"),
    (DataType.TIME, dt.time(1, tzinfo=UTC), "without a time zone"),
    (DataType.TIMESTAMP, dt.datetime(2024, 1, 1, tzinfo=UTC), "without a time zone"),
    (DataType.TIMESTAMP, dt.date(2024, 1, 1), "TIMESTAMP"),
    (DataType.TIMESTAMP, dt.datetime(999, 1, 1), "1000"),
    (DataType.TIMESTAMPTZ, dt.datetime(2024, 1, 1), "with a time zone"),
    (
        DataType.TIMESTAMPTZ,
        dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(dt.timedelta(hours=-2))),
        "UTC",
    ),
    (
        DataType.TIMESTAMPTZ,
        dt.datetime(1000, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "1000",
    ),
]


@pytest.mark.parametrize("data_type,value,word", REFUSED)
def test_what_is_refused(data_type: DataType, value: Any, word: str) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        checked(value, data_type, "a.b.c")
    assert caught.value.code == "STX-3010"
    assert "a.b.c" in caught.value.message
    assert data_type.value in caught.value.message
    assert word in str(caught.value)


@pytest.mark.parametrize("data_type", DataType)
def test_null_is_of_every_type(data_type: DataType) -> None:
    assert checked(None, data_type, "place") is None


def test_a_long_value_is_cut_in_an_error() -> None:
    with pytest.raises(InvalidOperationError) as caught:
        checked("x" * 10_000, DataType.INT, "place")
    assert len(str(caught.value)) < 300


def test_bigint_can_be_wide() -> None:
    assert checked(2**63 - 1, DataType.BIGINT, "place", wide_bigint=True) == 2**63 - 1
    with pytest.raises(InvalidOperationError):
        checked(2**63, DataType.BIGINT, "place", wide_bigint=True)
    with pytest.raises(InvalidOperationError):
        checked(2**31, DataType.INT, "place", wide_bigint=True)


def test_a_fold_is_dropped() -> None:
    assert checked(dt.time(1, fold=1), DataType.TIME, "place") == dt.time(1)
    folded = checked(dt.datetime(2024, 1, 1, 1, fold=1), DataType.TIMESTAMP, "place")
    assert isinstance(folded, dt.datetime)
    assert folded.fold == 0


@given(st.floats(width=32))
def test_a_32_bit_float_stays_as_it_is(value: float) -> None:
    found = to_float32(value)
    assert found == value or (math.isnan(found) and math.isnan(value))


@given(st.floats(min_value=-3e38, max_value=3e38))
def test_rounding_to_32_bits_is_to_the_nearest(value: float) -> None:
    rounded = to_float32(value)
    bits = struct.unpack(">i", struct.pack(">f", abs(rounded)))[0]
    for near in (bits - 1, bits + 1):
        if 0 <= near < 0x7F800000:
            other = struct.unpack(">f", struct.pack(">i", near))[0]
            assert abs(abs(value) - abs(rounded)) <= abs(abs(value) - other)


@given(st.datetimes(min_value=dt.datetime(1000, 1, 1)))
def test_timestamps_are_cut_to_milliseconds(value: dt.datetime) -> None:
    found = checked(value, DataType.TIMESTAMP, "place")
    assert isinstance(found, dt.datetime)
    assert found.microsecond % 1000 == 0
    assert dt.timedelta(0) <= value - found < dt.timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["INT", " int ", "Int", DataType.INT])
def test_type_names(text: object) -> None:
    assert DataType.parse(text) is DataType.INT


@pytest.mark.parametrize("text", ["", "INTEGER", "INT(4)", None, 5, [], b"INT"])
def test_what_is_no_type(text: object) -> None:
    with pytest.raises(SchemaError, match="TIMESTAMPTZ"):
        DataType.parse(text)

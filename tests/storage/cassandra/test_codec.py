"""Cells that the golden files do not hold: other NaNs, damaged cells, missing types."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.types import DataType
from scalar_tx.storage.cassandra.codec import decode, encode, text_map


def test_there_is_one_nan() -> None:
    # A key is found by its bytes: -nan would be another key.
    for nan in (math.nan, -math.nan):
        assert encode(nan, DataType.FLOAT) == bytes.fromhex("7fc00000")
        assert encode(nan, DataType.DOUBLE) == bytes.fromhex("7ff8000000000000")


@pytest.mark.parametrize(
    "data_type, cell",
    [
        (DataType.INT, b"\x01"),
        (DataType.BIGINT, b""),
        (DataType.BOOLEAN, b""),
        (DataType.TEXT, b"\xff"),
        (DataType.DATE, b"\x00\x00\x00\x00"),
        (DataType.TIME, (1).to_bytes(8, "big")),
        (DataType.TIMESTAMPTZ, (2**62).to_bytes(8, "big")),
    ],
)
def test_a_damaged_cell_is_named(data_type: DataType, cell: bytes) -> None:
    with pytest.raises(SchemaError, match=r"ns\.t\.c"):
        decode(cell, data_type, "ns.t.c")


def test_there_is_no_timestamp() -> None:
    with pytest.raises(InvalidOperationError) as caught:
        encode(dt.datetime(2024, 1, 1), DataType.TIMESTAMP)
    assert caught.value.code == "STX-3501"


def test_maps_of_the_schema_tables() -> None:
    cell = bytes.fromhex("00000001 00000001 61 00000002 6262")
    assert text_map(cell) == {"a": "bb"}
    assert text_map(None) == {}

"""Cells that are no values of their column; the good ones are in test_golden."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType, Value, to_float32
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.files import all_rows, by_hand, decode, encode, mutate, run

if TYPE_CHECKING:
    from pathlib import Path

WRONG = [
    (DataType.BOOLEAN, 2, "integer 2"),
    (DataType.BOOLEAN, "true", "text 'true'"),
    (DataType.INT, 2**31, "integer 2147483648"),
    (DataType.INT, 1.5, "real 1.5"),
    (DataType.BIGINT, "7", "text '7'"),
    (DataType.FLOAT, 1e300, "real 1e+300"),
    (DataType.DOUBLE, 1, "integer 1"),
    (DataType.TEXT, b"\xff", "blob"),
    (DataType.BLOB, "x" * 100, "text 'xxxx"),
    (DataType.DATE, -354286, "integer -354286"),
    (DataType.DATE, 2932897, "integer 2932897"),
    (DataType.TIME, -1000, "integer -1000"),
    (DataType.TIME, 86_400_000_000_000, "integer 86400000000000"),
    (DataType.TIME, 1, "integer 1"),
    (DataType.TIMESTAMP, -999, "integer -999"),
    (DataType.TIMESTAMP, 253402300800000, "integer 253402300800000"),
    (DataType.TIMESTAMPTZ, -30610224001000, "integer -30610224001000"),
]


@pytest.mark.parametrize("data_type,cell,shown", WRONG)
def test_an_unreadable_cell_is_named(data_type: DataType, cell: object, shown: str) -> None:
    with pytest.raises(SchemaError) as caught:
        decode(cell, data_type, "ns.t.c")
    assert f"ns.t.c is {data_type.value}" in str(caught.value)
    assert shown in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_edges_are_read() -> None:
    edges: list[tuple[DataType, object, Value]] = [
        (DataType.DATE, -354285, dt.date(1000, 1, 1)),
        (DataType.DATE, 2932896, dt.date(9999, 12, 31)),
        (DataType.TIMESTAMP, -1000, dt.datetime(1969, 12, 31, 23, 59, 59, 999000)),
        (DataType.TIMESTAMP, 0, dt.datetime(1970, 1, 1)),
        (DataType.BIGINT, -(2**63), -(2**63)),
        (DataType.FLOAT, 1.1, to_float32(1.1)),
    ]
    for data_type, cell, value in edges:
        assert decode(cell, data_type, "c") == value
        assert decode(encode(value, data_type), data_type, "c") == value
        assert decode(None, data_type, "c") is None


@given(st.integers(0, 86_399_999_999))
def test_times_go_to_the_file_and_back(microseconds: int) -> None:
    value = (dt.datetime(2000, 1, 1) + dt.timedelta(microseconds=microseconds)).time()
    assert encode(value, DataType.TIME) == microseconds * 1000
    assert decode(microseconds * 1000, DataType.TIME, "c") == value


def test_a_read_says_which_cell_it_could_not_read(tmp_path: Path) -> None:
    table = Table("ns.t", TableSchema({"id": "INT", "day": "DATE", "word": "TEXT"}, ["id"]))
    storage = open_sqlite(str(tmp_path / "a.db"))
    run(storage.admin.create_table(table))
    mutate(storage, Write(table, (1,), {"day": dt.date(2024, 2, 29), "word": "a"}))
    by_hand(tmp_path / "a.db", 'UPDATE "ns$t" SET day=?', (10**9,))
    with pytest.raises(SchemaError, match=r"ns\.t\.day is DATE.* holds integer 1000000000"):
        run(storage.get(table, (1,)))
    by_hand(tmp_path / "a.db", 'UPDATE "ns$t" SET day=1, word=CAST(? AS TEXT)', (b"\xff",))
    with pytest.raises(SchemaError, match="UTF-8"):
        all_rows(storage, ScanRequest(table, WholeTableSource()))
    by_hand(tmp_path / "a.db", 'UPDATE "ns$t" SET word=?', ("b",))
    assert run(storage.get(table, (1,))) == {"id": 1, "day": dt.date(1970, 1, 2), "word": "b"}

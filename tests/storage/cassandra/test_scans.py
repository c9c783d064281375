"""Scans as statements: the worked example, and every place to resume against a model."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.storage.cassandra.scans import ScanStatements, check_scan, merged
from scalar_tx.storage.cassandra.statements import RecordStatements
from scalar_tx.storage.interface import (
    IndexSource,
    KeyRange,
    OrderBy,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
)
from scalar_tx.storage.ordering import in_range, position_in

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.cassandra.statements import Statement

WORKED: Final = Table(
    "ns.tbl",
    TableSchema({"p1": "INT", "c1": "INT", "c2": "TEXT", "v": "INT"}, ["p1"], ["c1", "c2"], ["v"]),
)
GRID: Final = Table(
    "ns.grid",
    TableSchema(
        {"p": "INT", "a": "INT", "b": "INT", "c": "INT"}, ["p"], ["a DESC", "b ASC", "c DESC"]
    ),
)
HEAD: Final = "SELECT p1, c1, c2, v FROM ns.tbl"


def statements(request: ScanRequest) -> list[Statement]:
    check_scan(request)
    return ScanStatements(RecordStatements(request.table)).of(request)


def test_the_worked_example() -> None:
    bounds = KeyRange((2, "a"), end=(2, "m"), end_inclusive=False)
    (found,) = statements(ScanRequest(WORKED, PartitionSource((1,), bounds)))
    assert found.text == f"{HEAD} WHERE p1=? AND c1=? AND c2>=? AND c2<?"
    assert found.values == (b"\0\0\0\1", b"\0\0\0\2", b"a", b"m")


def test_reversed_index_and_whole_table() -> None:
    (found,) = statements(ScanRequest(WORKED, PartitionSource((1,), reverse=True)))
    assert found.text == f"{HEAD} WHERE p1=? ORDER BY c1 DESC, c2 DESC"
    (found,) = statements(ScanRequest(WORKED, IndexSource("v", 7)))
    assert found.text == f"{HEAD} WHERE v=?"
    (found,) = statements(ScanRequest(WORKED, WholeTableSource()))
    assert found.text == HEAD


def test_a_whole_table_resumes_by_token() -> None:
    after: Row = {"p1": 1, "c1": 2, "c2": "x"}
    texts = [one.text for one in statements(ScanRequest(WORKED, WholeTableSource(), after=after))]
    assert texts == [
        f"{HEAD} WHERE p1=? AND c1=? AND c2>?",
        f"{HEAD} WHERE p1=? AND c1>?",
        f"{HEAD} WHERE token(p1)>token(?)",
    ]


def test_what_cassandra_can_not_do_is_refused() -> None:
    with pytest.raises(InvalidOperationError) as caught:
        statements(ScanRequest(WORKED, IndexSource("c1", 7)))
    assert caught.value.code == "STX-3015"
    order = (OrderBy("v", Order.ASC),)
    with pytest.raises(InvalidOperationError) as caught:
        statements(ScanRequest(WORKED, WholeTableSource(order)))
    assert caught.value.code == "STX-3016"


ROWS: Final[list[Row]] = [
    {"p": 1, "a": a, "b": b, "c": c} for a, b, c in itertools.product(range(3), repeat=3)
]
RANGES: Final = [
    KeyRange(),
    KeyRange((1,)),
    KeyRange((1,), start_inclusive=False),
    KeyRange(end=(1,)),
    KeyRange((0,), end=(2,), end_inclusive=False),
    KeyRange((1, 1)),
    KeyRange((1, 0), start_inclusive=False, end=(1, 2)),
    KeyRange((1, 1, 0), end=(1, 1, 1)),
]


def chosen(found: Statement, rows: list[Row]) -> list[Row]:
    """The rows that a statement's WHERE is true of."""
    text = found.text.partition(" WHERE ")[2].partition(" ORDER BY ")[0]
    values = [int.from_bytes(value or b"", "big") for value in found.values]
    parts = [part.rstrip("?") for part in text.split(" AND ")]

    def within(row: Any) -> bool:
        for part, value in zip(parts, values, strict=True):
            name, sign = part[0], part[1:]
            actual = row[name]
            if not {
                "=": actual == value,
                ">": actual > value,
                ">=": actual >= value,
                "<": actual < value,
                "<=": actual <= value,
            }[sign]:
                return False
        return True

    return [row for row in rows if within(row)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bounds", RANGES, ids=str)
def test_a_partition_resumes_behind_any_row(bounds: KeyRange, reverse: bool) -> None:
    source = PartitionSource((1,), bounds, reverse=reverse)
    position = position_in(source, GRID.schema)
    in_order = sorted(ROWS, key=position)
    inside = [row for row in in_order if in_range(bounds, (row["a"], row["b"], row["c"]))]
    for place in [None, *in_order]:
        wanted = inside if place is None else [r for r in inside if position(place) < position(r)]
        found: list[Row] = []
        for one in statements(ScanRequest(GRID, source, after=place)):
            found += sorted(chosen(one, ROWS), key=position)
        assert found == wanted, place


def test_bounds_are_narrowed() -> None:
    assert merged([("a", ">", 1), ("a", ">=", 1), ("a", "<", 9), ("a", "<=", 5)]) == [
        ("a", ">", 1), ("a", "<=", 5),
    ]  # fmt: skip
    assert merged([("a", "=", 1), ("a", ">", 1)]) is None
    assert merged([("a", "=", 1), ("a", "<=", 1)]) == [("a", "=", 1)]


def test_a_bound_at_zero_takes_both_zeros() -> None:
    table = Table("ns.f", TableSchema({"p": "INT", "x": "DOUBLE"}, ["p"], ["x"]))
    signs = {}
    for inclusive in (True, False):
        low = KeyRange((0.0,), start_inclusive=inclusive)
        high = KeyRange(end=(0.0,), end_inclusive=inclusive)
        for bounds in (low, high):
            (found,) = statements(ScanRequest(table, PartitionSource((1,), bounds)))
            sign = found.text.rpartition("x")[2].rstrip("?")
            assert found.values[1] is not None
            signs[sign] = found.values[1][0]
    assert signs == {">=": 0x80, ">": 0, "<=": 0, "<": 0x80}

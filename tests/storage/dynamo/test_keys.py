"""Key bytes and the bounds of ranges, by the specification's examples and by trying all."""

from __future__ import annotations

import itertools

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.keys import Interval, Keys, following
from scalar_tx.storage.dynamo.settings import DynamoSettings
from scalar_tx.storage.dynamo.storage import DynamoStorage
from scalar_tx.storage.interface import KeyRange
from scalar_tx.storage.ordering import in_range


def keys(*clustering: str, **types: str) -> Keys:
    schema = TableSchema({"p": "INT", **types}, ["p"], list(clustering))
    return Keys(Table("ns.t", schema))


@pytest.mark.parametrize(
    "data, wanted", [("6100", "6101"), ("01ff", "02"), ("ffff", None), ("", None), ("00", "01")]
)
def test_following(data: str, wanted: str | None) -> None:
    found = following(bytes.fromhex(data))
    assert (None if found is None else found.hex()) == wanted


TWO = keys("c1 ASC", "c2 DESC", c1="INT", c2="TEXT")


@pytest.mark.parametrize(
    "range_, low, high",
    [
        (KeyRange((2,)), "80000002", None),
        (KeyRange((2,), start_inclusive=False), "80000003", None),
        (KeyRange(end=(2,)), None, "80000003"),
        (KeyRange(end=(2,), end_inclusive=False), None, "80000002"),
        (KeyRange((2, "ab")), "80000002", "800000029e9e"),
        (KeyRange((2, "ab"), end=(2, "cd"), end_inclusive=False), "800000029c9c", "800000029e9e"),
    ],
)
def test_bounds(range_: KeyRange, low: str | None, high: str | None) -> None:
    found = TWO.interval(range_)
    assert [one and one.hex() for one in (found.low, found.high)] == [low, high]


@pytest.mark.parametrize("orders", list(itertools.product(["ASC", "DESC"], repeat=2)))
def test_an_interval_holds_its_range_and_little_else(orders: tuple[str, str]) -> None:
    table = keys(f"a {orders[0]}", f"b {orders[1]}", a="INT", b="TEXT")
    rows = [(a, b) for a in (-1, 0, 1, 2) for b in ("a", "aa", "b", "\U0001f600", "\x7f")]
    firsts = [(a,) for a in (-1, 0, 2, 5)]
    seconds = [(a, b) for a in (0, 2) for b in ("a", "aa", "c")]
    ranges = [
        KeyRange(start, inclusive, end, inclusive_end)
        for start, end in [
            *((one, ()) for one in (*firsts, *seconds)),
            *(((), one) for one in (*firsts, *seconds)),
            *((one, other) for one in firsts for other in firsts),
            *((one, other) for one in seconds for other in seconds if one[0] == other[0]),
        ]
        for inclusive in (True, False)
        for inclusive_end in (True, False)
    ]
    surplus = 0
    for range_ in ranges:
        found = table.interval(range_)
        for row in rows:
            data = table.clustering(row)
            inside = (found.low is None or data >= found.low) and (
                found.high is None or data <= found.high
            )
            if in_range(range_, row):
                assert inside, (range_, row)
                assert not found.empty
            surplus += inside and not in_range(range_, row)
    assert surplus < len(ranges)  # at most the record on an excluded bound


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_both_zeros_are_in_a_range_that_ends_at_one(order: str) -> None:
    table = keys(f"c {order}", c="DOUBLE")
    for zero in (0.0, -0.0):
        for range_ in (KeyRange((zero,)), KeyRange(end=(zero,))):
            found = table.interval(range_)
            for other in (0.0, -0.0):
                data = table.clustering((other,))
                assert found.low is None or found.low <= data
                assert found.high is None or data <= found.high


def test_long_bounds_are_cut_where_no_key_can_lie() -> None:
    table = keys("c ASC", c="TEXT")
    found = table.interval(KeyRange(("x" * 3000,), end=("y" * 3000,)))
    assert found.low == b"x" * 1024
    assert found.high == b"y" * 1023 + b"z"
    assert not found.empty
    with pytest.raises(InvalidOperationError, match="1,024"):
        table.item_key((1, "x" * 3000))


def test_keys_are_as_long_as_dynamodb_takes_them() -> None:
    storage = DynamoStorage(DynamoSettings("us-west-2"))
    by_text = Keys(Table("ns.t", TableSchema({"p": "TEXT", "c": "TEXT"}, ["p"], ["c ASC"])))
    # With the byte that ends a text, 2,048 and 1,024.
    longest = ("x" * 2047, "y" * 1023)
    for value in (*longest, b"x" * 2048):
        assert storage.objection("ns.t", DataType.TEXT, value, in_key=True) is None
    found = by_text.item_key(longest)
    assert [len(one["B"]) for one in found.values()] == [2048, 1024]
    assert storage.objection("ns.t", DataType.TEXT, "x" * 2049, in_key=True)
    for key in (("x" * 2048, "y"), ("x", "y" * 1024)):
        with pytest.raises(InvalidOperationError) as caught:
            by_text.item_key(key)
        assert caught.value.code == "STX-3602"
    run_blocking(storage.close())


def test_an_empty_interval() -> None:
    assert Interval(b"\x02", b"\x01").empty
    assert TWO.interval(KeyRange((5,), end=(2,))).empty
    assert not Interval(b"\x02").within(Interval(high=b"\x02")).empty

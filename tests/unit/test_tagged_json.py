"""Does every value come back from its text as it was, and is all else refused by its place?"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections import OrderedDict
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.record import Record
from scalar_tx.model.tagged_json import DEEPEST, decoded, encoded

RECORD = Record("a.b", {"id": 1}, {"id": 1, "n": b"x"})
ZONE = dt.timezone(dt.timedelta(hours=2))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
)
NAMES = st.one_of(st.text(st.characters(codec="utf-8")), st.integers(), st.dates(), st.binary())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(NAMES, inner),
        st.dictionaries(st.sampled_from(["a", "$", "$blob", "$tuple"]), inner),
    ),
    max_leaves=15,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: to Python 1, True and 1.0 are equal."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(a, b) and same(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    return bool(one == other)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    assert same(decoded(encoded(value, "it")), value)


@given(st.dictionaries(NAMES, SCALARS), st.randoms())
def test_sorted_equal_mappings_give_equal_texts(value: dict[Any, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert encoded(dict(items), "it", sort=True) == encoded(value, "it", sort=True)


@pytest.mark.parametrize(
    "value,back",
    [
        (math.inf, math.inf),
        (-0.0, -0.0),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (dt.datetime(2024, 5, 1, 12, tzinfo=ZONE), dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": (1,)}), {"a": (1,)}),
        (RECORD, RECORD),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_taken_for_something_else(value: object, back: object) -> None:
    found = decoded(encoded(value, "it"))
    assert found == back
    assert type(found) is type(back)
    assert math.copysign(1, found) == math.copysign(1, back) if back == 0 else True  # type: ignore[arg-type]


def test_not_a_number_comes_back() -> None:
    assert math.isnan(decoded(encoded(math.nan, "it")))


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Pair(NamedTuple):
    a: int


def in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        Decimal(1),
        uuid.UUID(int=1),
        Colour.RED,
        Level.LOW,
        Pair(1),
        1j,
        object(),
        deep,
        (n for n in "ab"),
        dt.timedelta(1),
        dt.time(1, tzinfo=ZONE),
        dt.datetime.min.replace(tzinfo=ZONE),
        "\ud800",
        10**5000,
        in_itself(),
        deep(DEEPEST + 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_text_is_refused_by_its_place(value: object) -> None:
    for whole in (value, [1, value], {"a": value}, {1: value}, (value,)):
        with pytest.raises(InvalidOperationError) as caught:
            encoded(whole, "the result")
        assert caught.value.code == "STX-3072"
        assert "the result" in caught.value.message
        assert len(caught.value.message) < 500 + 8 * DEEPEST


def test_the_place_is_exact() -> None:
    with pytest.raises(InvalidOperationError, match=r"the result\['a'\]\[1\] is set \{3\}"):
        encoded({"a": [1, {3}]}, "the result")


def test_as_deep_as_it_may_be() -> None:
    assert decoded(encoded(deep(DEEPEST), "it")) == deep(DEEPEST)


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"$blob": 1}', '{"$unknown": 1}', '{"$date": "x"}', '{"$record": [1]}', "[" * 9999],
    ids=lambda text: text[:20],
)
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        decoded(text)

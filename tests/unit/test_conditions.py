"""When is a condition true of a row?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import (
    And,
    Or,
    bound,
    column,
    comparisons,
    like_pattern,
    matches,
    sort_key,
)
from scalar_tx.model.table import TableSchema

if TYPE_CHECKING:
    from scalar_tx.model.conditions import Condition

SCHEMA = TableSchema({"id": "INT", "n": "INT", "t": "TEXT", "d": "DOUBLE", "b": "BLOB"}, ["id"])
N, T = column("n"), column("t")


@pytest.mark.parametrize("value", [None, 1, 5])
def test_null_matches_is_null_only(value: int | None) -> None:
    row = {"n": value}
    known = value is not None
    for condition, expected in (
        (N == 1, known and value == 1),
        (N != 1, known and value != 1),
        (N < 3, known and value == 1),
        (N >= 3, known and value == 5),
        (N.is_null(), not known),
        (N.is_not_null(), known),
        ((N == 1) | (N != 1), known),
        ((N != 1) & (N != 5), False),
    ):
        assert matches(condition, row) is expected


@given(st.lists(st.floats(), min_size=2, max_size=2))
def test_nan_is_equal_to_itself_and_above_all(values: list[float]) -> None:
    one, other = values
    d = column("d")
    assert matches(d == one, {"d": one})
    assert not matches(d != one, {"d": one})
    signs = [
        matches(d < other, {"d": one}),
        matches(d == other, {"d": one}),
        matches(d > other, {"d": one}),
    ]
    assert signs.count(True) == 1
    if math.isnan(one) and not math.isnan(other):
        assert signs[2]


def reference(pattern: str, escape: str, text: str) -> bool:
    """LIKE, letter by letter."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if escape and head == escape:
        return text[:1] == rest[0] and reference(rest[1:], escape, text[1:])
    if head == "%":
        return any(reference(rest, escape, text[n:]) for n in range(len(text) + 1))
    return bool(text) and head in ("_", text[0]) and reference(rest, escape, text[1:])


@given(
    pattern=st.lists(
        st.sampled_from(["%", "_", "a", "b", ".", "*", "\n", "!%", "!_", "!!"]), max_size=5
    ).map("".join),
    text=st.text("ab.*%_!\n", max_size=6),
)
def test_like(pattern: str, text: str) -> None:
    found = like_pattern(pattern, "!").fullmatch(text) is not None
    assert found == reference(pattern, "!", text)
    assert matches(T.like(pattern, escape="!"), {"t": text}) == found
    assert matches(T.not_like(pattern, escape="!"), {"t": text}) != found
    assert not matches(T.not_like(pattern, escape="!"), {"t": None})


@pytest.mark.parametrize("pattern,escape", [("a\\", "\\"), ("\\a", "\\"), ("!x", "!"), ("x", "ab")])
def test_a_like_that_can_t_be(pattern: str, escape: str) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        like_pattern(pattern, escape)
    assert caught.value.code == "STX-3048"


def test_joining_is_flat_and_reads_as_it_is_written() -> None:
    three = (N == 1) & (N == 2) & (N == 3)
    assert isinstance(three, And)
    assert len(three.terms) == 3
    either = (N == 1) | (T == "x") | three
    assert isinstance(either, Or)
    assert len(either.terms) == 3
    assert [c.column for c in comparisons(either)] == ["n", "t", "n", "n", "n"]
    assert repr(either) == "(n == 1 | t == 'x' | (n == 1 & n == 2 & n == 3))"
    assert hash(either) == hash((N == 1) | (T == "x") | three)


def test_binding_brings_values_to_their_columns_types() -> None:
    condition = bound((column("d") > 1) & (column("b") == bytearray(b"x")), SCHEMA, "a.b")  # type: ignore[operator]
    values = [c.value for c in comparisons(condition)]
    assert [type(value) for value in values] == [float, bytes]
    hash(condition)


@pytest.mark.parametrize(
    "condition",
    [
        column("nope") == 1,
        N == "1",
        N == 1.5,
        (N == 1) & ((N == 2) | (T == 5)),
        column("b").like("x"),
        N,
        None,
        True,
    ],
)
def test_what_does_not_fit_the_table(condition: Any) -> None:
    with pytest.raises(InvalidOperationError):
        bound(condition, SCHEMA, "a.b")


def test_sorting() -> None:
    values = [5.0, None, math.nan, -math.inf, 1.0]
    assert sorted(values, key=sort_key)[:4] == [None, -math.inf, 1.0, 5.0]


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.booleans())
def test_and_or(truths: list[bool], joined_by_and: bool) -> None:
    terms: list[Condition] = [(N == 1) if truth else (N == 2) for truth in truths]
    whole = terms[0]
    for term in terms[1:]:
        whole = whole & term if joined_by_and else whole | term
    assert matches(whole, {"n": 1}) == (all(truths) if joined_by_and else any(truths))

"""Terms against a model of Cassandra's own conditions: null, a missing record, the two zeros."""

from __future__ import annotations

import itertools
import math
import struct
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.conditions import Comparison, Condition, Operator, column, matches
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.cassandra.codec import encode
from scalar_tx.storage.cassandra.conditions import Term, terms_of, terms_of_seen

if TYPE_CHECKING:
    from scalar_tx.model.types import Row

SCHEMA: Final = TableSchema({"p": "INT", "a": "DOUBLE", "b": "INT"}, ["p"])
DOUBLES: Final = (None, -math.inf, -1.5, -0.0, 0.0, 2.0, math.inf, math.nan)
FOUND: Final[list[Row]] = [{"p": 1, "a": a, "b": b} for a in DOUBLES for b in (None, 0, 5)]
ROWS: Final[list[Row | None]] = [None, *FOUND]


def java_order(value: float) -> tuple[int, float, bool]:
    """As Double.compare: -0.0 before 0.0, NaN last."""
    nan = math.isnan(value)
    return (int(nan), 0.0 if nan else value, math.copysign(1, value) > 0 or nan)


def holds(term: Term, row: Row | None) -> bool:
    """What Cassandra makes of a term; the cells of a missing record are null."""
    actual = None if row is None else row[term.column]
    cell = encode(actual, SCHEMA.columns[term.column])
    if term.sign in ("=", "!="):
        return (cell == term.value) is (term.sign == "=")
    if cell is None or term.value is None:
        return False
    form = ">d" if term.column == "a" else ">i"
    one, other = (java_order(struct.unpack(form, part)[0]) for part in (cell, term.value))
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[term.sign]


COMPARISONS: Final = [
    *(
        Comparison("a", sign, value)
        for sign in (Operator.EQ, Operator.NE, Operator.LT, Operator.LE, Operator.GT, Operator.GE)
        for value in DOUBLES
        if value is not None
    ),
    column("a").is_null(),
    column("a").is_not_null(),
]
CONDITIONS: Final[list[Condition]] = [
    *COMPARISONS,
    *(one & other for one in COMPARISONS for other in (column("b") == 5, column("b").is_null())),
]


def test_terms_are_true_exactly_where_the_condition_is() -> None:
    judged = 0
    for condition in CONDITIONS:
        terms = terms_of(condition, {"p": 1}, SCHEMA)
        if terms is None:
            continue
        for row in ROWS:
            wanted = row is not None and matches(condition, row)
            assert all(holds(term, row) for term in terms) is wanted, (condition, row, terms)
            judged += 1
    assert judged > len(ROWS) * 100


def test_what_is_true_of_a_missing_record_has_no_terms() -> None:
    assert terms_of(column("a").is_null(), {"p": 1}, SCHEMA) is None
    assert terms_of(column("a").is_null() & column("b").is_null(), {"p": 1}, SCHEMA) is None


@pytest.mark.parametrize(
    "condition",
    [(column("b") == 1) | (column("b") == 2), (column("b") == 1) & (column("p") == 2)],
)
def test_other_conditions_have_none_either(condition: Condition) -> None:
    assert terms_of(condition, {"p": 1}, SCHEMA) is None


def test_a_true_word_on_the_key_needs_no_term() -> None:
    found = terms_of((column("b") == 1) & (column("p") == 1), {"p": 1}, SCHEMA)
    assert found == (Term("b", "=", b"\x00\x00\x00\x01"),)


def test_terms_of_what_was_seen_hold_for_it_and_never_for_a_missing_record() -> None:
    for row, columns in itertools.product(FOUND, (["a"], ["b"], ["a", "b", "p"], [])):
        terms = terms_of_seen(columns, row, SCHEMA)
        if terms is None:
            assert row["a"] is row["b"] is None
            continue
        assert all(holds(term, row) for term in terms)
        assert not all(holds(term, None) for term in terms)
        changed = {**row, "a": 77.0, "b": 77}
        if set(columns) & {"a", "b"}:
            assert not all(holds(term, changed) for term in terms)

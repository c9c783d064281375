"""How is a condition said in SQL?

A condition has an outline, equal for all conditions that differ in values only, so that the text of
a statement is made once. The outline, the values and the text are taken in the same order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import And, Comparison, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.storage.sql.dialect import Dialect
    from scalar_tx.storage.sql.names import Names

Encoder: TypeAlias = "Callable[[Any], object]"

_SIGNS: Final[dict[Operator, str]] = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
_NULL_TESTS: Final = {Operator.IS_NULL: "IS NULL", Operator.IS_NOT_NULL: "IS NOT NULL"}
_LIKES: Final = frozenset({Operator.LIKE, Operator.NOT_LIKE})

# Where no column can hold a value, every value present lies on the same side of it.
_TRUE_BELOW: Final = frozenset({Operator.NE, Operator.LT, Operator.LE})
_TRUE_ABOVE: Final = frozenset({Operator.NE, Operator.GT, Operator.GE})
_FALSE: Final = "1=0"


def _beyond(value: object, dialect: Dialect) -> frozenset[Operator] | None:
    """Which comparisons are true of every value, where the value is none that a column can hold."""
    if type(value) is not float or math.isfinite(value):
        return None
    if math.isnan(value):  # the greatest of all
        return None if dialect.holds_nan else _TRUE_BELOW
    if dialect.holds_infinity:
        return None
    return _TRUE_BELOW if value > 0 else _TRUE_ABOVE


# Comparisons in which the order of texts matters.
_ORDERED: Final = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})


def outline(condition: Condition, dialect: Dialect, values: list[object]) -> Hashable:
    """What the text of a condition depends on; appends its values."""
    if isinstance(condition, Comparison):
        sign = condition.operator
        if sign in _NULL_TESTS:
            return (condition.column, sign)
        if sign in _LIKES:
            if dialect.like is not None:
                values += dialect.like_values(str(condition.value), condition.escape)
            return (condition.column, sign)
        value = condition.value
        beyond = _beyond(value, dialect)
        if beyond is not None:
            return (condition.column, sign, beyond)
        values.append(value)
        return (condition.column, sign)
    return (type(condition), *(outline(term, dialect, values) for term in condition.terms))


class Rendering:
    """Renders conditions over one table; collects the encoders of their values.

    ``loose``: what the database can't judge exactly lets rows through; otherwise it is an error.
    """

    def __init__(self, names: Names, *, loose: bool) -> None:
        self._names = names
        self._dialect = names.dialect
        self._loose = loose
        self.needed: list[Encoder | None] = []

    def text(self, condition: Condition) -> str:
        """The condition as an SQL expression."""
        if isinstance(condition, Comparison):
            return self._comparison(condition)
        terms = [self.text(term) for term in condition.terms]
        if isinstance(condition, And):
            return _joined(terms, "AND") if terms else "1=1"
        return _joined(terms, "OR") if terms else _FALSE

    def _comparison(self, comparison: Comparison) -> str:
        sign = comparison.operator
        names = self._names
        column = names.full.get(comparison.column)
        if column is None:
            raise InvalidOperationError(
                f"a condition names the column {comparison.column!r}, which the table lacks",
                advice=f"Its columns are {', '.join(names.full)}",
                code="STX-3012",
            )
        if sign in _NULL_TESTS:
            return f"{column} {_NULL_TESTS[sign]}"
        if sign in _LIKES:
            return self._like(column, sign)
        value = comparison.value
        beyond = _beyond(value, self._dialect)
        if beyond is not None:
            return f"{column} IS NOT NULL" if sign in beyond else _FALSE
        self.needed.append(names.encoders.get(names.types[comparison.column]))
        exact = names.ordered if sign in _ORDERED else names.compared
        return f"{exact[comparison.column]} {_SIGNS[sign]} {self._dialect.placeholder}"

    def _like(self, column: str, sign: Operator) -> str:
        template = self._dialect.like
        if template is None:
            if self._loose:
                return f"{column} IS NOT NULL"
            raise InvalidOperationError(
                f"{column} {sign.value} can't be a condition of a write in this database",
                advice="Read the record and decide by its value",
                code="STX-3048",
            )
        self.needed += (None, None)
        like = template.format(column=column, value=self._dialect.placeholder)
        return like if sign is Operator.LIKE else f"NOT ({like})"


def _joined(terms: Sequence[str], word: str) -> str:
    # Halves, not a chain: databases limit how deep an expression may be, and a chain of a thousand
    # terms is a thousand deep.
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_joined(terms[:half], word)} {word} {_joined(terms[half:], word)})"

"""What does a condition say, and is it true of a row?

One meaning on every storage (three-valued logic as in SQL): a comparison with NULL is unknown, and
a row is chosen only where the whole condition is true. Text is compared by code point, LIKE is
case-sensitive, bytes compare unsigned; among floats NaN is the greatest and equals itself.
A storage may apply a condition loosely, letting more rows through: what it returns is judged here.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import DataType, Value, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_tx.model.table import TableSchema


class Operator(Enum):
    """The comparisons; the value is the sign that errors and repr show."""

    EQ = "=="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    IS_NULL = "is null"
    IS_NOT_NULL = "is not null"
    LIKE = "like"
    NOT_LIKE = "not like"

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is a call into Python


class _Joinable:
    __slots__ = ()

    def __and__(self, other: Condition) -> And:
        return And(_terms(And, self, "&") + _terms(And, other, "&"))

    def __or__(self, other: Condition) -> Or:
        return Or(_terms(Or, self, "|") + _terms(Or, other, "|"))

    def __bool__(self) -> bool:
        raise InvalidOperationError(
            "a condition has no truth value by itself",
            advice="Join conditions with & and |, each comparison in parentheses; "
            "not with and, or, not",
            code="STX-3020",
        )


def _terms(kind: type[And | Or], item: object, sign: str) -> tuple[Condition, ...]:
    if isinstance(item, kind):
        return item.terms
    if isinstance(item, Comparison | And | Or):
        return (item,)
    raise InvalidOperationError(
        f"{item!r} is no condition and can't be joined with {sign}",
        advice="Write for example (column('a') > 1) & (column('b') == 'x')",
        code="STX-3020",
    )


@dataclass(frozen=True, slots=True)
class Comparison(_Joinable):
    """One column compared with one value."""

    column: str
    operator: Operator
    value: Value = None
    escape: str = "\\"  # of LIKE; empty means none

    def __repr__(self) -> str:
        if self.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
            return f"{self.column} {self.operator.value}"
        return f"{self.column} {self.operator.value} {self.value!r}"


@dataclass(frozen=True, slots=True)
class And(_Joinable):
    """True where every term is."""

    terms: tuple[Condition, ...]

    def __repr__(self) -> str:
        return "(" + " & ".join(map(repr, self.terms)) + ")"


@dataclass(frozen=True, slots=True)
class Or(_Joinable):
    """True where one term is."""

    terms: tuple[Condition, ...]

    def __repr__(self) -> str:
        return "(" + " | ".join(map(repr, self.terms)) + ")"


Condition: TypeAlias = Comparison | And | Or


class Existence(Enum):
    """Write conditions about the record as a whole."""

    IF_EXISTS = "if_exists"
    IF_NOT_EXISTS = "if_not_exists"

    def __repr__(self) -> str:
        return self.value


if_exists: Final = Existence.IF_EXISTS
if_not_exists: Final = Existence.IF_NOT_EXISTS


class Column:
    """A column's name waiting for a comparison: ``column("balance") >= 10``."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # == builds a condition, so it can't be a dict key

    def __init__(self, name: str) -> None:
        self.name = name

    def _compare(self, sign: Operator, value: Value) -> Comparison:
        if value is None:
            raise InvalidOperationError(
                f"{self.name} {sign.value} None is never true",
                advice=f"Write column({self.name!r}).is_null() or .is_not_null()",
                code="STX-3020",
            )
        return Comparison(self.name, sign, value)

    def __eq__(self, value: Value) -> Comparison:  # type: ignore[override]
        return self._compare(Operator.EQ, value)

    def __ne__(self, value: Value) -> Comparison:  # type: ignore[override]
        return self._compare(Operator.NE, value)

    def __gt__(self, value: Value) -> Comparison:
        return self._compare(Operator.GT, value)

    def __ge__(self, value: Value) -> Comparison:
        return self._compare(Operator.GE, value)

    def __lt__(self, value: Value) -> Comparison:
        return self._compare(Operator.LT, value)

    def __le__(self, value: Value) -> Comparison:
        return self._compare(Operator.LE, value)

    def is_null(self) -> Comparison:
        """True where the column is NULL."""
        return Comparison(self.name, Operator.IS_NULL)

    def is_not_null(self) -> Comparison:
        """True where the column has a value."""
        return Comparison(self.name, Operator.IS_NOT_NULL)

    def like(self, pattern: str, *, escape: str = "\\") -> Comparison:
        """Match the whole text: ``%`` any run, ``_`` one character, case-sensitive.

        ``escape`` is one character that makes the next ``%``, ``_`` or itself literal; empty: none.
        """
        return self._like(Operator.LIKE, pattern, escape)

    def not_like(self, pattern: str, *, escape: str = "\\") -> Comparison:
        """True where the column has a text that ``like`` does not match."""
        return self._like(Operator.NOT_LIKE, pattern, escape)

    def _like(self, sign: Operator, pattern: str, escape: str) -> Comparison:
        like_pattern(pattern, escape)
        return Comparison(self.name, sign, pattern, escape)

    def __repr__(self) -> str:
        return f"column({self.name!r})"


def column(name: str) -> Column:
    """Begin a condition on a column: ``column("owner") == "me"``."""
    if not isinstance(name, str) or not name:
        raise InvalidOperationError(
            f"{name!r} is not a column name", advice="Give the name as text", code="STX-3012"
        )
    return Column(name)


def like_pattern(pattern: str, escape: str) -> re.Pattern[str]:
    """Compile a LIKE pattern; InvalidOperationError names what is wrong with it."""
    if not isinstance(pattern, str):
        raise InvalidOperationError(
            f"LIKE needs a text pattern, not {pattern!r:.60}",
            advice="Write for example column('name').like('a%')",
            code="STX-3048",
        )
    if not isinstance(escape, str) or len(escape) > 1:
        raise InvalidOperationError(
            f"the escape of LIKE is {escape!r:.60}",
            advice="Give one character, or the empty text for none",
            code="STX-3048",
        )
    return _compiled(pattern, escape)


@lru_cache(maxsize=512)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    out: list[str] = []
    rest = iter(pattern)
    for sign in rest:
        if escape and sign == escape:
            literal = next(rest, None)
            if literal is None or literal not in ("%", "_", escape):
                raise InvalidOperationError(
                    f"in the LIKE pattern {pattern!r} the escape {escape!r} stands before "
                    f"{'the end' if literal is None else repr(literal)}",
                    advice="It may stand before %, _ or itself only; double it to mean itself",
                    code="STX-3048",
                )
            out.append(re.escape(literal))
        elif sign == "%":
            out.append(".*")
        elif sign == "_":
            out.append(".")
        else:
            out.append(re.escape(sign))
    return re.compile("".join(out), re.DOTALL)


def sort_key(value: Value) -> tuple[int, Value | tuple[int, float]]:
    """Order values of one column: NULL first, NaN last, everything else by its nature."""
    if value is None:
        return (0, 0)
    if isinstance(value, float) and math.isnan(value):
        return (2, 0)
    return (1, value)


_COMPARE: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def matches(condition: Condition, row: Mapping[str, Value]) -> bool:
    """Is the condition true (not false, not unknown) of the row?

    No operator negates a joined condition, so unknown can count as false at every step.
    """
    if isinstance(condition, And):
        for term in condition.terms:  # noqa: SIM110  # a generator costs more than its terms
            if not matches(term, row):
                return False
        return True
    if isinstance(condition, Or):
        return any(matches(term, row) for term in condition.terms)
    actual = row[condition.column]
    sign = condition.operator
    if sign is Operator.IS_NULL:
        return actual is None
    if actual is None:
        return False
    if sign is Operator.IS_NOT_NULL:
        return True
    if condition.value is None:
        return False
    if sign is Operator.LIKE or sign is Operator.NOT_LIKE:
        found = like_pattern(str(condition.value), condition.escape).fullmatch(str(actual))
        return (found is not None) == (sign is Operator.LIKE)
    if isinstance(actual, float):
        return _COMPARE[sign](sort_key(actual), sort_key(condition.value))
    return _COMPARE[sign](actual, condition.value)


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """All comparisons in a condition."""
    if isinstance(condition, Comparison):
        yield condition
    else:
        for term in condition.terms:
            yield from comparisons(term)


def rewritten(condition: Condition, change: Callable[[Comparison], Comparison]) -> Condition:
    """The same condition with every comparison replaced."""
    if isinstance(condition, Comparison):
        return change(condition)
    return type(condition)(tuple(rewritten(term, change) for term in condition.terms))


def bound(condition: Condition, schema: TableSchema, table: str) -> Condition:
    """Check a condition against a table's columns and bring its values to the columns' types."""

    def bind(comparison: Comparison) -> Comparison:
        data_type = schema.columns.get(comparison.column)
        if data_type is None:
            raise InvalidOperationError(
                f"the condition names {comparison.column!r}, which {table} does not have",
                advice=f"Its columns are {', '.join(schema.columns)}",
                code="STX-3012",
            )
        sign = comparison.operator
        if sign in (Operator.IS_NULL, Operator.IS_NOT_NULL):
            return comparison
        place = f"the condition's value for {table}.{comparison.column}"
        if sign in (Operator.LIKE, Operator.NOT_LIKE) and data_type is not DataType.TEXT:
            raise InvalidOperationError(
                f"LIKE needs a TEXT column; {table}.{comparison.column} is {data_type.value}",
                advice="Compare it with == < <= > >= instead",
                code="STX-3048",
            )
        value = checked(comparison.value, data_type, place, wide_bigint=True)
        return Comparison(comparison.column, sign, value, comparison.escape)

    if not isinstance(condition, Comparison | And | Or):
        raise InvalidOperationError(
            f"where={condition!r} is no condition",
            advice="Write for example where=column('balance') >= 10",
            code="STX-3020",
        )
    return rewritten(condition, bind)

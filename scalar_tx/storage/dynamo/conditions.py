"""How does a condition of a write become a condition expression? (Storage specification 4.4)

The meaning is this library's everywhere: a comparison with NULL is not true, so what Java writes as
``NOT a = b`` asks here for a value besides. A NULL may be an absent attribute or one of kind NULL.
DynamoDB knows no LIKE and no order of booleans: the latter is spelt out, the former is judged by
the caller, who then asks for the values that were judged (see ``pinned``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import And, Comparison, Condition, Operator, Or, comparisons
from scalar_tx.storage.dynamo.codec import NULL, encode
from scalar_tx.storage.dynamo.keys import PARTITION_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.types import DataType, Row
    from scalar_tx.storage.dynamo.codec import Attribute

_SIGNS: Final[Mapping[Operator, str]] = {
    Operator.EQ: "=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
_LIKES: Final = (Operator.LIKE, Operator.NOT_LIKE)
# No existing item is without its key.
_NEVER: Final = f"attribute_not_exists({PARTITION_KEY})"

# The comparisons of a boolean: those that come down to equality, and to what.
_BOOLEANS: Final[Mapping[tuple[Operator, bool], bool | None]] = {
    (Operator.GT, False): True,
    (Operator.GE, True): True,
    (Operator.LT, True): False,
    (Operator.LE, False): False,
    (Operator.GT, True): None,
    (Operator.LT, False): None,
}


def needs_judging(condition: Condition) -> bool:
    """Does the condition hold a comparison that DynamoDB can't do?"""
    return any(one.operator in _LIKES for one in comparisons(condition))


def pinned(condition: Condition, row: Row) -> Condition:
    """That every column of the condition is still what it is in a row."""
    names = dict.fromkeys(one.column for one in comparisons(condition))
    return And(
        tuple(
            Comparison(name, Operator.IS_NULL)
            if row[name] is None
            else Comparison(name, Operator.EQ, row[name])
            for name in names
        )
    )


class Aliases:
    """The names and values that the expressions of one request stand for."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Attribute] = {}
        self._columns: dict[str, str] = {}
        self._values = 0

    def column(self, name: str) -> str:
        """What stands for a column in a condition."""
        alias = self._columns.get(name)
        if alias is None:
            alias = self._columns[name] = f"#ccol{len(self._columns)}"
            self.names[alias] = name
        return alias

    def value(self, attribute: Attribute) -> str:
        """What stands for a value in a condition."""
        for alias, known in self.values.items():
            if known is attribute:
                return alias
        alias = f":cval{self._values}"
        self._values += 1
        self.values[alias] = attribute
        return alias


class Rendering:
    """Writes conditions on the columns of one table."""

    def __init__(self, columns: Mapping[str, DataType], aliases: Aliases) -> None:
        self._columns = columns
        self._aliases = aliases

    def text(self, condition: Condition) -> str:
        """The expression of a condition."""
        if isinstance(condition, Comparison):
            return self._comparison(condition)
        terms = [self.text(term) for term in condition.terms]
        if not terms:
            return _NEVER if isinstance(condition, Or) else f"attribute_exists({PARTITION_KEY})"
        return "(" + (" AND " if isinstance(condition, And) else " OR ").join(terms) + ")"

    def _comparison(self, one: Comparison) -> str:
        sign, value = one.operator, one.value
        if sign in _LIKES:
            raise InvalidOperationError(
                f"DynamoDB can't judge {one!r}", advice="Compare by value", code="STX-3048"
            )
        column = self._aliases.column(one.column)
        if sign is Operator.IS_NULL:
            null = self._aliases.value(NULL)
            return f"(attribute_not_exists({column}) OR {column} = {null})"
        if sign is Operator.IS_NOT_NULL:
            return self._present(column)
        if value is None:
            return _NEVER
        data_type = self._columns[one.column]
        if isinstance(value, bool) and sign not in (Operator.EQ, Operator.NE):
            equal = _BOOLEANS.get((sign, value), ...)
            if equal is None:
                return _NEVER
            if equal is ...:
                return self._present(column)
            sign, value = Operator.EQ, bool(equal)
        alias = self._aliases.value(encode(value, data_type))
        if sign is Operator.NE:
            return f"({self._present(column)} AND NOT {column} = {alias})"
        return f"{column} {_SIGNS[sign]} {alias}"

    def _present(self, column: str) -> str:
        null = self._aliases.value(NULL)
        return f"(attribute_exists({column}) AND NOT {column} = {null})"

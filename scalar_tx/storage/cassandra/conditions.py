"""Which condition of Cassandra says what one of ours does? (Storage specification 3.4)

Cassandra knows conjunctions of comparisons. Its ``!=`` is true of NULL, its ``= null`` of a record
that is not there, and to it -0.0 is less than 0.0; ours are not. Terms are chosen so that they mean
the same. Where no terms do, the record is read first, and the write then rests on what was read
being unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.model.conditions import And, Comparison, Operator, comparisons, matches
from scalar_tx.storage.cassandra.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import DataType, Row, Value


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison behind IF; ``value`` None is null."""

    column: str
    sign: str
    value: bytes | None

    @property
    def shows_existence(self) -> bool:
        """Is it false of a record that is not there?"""
        return self.value is not None or self.sign == "!="


_SIGNS: Final = {
    Operator.EQ: "=",
    Operator.NE: "!=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
# With two zeros, of which -0.0 is the lesser: the terms that take them for one.
_ZERO: Final[Mapping[Operator, tuple[tuple[str, float], ...]]] = {
    Operator.EQ: ((">=", -0.0), ("<=", 0.0)),
    Operator.NE: (("!=", -0.0), ("!=", 0.0)),
    Operator.GT: ((">", 0.0),),
    Operator.GE: ((">=", -0.0),),
    Operator.LT: (("<", -0.0),),
    Operator.LE: (("<=", 0.0),),
}


def terms_of(condition: Condition, key: Row, schema: TableSchema) -> tuple[Term, ...] | None:
    """Terms that are true exactly of an existing record that meets the condition.

    None: there are none. ``key`` holds the record's key columns; they can't stand behind IF.
    """
    found: list[Term] = []
    for one in condition.terms if isinstance(condition, And) else (condition,):
        if not isinstance(one, Comparison):
            return None
        if one.column in key:
            if not matches(one, key):
                return None
            continue
        terms = _compared(one, schema.columns[one.column])
        if terms is None:
            return None
        found.extend(terms)
    return tuple(found) if any(term.shows_existence for term in found) else None


def _compared(one: Comparison, data_type: DataType) -> list[Term] | None:
    name = one.column
    match one.operator:
        case Operator.IS_NULL:
            return [Term(name, "=", None)]
        case Operator.IS_NOT_NULL:
            return [Term(name, "!=", None)]
        case Operator.LIKE | Operator.NOT_LIKE:
            return None
    if one.value is None:
        return None  # never true
    if isinstance(one.value, float) and one.value == 0:
        pairs = _ZERO[one.operator]
        terms = [Term(name, sign, encode(zero, data_type)) for sign, zero in pairs]
    else:
        terms = [Term(name, _SIGNS[one.operator], encode(one.value, data_type))]
    if one.operator is Operator.NE:
        terms.append(Term(name, "!=", None))
    return terms


def terms_of_seen(columns: Iterable[str], row: Row, schema: TableSchema) -> tuple[Term, ...] | None:
    """Terms that are true of a record which is there, and whose columns are as in ``row``.

    None: every column of the record is NULL, so no term tells it from one that is not there.
    """
    names = list(dict.fromkeys(name for name in columns if name not in schema.primary_key))
    found = [Term(name, "=", encode(row[name], schema.columns[name])) for name in names]
    if not any(term.shows_existence for term in found):
        witness = next((c for c in schema.other_columns if row[c] is not None), None)
        if witness is None:
            return None
        found.append(Term(witness, "!=", None))
    return tuple(found)


def columns_in(condition: Condition) -> list[str]:
    """The columns that a condition compares."""
    return [one.column for one in comparisons(condition)]


def key_row(schema: TableSchema, key: tuple[Value, ...]) -> Row:
    """A key as the row of its columns."""
    return dict(zip(schema.primary_key, key, strict=True))

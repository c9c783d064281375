"""How does a condition become a message?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.messages.values import MalformedError, check_names, value_message, value_of
from scalar_tx.cluster.rpc.v1 import values_pb2 as rpc
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import And, Comparison, Existence, Operator, Or

if TYPE_CHECKING:
    from scalar_tx.model.conditions import Condition

DEEPEST: Final = 40  # levels of conditions in each other; protobuf reads 100 of messages

_OPERATORS: Final = {
    Operator.EQ: rpc.OPERATOR_EQ,
    Operator.NE: rpc.OPERATOR_NE,
    Operator.GT: rpc.OPERATOR_GT,
    Operator.GE: rpc.OPERATOR_GE,
    Operator.LT: rpc.OPERATOR_LT,
    Operator.LE: rpc.OPERATOR_LE,
    Operator.IS_NULL: rpc.OPERATOR_IS_NULL,
    Operator.IS_NOT_NULL: rpc.OPERATOR_IS_NOT_NULL,
    Operator.LIKE: rpc.OPERATOR_LIKE,
    Operator.NOT_LIKE: rpc.OPERATOR_NOT_LIKE,
}
_SIGNS: Final = {number: sign for sign, number in _OPERATORS.items()}
_EXISTENCES: Final = {
    Existence.IF_EXISTS: rpc.EXISTENCE_IF_EXISTS,
    Existence.IF_NOT_EXISTS: rpc.EXISTENCE_IF_NOT_EXISTS,
}
_EXISTENCE_OF: Final = {number: existence for existence, number in _EXISTENCES.items()}


def condition_message(condition: object, table: str, levels: int = DEEPEST) -> rpc.Condition:
    """The message of a condition, or of one about the record as a whole."""
    if isinstance(condition, Comparison):
        check_names([condition.column], table)
        place = f"the condition's value for {table}.{condition.column}"
        return rpc.Condition(
            comparison=rpc.Comparison(
                column=condition.column,
                operator=_OPERATORS[condition.operator],
                value=value_message(condition.value, place),
                escape=condition.escape,
            )
        )
    if isinstance(condition, Existence):
        return rpc.Condition(existence=_EXISTENCES[condition])
    if not isinstance(condition, And | Or):
        raise InvalidOperationError(
            f"where={condition!r:.200} is no condition",
            advice="Write for example where=column('balance') >= 10",
            code="STX-3020",
        )
    if levels == 0:
        raise InvalidOperationError(
            f"a condition on {table} is nested deeper than {DEEPEST} levels",
            advice="Join conditions side by side: (a) & (b) & (c)",
            code="STX-3020",
        )
    terms = rpc.Terms(terms=[condition_message(one, table, levels - 1) for one in condition.terms])
    return rpc.Condition(all=terms) if isinstance(condition, And) else rpc.Condition(any=terms)


def condition_of(message: rpc.Condition, levels: int = DEEPEST) -> Condition:
    """A condition on columns; MalformedError: it is none."""
    kind = message.WhichOneof("kind")
    if kind == "comparison":
        return _comparison(message.comparison)
    if kind not in ("all", "any"):
        raise MalformedError("a condition says nothing, or is about the record where it can't be")
    if levels == 0:
        raise MalformedError(f"a condition is nested deeper than {DEEPEST} levels")
    inner = message.all if kind == "all" else message.any
    terms = tuple(condition_of(term, levels - 1) for term in inner.terms)
    if not terms:
        raise MalformedError("a condition joins no terms")
    return And(terms) if kind == "all" else Or(terms)


def _comparison(message: rpc.Comparison) -> Comparison:
    sign = _SIGNS.get(message.operator)
    if sign is None:
        raise MalformedError(f"{message.operator} is no operator")
    value = value_of(message.value)
    if value is None and sign not in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        raise MalformedError("a comparison has no value; ask for NULL with OPERATOR_IS_NULL")
    return Comparison(message.column, sign, value, message.escape)


def write_condition_of(message: rpc.Condition) -> Condition | Existence:
    """A condition of a write, which may be about the record as a whole."""
    if message.WhichOneof("kind") != "existence":
        return condition_of(message)
    existence = _EXISTENCE_OF.get(message.existence)
    if existence is None:
        raise MalformedError(f"{message.existence} is no kind of existence")
    return existence

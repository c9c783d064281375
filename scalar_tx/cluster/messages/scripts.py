"""How does a script become a message?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.messages.operations import operation_message, operation_of
from scalar_tx.cluster.messages.values import MalformedError, check_names, value_message, value_of
from scalar_tx.cluster.rpc.v1 import scripts_pb2 as rpc
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.script import (
    DEEPEST,
    MOST_STEPS,
    Call,
    Computed,
    Earlier,
    Expression,
    Found,
    Function,
    Literal,
    Place,
    Requirement,
    Script,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FUNCTIONS: Final[Mapping[Function, Any]] = {one: rpc.Function.Value(one.name) for one in Function}
_FUNCTION_OF: Final[Mapping[int, Function]] = {rpc.Function.Value(f.name): f for f in Function}
_PLACES: Final[Mapping[Place, Any]] = {one: rpc.Computed.Place.Value(one.name) for one in Place}
_PLACE_OF: Final[Mapping[int, Place]] = {rpc.Computed.Place.Value(p.name): p for p in Place}
_LONE: Final = {Function.NOT, Function.IS_NULL}
_SEVERAL: Final = {Function.COALESCE, Function.AND, Function.OR}


def script_message(script: Script) -> rpc.Script:
    """The message of a script; InvalidOperationError: it holds what none can hold."""
    return rpc.Script(steps=[_step_message(step) for step in script.steps])


def script_of(message: rpc.Script) -> Script:
    """The script of a message; MalformedError, InvalidOperationError: it is none."""
    if not 0 < len(message.steps) <= MOST_STEPS:
        raise MalformedError(f"a script has 1 to {MOST_STEPS} steps, not {len(message.steps)}")
    steps: list[Step] = []
    for step in message.steps:
        steps.append(_step_of(step, steps))
    return Script(steps)


def _step_message(step: Step) -> rpc.Step:
    if isinstance(step.work, Requirement):
        condition = _expression_message(step.work.condition, DEEPEST)
        return rpc.Step(require=rpc.Requirement(condition=condition, message=step.work.message))
    table = step.work.table
    check_names([one.column for one in step.computed], table)
    return rpc.Step(
        operation=operation_message(step.work),
        computed=[
            rpc.Computed(
                place=_PLACES[one.place],
                column=one.column,
                value=_expression_message(one.value, DEEPEST),
            )
            for one in step.computed
        ],
    )


def _step_of(message: rpc.Step, before: Sequence[Step]) -> Step:
    kind = message.WhichOneof("kind")
    if kind == "require":
        if message.computed:
            raise MalformedError("a requirement has no place for a value that is made")
        condition = _expression_of(message.require.condition, DEEPEST, before)
        return Step(Requirement(condition, message.require.message))
    if kind is None:
        raise MalformedError("a step of a script is neither operation nor requirement")
    operation = operation_of(message.operation)
    return Step(operation, tuple(_computed_of(one, operation, before) for one in message.computed))


def _computed_of(message: rpc.Computed, operation: object, before: Sequence[Step]) -> Computed:
    place = _PLACE_OF.get(message.place)
    if place is None or not hasattr(operation, place.value):
        raise MalformedError(f"{type(operation).__name__} has no place {message.place} for a value")
    return Computed(place, message.column, _expression_of(message.value, DEEPEST, before))


def _expression_message(expression: Expression, levels: int) -> rpc.Expression:
    if levels == 0:
        raise MalformedError(f"a value of a script is nested deeper than {DEEPEST} levels")
    match expression:
        case Literal(value):
            return rpc.Expression(literal=value_message(value, "a value of the script"))
        case Earlier(step, name):
            return rpc.Expression(column=rpc.Earlier(step=step, name=name))
        case Found(step):
            return rpc.Expression(found=step)
        case Call(function, arguments):
            inner = [_expression_message(one, levels - 1) for one in arguments]
            return rpc.Expression(call=rpc.Call(function=_FUNCTIONS[function], arguments=inner))
    raise AssertionError(expression)


def _expression_of(message: rpc.Expression, levels: int, before: Sequence[Step]) -> Expression:
    if levels == 0:
        raise MalformedError(f"a value of a script is nested deeper than {DEEPEST} levels")
    kind = message.WhichOneof("kind")
    if kind == "literal":
        return Literal(value_of(message.literal))
    if kind == "column":
        _check_reads(message.column.step, before)
        return Earlier(message.column.step, message.column.name)
    if kind == "found":
        _check_reads(message.found, before)
        return Found(message.found)
    if kind != "call":
        raise MalformedError("a value of a script says nothing")
    function = _FUNCTION_OF.get(message.call.function)
    if function is None:
        raise MalformedError(f"{message.call.function} is no function")
    arguments = message.call.arguments
    right = len(arguments) == (1 if function in _LONE else 2)
    if not (right or (function in _SEVERAL and arguments)):
        raise MalformedError(f"{function.value} does not take {len(arguments)} values")
    return Call(function, tuple(_expression_of(one, levels - 1, before) for one in arguments))


def _check_reads(step: int, before: Sequence[Step]) -> None:
    # It would be taken for one that has found no record, and a COALESCE would go on by that.
    if step < len(before) and not isinstance(before[step].work, Get | Scan):
        raise MalformedError(f"a value of a script is made of step {step}, which reads nothing")

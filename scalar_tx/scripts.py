"""How is a script run, step by step?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import ConditionNotMetError, InvalidOperationError
from scalar_tx.model.operations import Get
from scalar_tx.model.script import (
    Call,
    Earlier,
    Expression,
    Found,
    Function,
    Literal,
    Requirement,
)
from scalar_tx.model.types import INT64_MAX, INT64_MIN
from scalar_tx.transactional_functions import may_rest_on_reads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.backend import Steps
    from scalar_tx.model.operations import Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.script import Script, Step
    from scalar_tx.model.types import Value

Results = list["Record | list[Record] | None"]


async def run_transaction(steps: Steps, script: Script) -> Results:
    """Run a script as the whole of a transaction: its steps, then the commit."""
    try:
        results = await run_script(steps, script)
    except Exception as error:
        if may_rest_on_reads(error):
            await steps.confirm_reads()
        raise
    else:
        await steps.commit()
        return results
    finally:
        if not steps.finished:
            await steps.rollback()


async def run_script(steps: Steps, script: Script) -> Results:
    """Run a script in a transaction that is committed elsewhere; one result a step.

    Reads by key that follow each other go to the storage together. ConditionNotMetError: a
    requirement is not true. InvalidOperationError: a value can't be made.
    """
    results: Results = []
    waiting: list[Operation] = []
    for step in script.steps:
        work = step.work
        if isinstance(work, Get) and not step.computed:
            waiting.append(work)
            continue
        if waiting:
            results += await steps.batch(waiting)
            waiting = []
        if isinstance(work, Requirement):
            _require(work, results)
            results.append(None)
        else:
            results += await steps.batch([_complete(work, step, results)])
    if waiting:
        results += await steps.batch(waiting)
    return results


def _require(requirement: Requirement, results: Results) -> None:
    if value_of(requirement.condition, results) is not True:
        number = len(results)
        raise ConditionNotMetError(
            requirement.message or f"the requirement at step {number} of the script is not true",
            advice="Nothing was written; decide by what the records hold",
            code="STX-1005",
        )


def _complete(operation: Operation, step: Step, results: Results) -> Operation:
    """The operation with all its values."""
    made: dict[str, dict[str, Value]] = {}
    for one in step.computed:
        name = one.place.value
        if name not in made:
            made[name] = dict(getattr(operation, name) or {})
        made[name][one.column] = value_of(one.value, results)
    changes: Any = made
    return replace(operation, **changes) if made else operation


def value_of(expression: Expression, results: Sequence[object]) -> Value:
    """The value of an expression, after the steps whose results are given."""
    match expression:
        case Literal(value):
            return value
        case Earlier(step, name):
            record = _record(step, results)
            if record is None:
                return None
            if name not in record:
                raise _impossible(
                    f"step {step} did not read a column {name!r}", "Name a column that it reads"
                )
            found: Value = record[name]
            return found
        case Found(step):
            return _record(step, results) is not None
        case Call(function, arguments):
            return _call(function, [value_of(one, results) for one in arguments])
    raise AssertionError(expression)


def _record(step: int, results: Sequence[object]) -> Any:
    if not 0 <= step < len(results):
        raise _impossible(
            f"a value is made of step {step}, and only {len(results)} steps are before it",
            "Use the results of earlier steps; they are counted from 0",
        )
    found = results[step]
    return (found[0] if found else None) if isinstance(found, list) else found


def _call(function: Function, values: list[Value]) -> Value:
    special = _OF_NULLS.get(function)
    if special is not None:
        return special(values)
    if any(value is None for value in values):
        return None
    if function is Function.NOT:
        return not _truth(values[0], function)
    left, right = values
    if function in _COMPARISONS:
        if _kind(left) != _kind(right):
            raise _mismatch(function, left, right)
        found: bool = _COMPARISONS[function](left, right)
        return found
    if function is Function.CONCAT:
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, bytes) and isinstance(right, bytes):
            return left + right
        raise _mismatch(function, left, right)
    return _sum(function, left, right)


def _sum(function: Function, left: Value, right: Value) -> int | float:
    if isinstance(left, bool) or isinstance(right, bool):
        raise _mismatch(function, left, right)
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise _mismatch(function, left, right)
    try:
        found = left + right if function is Function.ADD else left - right
    except OverflowError:
        raise _mismatch(function, left, right) from None
    if isinstance(found, int) and not INT64_MIN <= found <= INT64_MAX:
        raise _impossible(
            f"{left} {function.value} {right} leaves 64 bits", "Require that it can't"
        )
    return found


def _truth(value: Value, function: Function) -> bool:
    if type(value) is not bool:
        raise _impossible(
            f"{function.value} needs conditions, not {value!r:.60}",
            "Compare it with something first",
        )
    return value


def _all(values: list[Value]) -> bool | None:
    known = [_truth(value, Function.AND) for value in values if value is not None]
    return False if not all(known) else (True if len(known) == len(values) else None)


def _any(values: list[Value]) -> bool | None:
    known = [_truth(value, Function.OR) for value in values if value is not None]
    return True if any(known) else (False if len(known) == len(values) else None)


_OF_NULLS: Final[Mapping[Function, Callable[[list[Any]], Value]]] = {
    Function.COALESCE: lambda values: next((one for one in values if one is not None), None),
    Function.IS_NULL: lambda values: values[0] is None,
    Function.AND: _all,
    Function.OR: _any,
}
_COMPARISONS: Final[Mapping[Function, Callable[[Any, Any], bool]]] = {
    Function.EQ: lambda left, right: left == right,
    Function.NE: lambda left, right: left != right,
    Function.LT: lambda left, right: left < right,
    Function.LE: lambda left, right: left <= right,
    Function.GT: lambda left, right: left > right,
    Function.GE: lambda left, right: left >= right,
}


def _kind(value: Value) -> object:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    if isinstance(value, dt.datetime):
        return (dt.datetime, value.tzinfo is None)
    return type(value)


def _mismatch(function: Function, left: Value, right: Value) -> InvalidOperationError:
    return _impossible(
        f"{function.value} does not take {type(left).__name__} {left!r:.40} and "
        f"{type(right).__name__} {right!r:.40}",
        "Give two values of one kind that it is made for",
    )


def _impossible(message: str, advice: str) -> InvalidOperationError:
    return InvalidOperationError(f"a script can't go on: {message}", advice=advice, code="STX-3092")

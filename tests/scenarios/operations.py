"""How is an operation of a transaction written as a command, and how is one read?

``Upsert("bank.accounts", {"id": 7, "balance": 90})`` of A is ``upsert A accounts/7 90``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.conditions import Comparison, Operator, if_exists, if_not_exists
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from tests.scenarios.script import ScriptError
from tests.scenarios.tables import table_named, table_of
from tests.scenarios.words import as_record, listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.operations import Operation
    from scalar_tx.model.types import Value


async def perform(steps: TransactionSteps, operation: Operation | Sequence[Operation]) -> str:
    """What a transaction answers to an operation, or to several that it is handed together."""
    if isinstance(operation, Get):
        return answered(operation, await steps.get(operation))
    if isinstance(operation, Scan):
        return answered(operation, await steps.scan(operation))
    if isinstance(operation, (Insert, Upsert, Update, Put, Delete)):
        await steps.mutate(operation)
        return ""
    return answered(operation, await steps.batch(operation))


def answered(operation: Operation | Sequence[Operation], result: Any) -> str:
    """A result in the words of scripts."""
    if isinstance(operation, Scan):
        return listed(result)
    if isinstance(operation, Get):
        return as_record(result)
    return ", ".join(as_record(one) for one in result or ())


# From words.


def _get(place: str, *how: str) -> Get:
    table = table_of(place)
    if "/" in place:
        return Get(table.name, table.key(place), **where(place, how))
    index, *rest = how
    return Get(table.name, index=table.pair(index), **where(place, tuple(rest)))


def scan(place: str, *how: str) -> Scan:
    """A scan: its place, and the words that say which part of it."""
    table = table_of(place)
    options: dict[str, Any] = {}
    words = list(how)
    if "/" in place:
        options["partition"] = table.partition(place)
    while words:
        word = words.pop(0)
        if word == "all":
            options["whole_table"] = True
        elif word == "by":
            options["order_by"] = words.pop(0).split(",")
        elif word in ("from", "to", "after", "below"):
            bound = {"from": "start", "after": "start", "to": "end", "below": "end"}[word]
            options[bound] = table.bound(words.pop(0))
            options[f"{bound}_inclusive"] = word in ("from", "to")
        elif word == "limit":
            options["limit"] = int(words.pop(0))
        elif word == "desc":
            options["order_by"] = ["-" + table.clustering[0]]
        elif word == "where":
            options |= where(place, ("where", *words))
            words.clear()
        else:
            options["index"] = table.pair(word)
    return Scan(table.name, **options)


def _insert(place: str, *values: str) -> Insert:
    table, row, _ = _values(place, values)
    return Insert(table, row)


def _upsert(place: str, *values: str) -> Upsert:
    table, row, _ = _values(place, values)
    return Upsert(table, row)


def _update(place: str, *values: str) -> Update:
    table, row, how = _values(place, values)
    key = table_of(place).key(place)
    return Update(table, key, {n: v for n, v in row.items() if n not in key}, **how)


def _put(place: str, *values: str) -> Put:
    table, row, how = _values(place, values)
    return Put(table, row, implicit_pre_read=True, **how)


def _blind(place: str, *values: str) -> Put:
    table, row, how = _values(place, values)
    return Put(table, row, **how)


def _delete(place: str, *how: str) -> Delete:
    table, row, options = _values(place, how)
    return Delete(table, row, **options)


def _gets(*places: str) -> list[Operation]:
    return [_get(place) for place in places]


# The commands that are one operation: behind the verb stands the transaction, then this.
OPERATIONS: Final[Mapping[str, Callable[..., Operation | list[Operation]]]] = {
    "get": _get,
    "gets": _gets,
    "scan": scan,
    "insert": _insert,
    "upsert": _upsert,
    "update": _update,
    "put": _put,
    "blind": _blind,
    "delete": _delete,
}


def _values(place: str, words: tuple[str, ...]) -> tuple[str, dict[str, Value], dict[str, Any]]:
    table = table_of(place)
    row = table.key(place)
    how: dict[str, Any] = {}
    for at, word in enumerate(words):
        if word in ("if", "if-exists", "if-not-exists"):
            how = where(place, words[at:])
            break
        row |= table.pair(word if "=" in word else f"{table.first}={word}")
    return table.name, row, how


def where(place: str, words: tuple[str, ...]) -> dict[str, Any]:
    """The condition behind ``where`` or ``if``, as an argument of an operation."""
    if not words:
        return {}
    if words[0] in ("if-exists", "if-not-exists"):
        return {"where": if_exists if words[0] == "if-exists" else if_not_exists}
    table = table_of(place)
    joined: Condition | None = None
    for word in words[1:]:
        if word == "and":
            continue
        match = re.fullmatch(r"(\w+)(>=|<=|!=|=|>|<)(.+)", word)
        if match is None:
            raise ScriptError(f"{word!r} is no comparison")
        name, sign, text = match.groups()
        operator = Operator("==" if sign == "=" else sign)
        compared = Comparison(name, operator, table.value(name, text))
        joined = compared if joined is None else joined & compared
    return {"where": joined}


# Into words.


def in_words(operation: Operation | Sequence[Operation], name: str) -> str:
    """The command of transaction ``name`` for an operation; ScriptError where there are no words.

    Conditions and bounds have none here: who writes such operations writes the script as well.
    """
    match operation:
        case Get(key=key) if key is not None:
            return _only(operation, f"get {name} {place_of(operation.table, key)}")
        case Scan():
            return _only(operation, f"scan {name} {_scan_in_words(operation)}")
        case Insert() | Upsert():
            verb = "insert" if isinstance(operation, Insert) else "upsert"
            return f"{verb} {name} {_row_in_words(operation.table, operation.values)}"
        case Update():
            row = {**operation.key, **operation.values}
            return _only(operation, f"update {name} {_row_in_words(operation.table, row)}")
        case Delete():
            return _only(operation, f"delete {name} {place_of(operation.table, operation.key)}")
        case [*operations]:
            places = [one.split(" ", 2)[2] for one in (in_words(each, "_") for each in operations)]
            if all(isinstance(one, Get) for one in operations):
                return f"gets {name} {' '.join(places)}"
    raise _wordless(operation)


def place_of(table: str, row: Mapping[str, Value]) -> str:
    """accounts/7"""
    found = table_named(table)
    keys = (shown(row[name]) for name in found.schema.primary_key)
    return "/".join((found.short, *keys))


def _row_in_words(table: str, row: Mapping[str, Value]) -> str:
    found = table_named(table)
    values = {n: v for n, v in row.items() if n not in found.schema.primary_key}
    words = [shown(values.pop(found.first))] if found.first in values else []
    words += [f"{column}={shown(value)}" for column, value in values.items()]
    return " ".join((place_of(table, row), *words))


def _scan_in_words(operation: Scan) -> str:
    table = table_named(operation.table)
    words = [table.short]
    if operation.partition is not None:
        words = ["/".join((table.short, *map(shown, operation.partition.values())))]
    elif operation.whole_table:
        words.append("all")
    else:
        words += [f"{column}={shown(value)}" for column, value in (operation.index or {}).items()]
    order = list(operation.order_by or ())
    if order and order == [f"-{name}" for name in table.clustering[:1]]:
        words.append("desc")
    elif order:
        words += ["by", ",".join(order)]
    if operation.limit:
        words += ["limit", str(operation.limit)]
    return " ".join(words)


def _only(operation: Operation, command: str) -> str:
    """The command, if it says everything about the operation."""
    verb, _, *words = command.split(" ")
    if OPERATIONS[verb](*words) != operation:
        raise _wordless(operation)
    return command


def _wordless(operation: object) -> ScriptError:
    return ScriptError(f"there are no words for {operation!r}")

"""How does a history stand in a file?

In the form of Jepsen and Elle: JSON, one operation a line or all in one array. An operation is the
beginning (``"type": "invoke"``) or the end (``ok``, ``fail``, ``info``) of a transaction::

    {"index": 0, "type": "invoke", "process": 3, "f": "txn", "value": [["r", "x", null]]}
    {"index": 1, "type": "ok", "process": 3, "f": "txn", "value": [["r", "x", [1, 2]]]}

The order of the lines is real time. ``id`` and ``level`` are ours: the name of the transaction and
the isolation level at which it ran. Other fields, and operations whose ``f`` is not ``txn``, are
passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories.history import Outcome, Transaction
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LIST_APPEND: Final = "list-append"
RW_REGISTER: Final = "rw-register"
MODELS: Final = (LIST_APPEND, RW_REGISTER)

_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}
_ELEMENTS: Final = {int, str}
_EVERY: Final = 5000  # lines between two reports of progress


@dataclass(slots=True)
class History:
    """What a file holds: its transactions in the order in which they began.

    ``model`` is what the operations are of, or None where nothing shows it. ``notes`` say what was
    passed over.
    """

    transactions: list[Transaction]
    model: str | None
    notes: list[str] = field(default_factory=list)


def read_history(
    text: str, name: str = "the history", progress: Callable[[int], None] | None = None
) -> History:
    """The history in a text; InvalidOperationError names the line that can't be understood.

    A last line that was cut off by a crash of its writer is passed over with a note. ``progress``
    is told now and then how many lines were read.
    """
    reading = _Reading(name)
    for count, (place, operation) in enumerate(_operations(text, name, reading.notes)):
        reading.take(place, count, operation)
        if progress is not None and not count % _EVERY:
            progress(count)
    return reading.result()


def write_history(transactions: Sequence[Transaction]) -> Iterator[str]:
    """The lines of a history, each with its end.

    Of transactions without times each ends before the next begins.
    """
    events: list[tuple[float, int, int, Transaction]] = []
    for position, one in enumerate(transactions):
        begin = position if one.invoked is None else one.invoked
        end = position if one.invoked is None else one.completed
        events.append((begin, 0, position, one))
        if end is not None:
            events.append((end, 1, position, one))
    for index, (_, is_end, _, one) in enumerate(sorted(events, key=lambda event: event[:3])):
        ended = is_end and one.outcome is Outcome.OK
        value = [
            [kind, key, done if ended or kind != "r" else None]
            for kind, key, done in one.operations
        ]
        line: dict[str, Any] = {
            "index": index,
            "type": one.outcome.value if is_end else "invoke",
            "process": one.number if one.process is None else one.process,
            "f": "txn",
            "value": value,
        }
        if is_end and one.name:
            line["id"] = one.name
        if is_end and one.level is not None:
            line["level"] = one.level.value
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _operations(text: str, name: str, notes: list[str]) -> Iterator[tuple[int, Any]]:
    """Every operation with its place, counted from 1: its line, or its number in the array."""
    start = text[:1000].lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        try:
            yield from enumerate(json.loads(text.lstrip("\ufeff")), 1)
        except json.JSONDecodeError as error:
            raise _unreadable(name, error.lineno, f"is no JSON: {error.msg}") from error
        return
    lines = text.lstrip("\ufeff").split("\n")
    parse = json.JSONDecoder().decode
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            operation = parse(line)
        except json.JSONDecodeError as error:
            if number == len(lines) and number > 1:
                notes.append(f"line {number} of {name} is cut off and was passed over")
                return
            raise _unreadable(name, number, f"is no JSON: {error.msg}") from error
        yield number, operation


class _Reading:
    """Pairs the beginnings and ends of transactions."""

    def __init__(self, name: str) -> None:
        self.notes: list[str] = []
        self._name = name
        self._transactions: list[Transaction] = []
        self._pending: dict[Any, Transaction] = {}
        self._model: str | None = None
        self._model_place = 0
        self._passed_over = 0

    def take(self, place: int, count: int, operation: Any) -> None:
        """Take in the operation at a place."""
        if type(operation) is not dict:
            raise _unreadable(self._name, place, f"is {_kind(operation)}, and no JSON object")
        process = operation.get("process", 0)
        if operation.get("f", "txn") != "txn" or process == "nemesis":
            self._passed_over += 1
            return
        if type(process) not in _ELEMENTS:
            raise _unreadable(self._name, place, f"has {_kind(process)} as its process")
        kind = operation.get("type")
        value = operation.get("value")
        if value is None:
            value = []
        self._check(place, value)
        number = operation.get("index", count)
        if type(number) is not int:
            raise _unreadable(self._name, place, f"has {_kind(number)} as its index")
        if kind == "invoke":
            self._begin(place, Transaction(number, value, Outcome.INFO, process, count))
            return
        outcome = _OUTCOMES.get(kind) if type(kind) is str else None
        if outcome is None:
            said = repr(kind) if type(kind) is str else _kind(kind)
            raise _unreadable(
                self._name, place, f"has the type {said}: invoke, ok, fail and info are known"
            )
        found = self._pending.pop(process, None)
        if found is None:
            found = Transaction(number, value, outcome, process)
            self._transactions.append(found)
        found.number = number
        found.outcome = outcome
        found.completed = count
        if value or outcome is Outcome.OK:
            found.operations = value
        if "level" in operation:
            found.level = self._level(place, operation["level"])
        if "id" in operation:
            found.name = str(operation["id"] or "")

    def _begin(self, place: int, transaction: Transaction) -> None:
        if transaction.process in self._pending:
            raise _unreadable(
                self._name,
                place,
                f"begins a transaction of process {transaction.process!r}, which has not ended its "
                "last; a process that never got an answer must not be used again",
            )
        self._transactions.append(transaction)
        self._pending[transaction.process] = transaction

    def _level(self, place: int, value: Any) -> Isolation | None:
        if value is None:
            return None
        try:
            return Isolation.parse(value)
        except InvalidOperationError as error:
            raise _unreadable(self._name, place, f"has the level {value!r}") from error

    def _check(self, place: int, value: Any) -> None:
        """Refuse what is no list of operations on lists or registers."""
        if type(value) is not list:
            raise _unreadable(self._name, place, f"has {_kind(value)} as its value")
        for each in value:
            if type(each) is not list or len(each) != 3:
                raise _unreadable(self._name, place, f"has {each!r} where [f, key, value] belongs")
            model = _model_of(*each)
            if model is None:
                raise _unreadable(self._name, place, f"has {each!r}, which can't be")
            if model not in (self._model, ""):
                if self._model is not None:
                    raise _unreadable(
                        self._name,
                        place,
                        f"has {each!r} of the model {model}, where line {self._model_place} "
                        f"is of {self._model}",
                    )
                self._model, self._model_place = model, place

    def result(self) -> History:
        """The whole history."""
        numbers = {one.number for one in self._transactions}
        if len(numbers) != len(self._transactions):
            self.notes.append("indexes are there twice: transactions were numbered anew")
            for number, one in enumerate(self._transactions):
                one.number = number
        if self._passed_over:
            self.notes.append(f"{self._passed_over} operations that are no transactions")
        return History(self._transactions, self._model, self.notes)


def _model_of(kind: Any, key: Any, value: Any) -> str | None:
    """The model that an operation belongs to; empty: to any; None: there is no such operation."""
    if type(key) not in _ELEMENTS:
        return None
    if kind == "r":
        if value is None:
            return ""
        if type(value) is list:
            return LIST_APPEND if _ELEMENTS.issuperset(map(type, value)) else None
        return RW_REGISTER if type(value) in _ELEMENTS else None
    if kind == "append":
        return LIST_APPEND if type(value) in _ELEMENTS else None
    return RW_REGISTER if kind == "w" and (value is None or type(value) in _ELEMENTS) else None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    names |= {int: "a whole number", float: "a fraction", type(None): "null"}
    return names[type(value)]


def _unreadable(name: str, place: int, what: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"line {place} of {name} {what}",
        advice='Write one operation a line, as {"type": "ok", "process": 1, "value": '
        '[["append", "x", 1], ["r", "x", [1]]]}, or all of them in one JSON array',
        code="STX-3082",
    )

"""How are calls, rows and findings of a run said in a script?"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ScalarTxError
from scalar_tx.model.operations import Delete, Insert, Update, Upsert
from tests.scenarios.operations import in_words, place_of
from tests.scenarios.stage import LATE
from tests.scenarios.tables import table_named
from tests.scenarios.words import error_words
from tests.simulation.parts.network import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.types import Row, Value
    from tests.simulation.parts.report import Wrong

FAULT_WORDS: Final = {
    Fault.LOST_BEFORE: "fail",
    Fault.LOST_AFTER: "lose",
    Fault.LATE: LATE,
    Fault.BUSY: "busy",
    Fault.UNAVAILABLE: "down",
}
CALL: Final = re.compile(
    r"(get|write|erase|page of) ([^\s;]+)(?: (PREPARED|DELETED|COMMITTED|ABORTED))?"
)
NUMBER: Final = re.compile(r"(?:#|\bT)(\d+)\b")
_DOES: Final = {
    "PREPARED": "prepares",
    "DELETED": "prepares",
    "COMMITTED": "finishes",
    "erase": "erases",
    "get": "reads",
}
# A transaction's name in a command or an answer.
_NAMED: Final = re.compile(r"(?<![\w/=+-])([A-Z]\d*)(?=$|[ ,.~])")
_STEPS: Final = re.compile(r", steps \w+ to \w+")
DECISIONS: Final = "coordinator.state/"


def with_other_names(text: str, names: Mapping[str, str]) -> str:
    """A command or an answer about transactions that are called otherwise now."""
    return _NAMED.sub(lambda match: names.get(match[1], match[1]), text)


def with_names(text: str, by_number: Mapping[int, str], by_id: Mapping[str, str]) -> str:
    """A finding with the script's names for transactions."""
    for number, name in by_number.items():
        text = re.sub(rf"#{number}\b|\bT{number}\b", name, text)
    for tx_id, name in by_id.items():
        text = re.sub(rf"\b{tx_id}\b", name, text)
    return _STEPS.sub("", text)


def told_as(error: Exception | None) -> str:
    """What a caller was told, in words that can be compared."""
    return error_words(error) if isinstance(error, ScalarTxError) else type(error).__name__


def letters(number: int) -> str:
    """A, B, … Z, A1, B1, …"""
    return chr(65 + number % 26) + (str(number // 26) if number >= 26 else "")


def given(table: str, key: tuple[Value, ...], row: Row) -> str:
    """The command that makes a row."""
    found = table_named(table)
    names = found.schema.primary_key
    values = {name: value for name, value in row.items() if name in found.schema.columns}
    command = in_words(Upsert(table, {**dict(zip(names, key, strict=True)), **values}), "_")
    return command.replace("upsert _", "given", 1)


def short(place: str) -> str:
    """accounts/7 for bank.accounts/7"""
    name, _, key = place.partition("/")
    return f"{table_named(name).short}/{key}"


def shape(call: str, ids: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a call is about, whoever makes it."""
    found = []
    for verb, place, _ in CALL.findall(call):
        tx_id = place.removeprefix(DECISIONS)
        found.append((verb, place if tx_id == place else DECISIONS + ids.get(tx_id, tx_id)))
    return found or [("moment", "")]


def call_in_words(call: str) -> str:
    """What a call does, for a remark."""
    found: dict[str, list[str]] = {}
    for verb, place, state in CALL.findall(call):
        if place.startswith(DECISIONS):
            words, what = (f"decides {state}", "") if verb == "write" else ("reads", "the decision")
        elif verb == "page of":
            words, what = "reads", f"a page of {table_named(place).short}"
        else:
            words, what = _DOES.get(state or verb, "writes"), short(place)
        found.setdefault(words, []).append(what)
    told = (" ".join((words, *places)).strip() for words, places in found.items())
    return ", ".join(told) or "reads at one moment"


def is_a_write(command: str) -> bool:
    """Is a transaction asked to write something?"""
    verbs = command.removeprefix("start ").split()
    return verbs[0] in {"insert", "upsert", "update", "delete"}


def a_few(wrong: Sequence[Wrong]) -> list[Wrong]:
    """The first finding of each check."""
    return list({one.check: one for one in reversed(wrong)}.values())[::-1]


def wrapped(remark: str) -> list[str]:
    """Text for a comment."""
    return textwrap.wrap(remark, 96, subsequent_indent="  ") or [""]


def places_written(what: object) -> list[str]:
    """The records that operations write."""
    found = []
    for operation in what if isinstance(what, list) else [what]:
        if isinstance(operation, (Insert, Upsert)):
            found.append(place_of(operation.table, operation.values))
        elif isinstance(operation, (Update, Delete)):
            found.append(place_of(operation.table, operation.key))
    return found


def by_a_cleaner(call: str, ids: Mapping[str, str]) -> list[str]:
    """What somebody who removes decision rows has done with a call, as commands."""
    found = []
    for verb, place, _ in CALL.findall(call):
        tx_id = place.removeprefix(DECISIONS)
        if tx_id == place and verb in {"write", "erase"}:
            found.append(f"recover {short(place)}")
        elif verb == "erase" and tx_id in ids:
            found.append(f"erase coordinator {ids[tx_id]}")
    return found

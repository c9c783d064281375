"""How are the services' messages shown?"""

from __future__ import annotations

import json as json_module
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cli.output import console, print_json, shown_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

_TIMES: Final = ("_at", "_until")


def plain(message: Message) -> dict[str, Any]:
    """A message as JSON has it: every field, times in milliseconds since 1970."""
    data: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value: Any = getattr(message, field.name)
        if field.message_type is None:
            data[field.name] = list(value) if field.label == field.LABEL_REPEATED else value
        elif field.label == field.LABEL_REPEATED:
            data[field.name] = [plain(one) for one in value]
        else:
            data[field.name] = plain(value) if message.HasField(field.name) else None
    return data


def show(message: Message, *, json: bool) -> None:
    """One message: as JSON, or a line for each field that is not empty."""
    data = plain(message)
    if json:
        print_json(data)
        return
    filled = {
        name: value
        for name, value in data.items()
        if value not in ("", None, []) and not (name.endswith("_until") and value == 0)
    }
    width = max(map(len, filled), default=0)
    for name, value in filled.items():
        print(f"{name:{width}}  {_text(name, value)}")


def show_all(
    found: Iterable[Message], columns: Sequence[str], *, json: bool, limit: int, empty: str
) -> None:
    """A list: as JSON, or a table of some columns. ``limit``: so many at most, 0 is all.

    ``empty``: what to say where there is nothing.
    """
    rows = [plain(one) for one in islice(found, limit + 1 if limit else None)]
    more = bool(limit) and len(rows) > limit
    rows = rows[:limit] if limit else rows
    if json:
        print_json(rows)
    elif rows:
        _print_table(rows, columns)
    else:
        print(empty)
    if more:
        print(f"There are more: --limit {10 * limit}, or --limit 0 for all", file=sys.stderr)


def show_as_they_come(found: Iterable[Message], columns: Sequence[str], *, json: bool) -> None:
    """A stream, a line each, written at once."""
    for one in found:
        data = plain(one)
        if json:
            line = json_module.dumps(data, ensure_ascii=False)
        else:
            line = "  ".join(_text(name, data[name]) for name in columns)
        print(line, flush=True)


def say(done: str, data: dict[str, Any], *, json: bool) -> None:
    """Say what was done."""
    if json:
        print_json({"done": done, **data})
    else:
        words = ", ".join(str(value) for value in data.values())
        print(f"{done}: {words}" if words else done)


def _print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    screen = console()
    if not screen.is_terminal:
        for row in rows:
            print("\t".join(_text(name, row[name]) for name in columns))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(name, row[name])) for name in columns))
    screen.print(table)


def _text(name: str, value: Any) -> str:
    """A value for people. Signs that would move a terminal's cursor are escaped."""
    if name.endswith(_TIMES) and isinstance(value, int):
        return moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text("", one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_text(key, one)}" for key, one in value.items() if one)
    text = str(value)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def moment(epoch_ms: int) -> str:
    """A moment for people; 0 is never."""
    return shown_time(epoch_ms) if epoch_ms else "never"

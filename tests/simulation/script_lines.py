"""How are single commands put on lines that are pleasant to read?

What was let go call by call without anybody in between becomes one command again; commands of one
transaction share a line until one of them has something to say.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from tests.scenarios.stepped_player import RUNNING

WIDTH: Final = 62  # of the commands of a line
LONGEST_REMARK: Final = 70


class Role(Enum):
    """What a command is to its line."""

    GIVEN = auto()
    BEGIN = auto()
    PLAIN = auto()
    START = auto()
    STEP = auto()
    OTHER = auto()
    RECORD = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """One command and what it answered; ``of`` is the transaction's name."""

    role: Role
    of: str
    command: str
    answer: str
    failed: bool = False
    ended: bool = True  # the command of the transaction, with its answer
    remark: str = ""


def lines_of(items: list[Item]) -> list[str]:
    """The lines of a script."""
    lines: list[str] = []
    line: list[Item] = []
    for item in _put_together(items):
        if line and not _fits(line, item):
            lines.append(_line(line))
            line = []
        line.append(item)
    if line:
        lines.append(_line(line))
    return lines


def _put_together(items: list[Item]) -> list[Item]:
    found: list[Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        behind = _end_of_calls(items, at)
        last = items[behind - 1]
        if behind > at + 1 and last.ended:
            if item.role is Role.START:
                command = item.command.removeprefix("start ")
                found.append(replace(last, role=Role.PLAIN, command=command, remark=""))
            else:
                found.append(replace(last, role=Role.STEP, command=f"finish {item.of}", remark=""))
            at = behind
        else:
            found.append(item)
            at += 1
    return _counted(found)


def _counted(items: list[Item]) -> list[Item]:
    """The same step several times is said once."""
    found: list[Item] = []
    times = 1
    for item in items:
        last = found[-1] if found else None
        if (
            last is not None
            and item.role is last.role is Role.STEP
            and not last.ended
            and item.command == last.command.partition(" x")[0]
            and item.remark == last.remark
        ):
            times += 1
            found[-1] = replace(item, command=f"{item.command} x{times}")
        else:
            found.append(item)
            times = 1
    return found


def _end_of_calls(items: list[Item], at: int) -> int:
    """Where the calls end that one item begins, if they are the transaction's next ones in turn."""
    first = items[at]
    if first.ended or not (first.role is Role.START or _is_in_turn(first, first.of)):
        return at + 1
    behind = at + 1
    while behind < len(items) and _is_in_turn(items[behind], first.of):
        behind += 1
        if items[behind - 1].ended:
            return behind
    return at + 1


def _is_in_turn(item: Item, name: str) -> bool:
    return item.role is Role.STEP and item.command == f"step {name}"


def _speaks(item: Item) -> bool:
    return bool(item.answer) and item.answer not in {RUNNING, "rolled back"}


def _fits(line: list[Item], item: Item) -> bool:
    last = line[-1]
    if Role.RECORD in {last.role, item.role} or last.failed or _speaks(last):
        return False
    if (
        item.role is Role.BEGIN
        or item.of != last.of
        or (item.of == "" and item.role is not Role.GIVEN)
    ):
        return False
    if last.role is Role.STEP and item.role is not Role.STEP:
        return False
    width = sum(len(one.command) + 3 for one in line) + len(item.command)
    return width <= WIDTH


def _line(line: list[Item]) -> str:
    text = "   ".join(item.command for item in line)
    last = line[-1]
    if _speaks(last) or last.role is Role.RECORD or last.failed:
        text = f"{text:<{WIDTH}}  ->  {last.answer}"
    remarks = dict.fromkeys(item.remark for item in line if item.remark)
    if remarks:
        remark = textwrap.shorten("; ".join(remarks), LONGEST_REMARK, placeholder=" …")
        text = f"{text:<{WIDTH}}  # {remark}"
    return text.rstrip()

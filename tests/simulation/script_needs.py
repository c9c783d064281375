"""Which commands of a script are needed to tell the same?

Transactions, clocks and single steps are left out, and commands put together again, as long as
everything that is left answers as before and the same rows are stored in the end.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.simulation.script_lines import Item, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

MOST_PLAYS: Final = 400
LIFETIME_S: Final = 15.0


def needed(
    items: list[Item],
    play: Callable[[list[Item]], list[Item] | None],
    witnesses: Collection[str],
) -> list[Item]:
    """What is left. ``play`` returns the commands with their answers, None: other rows are stored.

    Transactions that are ``witnesses`` of what is wrong stay, whatever they answer.
    """
    plays = 0
    changed = True
    while changed:
        changed = False
        for candidate in _simpler(items, witnesses):
            if plays >= MOST_PLAYS:
                return items
            plays += 1
            answered = play(candidate)
            if answered is not None and _answers(answered) == _answers(candidate):
                items = answered
                changed = True
                break
    return items


def _answers(items: list[Item]) -> list[tuple[str, bool]]:
    return [(item.answer, item.failed) for item in items]


def _simpler(items: list[Item], witnesses: Collection[str]) -> Iterator[list[Item]]:
    names = Counter(item.of for item in items if item.of)
    for name in sorted(names, key=lambda name: names[name], reverse=True):
        if name not in witnesses:
            yield [item for item in items if item.of != name]
    for at, item in enumerate(items):
        if item.role is Role.START:
            yield from _together(items, at)
    for at, item in enumerate(items):
        is_silent = item.role is Role.PLAIN and item.command.split()[0] == "rollback"
        is_aside = item.role in {Role.OTHER, Role.GIVEN} and not _is_a_lifetime(item)
        if is_aside or is_silent or _is_a_side_step(item):
            yield [*items[:at], *items[at + 1 :]]


def _is_a_lifetime(item: Item) -> bool:
    """So long a time may matter to a protocol without the mistake, whatever it does to this one."""
    words = item.command.split()
    return words[0] == "clock" and len(words) == 2 and float(words[1].strip("+s")) > LIFETIME_S


def _is_a_side_step(item: Item) -> bool:
    return item.role is Role.STEP and not item.ended and "~" in item.command


def _together(items: list[Item], start: int) -> Iterator[list[Item]]:
    """A started command as one: where it began, or where it ended."""
    first = items[start]
    steps = []
    for at in range(start + 1, len(items)):
        item = items[at]
        if item.of == first.of and item.role is Role.STEP:
            if len(item.command.split()) > 2:
                return  # a fault
            steps.append(at)
            if item.ended:
                break
        elif item.of == first.of:
            return
    if not steps or not items[steps[-1]].ended:
        return
    whole = replace(
        items[steps[-1]], role=Role.PLAIN, command=first.command.removeprefix("start "), remark=""
    )
    if any("~" in items[at].command for at in steps):
        steps = [at for at in steps if "~" not in items[at].command or items[at].ended]
    for place in (start, steps[-1]):
        yield [
            whole if at == place else item
            for at, item in enumerate(items)
            if at == place or (at != start and at not in steps)
        ]

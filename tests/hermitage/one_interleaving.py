"""What comes of a program when its storage calls are done in one given order?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.hermitage.programs import Ending
from tests.hermitage.stepping import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scalar_tx.model.isolation import Isolation
    from tests.hermitage.places import Place
    from tests.hermitage.programs import Program
    from tests.hermitage.stepping import TaskName

# Whose call is next: the transaction's place in the program, and the name of its task.
Choice: TypeAlias = "tuple[int, TaskName]"
Chooser: TypeAlias = "Callable[[Sequence[Choice]], Choice]"


@dataclass(frozen=True, slots=True)
class Played:
    """One interleaving: how it ended, the choices made, and each call with its reply."""

    ending: Ending
    choices: tuple[Choice, ...]
    lines: tuple[str, ...]


def play_through(
    place: Place,
    program: Program,
    level: Isolation,
    choose: Chooser,
    names: Iterable[str] | None = None,
) -> Played:
    """Begin all transactions (or those named, in that order); perform one call after another."""
    place.reset()
    names = list(program.transactions if names is None else names)
    processes = [place.begin(name, program.transactions[name], level) for name in names]
    choices: list[Choice] = []
    lines: list[str] = []
    while ready := {
        (at, task): call for at, process in enumerate(processes) for task, call in process.calls()
    }:
        chosen = choose(list(ready))
        at, task = chosen
        words = ready[chosen].words()
        reply = perform(ready[chosen], place.storage)
        who = names[at] + "".join(f".{part}" for part in task)
        lines.append(f"{who:<6} {words} -> {reply}")
        choices.append(chosen)
        processes[at].feed(task, reply)
    results = [(process.name, process.result) for process in processes]
    return Played(Ending(tuple(sorted(results)), place.rows()), tuple(choices), tuple(lines))


def one_after_the_other(ready: Sequence[Choice]) -> Choice:
    """The first transaction to its end, then the next one."""
    return ready[0]


def in_this_order(choices: Iterable[Choice]) -> Chooser:
    """The choices of an earlier time; where they end, or don't fit, the first that is ready."""
    left = iter(choices)

    def choose(ready: Sequence[Choice]) -> Choice:
        wanted = next(left, ready[0])
        return wanted if wanted in ready else ready[0]

    return choose

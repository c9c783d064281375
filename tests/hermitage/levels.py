"""What does each level promise about each program, and what was found?"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

from tests.hermitage.all_interleavings import Found, search
from tests.hermitage.one_interleaving import in_this_order, one_after_the_other, play_through
from tests.hermitage.places import MEMORY
from tests.hermitage.programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.isolation import Isolation
    from tests.hermitage.operations import Result, Rows
    from tests.hermitage.places import Place
    from tests.hermitage.programs import Ending, Program

BY_NAME = {program.name: program for program in PROGRAMS}


@cache
def found_on(place: str, name: str, level: Isolation) -> Found:
    """All endings of a program on a memory storage; searched once."""
    return search(MEMORY[place](), BY_NAME[name], level)


def example_in_words(place: Place, program: Program, level: Isolation, found: Found) -> str:
    """An interleaving that shows the program's anomaly, call by call."""
    choices = found.example(program.anomaly)
    assert choices is not None
    played = play_through(place, program, level, in_this_order(choices))
    return "\n".join([f"{program.name} at {level.value}:", *played.lines, str(played.ending)])


def serial_endings(
    place: Place, program: Program, level: Isolation, committed: Iterable[str]
) -> set[tuple[tuple[tuple[str, Result], ...], Rows]]:
    """What comes of some transactions one after the other, in every order."""
    endings = set()
    for names in permutations(committed):
        played = play_through(place, program, level, one_after_the_other, names)
        endings.add((played.ending.results, played.ending.rows))
    return endings


def without_the_aborted(ending: Ending) -> tuple[tuple[tuple[str, Result], ...], Rows]:
    """An ending as if there had been no other transactions than those that were committed."""
    return tuple(item for item in ending.results if item[1].committed), ending.rows

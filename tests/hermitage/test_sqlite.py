"""Hermitage on a real SQLite file: what is forbidden does not happen there either.

First a call at a time, in an order of the test's choice; then with a thread for each transaction.
"""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.isolation import Isolation
from tests.hermitage.in_threads import play_in_threads
from tests.hermitage.levels import found_on
from tests.hermitage.one_interleaving import in_this_order, play_through
from tests.hermitage.places import sqlite_file
from tests.hermitage.programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hermitage.places import Place
    from tests.hermitage.programs import Ending, Program

AT_RANDOM: Final = 5
ROUNDS: Final = 3  # and more until threads have met often enough
MOST_ROUNDS: Final = 40
CONFLICTS: Final = 10

each_level = pytest.mark.parametrize("level", Isolation, ids=lambda level: level.value)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(sqlite_file(tmp_path)) as opened:
        yield opened


def forbidden(program: Program, level: Isolation, ending: Ending) -> bool:
    return level not in program.allowed and program.anomaly(ending)


@each_level
def test_what_is_known_of_memory_comes_out_on_sqlite(place: Place, level: Isolation) -> None:
    """An interleaving for each ending that the memory storage knows, and some at random."""
    for program in PROGRAMS:
        found = found_on("together", program.name, level)
        for ending, choices in found.examples.items():
            played = play_through(place, program, level, in_this_order(choices))
            assert not forbidden(program, level, played.ending), "\n".join(played.lines)
            assert played.ending == ending, "\n".join(played.lines)
        dice = random.Random(f"{program.name} {level.value}")
        for _ in range(AT_RANDOM):
            played = play_through(place, program, level, dice.choice)
            assert not forbidden(program, level, played.ending), "\n".join(played.lines)
            assert played.ending in found.interleavings, "\n".join(played.lines)


@each_level
def test_threads(place: Place, level: Isolation) -> None:
    conflicts = 0
    for rounds in range(MOST_ROUNDS):
        if rounds >= ROUNDS and conflicts >= CONFLICTS:
            break
        for program in PROGRAMS:
            ending = play_in_threads(place, program, level)
            assert not forbidden(program, level, ending), f"{program.name}: {ending}"
            assert ending in found_on("together", program.name, level).interleavings
            alone = set(program.transactions) - program.aborts
            conflicts += bool(alone - set(ending.names_committed()))
    assert conflicts >= CONFLICTS

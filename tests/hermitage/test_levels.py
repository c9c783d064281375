"""Hermitage: which level prevents which anomaly, over all interleavings on a memory storage."""

from __future__ import annotations

import pytest

from scalar_tx.model.isolation import Isolation
from tests.hermitage.levels import (
    example_in_words,
    found_on,
    serial_endings,
    without_the_aborted,
)
from tests.hermitage.one_interleaving import one_after_the_other, play_through
from tests.hermitage.places import MEMORY
from tests.hermitage.programs import HERMITAGE, PROGRAMS, Program

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
each_level = pytest.mark.parametrize("level", Isolation, ids=lambda level: level.value)
each_place = pytest.mark.parametrize("place", MEMORY)


def test_all_of_hermitage_is_here() -> None:
    assert len(HERMITAGE) == 14


@each_program
@each_level
def test_what_is_forbidden_is_never_reached_and_what_is_allowed_is(
    program: Program, level: Isolation
) -> None:
    reached = {
        place: found
        for place in MEMORY
        if (found := found_on(place, program.name, level)).showing(program.anomaly)
    }
    if level in program.allowed:
        assert reached, f"{program.name} can't happen at {level.value}"
    for place, found in reached.items():
        assert level in program.allowed, example_in_words(MEMORY[place](), program, level, found)


@each_program
@each_place
def test_serializable_ends_as_in_some_order(program: Program, place: str) -> None:
    level = Isolation.SERIALIZABLE
    found = found_on(place, program.name, level)
    serial = MEMORY[place]()
    expected = {
        names: serial_endings(serial, program, level, names)
        for names in {tuple(ending.names_committed()) for ending in found.interleavings}
    }
    for ending in found.interleavings:
        names = tuple(ending.names_committed())
        assert without_the_aborted(ending) in expected[names], ending


@each_program
@each_level
@each_place
def test_a_transaction_alone_commits(program: Program, level: Isolation, place: str) -> None:
    for name in program.transactions:
        played = play_through(MEMORY[place](), program, level, one_after_the_other, [name])
        assert played.ending.committed(name) is (name not in program.aborts)


@each_program
@each_level
@each_place
def test_interleavings_differ(program: Program, level: Isolation, place: str) -> None:
    """All commit in some; where two write the same record, one fails in others."""
    found = found_on(place, program.name, level)
    committed = {frozenset(ending.names_committed()) for ending in found.interleavings}
    assert set(program.transactions) - program.aborts in committed
    assert program.aborts.isdisjoint(name for names in committed for name in names)
    assert found.total >= (2 if place == "in one write" else 10)
    if program.name in {"G0", "OTV", "PMP-write", "P4", "G-single-write"}:
        assert len(committed) > 1, "nobody was ever in the way"

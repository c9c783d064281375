"""Hermitage on real servers, and with the two records in different ones.

A storage in memory that can do what the servers say of themselves is searched first: it knows every
ending there can be. Of those a sample is played on the servers, a call at a time in an order of the
test's choice, and must end in the same way there; then each transaction gets a thread.
"""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

import scalar_tx
from scalar_tx.model.isolation import Isolation
from tests.hermitage.all_interleavings import Found, search
from tests.hermitage.in_threads import play_in_threads
from tests.hermitage.levels import BY_NAME
from tests.hermitage.one_interleaving import in_this_order, play_through
from tests.hermitage.operations import TWO_TABLES
from tests.hermitage.places import Ability, Place, memory_like, several
from tests.hermitage.programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.interface import Storage
    from tests.hermitage.one_interleaving import Chooser
    from tests.hermitage.programs import Ending, Program
    from tests.servers import Cluster

KNOWN: Final = 2  # endings of each program, those first that somebody did not survive
CONTENDED: Final = 8  # interleavings in which somebody was in another's way, at each level
CONFLICTS: Final = 3
MOST_ROUNDS: Final = 6

ONE: Final = ["cassandra", "dynamodb", "postgresql", "mysql"]
FILTER: Final = {"postgresql", "mysql"}  # by themselves, whatever a scan's condition
TWO: Final = ["cassandra dynamodb", "postgresql dynamodb"]

each_level = pytest.mark.parametrize("level", Isolation, ids=lambda level: level.value)


@dataclass(frozen=True)
class Stage:
    """Running servers with the programs' tables, and what they say that they can do."""

    place: Place
    abilities: tuple[Ability, ...]

    def known(self, program: Program, level: Isolation) -> Found:
        """All endings there can be."""
        return _known(self.abilities, program.name, level)


@cache
def _known(abilities: tuple[Ability, ...], name: str, level: Isolation) -> Found:
    return search(memory_like(abilities), BY_NAME[name], level)


def _marked(kinds: str) -> object:
    return pytest.param(kinds, marks=pytest.mark.servers(*kinds.split()), id=kinds)


@pytest.fixture(scope="module", params=[_marked(kinds) for kinds in (*ONE, *TWO)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    kinds = request.param.split()
    storages: dict[str, Storage] = {}
    for kind in kinds:
        cluster: Cluster = request.getfixturevalue(f"{kind}_server")
        storages[kind] = scalar_tx.open_storage(cluster.properties())
    if len(storages) == 1:
        storage = storages[kinds[0]]
        place = Place(storage)
    else:
        storage = several(storages)
        place = Place(storage, names=TWO_TABLES)
    with closing(place):
        infos = [storage.info(name) for name in place.names]
        yield Stage(
            place,
            tuple(
                Ability(info.atomicity_unit, info.moments, kind in FILTER)
                for kind, info in zip(kinds, infos, strict=True)
            ),
        )


def forbidden(program: Program, level: Isolation, ending: Ending) -> bool:
    return level not in program.allowed and program.anomaly(ending)


def contended(program: Program, ending: Ending) -> bool:
    return bool(set(program.transactions) - program.aborts - set(ending.names_committed()))


@each_level
def test_a_call_at_a_time(stage: Stage, level: Isolation) -> None:
    met = 0
    for program in PROGRAMS:
        found = stage.known(program, level)
        assert level in program.allowed or not found.showing(program.anomaly)
        dice = random.Random(f"{program.name} {level.value}")
        endings = sorted(found.examples, key=str)
        dice.shuffle(endings)
        endings.sort(key=lambda ending: not contended(program, ending))
        plays: list[tuple[Ending | None, Chooser]] = [(None, dice.choice)]
        plays += [(ending, in_this_order(found.examples[ending])) for ending in endings[:KNOWN]]
        for expected, choose in plays:
            played = play_through(stage.place, program, level, choose)
            assert not forbidden(program, level, played.ending), "\n".join(played.lines)
            assert played.ending in found.interleavings, "\n".join(played.lines)
            assert expected in (None, played.ending), "\n".join(played.lines)
            met += contended(program, played.ending)
    assert met >= CONTENDED


def test_threads(stage: Stage) -> None:
    level = Isolation.SERIALIZABLE
    conflicts = 0
    for rounds in range(MOST_ROUNDS):
        if rounds and conflicts >= CONFLICTS:
            break
        for program in PROGRAMS:
            ending = play_in_threads(stage.place, program, level)
            assert not forbidden(program, level, ending), f"{program.name}: {ending}"
            assert ending in stage.known(program, level).interleavings, program.name
            conflicts += contended(program, ending)
    assert conflicts >= CONFLICTS

"""Hermitage through a node of one worker, and of two: what is forbidden does not happen there."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.isolation import Isolation
from tests.cluster.node.running import Node
from tests.hermitage.programs import PROGRAMS
from tests.hermitage.through_node import NodePlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hermitage.programs import Ending, Program

ORDERS: Final = 8  # of each program at each level
ROUNDS: Final = 2
CONFLICTS: Final = 5

pytestmark = pytest.mark.slow
each_level = pytest.mark.parametrize("level", Isolation, ids=lambda level: level.value)


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodePlace]:
    folder = tmp_path_factory.mktemp("node")
    file = f"jdbc:sqlite:{folder / 'node.db'}?journal_mode=WAL&synchronous=OFF"
    quick = f"scalar.db.storage=jdbc\nscalar.db.contact_points={file}\n"
    with (
        Node(folder, "--workers", str(request.param), properties=quick) as node,
        NodePlace(f"grpc://{node.where}") as place,
    ):
        yield place
        assert len(place.workers) == request.param, "not all workers have run transactions"


def forbidden(program: Program, level: Isolation, ending: Ending) -> bool:
    return level not in program.allowed and program.anomaly(ending)


def contended(program: Program, ending: Ending) -> bool:
    return bool(set(program.transactions) - program.aborts - set(ending.names_committed()))


@each_level
def test_an_operation_at_a_time(place: NodePlace, level: Isolation) -> None:
    met = 0
    shown: set[str] = set()
    for program in PROGRAMS:
        dice = random.Random(f"{program.name} {level.value}")
        for _ in range(ORDERS):
            ending = place.play(program, level, dice)
            assert not forbidden(program, level, ending), f"{program.name}: {ending}"
            met += contended(program, ending)
            if program.anomaly(ending):
                shown.add(program.name)
    assert met >= CONFLICTS
    # What a level allows does happen: the orders are such that it could.
    allowed = {program.name for program in PROGRAMS if level in program.allowed}
    assert bool(shown) == bool(allowed), (shown, allowed)


@each_level
def test_threads(place: NodePlace, level: Isolation) -> None:
    met = 0
    for _ in range(ROUNDS):
        for program in PROGRAMS:
            ending = place.play_in_threads(program, level)
            assert not forbidden(program, level, ending), f"{program.name}: {ending}"
            met += contended(program, ending)
    assert met >= CONFLICTS

"""Do clients of real nodes run every figure, and is what they did in the records afterwards?"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.beside.places import SQLITE
from bench.beside.turns import SERVER
from bench.node.figures import (
    AGAINST_EMBEDDED,
    CALLS,
    COUNTED,
    ECHO_CALL,
    ECHO_ONE_SHOT,
    ECHO_STREAM,
    MEMORY,
    ONE_BY_FOUR,
    ONE_SHOT,
    OTHER,
    OURS,
    POSTGRESQL,
    STREAM,
    TURNS,
    Clients,
    Floor,
    Goal,
    Servers,
    Start,
)
from bench.node.measured import Measuring
from bench.node.running import NODE
from tests.bench.small import MOMENT
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nodes

EFFORT = replace(MOMENT, pairs=1, seconds=0.5, warm_up=0.2)
FEW = 2000


@pytest.fixture(scope="module")
def measuring() -> Iterator[Measuring]:
    with closing(Measuring(many=FEW)) as made:
        yield made


def something_done(result: dict[str, Any]) -> bool:
    return all(turns[0]["done"] > 0 for turns in result["turns"].values())


def few(clients: Clients) -> Clients:
    return replace(clients, count=4)


@pytest.mark.parametrize(
    "clients",
    [
        Clients(STREAM, 4),
        Clients(STREAM, 4, tasks=True),
        Clients(ONE_SHOT, 4, processes=2),
        Clients(ONE_SHOT, 4, tasks=True),
    ],
    ids=lambda clients: f"{clients.way} {clients.form}",
)
def test_a_goal(measuring: Measuring, clients: Clients) -> None:
    result = measuring.measured(Goal(SQLITE, clients), EFFORT)
    assert something_done(result)
    assert result["records"] == FEW
    assert result["figures"]["committed"] == 1
    assert 0 <= result["figures"]["aborted"] < 0.1
    middle = result["median"][OURS]
    assert middle["client_cpu"] > 0
    assert middle[NODE] > 0
    assert result["figures"]["rate"] == middle["rate"]


@pytest.mark.servers("postgresql")
@pytest.mark.parametrize("way", [STREAM, ONE_SHOT])
def test_a_goal_on_a_server(request: pytest.FixtureRequest, way: str) -> None:
    running = {POSTGRESQL: request.config.stash[shelf_key].take(POSTGRESQL)}
    with closing(Measuring(FEW, running)) as measuring:
        result = measuring.measured(Goal(POSTGRESQL, Clients(way, 4)), EFFORT)
    assert something_done(result)
    assert result["median"][OURS][SERVER] > 0


def test_a_node_and_an_embedded_library_take_turns(measuring: Measuring) -> None:
    match = AGAINST_EMBEDDED[0]
    result = measuring.measured(
        replace(match, ours=few(match.ours), other=few(match.other)), EFFORT
    )
    assert something_done(result)
    assert result["ratios"]["rate"][0] > 0
    assert NODE not in result["median"][OTHER]


@pytest.mark.parametrize("place, other", [(MEMORY, CALLS), (MEMORY, TURNS), (SQLITE, CALLS)])
def test_one_call_and_four_take_turns(measuring: Measuring, place: str, other: str) -> None:
    [match] = [
        one
        for one in ONE_BY_FOUR
        if (one.place, one.other.way, one.ours.way, one.ours.count) == (place, other, COUNTED, 32)
    ]
    assert something_done(measuring.measured(match, EFFORT))


def test_an_echo_of_one_call_and_four(measuring: Measuring) -> None:
    [match, _] = [one for one in ONE_BY_FOUR if one.ours.way == ECHO_CALL]
    assert something_done(measuring.measured(match, EFFORT))


@pytest.mark.parametrize("way", [ECHO_STREAM, ECHO_ONE_SHOT])
@pytest.mark.parametrize("tasks", [False, True])
def test_a_floor(measuring: Measuring, way: str, tasks: bool) -> None:
    result = measuring.measured(Floor(Clients(way, 4, tasks=tasks)), EFFORT)
    assert something_done(result)
    assert result["median"][OURS][NODE] > 0


def test_a_start(measuring: Measuring) -> None:
    result = measuring.measured(Start(), EFFORT)
    assert len(result["values"]) == 1
    assert 0 < result["value"] < 120


@pytest.mark.java
@pytest.mark.parametrize("connections", [1, 4])
def test_java_clients_of_both_servers(measuring: Measuring, connections: int) -> None:
    result = measuring.measured(Servers(SQLITE, connections, clients=4), EFFORT)
    assert something_done(result)
    assert all(result["median"][side][NODE] > 0 for side in (OURS, OTHER))

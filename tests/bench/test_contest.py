"""Do both sides run every workload at every place, and see each other's records?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bench.beside import agreement, our_side, run, tpcc, ycsb
from bench.beside.agreement import DisagreementError
from bench.beside.contest import (
    JAVA,
    OURS,
    _check,
    _check_versions,
    _java_turns,
    _our_turns,
    held,
)
from bench.beside.figures import FIGURES, Contest
from bench.beside.java_side import JavaSide
from bench.beside.modes import ISOLATION, MODES
from bench.beside.places import AS_FOUND, PLACES, SQLITE, Place, load, opened
from bench.beside.tally import Tally
from bench.beside.tpcc_tables import Scale
from bench.beside.turns import Effort, Side, taken
from tests.bench.small import MOMENT, SMALL, orders
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _pytest.mark import ParameterSet

    from tests.servers import Cluster

ON_SERVERS = ("cassandra+dynamodb", "postgresql+sqlite")  # all there are


def on(*names: str) -> list[ParameterSet]:
    """Places with the servers that a test of them needs."""
    kinds = {name: [kind for kind in PLACES[name] if kind != "sqlite"] for name in names}
    return [pytest.param(name, marks=pytest.mark.servers(*kinds[name])) for name in names]


@pytest.fixture
def running(request: pytest.FixtureRequest, place: str) -> dict[str, Cluster]:
    """The servers of a place, which other tests use too."""
    shelf = request.config.stash[shelf_key]
    return {kind: shelf.take(kind) for kind in PLACES[place] if kind != "sqlite"}


def both_work(place: Place, workloads: Iterable[str], mode: str = "defaults") -> None:
    """Let each side do something of each workload; both must see the same afterwards."""
    level = {ISOLATION: "SERIALIZABLE"}
    theirs = {**place.java, **level, **MODES[mode].java}
    ours = {**place.ours, **level, **MODES[mode].ours}
    with JavaSide(theirs) as java:
        for workload in workloads:
            wanted = orders(ours, workload, clients=2)
            same = {name: getattr(wanted, name) for name in ("seed", "warm_up", "seconds", "scale")}
            assert something_done(partial(our_side.turn, wanted, 1))
            assert something_done(partial(java.turn, workload, clients=2, **same))
        seen = agreement.seen(theirs, workload)
        assert seen == java.seen(workload)
    if workload in tpcc.MIXES:
        agreement.check_tpcc(seen)
    elif place.shared:
        assert {"java", "ours"} <= agreement.writers(seen)


def something_done(turn: Callable[[], Tally]) -> bool:
    """A turn of half a second may be too short on a crowded machine; ten are not."""
    return any(turn().all_done for _ in range(10))


@pytest.mark.java
@pytest.mark.parametrize("workloads", [ycsb.KINDS, tpcc.MIXES], ids=["small", "tpcc"])
def test_both_sides_have_every_workload(workloads: Iterable[str]) -> None:
    with opened(SQLITE) as place:
        load(place, next(iter(workloads)), SMALL)
        both_work(place, workloads)


@pytest.mark.java
@pytest.mark.parametrize("place", on(*ON_SERVERS))
def test_both_sides_run_on_servers(place: str, running: dict[str, Cluster]) -> None:
    with opened(place, running=running) as there:
        load(there, "multi-f-1", SMALL)
        both_work(there, ["multi-f-1"])


@pytest.mark.java
def test_both_sides_run_in_other_modes() -> None:
    with opened(SQLITE) as place:
        load(place, "ycsb-f-1", SMALL)
        for mode in ("tuned", "group commit"):  # the others have less of the same
            both_work(place, ["ycsb-f-1"], mode)


@pytest.mark.java
@pytest.mark.parametrize("place", [SQLITE, AS_FOUND])
def test_a_contest_has_turns_and_ratios(place: str) -> None:
    effort = replace(MOMENT, pairs=2, seconds=1.0)
    result = held(Contest("ycsb-f-1", place, 2), effort)
    assert result["both_see_the_same"]
    for side in (JAVA, OURS):
        assert len(result["turns"][side]) == 2
        assert result["median"][side]["p50"] <= result["median"][side]["p99"]
    first = [result["turns"][side][0]["rate"] for side in (OURS, JAVA)]
    assert result["ratios"]["rate"][0] == first[0] / first[1]


@pytest.mark.java
def test_whose_records_were_all_written_over_writes_some_more() -> None:
    contest, effort = Contest("ycsb-f-1", SQLITE, 2), replace(MOMENT, seconds=0.5, warm_up=0.0)
    with opened(SQLITE) as place:
        load(place, "ycsb-f-1", Scale())
        level = {ISOLATION: effort.isolation}
        with JavaSide({**place.java, **level}) as java:
            sides = {
                JAVA: _java_turns(contest, java),
                OURS: _our_turns(contest, {**place.ours, **level}),
            }
            while agreement.writers(agreement.seen(place.ours, contest.workload)[:1]) != {OURS}:
                sides[OURS].take(effort)
            _check(contest, effort, place, java, sides)
        seen = agreement.seen(place.ours, contest.workload)
    assert {JAVA, OURS} <= agreement.writers(seen)
    assert len(sides[JAVA].tallies) == 1


@pytest.mark.parametrize("place", on("dynamodb"))
def test_transports_are_compared(place: str, running: dict[str, Cluster]) -> None:
    result = run.measured(FIGURES["cost_dynamodb-request"], MOMENT, running)
    assert len(result["pairs_us"]) == MOMENT.pairs
    assert 0 < result["value"] < 1


@pytest.mark.parametrize("place", on("cassandra"))
def test_requests_in_flight_are_compared(place: str, running: dict[str, Cluster]) -> None:
    result = run.measured(FIGURES["cost_cassandra-request"], MOMENT, running)
    assert len(result["pairs_us"]) == MOMENT.pairs
    assert result["value"] > 0


@pytest.mark.slow
def test_ours_can_stand_in_the_place_of_java() -> None:
    contest = Contest("ycsb-f-1", SQLITE, 1, "idle group", against_ours=True)
    result = held(contest, replace(MOMENT, pairs=1))
    assert not result["both_see_the_same"]
    assert len(result["ratios"]["p50"]) == 1


def test_sides_take_turns_and_the_first_ones_do_not_count() -> None:
    order: list[str] = []

    def turn(side: str, _: Effort) -> Tally:
        order.append(side)
        done = len(order)
        return Tally(done, done, 0, 0, 0, 0.0, latencies=Counter({1000: done}))

    sides = {side: Side(partial(turn, side)) for side in (JAVA, OURS)}
    turns = taken(sides, replace(MOMENT, pairs=3, seconds=1.0))
    assert order == [JAVA, OURS, OURS, JAVA, JAVA, OURS, OURS, JAVA]
    assert [turn["done"] for turn in turns[JAVA]] == [4, 5, 8]
    assert [turn["done"] for turn in turns[OURS]] == [3, 6, 7]
    assert [len(side.tallies) for side in sides.values()] == [4, 4]


@pytest.mark.parametrize("told, doubtful", [(5, 0), (5, 4)])
def test_a_lost_transaction_is_noticed(told: int, doubtful: int) -> None:
    tally = Tally(told, told, 0, 0, doubtful, 0.0, latencies=Counter())
    with opened(SQLITE) as place:
        load(place, "ycsb-f-1", Scale())
        _check_versions(place, 1, {JAVA: [], OURS: []})
        with pytest.raises(DisagreementError, match="-5 versions more than the 5 acknowledged"):
            _check_versions(place, 1, {JAVA: [], OURS: [tally]})

"""How do we and Java hold a contest, and does its end show that both did what they say?

In the end both must see the same records, each other's among them, and nothing that was
acknowledged may be missing; who has written over all of the other's by then leaves it a moment.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from bench.beside import agreement, our_side, tpcc, ycsb
from bench.beside.java_side import JavaSide
from bench.beside.modes import ISOLATION, MODES
from bench.beside.our_clients import Orders
from bench.beside.places import load, opened
from bench.beside.turns import Side, median, ratios, taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.beside.figures import Contest, Floor
    from bench.beside.places import Place
    from bench.beside.tally import Tally
    from bench.beside.turns import Effort
    from tests.servers.node import Cluster

JAVA: Final = "java"
OURS: Final = "ours"
MOMENT_S: Final = 0.1


def held(
    contest: Contest, effort: Effort, running: Mapping[str, Cluster] | None = None
) -> dict[str, Any]:
    """Run a contest; what came of it."""
    mode = MODES[contest.mode]
    with ExitStack() as open_:
        place = open_.enter_context(opened(contest.place, effort.folder, running))
        load(place, contest.workload, effort.scale)
        level = {ISOLATION: effort.isolation}
        java_properties = {**place.java, **level, **mode.java}
        peer: JavaSide | None = None
        if contest.against_ours:
            theirs = _our_turns(contest, {**place.ours, **level, **mode.java})
        else:
            peer = open_.enter_context(JavaSide(java_properties))
            theirs = _java_turns(contest, peer)
        ours = _our_turns(contest, {**place.ours, **level, **mode.ours})
        sides = {JAVA: theirs, OURS: ours}
        for side in sides.values():
            side.spent = place.spent
        turns = taken(sides, effort)
        _check(contest, effort, place, peer, sides)
    return {
        "turns": turns,
        "ratios": ratios(turns[OURS], turns[JAVA]),
        "median": {side: median(turns[side]) for side in (JAVA, OURS)},
        "both_see_the_same": peer is not None,
    }


def _our_turns(contest: Contest, properties: Mapping[str, str]) -> Side:
    def turn(effort: Effort) -> Tally:
        orders = Orders(
            properties=properties,
            workload=contest.workload,
            clients=contest.clients,
            seed=time.monotonic_ns(),
            warm_up=effort.warm_up,
            seconds=effort.seconds,
            gathered=contest.gathered,
            scale=asdict(effort.scale),
        )
        return our_side.turn(orders, contest.processes)

    return Side(turn)


def _java_turns(contest: Contest, peer: JavaSide) -> Side:
    def turn(effort: Effort) -> Tally:
        return peer.turn(
            contest.workload,
            clients=contest.clients,
            seed=time.monotonic_ns(),
            warm_up=effort.warm_up,
            seconds=effort.seconds,
            scale=asdict(effort.scale),
        )

    return Side(turn)


def _check(
    contest: Contest,
    effort: Effort,
    place: Place,
    peer: JavaSide | None,
    sides: Mapping[str, Side],
) -> None:
    level = {ISOLATION: effort.isolation}

    def seen() -> list[str]:
        # With two files each side's are compared with what the other sees in them.
        ours = agreement.seen({**place.java, **level}, contest.workload)
        if peer is not None:
            theirs = peer.seen(contest.workload)
            if ours != theirs:
                raise agreement.DisagreementError(f"we see {ours}, and Java sees {theirs}")
        return ours

    ours = seen()
    if contest.workload in tpcc.MIXES:
        agreement.check_tpcc(ours)
        return
    kind = ycsb.KINDS[contest.workload]
    if not kind.writes:
        return
    if place.shared and peer is not None:
        for side in {JAVA, OURS} - agreement.writers(ours):
            sides[side].take(replace(effort, seconds=MOMENT_S, warm_up=0.0))
            ours = seen()
        wrote = agreement.writers(ours)
        if not {JAVA, OURS} <= wrote:
            raise agreement.DisagreementError(f"of both sides only {wrote} have written: {ours}")
    if kind.keys == kind.tables:  # a key that is drawn twice is written once
        _check_versions(place, kind.keys, {name: side.tallies for name, side in sides.items()})


def _check_versions(place: Place, keys: int, tallies: Mapping[str, Sequence[Tally]]) -> None:
    groups = (
        [(place.ours, [OURS, JAVA])]
        if place.shared
        else [(place.ours, [OURS]), (place.java, [JAVA])]
    )
    for properties, sides in groups:
        every = [tally for side in sides for tally in tallies[side]]
        written = keys * sum(one.all_done for one in every)
        doubtful = keys * sum(one.unknown for one in every)
        loaded = len(ycsb.TABLES) * ycsb.RECORDS
        surplus = agreement.versions(properties) - loaded - written
        if not 0 <= surplus <= doubtful:
            raise agreement.DisagreementError(
                f"{surplus} versions more than the {written} acknowledged, of {doubtful} in doubt"
            )


def ground(
    floor: Floor, effort: Effort, running: Mapping[str, Cluster] | None = None
) -> dict[str, Any]:
    """Run a floor; what came of it."""
    with opened(floor.place, effort.folder, running) as place:
        load(place, floor.workload, effort.scale)

        def turn(effort: Effort) -> Tally:
            orders = Orders(
                properties=place.ours,
                workload=floor.workload,
                clients=floor.clients,
                seed=time.monotonic_ns(),
                warm_up=effort.warm_up,
                seconds=effort.seconds,
                floor=floor.way,
                bare=floor.bare,
            )
            return our_side.turn(orders, floor.processes)

        turns = taken({OURS: Side(turn, place.spent)}, effort)
    return {"turns": turns, "median": {OURS: median(turns[OURS])}}

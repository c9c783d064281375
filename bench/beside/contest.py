"""How do both sides run in turns? A B, then B A, and so on; the ratio of each pair counts.

Both warm up before every turn; before the first pair each has a turn that does not count. In the
end both must see the same records, each other's among them, and nothing that was acknowledged may
be missing; who has written over all of the other's by then leaves it a moment.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from bench.beside import agreement, our_side, tpcc, ycsb
from bench.beside.java_side import JavaSide
from bench.beside.latency import added, from_json, percentile_ns
from bench.beside.modes import ISOLATION, MODES
from bench.beside.our_clients import Orders
from bench.beside.places import load, opened
from bench.beside.tpcc_tables import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.beside.figures import Contest, Floor
    from bench.beside.places import Place
    from bench.beside.tally import Tally
    from tests.servers.node import Cluster

JAVA: Final = "java"
OURS: Final = "ours"
MOMENT_S: Final = 0.1
SHARES: Final = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True)
class Effort:
    """How long and how often, and at which isolation. Seconds are of one turn."""

    pairs: int = 5
    seconds: float = 10.0
    warm_up: float = 3.0
    isolation: str = "SERIALIZABLE"
    scale: Scale = field(default_factory=Scale)
    folder: Path | None = None  # of SQLite files

    def stored(self) -> dict[str, Any]:
        """As the results keep it: without what is of one machine only."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}


Turn = dict[str, Any]


@dataclass
class Side:
    """Who has turns, and what came of all of them."""

    turn: Callable[[Effort], Tally]
    tallies: list[Tally] = field(default_factory=list)

    def take(self, effort: Effort) -> Tally:
        """Have a turn."""
        self.tallies.append(self.turn(effort))
        return self.tallies[-1]


def turn_of(tally: Tally, seconds: float, server_cpu: float) -> Turn:
    """A turn in figures: rates a second, latencies in milliseconds, CPU in µs a transaction."""
    if not tally.done:
        raise RuntimeError("nothing was done in time: give it more seconds")
    ended = max(tally.all_done, 1)
    return {
        "rate": tally.done / seconds,
        **{name: percentile_ns(tally.latencies, share) / 1e6 for name, share in SHARES.items()},
        "done": tally.done,
        "all_done": tally.all_done,
        "conflicts": tally.conflicts,
        "refused": tally.refused,
        "unknown": tally.unknown,
        "client_cpu": 1e6 * tally.cpu_seconds / ended,
        "server_cpu": 1e6 * server_cpu / ended,
        "latencies": {str(number): tally.latencies[number] for number in sorted(tally.latencies)},
    }


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
        ours = _our_turns(contest, {**place.ours, **level, **mode.ours})
        sides: dict[str, Side] = {OURS: ours}
        peer: JavaSide | None = None
        if contest.against_ours:
            sides[JAVA] = _our_turns(contest, {**place.ours, **level, **mode.java})
        else:
            peer = open_.enter_context(JavaSide(java_properties))
            sides[JAVA] = _java_turns(contest, peer)
        turns = _taken(sides, effort, place)
        _check(contest, effort, place, peer, sides)
    return {
        "turns": turns,
        "ratios": {
            measure: [one[measure] / other[measure] for one, other in _pairs(turns)]
            for measure in ("rate", *SHARES)
        },
        "median": {side: _median(turns[side]) for side in (JAVA, OURS)},
        "both_see_the_same": peer is not None,
    }


def _pairs(turns: Mapping[str, list[Turn]]) -> list[tuple[Turn, Turn]]:
    return list(zip(turns[OURS], turns[JAVA], strict=True))


def _median(turns: list[Turn]) -> dict[str, float]:
    """Of all turns of a side; percentiles are of all their latencies together."""
    every = added(from_json(one["latencies"]) for one in turns)
    return {
        **{
            name: statistics.median(one[name] for one in turns)
            for name in ("rate", "client_cpu", "server_cpu")
        },
        **{name: percentile_ns(every, share) / 1e6 for name, share in SHARES.items()},
        **{name: sum(one[name] for one in turns) for name in ("conflicts", "refused", "unknown")},
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


def _taken(sides: Mapping[str, Side], effort: Effort, place: Place) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {side: [] for side in sides}
    order = [JAVA, OURS]
    for pair in range(effort.pairs + 1):
        for side in order:
            before = place.server_cpu_seconds()
            tally = sides[side].take(effort)
            if pair:  # the first one warms up
                spent = place.server_cpu_seconds() - before
                turns[side].append(turn_of(tally, effort.seconds, spent))
        order.reverse()
    return turns


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
        turns = []
        for number in range(effort.pairs + 1):
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
            before = place.server_cpu_seconds()
            tally = our_side.turn(orders, floor.processes)
            if number:
                spent = place.server_cpu_seconds() - before
                turns.append(turn_of(tally, effort.seconds, spent))
    return {"turns": {OURS: turns}, "median": {OURS: _median(turns)}}

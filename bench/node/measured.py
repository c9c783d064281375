"""How is a figure of a node measured, and does its end show that all was done?"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.beside import our_side
from bench.beside.java_side import JavaSide
from bench.beside.modes import ISOLATION
from bench.beside.places import SQLITE
from bench.beside.turns import Side, median, ratios, taken
from bench.beside.ycsb import RECORDS
from bench.node import grounds
from bench.node.figures import (
    ECHOES,
    EMBEDDED,
    MANY,
    MEMORY,
    OTHER,
    OURS,
    WORKERS,
    Floor,
    Goal,
    Match,
    Servers,
    Start,
)
from bench.node.java_program import over_grpc
from bench.node.orders import WORKLOAD, Orders
from bench.node.running import Echo, JavaServer, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.beside.tally import Tally
    from bench.beside.turns import Effort
    from bench.node.figures import Clients, Figure
    from bench.node.grounds import Ground
    from bench.node.running import Server
    from tests.servers.node import Cluster

    Running = Mapping[str, Cluster] | None

CLIENTS: Final = "bench.node.clients"
ENDED: Final = "scalardb_transaction_total"
ABORTED: Final = "scalardb_transaction_abort_total"
COMMITTED: Final = "committed"
JAVA_UNCOUNTED: Final = 3  # pairs, until both virtual machines have compiled what they run
_JAVA: Final = {
    "scalar.db.transaction_manager": "grpc",
    "scalar.db.storage": "grpc",
    # ScalarDB Server now and then leaves calls without an answer; a turn is not to wait a minute.
    "scalar.db.grpc.deadline_duration_millis": "10000",
}


@dataclass
class Measuring:
    """Measures figures; one that needs the same million records as the last one finds them there.

    ``many``: how many a million are. ``running`` servers are used instead of new ones.
    """

    many: int = MANY
    running: Running = None
    _open: ExitStack = field(default_factory=ExitStack)
    _ground: Ground | None = None

    def close(self) -> None:
        """Throw the records away."""
        self._ground = None
        self._open.close()

    def measured(self, figure: Figure, effort: Effort) -> dict[str, Any]:
        """One figure."""
        try:
            return self._measured(figure, effort)
        except BaseException:
            self.close()  # what the records look like now is nothing to go on with
            raise

    def _measured(self, figure: Figure, effort: Effort) -> dict[str, Any]:
        match figure:
            case Goal():
                return self._goal(figure, effort)
            case Floor():
                return _floor(figure, effort)
            case Match():
                return self._match(figure, effort)
            case Servers():
                return self._servers(figure, effort)
            case Start():
                return _start(figure, effort)

    def _loaded(self, place: str, effort: Effort) -> Ground:
        if self._ground is None or self._ground.place.name != place:
            self.close()
            wanted = grounds.opened(place, self.many, effort.folder, self.running)
            self._ground = self._open.enter_context(wanted)
        return self._ground

    def _goal(self, goal: Goal, effort: Effort) -> dict[str, Any]:
        ground = self._loaded(goal.place, effort)
        before = ground.versions()
        with folder_of(effort) as folder, _node(ground.properties, folder, effort) as node:
            side = _side(goal.clients, node.url, node, ground=ground)
            turns = taken({OURS: side}, effort)
            ended, aborted = node.counted(ENDED), node.counted(ABORTED)
            grounds.check_written(ground, before, side.tallies)
        done = sum(one.all_done for one in side.tallies)
        failed = sum(one.refused + one.unknown for one in side.tallies)
        middle = median(turns[OURS])
        return {
            "turns": turns,
            "median": {OURS: middle},
            "figures": {
                "rate": middle["rate"],
                "p99": middle["p99"],
                COMMITTED: done / (done + failed),
                "aborted": aborted / ended,
            },
            "records": ground.records,
        }

    def _match(self, match: Match, effort: Effort) -> dict[str, Any]:
        if match.ours.way in ECHOES:
            return _echoed(match, effort)
        if match.other.way != EMBEDDED:
            return _counted(match, effort)
        ground = self._loaded(match.place, effort)
        before = ground.versions()
        with folder_of(effort) as folder, _node(ground.properties, folder, effort) as node:
            embedded = {**ground.properties, ISOLATION: effort.isolation}
            sides = {
                OTHER: _side(match.other, embedded, None, ground=ground),
                OURS: _side(match.ours, node.url, node, ground=ground),
            }
            result = _in_turns(sides, effort)
            every = [tally for side in sides.values() for tally in side.tallies]
            grounds.check_written(ground, before, every)
        return {**result, "records": ground.records}

    def _servers(self, servers: Servers, effort: Effort) -> dict[str, Any]:
        with ExitStack() as open_:
            folder = open_.enter_context(folder_of(effort))
            wanted = grounds.opened(servers.place, RECORDS, effort.folder, self.running)
            ground = open_.enter_context(wanted)
            level = {**ground.properties, ISOLATION: effort.isolation}
            node = open_.enter_context(_node(ground.properties, folder, effort))
            theirs = open_.enter_context(JavaServer(level, folder))
            sides = {
                side: open_.enter_context(_java_clients(servers, port, server, ground))
                for side, port, server in (
                    (OTHER, theirs.port, theirs),
                    (OURS, node.java_port, node),
                )
            }
            return _in_turns(sides, effort, uncounted=JAVA_UNCOUNTED)


@contextmanager
def folder_of(effort: Effort) -> Iterator[Path]:
    """A folder for what servers keep."""
    with tempfile.TemporaryDirectory(dir=effort.folder) as folder:
        yield Path(folder)


def _node(properties: Mapping[str, str], folder: Path, effort: Effort) -> Node:
    return Node({**properties, ISOLATION: effort.isolation}, folder, WORKERS)


def _side(
    clients: Clients,
    target: str | Mapping[str, str],
    server: Server | None,
    *,
    ground: Ground | None = None,
    workers: int = WORKERS,
) -> Side:
    """Clients that have turns; ``server``, and those of the ground, take CPU for them."""

    def turn(effort: Effort) -> Tally:
        orders = Orders(
            clients=clients.count,
            seed=time.monotonic_ns(),
            warm_up=effort.warm_up,
            seconds=effort.seconds,
            way=clients.way,
            tasks=clients.tasks,
            target=target,
            records=0 if ground is None else ground.records,
            workers=workers,
        )
        return our_side.turn(orders, clients.processes, CLIENTS)

    return Side(turn, _spent_by(server, ground))


def _spent_by(server: Server | None, ground: Ground | None) -> Callable[[], dict[str, float]]:
    def spent() -> dict[str, float]:
        found: dict[str, float] = {}
        if server is not None:
            found |= server.spent()
        if ground is not None:
            found |= ground.place.spent()
        return found

    return spent


def _in_turns(sides: Mapping[str, Side], effort: Effort, uncounted: int = 1) -> dict[str, Any]:
    turns = taken(sides, effort, uncounted=uncounted)
    return {
        "turns": turns,
        "ratios": ratios(turns[OURS], turns[OTHER]),
        "median": {side: median(turns[side]) for side in turns},
    }


def _floor(floor: Floor, effort: Effort) -> dict[str, Any]:
    with folder_of(effort) as folder, Echo(folder, WORKERS) as server:
        side = _side(floor.clients, server.url, server)
        turns = taken({OURS: side}, effort)
    return {"turns": turns, "median": {OURS: median(turns[OURS])}}


def _echoed(match: Match, effort: Effort) -> dict[str, Any]:
    # One worker, as a node over memory has.
    with folder_of(effort) as folder, Echo(folder, 1) as server:
        sides = {
            OTHER: _side(match.other, server.url, server, workers=1),
            OURS: _side(match.ours, server.url, server, workers=1),
        }
        return _in_turns(sides, effort)


def _counted(match: Match, effort: Effort) -> dict[str, Any]:
    """Counters, whose sum is as many as there were transactions."""
    with folder_of(effort) as folder:
        properties = {"scalar.db.storage": "memory"}
        if match.place == SQLITE:
            url = grounds.file_url(folder / "counters.db")
            properties = {"scalar.db.storage": "jdbc", "scalar.db.contact_points": url}
        elif match.place != MEMORY:
            raise ValueError(f"there are no counters at {match.place}")
        with _node(properties, folder, effort) as node:
            grounds.make_counters(node.url)
            sides = {
                OTHER: _side(match.other, node.url, node),
                OURS: _side(match.ours, node.url, node),
            }
            result = _in_turns(sides, effort)
            every = [tally for side in sides.values() for tally in side.tallies]
            grounds.check_surplus(grounds.counted(node.url), every)
    return result


@contextmanager
def _java_clients(servers: Servers, port: int, server: Server, ground: Ground) -> Iterator[Side]:
    where = {"scalar.db.contact_points": "127.0.0.1", "scalar.db.contact_port": f"{port}"}
    with JavaSide({**_JAVA, **where}, over_grpc(), connections=servers.connections) as java:

        def turn(effort: Effort) -> Tally:
            before = ground.versions()
            tally = java.turn(
                WORKLOAD,
                clients=servers.clients,
                seed=time.monotonic_ns(),
                warm_up=effort.warm_up,
                seconds=effort.seconds,
                scale={},
            )
            # What ScalarDB Server says has failed may have been written: seen when it had left
            # calls without an answer. Of a node of ours nothing of the kind is borne with.
            theirs = isinstance(server, JavaServer)
            grounds.check_written(ground, before, [tally], refused_may=theirs)
            return tally

        yield Side(turn, _spent_by(server, ground))


def _start(start: Start, effort: Effort) -> dict[str, Any]:
    """As often as there are pairs, after once that does not count."""
    seconds = []
    for _ in range(1 + effort.pairs):
        with folder_of(effort) as folder:
            url = grounds.file_url(folder / "node.db")
            properties = {"scalar.db.storage": "jdbc", "scalar.db.contact_points": url}
            with Node(properties, folder, start.workers) as node:
                if node.workers() != start.workers:
                    raise RuntimeError(f"{node.workers()} of {start.workers} workers serve")
                seconds.append(node.seconds)
    counted = seconds[1:]
    value = statistics.median(counted)
    assert math.isfinite(value)
    return {"values": counted, "value": value}

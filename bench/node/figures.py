"""Which figures of a node are measured, and what must they be?

Each is one row of docs/performance-node.md. A *goal* is what clients of a node reach; a *floor* is
the same messages between the same clients and a server of gRPC that does nothing; a *match* runs
two sides in turns; *servers* are our node and ScalarDB Server with the same Java clients; a *start*
is how long a node takes until it serves.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from bench.beside.figures import Bound, file_name, rate
from bench.beside.places import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEMORY: Final = "memory"
POSTGRESQL: Final = "postgresql"
MANY: Final = 1_000_000  # records
WORKERS: Final = 2

# What clients do; ways.py says how.
STREAM: Final = "stream"
ONE_SHOT: Final = "one-shot"
EMBEDDED: Final = "embedded"
COUNTED: Final = "counted one-shot"
TURNS: Final = "counted four turns"
CALLS: Final = "counted four calls"
ECHO_STREAM: Final = "echo stream"
ECHO_ONE_SHOT: Final = "echo one-shot"
ECHO_CALL: Final = "echo one call"
ECHO_CALLS: Final = "echo four calls"
ECHOES: Final = {
    ECHO_STREAM: "`ycsb-f-1` as a stream of two turns",
    ECHO_ONE_SHOT: "`ycsb-f-1` as one call",
    ECHO_CALL: "a counter as one call",
    ECHO_CALLS: "a counter as four calls",
}

OURS: Final = "ours"
OTHER: Final = "other"


@dataclass(frozen=True)
class Clients:
    """So many clients that go one way, shared by processes: threads, or tasks of one loop each."""

    way: str
    count: int = 32
    processes: int = 1
    tasks: bool = False

    @property
    def form(self) -> str:
        """How they run."""
        each = "tasks" if self.tasks else "threads"
        return each if self.processes == 1 else f"{each} of {self.processes} processes"

    @property
    def words(self) -> str:
        """How many they are, and how they run."""
        return f"{self.count} {self.form}" if self.count > 1 else f"1 {self.form.rstrip('s')}"

    @property
    def parts(self) -> list[str]:
        """What of a figure's name tells them from others."""
        return [self.way, f"{self.count}", self.form]


@dataclass(frozen=True)
class Limit:
    """What a figure of a goal must be, and what would be better still."""

    measure: Literal["rate", "p99", "committed", "aborted"]
    words: str
    reached: Callable[[float, float], bool]
    must: float
    stretch: float | None = None


# The goals of the design: for each of them alone.
LIMITS: Final = (
    Limit("rate", "≥ 1,000 a second", operator.ge, 1000, 2500),
    Limit("p99", "p99 < 100 ms", operator.lt, 100),
    Limit("committed", "committed > 99.9 %", operator.gt, 0.999),
    Limit("aborted", "aborted < 0.1 %", operator.lt, 0.001),
)


@dataclass(frozen=True)
class Goal:
    """``ycsb-f-1`` through a node, evenly over a million records."""

    place: str
    clients: Clients

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["node", "goal", self.place, *self.clients.parts])


@dataclass(frozen=True)
class Floor:
    """The messages of a way, answered by a server that does nothing."""

    clients: Clients

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["node", "floor", *self.clients.parts])


@dataclass(frozen=True)
class Match:
    """Two sides in turns at one place."""

    place: str
    ours: Clients
    other: Clients
    bounds: Sequence[Bound] = ()

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["node", "match", self.place, *self.ours.parts, "by", self.other.way])


@dataclass(frozen=True)
class Servers:
    """``ycsb-f-1`` by the Java client of ScalarDB 3.13, at our node and at ScalarDB Server."""

    place: str
    connections: int
    clients: int = 16
    bounds: Sequence[Bound] = ()

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        parts = ["node", "servers", self.place, f"{self.clients}"]
        return file_name([*parts, f"{self.connections} connections"])


@dataclass(frozen=True)
class Start:
    """Seconds from the command to the line that says it is ready."""

    workers: int = WORKERS
    must: float = 3.0

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["node", "start", f"{self.workers} workers"])


Figure = Goal | Floor | Match | Servers | Start


def _forms(way: str) -> tuple[Clients, ...]:
    return Clients(way), Clients(way, processes=2), Clients(way, tasks=True)


STARTS: Final = (Start(),)
FLOORS: Final = tuple(
    Floor(clients) for way in (ECHO_STREAM, ECHO_ONE_SHOT) for clients in _forms(way)
)
GOALS: Final = tuple(
    Goal(place, clients)
    for place in (SQLITE, POSTGRESQL)
    for way in (STREAM, ONE_SHOT)
    for clients in _forms(way)
)
_EMBEDDED: Final = Clients(EMBEDDED)
AGAINST_EMBEDDED: Final = (
    Match(SQLITE, Clients(ONE_SHOT), _EMBEDDED, rate(0.3, 0.5)),
    Match(SQLITE, Clients(STREAM), _EMBEDDED, rate(0.2, 0.5)),
)


def _apart(place: str, count: int, must: float) -> tuple[Match, ...]:
    return tuple(
        Match(
            place,
            Clients(COUNTED, count, tasks=True),
            Clients(way, count, tasks=True),
            rate(must),
        )
        for way in (CALLS, TURNS)
    )


ONE_BY_FOUR: Final = (
    *(
        Match(
            MEMORY,
            Clients(ECHO_CALL, count, tasks=True),
            Clients(ECHO_CALLS, count, tasks=True),
        )
        for count in (1, 32)
    ),
    *(one for count in (1, 32) for one in _apart(MEMORY, count, 3)),
    *(one for count in (1, 32) for one in _apart(SQLITE, count, 2)),
)
SERVERS: Final = tuple(
    Servers(place, connections, bounds=rate(0.7, 1))
    for place in (SQLITE, POSTGRESQL)
    for connections in (1, 16)
)

# Those over the same million records stand beside each other: these are loaded once.
_IN_ORDER: Final[tuple[Figure, ...]] = (
    *STARTS,
    *FLOORS,
    *ONE_BY_FOUR,
    *SERVERS,
    *(goal for goal in GOALS if goal.place == SQLITE),
    *AGAINST_EMBEDDED,
    *(goal for goal in GOALS if goal.place != SQLITE),
)
FIGURES: Final = {one.name: one for one in _IN_ORDER}

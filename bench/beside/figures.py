"""Which figures are measured, and what must they be?

Each is one row of docs/performance.md. A *contest* runs both sides in turns; a *floor* runs the
same statements without transactions; a *cost* is a number of our own clients; a *profile* says in
which functions of ours a transaction's time goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from bench.beside.places import AS_FOUND, SQLITE

if TYPE_CHECKING:
    from collections.abc import Sequence

# Ours over Java's: transactions a second, and what a share of them did not exceed.
Measure = Literal["rate", "p50", "p99"]


@dataclass(frozen=True)
class Bound:
    """What a ratio must reach, and what would be better still; latencies must stay below."""

    measure: Measure
    must: float
    stretch: float | None = None

    def reached(self, ratio: float, wanted: float) -> bool:
        """Is it as good as wanted?"""
        return ratio >= wanted if self.measure == "rate" else ratio <= wanted


@dataclass(frozen=True)
class Contest:
    """Both sides at one workload. ``processes``: of ours, which share the clients."""

    workload: str
    place: str
    clients: int
    mode: str = "defaults"
    bounds: Sequence[Bound] = ()
    processes: int = 1
    gathered: bool = False
    against_ours: bool = False  # ours runs in Java's place too, with Java's settings

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        parts = [self.workload, self.place, f"{self.clients}", self.mode]
        parts += [f"{self.processes} processes"] * (self.processes > 1)
        parts += ["gathered"] * self.gathered
        return file_name(parts)


@dataclass(frozen=True)
class Floor:
    """The statements alone, by one way of committing; ``bare``: by ``sqlite3`` without our code."""

    workload: str
    place: str
    clients: int
    way: str
    bare: bool = False
    processes: int = 1

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        parts = ["floor", self.workload, self.place, f"{self.clients}", self.way]
        parts += [f"{self.processes} processes"] * (self.processes > 1)
        return file_name([*parts, *(["bare"] * self.bare)])


@dataclass(frozen=True)
class Cost:
    """A number of our own: ``measure`` names what bench.beside.costs measures."""

    measure: str
    words: str
    unit: str
    must: float | None = None
    stretch: float | None = None

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["cost", self.measure])


@dataclass(frozen=True)
class Profile:
    """One client of ours under Python's profiler, at its defaults."""

    workload: str
    place: str

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        return file_name(["profile", self.workload, self.place])


Figure = Contest | Floor | Cost | Profile


def file_name(parts: Sequence[str]) -> str:
    """A name of these parts that fits a file."""
    return "_".join(part.replace(" ", "-") for part in parts)


def rate(must: float, stretch: float | None = None) -> tuple[Bound, ...]:
    """What the ratio of the rates must be."""
    return (Bound("rate", must, stretch),)


_F1: Final = "ycsb-f-1"
_C2: Final = "ycsb-c-2"
_PEER: Final = "java one-phase"
_TWO: Final = 2  # processes of ours beside servers

CONTESTS: Final = (
    # One file for both sides.
    Contest(_F1, SQLITE, 32, bounds=(Bound("rate", 5, 7), Bound("p99", 1 / 20))),
    Contest(_F1, SQLITE, 32, _PEER, rate(1, 1.3)),
    Contest(_F1, SQLITE, 1, bounds=rate(1.3, 1.8)),
    Contest(_F1, SQLITE, 1, _PEER, rate(0.6, 0.9)),
    Contest(_F1, SQLITE, 8),
    Contest(_F1, SQLITE, 16),
    Contest(_F1, SQLITE, 64),
    Contest(_F1, SQLITE, 8, _PEER),
    Contest(_F1, SQLITE, 16, _PEER),
    Contest(_F1, SQLITE, 64, _PEER),
    Contest(_C2, SQLITE, 1, bounds=rate(1.5, 2)),
    Contest(_C2, SQLITE, 8, bounds=rate(0.5)),
    Contest(_C2, SQLITE, 8, bounds=rate(1.2), processes=2),
    Contest("ycsb-f-4", SQLITE, 8),
    Contest("ycsb-upsert-1", SQLITE, 8),
    Contest("ycsb-f-1-zipf", SQLITE, 8),
    Contest(_F1, SQLITE, 1, "tuned"),
    Contest(_F1, SQLITE, 32, "tuned"),
    Contest(_F1, SQLITE, 1, "same phases"),
    Contest(_F1, SQLITE, 32, "same phases"),
    # As a user finds both: a file each.
    Contest(_F1, AS_FOUND, 1, bounds=rate(6)),
    Contest(_F1, AS_FOUND, 8, bounds=rate(8)),
    Contest(_F1, AS_FOUND, 32, bounds=rate(15)),
    # Group commit, and what it adds where nobody shares the group.
    Contest(_F1, SQLITE, 1, "group commit", rate(80)),
    Contest(_F1, SQLITE, 16, "group commit", rate(12)),
    Contest(_F1, SQLITE, 64, "group commit", rate(2)),
    # A commit has three flushes there: a fourth would make it a third longer.
    Contest(_F1, SQLITE, 1, "idle group", (Bound("p50", 4 / 3),), against_ours=True),
    # Servers.
    Contest(_F1, "postgresql", 16, bounds=rate(1.6, 2), processes=_TWO),
    Contest(_F1, "postgresql", 16, _PEER, processes=_TWO),
    Contest(_F1, "postgresql", 16, "same phases", processes=_TWO),
    Contest(_C2, "postgresql", 16, bounds=rate(0.7, 1), processes=_TWO),
    Contest(_F1, "cassandra", 16, bounds=rate(2.5, 3), processes=_TWO),
    Contest(_F1, "cassandra", 16, _PEER, processes=_TWO),
    Contest(_F1, "cassandra", 16, "same phases", processes=_TWO),
    Contest(_F1, "dynamodb", 16, bounds=rate(2.5, 3), processes=_TWO),
    Contest(_F1, "dynamodb", 16, _PEER, processes=_TWO),
    Contest(_F1, "dynamodb", 16, "same phases", processes=_TWO),
    Contest("multi-f-1", "cassandra+dynamodb", 8, bounds=rate(1.2, 1.6), processes=_TWO),
    Contest("multi-f-1", "postgresql+sqlite", 8, bounds=rate(1.5, 2), processes=_TWO),
    # TPC-C.
    Contest("tpcc", SQLITE, 1, bounds=rate(1.5)),
    Contest("tpcc", SQLITE, 8, bounds=rate(1.5)),
    Contest("tpcc", SQLITE, 1, bounds=rate(1.5, 3), gathered=True),
    Contest("tpcc", SQLITE, 8, bounds=rate(1.5, 3), gathered=True),
    Contest("tpcc-full", SQLITE, 8),
)

FLOORS: Final = (
    Floor(_F1, SQLITE, 1, "fused", bare=True),
    Floor(_F1, SQLITE, 1, "record-only", bare=True),
    Floor(_C2, SQLITE, 1, "reads", bare=True),
    Floor(_F1, SQLITE, 1, "full"),
    Floor(_F1, SQLITE, 1, "fused"),
    Floor(_C2, SQLITE, 1, "reads"),
    Floor(_C2, SQLITE, 8, "reads"),
    Floor(_F1, "postgresql", 16, "full", processes=_TWO),
    Floor(_F1, "postgresql", 16, "fused", processes=_TWO),
    Floor(_C2, "postgresql", 16, "reads", processes=_TWO),
    Floor(_F1, "cassandra", 16, "full", processes=_TWO),
    Floor(_F1, "cassandra", 16, "record-only", processes=_TWO),
    Floor(_F1, "dynamodb", 16, "full", processes=_TWO),
    Floor(_F1, "dynamodb", 16, "record-only", processes=_TWO),
    Floor("multi-f-1", "cassandra+dynamodb", 8, "full", processes=_TWO),
    Floor("multi-f-1", "postgresql+sqlite", 8, "full", processes=_TWO),
)

COSTS: Final = (
    Cost("fdatasync", "`fdatasync` of 4 KiB where the SQLite files lie", "µs"),
    Cost(
        "dynamodb-request",
        "client CPU of a DynamoDB request, our transport against boto3",
        "x",
        must=1 / 8,
        stretch=1 / 12,
    ),
    Cost(
        "cassandra-request",
        "client CPU of a Cassandra request, asyncio at 64 in flight against the driver's "
        "synchronous call",
        "x",
        must=0.75,
        stretch=1 / 3,
    ),
    Cost(
        "open-transactions",
        "10,000 open transactions of 4 records of 100 bytes",
        "MiB",
        must=200,
    ),
)

PROFILES: Final = (
    Profile(_F1, SQLITE),
    Profile(_C2, SQLITE),
    Profile(_F1, "postgresql"),
    Profile(_F1, "cassandra"),
)

FIGURES: Final[dict[str, Figure]] = {
    one.name: one for one in (*COSTS, *FLOORS, *PROFILES, *CONTESTS)
}

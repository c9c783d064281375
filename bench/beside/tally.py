"""What did clients do in one turn?

A transaction is *done* once it is committed (or rolled back as its program wanted it); only what
is done within the time that counts has its latency kept.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.beside.latency import Histogram, added, bucket, from_json

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Tally:
    """The clients of one side, added up.

    ``done``: within the time that counts, with ``latencies`` from the first attempt to the end of
    the last one; ``all_done``: with the warm-up and what ended late. ``conflicts``: attempts that
    were made again. ``refused``: the storage could not, or nothing was done in time. ``unknown``:
    nobody can tell. ``cpu_seconds``: of the clients' processes.
    """

    done: int
    all_done: int
    conflicts: int
    refused: int
    unknown: int
    cpu_seconds: float
    latencies: Histogram

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Tally:
        """As a side's process reports it."""
        return cls(**{**stored, "latencies": from_json(stored["latencies"])})


def together(tallies: Iterable[Tally]) -> Tally:
    """The sums."""
    every = list(tallies)
    return Tally(
        done=sum(one.done for one in every),
        all_done=sum(one.all_done for one in every),
        conflicts=sum(one.conflicts for one in every),
        refused=sum(one.refused for one in every),
        unknown=sum(one.unknown for one in every),
        cpu_seconds=sum(one.cpu_seconds for one in every),
        latencies=added(one.latencies for one in every),
    )


@dataclass
class Client:
    """One client of ours and its dice; times are nanoseconds of the monotonic clock."""

    dice: random.Random
    since: int = 0
    until: int = 0
    attempts: int = 0
    done: int = 0
    all_done: int = 0
    refused: int = 0
    unknown: int = 0
    latencies: Histogram = field(default_factory=Counter)

    @property
    def over(self) -> bool:
        """Is the time up?"""
        return time.monotonic_ns() >= self.until

    def finish(self, begun: int) -> None:
        """One more is done."""
        now = time.monotonic_ns()
        self.all_done += 1
        if self.since <= now < self.until:
            self.done += 1
            self.latencies[bucket(now - begun)] += 1


def report(clients: Iterable[Client], cpu_seconds: float) -> Tally:
    """What the clients of a process did."""
    every = list(clients)
    ended = sum(one.all_done + one.refused + one.unknown for one in every)
    return Tally(
        done=sum(one.done for one in every),
        all_done=sum(one.all_done for one in every),
        conflicts=sum(one.attempts for one in every) - ended,
        refused=sum(one.refused for one in every),
        unknown=sum(one.unknown for one in every),
        cpu_seconds=cpu_seconds,
        latencies=added(one.latencies for one in every),
    )

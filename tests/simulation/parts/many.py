"""How are many seeds run, and what is said about them?"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.simulation.parts.dice import Chance
from tests.simulation.parts.network import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.simulation.parts.report import Report, Run, Wrong

SEEDS_AT_ONCE: Final = 25
FEWEST_SCHEDULES: Final = 100  # fewer say nothing about what is rare
DISTINCT: Final = 0.99  # of the traces; small calm worlds may be alike
_FAULTS: Final = (*(fault.name.lower() for fault in Fault), "crash", "pause", "jump")


@dataclass(frozen=True, slots=True)
class Floors:
    """What many runs must have met to be believed: a harness that injects nothing finds nothing.

    ``rates`` are the least counts for each schedule, on average, far below what is usual. What
    ``more`` names first is to be met at least as often as what it names second.
    """

    rates: Mapping[str, float]
    more: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Summary:
    """What many runs came to."""

    schedules: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    digests: set[int] = field(default_factory=set)
    failed: list[tuple[int, list[Wrong]]] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0  # of all processes together

    def add(self, seed: int, report: Report) -> None:
        """One more run."""
        self.schedules += 1
        self.counts.update(report.counts)
        self.counts[f"schedules of {report.kind}"] += 1
        self.counts["schedules with a fault"] += any(report.counts[name] for name in _FAULTS)
        self.digests.add(report.digest)
        if report.wrong:
            self.failed.append((seed, report.wrong))

    def merge(self, other: Summary) -> None:
        """The runs of another one too."""
        self.schedules += other.schedules
        self.counts.update(other.counts)
        self.digests |= other.digests
        self.failed += other.failed
        self.processor_seconds += other.processor_seconds

    def vacuous(self, floors: Floors) -> list[str]:
        """What was met too seldom to believe the result; a run too short for averages may be."""
        found = []
        if self.schedules >= FEWEST_SCHEDULES:
            found = [
                f"{what}: {self.counts[what]} in {self.schedules} schedules, "
                f"at least {least * self.schedules:.0f} wanted"
                for what, least in floors.rates.items()
                if self.counts[what] < least * self.schedules
            ]
        found += [
            f"{one}: {self.counts[one]}, fewer than {other}: {self.counts[other]}"
            for one, other in floors.more
            if self.counts[one] < self.counts[other]
        ]
        if len(self.digests) < DISTINCT * self.schedules:
            found.append(f"only {len(self.digests)} distinct traces in {self.schedules} schedules")
        return found


def run_some(run: Run, seeds: Sequence[int]) -> Summary:
    """Run seeds in this process, one after the other."""
    summary = Summary()
    begun, begun_working = time.perf_counter(), time.process_time()
    for seed in seeds:
        summary.add(seed, run(Chance(seed)))
    summary.seconds = time.perf_counter() - begun
    summary.processor_seconds = time.process_time() - begun_working
    return summary


def _run_batch(task: tuple[Run, Sequence[int]]) -> Summary:
    return run_some(*task)


def run_many(run: Run, seeds: range, *, progress: Callable[[Summary, float], None]) -> Summary:
    """Run seeds on all processors; stops at the first batch that holds a failure."""
    total = Summary()
    begun = time.perf_counter()
    batches: Iterator[tuple[Run, Sequence[int]]] = (
        (run, seeds[at : at + SEEDS_AT_ONCE]) for at in range(0, len(seeds), SEEDS_AT_ONCE)
    )
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        for summary in pool.imap(_run_batch, batches):
            total.merge(summary)
            total.seconds = time.perf_counter() - begun
            progress(total, total.seconds)
            if total.failed:
                break
    return total

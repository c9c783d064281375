"""How are many seeds run, and what is said about them?"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.simulation.floors import below_floor
from tests.simulation.network import Fault
from tests.simulation.planted import plant
from tests.simulation.schedule import run_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.simulation.schedule import Report

SEEDS_AT_ONCE: Final = 25
_FAULTS: Final = (*(fault.name.lower() for fault in Fault), "crash", "pause", "jump")


@dataclass(slots=True)
class Summary:
    """What many runs came to."""

    schedules: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    digests: set[int] = field(default_factory=set)
    failed: list[tuple[int, list[str]]] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0  # of all processes together

    def add(self, report: Report) -> None:
        """One more run."""
        self.schedules += 1
        self.counts.update(report.counts)
        self.counts[f"schedules of {report.workload}"] += 1
        self.counts["schedules with a fault"] += any(report.counts[name] for name in _FAULTS)
        self.counts["schedules with a conflict"] += bool(report.counts["conflict"])
        self.digests.add(report.digest)
        if report.wrong:
            self.failed.append((report.seed, report.wrong))

    def merge(self, other: Summary) -> None:
        """The runs of another one too."""
        self.schedules += other.schedules
        self.counts.update(other.counts)
        self.digests |= other.digests
        self.failed += other.failed
        self.processor_seconds += other.processor_seconds

    def vacuous(self) -> list[str]:
        """What was met too seldom to believe the result."""
        found = below_floor(self.counts, self.schedules)
        if self.counts["reads with a value"] < self.counts["reads of nothing"]:
            found.append("most reads found nothing")
        if len(self.digests) < self.schedules:
            found.append(f"only {len(self.digests)} distinct traces in {self.schedules} schedules")
        return found


@contextmanager
def with_bug(name: str | None) -> Iterator[None]:
    """Run with a planted bug, or with none; thousands of expected warnings are not logged."""
    logger = logging.getLogger("scalar_tx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with plant(name):
            yield
    finally:
        logger.setLevel(level)


def run_some(seeds: Sequence[int], workload: str | None = None, bug: str | None = None) -> Summary:
    """Run seeds in this process, one after the other."""
    summary = Summary()
    begun, begun_working = time.perf_counter(), time.process_time()
    with with_bug(bug):
        for seed in seeds:
            summary.add(run_seed(seed, workload=workload))
    summary.seconds = time.perf_counter() - begun
    summary.processor_seconds = time.process_time() - begun_working
    return summary


def _run_batch(task: tuple[Sequence[int], str | None, str | None]) -> Summary:
    return run_some(*task)


def run_many(
    seeds: range,
    *,
    workload: str | None = None,
    bug: str | None = None,
    progress: Callable[[Summary, float], None],
) -> Summary:
    """Run seeds on all processors; stops at the first batch that holds a failure."""
    total = Summary()
    begun = time.perf_counter()
    batches: Iterator[tuple[Sequence[int], str | None, str | None]] = (
        (seeds[at : at + SEEDS_AT_ONCE], workload, bug)
        for at in range(0, len(seeds), SEEDS_AT_ONCE)
    )
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        for summary in pool.imap(_run_batch, batches):
            total.merge(summary)
            total.seconds = time.perf_counter() - begun
            progress(total, total.seconds)
            if total.failed:
                break
    return total

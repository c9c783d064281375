"""How is a figure taken on a machine that has other work?

A batch of transactions and the calibration loop take turns, close enough together to meet the same
weather; the median over the batches is the figure. CPU time is the process's own.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import calibration

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

CALIBRATION_LOOPS = 200


@dataclass(frozen=True)
class Cost:
    """CPU of one transaction: in seconds, as a multiple of the calibration loop, and the spread."""

    seconds: float
    ratio: float
    least: float
    most: float


def cpu_cost(
    workload: Callable[[], AbstractContextManager[Callable[[int], None]]],
    *,
    batches: int,
    count: int,
) -> Cost:
    """The CPU time of one transaction; every batch has a database of its own."""
    seconds: list[float] = []
    ratios: list[float] = []
    for _ in range(batches):
        with workload() as run:
            run(count // 4 + 1)  # tables are known, caches are warm
            gc.collect()
            before = calibration.cpu_seconds(CALIBRATION_LOOPS)
            begun = time.process_time()
            run(count)
            spent = (time.process_time() - begun) / count
            after = calibration.cpu_seconds(CALIBRATION_LOOPS)
        seconds.append(spent)
        ratios.append(2 * spent / (before + after))
    return Cost(statistics.median(seconds), statistics.median(ratios), min(seconds), max(seconds))


def per_second(
    workload: Callable[[], AbstractContextManager[Callable[[int], None]]],
    *,
    batches: int,
    count: int,
) -> list[float]:
    """Transactions a second by the wall clock, one client, batch by batch."""
    found: list[float] = []
    with workload() as run:
        run(count // 4 + 1)
        for _ in range(batches):
            begun = time.perf_counter()
            run(count)
            found.append(count / (time.perf_counter() - begun))
    return found

"""How long did transactions take? A histogram whose buckets grow by one percent.

Both sides count into the same buckets, so that processes and turns can be added up, and all of a
run's latencies are kept in a few hundred numbers. A percentile read from it is within half a
percent of the true one.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

GROWTH: Final = 1.01
_PER_BUCKET: Final = 1 / math.log(GROWTH)

# bucket -> how many; a bucket's nanoseconds are GROWTH ** bucket up to those of the next
Histogram = Counter[int]


def bucket(nanoseconds: int) -> int:
    """The bucket of a duration; what took no time by the clock took one nanosecond."""
    return int(math.log(max(nanoseconds, 1)) * _PER_BUCKET)


def middle_ns(number: int) -> float:
    """The duration that a bucket stands for."""
    return math.exp((number + 0.5) / _PER_BUCKET)


def percentile_ns(histogram: Histogram, share: float) -> float:
    """The duration that this share (0 to 1) did not exceed.

    ValueError: nothing was counted.
    """
    total = histogram.total()
    if total == 0:
        raise ValueError("no latency was counted")
    wanted = max(1, math.ceil(share * total))
    seen = 0
    for number in sorted(histogram):
        seen += histogram[number]
        if seen >= wanted:
            return middle_ns(number)
    raise AssertionError("the shares of a histogram end at 1")


def added(histograms: Iterable[Histogram]) -> Histogram:
    """All of them as one."""
    found: Histogram = Counter()
    for one in histograms:
        found.update(one)
    return found


def from_json(stored: dict[str, int]) -> Histogram:
    """A histogram as JSON keeps it, whose keys are texts."""
    return Counter({int(number): count for number, count in stored.items()})

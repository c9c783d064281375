"""What did ScalarDB Server tell of its calls, and how is the same told of a node's?

ScalarDB Server's protocol, 15: for each method a summary of seconds without a sum, and how many
calls succeeded and failed as gauges, under names of their own. Dashboards that were made for it ask
for exactly these. Workers count in one histogram, which the supervisor turns into them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter as Counts
from collections import deque
from contextlib import contextmanager
from math import inf, nan
from typing import TYPE_CHECKING, Final, TypeAlias

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PREFIX: Final = "scalardb_stats"
# Where workers count; nobody is shown that.
_CALLS: Final = f"{PREFIX}_calls_seconds"
_SUCCESS: Final = "success"
_FAILURE: Final = "failure"

QUANTILES: Final = (0.5, 0.75, 0.95, 0.98, 0.99, 0.999)
# Each half as much again as the one before: a quantile is right to a quarter of itself or so.
_BUCKETS: Final = tuple(float(f"{0.0001 * 1.5**step:.3g}") for step in range(34))
WINDOW_SECONDS: Final = 300.0  # of which quantiles tell, as those of ScalarDB Server do
_SNAPSHOT_SECONDS: Final = 10.0

Method: TypeAlias = tuple[str, str]  # service and method


class ServerCalls:
    """What one worker counts of the calls of ScalarDB's clients. ``registry`` None: for a node."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._seconds = Histogram(
            _CALLS,
            "Calls of ScalarDB's clients.",
            ("service", "method", "outcome"),
            buckets=_BUCKETS,
            registry=registry or CollectorRegistry(),
        )
        self._observe: dict[tuple[str, str, str], Callable[[float], None]] = {}

    @contextmanager
    def counted(self, service: str, method: str) -> Iterator[None]:
        """Count what runs within: a failure, if it ends in an exception."""
        began, outcome = time.perf_counter(), _FAILURE
        try:
            yield
            outcome = _SUCCESS
        finally:
            self._observed(service, method, outcome)(time.perf_counter() - began)

    def _observed(self, service: str, method: str, outcome: str) -> Callable[[float], None]:
        labels = (service, method, outcome)
        found = self._observe.get(labels)
        if found is None:
            found = self._observe[labels] = self._seconds.labels(*labels).observe
        return found


def without_calls(families: Iterable[Metric]) -> Iterator[Metric]:
    """What is shown where nobody asks for the names of ScalarDB Server."""
    return (one for one in families if one.name != _CALLS)


class ServerStats:
    """The names of ScalarDB Server, for one node; it remembers what was told some minutes ago."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._lock = threading.Lock()
        # When, and what each method's buckets held; the window begins with the first of them.
        self._snapshots: deque[tuple[float, Mapping[Method, Counts[float]]]] = deque([(-inf, {})])

    def __call__(self, families: Iterable[Metric]) -> Iterator[Metric]:
        """What all count, and the calls by their names at ScalarDB Server."""
        calls = Metric(_CALLS, "", "histogram")
        for one in families:
            if one.name == _CALLS:
                calls = one
            else:
                yield one
        yield from self._named(calls)

    def _named(self, calls: Metric) -> Iterator[Metric]:
        buckets: dict[Method, Counts[float]] = {}
        ended: dict[str, Counts[Method]] = {_SUCCESS: Counts(), _FAILURE: Counts()}
        for sample in calls.samples:
            method = (sample.labels["service"], sample.labels["method"])
            if sample.name.endswith("_bucket"):
                held = buckets.setdefault(method, Counts())
                held[float(sample.labels["le"])] += int(sample.value)
            elif sample.name.endswith("_count"):
                ended[sample.labels["outcome"]][method] += int(sample.value)
        before = self._before(buckets)
        for method in sorted(buckets):
            name = "_".join((PREFIX, *method))
            lately = Counts(buckets[method])
            lately.subtract(before.get(method, {}))
            yield _summary(name, lately, buckets[method][inf])
            for outcome, counted in ended.items():
                yield _gauge(f"{name}_{outcome}", counted[method])
        for outcome, counted in ended.items():
            yield _gauge(f"{PREFIX}_total_{outcome}", counted.total())

    def _before(self, now_held: Mapping[Method, Counts[float]]) -> Mapping[Method, Counts[float]]:
        """What was held where the window begins."""
        with self._lock:
            now, kept = self._elapsed(), self._snapshots
            while len(kept) > 1 and now - kept[1][0] >= WINDOW_SECONDS:
                kept.popleft()
            before = kept[0][1]
            if now - kept[-1][0] >= _SNAPSHOT_SECONDS:
                kept.append((now, now_held))
            return before


def _summary(name: str, buckets: Mapping[float, float], calls: float) -> Metric:
    made = Metric(name, "Seconds of a call, of the last minutes.", "summary")
    for quantile in QUANTILES:
        made.add_sample(name, {"quantile": str(quantile)}, _quantile(quantile, buckets))
    made.add_sample(f"{name}_count", {}, calls)
    return made


def _gauge(name: str, value: float) -> Metric:
    made = Metric(name, "Calls since the node began.", "gauge")
    made.add_sample(name, {}, value)
    return made


def _quantile(quantile: float, buckets: Mapping[float, float]) -> float:
    """The value that so many did not exceed; between two bounds as if they lay there evenly."""
    bounds = sorted(buckets.items())
    if not bounds or not bounds[-1][1]:
        return nan
    wanted = quantile * bounds[-1][1]
    for (low, below), (high, held) in itertools.pairwise([(0.0, 0.0), *bounds]):
        if held >= wanted:
            return low if high == inf else low + (high - low) * (wanted - below) / (held - below)
    return nan

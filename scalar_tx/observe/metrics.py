"""What is counted of transactions, and how do several processes count together?

Operating values, Metrics and alerts: names, buckets and meanings are fixed there. None of the four
series of a transaction has a label, and all stand at 0 from the start.

Processes that count together write to files in one directory, each under a name of its own that a
successor takes over: a restart neither sets a counter back nor adds a series.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess, values
from prometheus_client.registry import Collector

from scalar_tx.errors import SettingsError
from scalar_tx.model.state import TransactionState
from scalar_tx.observe.scalardb_stats import without_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self, TypeAlias

    from prometheus_client.metrics_core import Metric

    Shown: TypeAlias = Callable[[Iterable[Metric]], Iterable[Metric]]

BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST

_ENVIRONMENT: Final = "PROMETHEUS_MULTIPROC_DIR"
_FOLDER: Final = "scalar-tx-metrics-"
_LOCK: Final = "lock"
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # made there with a name nobody can foresee


class Metrics:
    """What one process counts. ``registry`` None: where processes count together."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._latency = Histogram(
            "scalardb_transaction_latency_seconds",
            "From the beginning of a transaction to its end.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._total = Counter(
            "scalardb_transaction_total", "Transactions that have ended.", registry=registry
        )
        self._aborts = Counter(
            "scalardb_transaction_abort_total",
            "Transactions that ended as ABORTED, but for those their caller rolled back.",
            registry=registry,
        )
        self._rollbacks = Counter(
            "scalardb_transaction_rollback_total",
            "Transactions that their caller rolled back.",
            registry=registry,
        )
        self.open_transactions = Gauge(
            "scalardb_node_open_transactions",
            "Transactions that are open.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.open_scanners = Gauge(
            "scalardb_node_open_scanners",
            "Scans that are open and not read to their end.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.oldest_transaction = Gauge(
            "scalardb_node_oldest_transaction_seconds",
            "How long the oldest open transaction has been open.",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def count_end(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool = False
    ) -> None:
        """Count one transaction, once, when it has ended.

        ``own_rollback``: its caller rolled it back. Where the outcome is UNKNOWN it is neither an
        abort nor a rollback; None is taken for ABORTED.
        """
        self._latency.observe(seconds)
        self._total.inc()
        if own_rollback:
            self._rollbacks.inc()
        elif outcome is None or outcome is TransactionState.ABORTED:
            self._aborts.inc()


class NodeMetrics:
    """What the supervisor of a node counts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(
                f"scalardb_node_{name}", text, registry=registry, multiprocess_mode="livesum"
            )

        self.paused = gauge("paused", "1 while the node is paused, else 0.")
        self.ready = gauge("ready", "1 while the node is ready, else 0.")
        self.workers = gauge("workers", "Worker processes that serve.")
        self.restarts = Counter(
            "scalardb_node_worker_restarts_total",
            "Worker processes that ended unasked and were started again.",
            registry=registry,
        )


class SharedFiles:
    """The directory in which processes count together; the one that made it removes it."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def made(cls) -> Self:
        """A new directory, in memory where that is possible.

        Those that were left behind by processes that are gone are removed. SettingsError, STX-5009:
        no directory can be written.
        """
        parent = _parent()
        for left in parent.glob(f"{_FOLDER}*"):
            _remove_if_left(left)
        while True:
            path = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=parent))
            lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (path / _LOCK).exists():
                return cls(path, lock)
            os.close(lock)  # somebody took it for left behind before it was locked

    def exposition(self, shown: Shown = without_calls) -> bytes:
        """What all of them counted, in Prometheus' text form; ``shown`` chooses and names it."""
        registry = CollectorRegistry()
        registry.register(_Shown(str(self.path), shown))
        return prometheus_client.generate_latest(registry)

    def forget(self, name: str) -> None:
        """A process is gone: what it held at the moment, it holds no more. Its counters stay."""
        multiprocess.mark_process_dead(name, str(self.path))  # type: ignore[no-untyped-call]

    def remove(self) -> None:
        """Nobody counts any more."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


class _Shown(Collector):
    """What is shown of what all of them counted."""

    def __init__(self, path: str, shown: Shown) -> None:
        self._all = multiprocess.MultiProcessCollector(None, path=path)  # type: ignore[no-untyped-call]
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        return self._shown(self._all.collect())  # type: ignore[no-untyped-call]

    def describe(self) -> Iterable[Metric]:
        return ()  # else it would collect, to be registered


def count_in(path: Path | str, name: str) -> None:
    """Let this process count in a directory, under a name that no other process has now.

    To be called before any metric is made.
    """
    os.environ[_ENVIRONMENT] = str(path)
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]


def _parent() -> Path:
    if os.access(_IN_MEMORY, os.W_OK):
        return _IN_MEMORY
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise SettingsError(
            f"there is nowhere to count: {error}",
            advice="Give the node a /tmp or a /dev/shm that it may write, or set TMPDIR",
            code="STX-5009",
        ) from error


def _remove_if_left(folder: Path) -> None:
    # Who lives holds the lock. Another user's folder can't be opened, and is none of our affairs.
    with contextlib.suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)

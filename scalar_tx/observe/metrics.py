"""What does a node count besides its transactions, and how do its processes count together?

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
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, multiprocess, values
from prometheus_client.registry import Collector

from scalar_tx.errors import SettingsError
from scalar_tx.observe.protocol_metrics import ProtocolMetrics, build_info
from scalar_tx.observe.scalardb_stats import without_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from prometheus_client.metrics_core import Metric

    from scalar_tx.model.state import TransactionState

    Shown: TypeAlias = Callable[[Iterable[Metric]], Iterable[Metric]]

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST

Mode: TypeAlias = Literal["livesum", "livemax", "livemostrecent"]

_ENVIRONMENT: Final = "PROMETHEUS_MULTIPROC_DIR"
_FOLDER: Final = "scalar-tx-metrics-"
_LOCK: Final = "lock"
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # made there with a name nobody can foresee


class Metrics(ProtocolMetrics):
    """What a worker of a node counts. ``registry`` None: where processes count together."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)

        def gauge(name: str, text: str, mode: Mode, *labels: str) -> Gauge:
            return Gauge(
                f"scalardb_{name}", text, labels, registry=self.registry, multiprocess_mode=mode
            )

        self.open_transactions = gauge(
            "node_open_transactions", "Transactions that are open.", "livesum"
        )
        self.open_scanners = gauge(
            "node_open_scanners", "Scans that are open and not read to their end.", "livesum"
        )
        self.oldest_transaction = gauge(
            "node_oldest_transaction_seconds",
            "How long the oldest open transaction has been open.",
            "livemax",
        )
        self._clock_skew = gauge(
            "storage_clock_skew_seconds",
            "How far this machine's clock is ahead of the storage's.",
            "livemostrecent",
            "storage",
        )

    def tell_clock_skew(self, storage: str, seconds: float) -> None:
        """How far this machine's clock is ahead of a storage's."""
        self._clock_skew.labels(storage).set(seconds)

    def transaction_ended(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool
    ) -> None:
        """Nothing: what one id stands for is counted where it is served, however often it ran."""

    def run_ended(self, outcome: str, retries: int) -> None:
        """Nothing: a node's own runs, about users, are none of its callers'."""


class NodeMetrics:
    """What the supervisor of a node counts; with ``tls`` when its certificate expires too."""

    def __init__(self, registry: CollectorRegistry | None = None, *, tls: bool = False) -> None:
        registry = registry or CollectorRegistry()

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(
                f"scalardb_node_{name}", text, registry=registry, multiprocess_mode="livesum"
            )

        self.paused = gauge("paused", "1 while the node is paused, else 0.")
        self.paused_seconds = gauge(
            "paused_seconds", "How long the node has been paused; 0: it is not."
        )
        self.ready = gauge("ready", "1 while the node is ready, else 0.")
        self.workers = gauge("workers", "Worker processes that serve.")
        self.workers_wanted = gauge("workers_wanted", "Worker processes that should serve.")
        self.restarts = Counter(
            "scalardb_node_worker_restarts_total",
            "Worker processes that ended unasked and were started again.",
            registry=registry,
        )
        self.certificate_expiry: Gauge | None = None
        if tls:
            self.certificate_expiry = gauge(
                "certificate_expiry_timestamp_seconds",
                "When the first certificate of the node's chain expires, since 1970.",
            )
        build_info(registry)


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

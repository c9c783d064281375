"""What do the services count?

Where the processes of a node count together, so do these (``scalar_tx.observe.metrics``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scalar_tx.observe.protocol_metrics import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_USERS: Final = 1000  # of whom is told; a label's values have to be few
_OTHERS: Final = "(others)"  # who stands for all beyond them


class ServiceMetrics:
    """The counters of one process; ``registry`` None: where processes count together."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._requests = Counter(
            "scalar_auditor_requests_total",
            "Requests that were answered, by the code of gRPC.",
            ["service", "method", "code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "scalar_auditor_request_seconds",
            "How long requests took; of a stream, as long as it was open.",
            ["service", "method"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._log_in_failures = Counter(
            "scalar_auditor_log_in_failures_total",
            "Log-ins that were refused.",
            registry=self.registry,
        )
        self._lag = Gauge(
            "scalar_auditor_ingest_lag_seconds",
            "How old a user's newest event was when it was taken in.",
            ["user_id"],
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        # The latest of all processes, those included that are gone: none of them takes it back.
        self._importer_seen = Gauge(
            "scalar_auditor_importer_seen_timestamp_seconds",
            "When a user's importer last called, to ask how far it is or with events, since 1970.",
            ["user_id"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        self._tampered = Counter(
            "scalar_auditor_items_found_tampered_total",
            "Verifications that ended as TAMPERED.",
            registry=self.registry,
        )
        self._users: set[str] = set()

    def prepare(self, service: str, methods: Iterable[str]) -> None:
        """Let the series of a service's methods stand at 0 before the first request."""
        for method in methods:
            self._requests.labels(service, method, "OK")
            self._seconds.labels(service, method)

    def request_ended(self, service: str, method: str, code: str, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(service, method, code).inc()
        self._seconds.labels(service, method).observe(seconds)

    def log_in_failed(self) -> None:
        """Count a log-in that was refused."""
        self._log_in_failures.inc()

    def ingested(self, user_id: str, lag_seconds: float) -> None:
        """A batch was taken in whose newest event was so old."""
        if self._follows(user_id):
            self._lag.labels(user_id).set(lag_seconds)

    def importer_called(self, user_id: str, now_ms: int) -> None:
        """Somebody asked for the position of a user's stream, or had a batch taken in."""
        told = user_id if self._follows(user_id) else _OTHERS
        self._importer_seen.labels(told).set(now_ms / 1000)

    def _follows(self, user_id: str) -> bool:
        if user_id not in self._users and len(self._users) < _MOST_USERS:
            self._users.add(user_id)
        return user_id in self._users

    def found_tampered(self) -> None:
        """Count an item that was found tampered with."""
        self._tampered.inc()

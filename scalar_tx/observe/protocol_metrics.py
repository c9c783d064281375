"""What is counted of transactions in one process, and as which series?

Operating values, Metrics and alerts: names, buckets and meanings of the first four are fixed there;
none of those has a label, and all stand at 0 from the start. Where a series has labels their values
are words of this library and the names of namespaces, tables and storages that exist: never a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from scalar_tx import runs, watched_storage
from scalar_tx.consensus_commit.meter import Meter
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Sequence

BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

# Names beyond so many are counted together, under a name that no namespace can have.
MOST_NAMESPACES: Final = 200
MOST_TABLES: Final = 1000
OTHERS: Final = "(others)"

_SETTLED: Final = (
    TransactionState.COMMITTED, TransactionState.ABORTED, TransactionState.UNKNOWN,
)  # fmt: skip


class ProtocolMetrics(Meter):
    """The series of one process. ``registry`` None: where processes count together."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"scalardb_{name}", text, labels, registry=registry)

        def fixed(name: str, text: str, label: str, values: Sequence[str]) -> dict[str, Counter]:
            made = counter(name, text, label)
            return {value: made.labels(value) for value in values}

        self._latency = Histogram(
            "scalardb_transaction_latency_seconds",
            "From the beginning of a transaction to its end.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._total = counter("transaction_total", "Transactions that have ended.")
        self._aborts = counter(
            "transaction_abort_total",
            "Transactions that ended as ABORTED, but for those their caller rolled back.",
        )
        self._rollbacks = counter(
            "transaction_rollback_total", "Transactions that their caller rolled back."
        )
        self._runs = fixed("run_total", "Whole runs, with their retries.", "outcome", runs.OUTCOMES)
        self._retries = counter("run_retries_total", "Further attempts of runs.")
        self._conflicts = counter(
            "conflict_total",
            "Calls that met another transaction.",
            "namespace", "table", "cause",
        )  # fmt: skip
        self._operations = counter(
            "namespace_operation_total",
            "Operations of transactions, and commits.",
            "namespace", "operation", "outcome",
        )  # fmt: skip
        self._operation_seconds = Histogram(
            "scalardb_namespace_operation_seconds",
            "How long operations of transactions took, and commits.",
            ("namespace", "operation"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._unknown = counter(
            "unknown_outcome_total", "Commits whose outcome was not known at first."
        )
        states = [state.value.lower() for state in _SETTLED]
        self._settled = fixed("unknown_settled_total", "What became of those.", "outcome", states)
        directions = ("rolled_forward", "rolled_back")
        self._recovered = fixed(
            "recovery_total", "Records settled that others had left.", "outcome", directions
        )
        self._storage_errors = counter(
            "storage_error_total", "Calls of a storage that failed.", "storage", "kind"
        )
        self._rows_written = fixed(
            "coordinator_row_written_total", "Decisions put on record.", "state", states[:2]
        )
        self._rows_cleaned = counter(
            "coordinator_row_cleaned_total", "Decisions removed that nobody needs any more."
        )
        # Looking a labelled series up costs more than counting.
        self._of_operation: dict[tuple[str, str, str], Counter] = {}
        self._took: dict[tuple[str, str], Histogram] = {}
        self._namespaces: set[str] = set()
        self._tables: set[tuple[str, str]] = set()

    # Told by the library.

    def transaction_ended(
        self, outcome: TransactionState | None, seconds: float, *, own_rollback: bool
    ) -> None:
        """Count it."""
        self.count_end(outcome, seconds, own_rollback=own_rollback)

    def run_ended(self, outcome: str, retries: int) -> None:
        """Count it."""
        self.count_run(outcome, retries)

    def operation_ended(self, namespace: str, operation: str, outcome: str, seconds: float) -> None:
        """Count it, and how long it took."""
        counted = self._of_operation.get((namespace, operation, outcome))
        if counted is None:
            name = _bounded(namespace, self._namespaces, MOST_NAMESPACES, OTHERS)
            counted = self._operations.labels(name, operation, outcome)
            took = self._operation_seconds.labels(name, operation)
            if name == namespace:
                self._of_operation[namespace, operation, outcome] = counted
                self._took[namespace, operation] = took
        else:
            took = self._took[namespace, operation]
        counted.inc()
        took.observe(seconds)

    def conflict(self, table: tuple[str, str], cause: str) -> None:
        """Count it."""
        known = _bounded(table, self._tables, MOST_TABLES, (OTHERS, OTHERS))
        self._conflicts.labels(*known, cause).inc()

    def outcome_unknown(self) -> None:
        """Count it."""
        self._unknown.inc()

    def outcome_settled(self, outcome: TransactionState) -> None:
        """Count it."""
        self._settled[outcome.value.lower()].inc()

    def recovered(self, *, rolled_back: bool, records: int) -> None:
        """Count them."""
        self._recovered["rolled_back" if rolled_back else "rolled_forward"].inc(records)

    def storage_known(self, storage: str) -> None:
        """Its series stand at 0 from now on."""
        for kind in watched_storage.KINDS:
            self._storage_errors.labels(storage, kind)

    def storage_failed(self, storage: str, kind: str) -> None:
        """Count it."""
        self._storage_errors.labels(storage, kind).inc()

    def decision_written(self, outcome: TransactionState) -> None:
        """Count it."""
        self._rows_written[outcome.value.lower()].inc()

    def decisions_removed(self, rows: int) -> None:
        """Count them."""
        self._rows_cleaned.inc(rows)

    # Told by whoever counts otherwise.

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

    def count_run(self, outcome: str, retries: int) -> None:
        """Count one whole run, and how often it was tried again."""
        self._runs[outcome].inc()
        if retries:
            self._retries.inc(retries)


def build_info(registry: CollectorRegistry) -> None:
    """Tell which release of the library this is."""
    from scalar_tx import __version__

    gauge = Gauge(
        "scalardb_build_info",
        "1; its label is the version of the library.",
        ["version"],
        registry=registry,
        multiprocess_mode="mostrecent",
    )
    gauge.labels(__version__).set(1)


def _bounded(name: Any, known: set[Any], most: int, others: Any) -> Any:
    """A name, as long as they are not too many."""
    if name not in known:
        if len(known) >= most:
            return others
        known.add(name)
    return name

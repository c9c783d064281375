"""What does the checker say about a run's history?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.histories import Outcome, Transaction, check_lists
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.judgement import CHECKER, Wrong

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tests.simulation.history import Attempt

_OUTCOMES = {
    TransactionState.COMMITTED: Outcome.OK,
    TransactionState.ABORTED: Outcome.FAIL,
    TransactionState.UNKNOWN: Outcome.INFO,
    None: Outcome.INFO,
}
_READS = {"scanned": "r", "missed": "r"}  # by scans


def anomalies(history: Sequence[Attempt], final: Mapping[Hashable, tuple[int, ...]]) -> list[Wrong]:
    """Each anomaly that the level of some transaction in it forbids."""
    transactions = [
        Transaction(
            number=attempt.number,
            operations=_as_the_checker_knows_them(attempt),
            outcome=_OUTCOMES[attempt.told],
            process=attempt.process,
            invoked=attempt.began,
            completed=attempt.ended,
            level=attempt.isolation,
            name=attempt.id or "",
        )
        for attempt in history
    ]
    verdict = check_lists(transactions, Isolation.SERIALIZABLE, final=final)
    return [Wrong(f"{CHECKER}: {found.name}", found.text) for found in verdict.anomalies]


def _as_the_checker_knows_them(attempt: Attempt) -> list[tuple[str, Hashable, Any]]:
    """A scan's rows are reads of their records, and a record that it has missed was absent.

    Below SERIALIZABLE a scan shows newer data than an earlier read of the same transaction may have
    (specification 11.4, 1), and finding nothing says nothing: there, only a record that the
    transaction has not met before counts as read by a scan.
    """
    operations = attempt.operations
    if attempt.isolation is Isolation.SERIALIZABLE:
        return [(_READS.get(f, f), key, value) for f, key, value in operations]
    known = []
    met: set[Hashable] = set()
    for f, key, value in operations:
        if f not in _READS or (f == "scanned" and key not in met):
            known.append((_READS.get(f, f), key, value))
        if f != "missed":
            met.add(key)
    return known

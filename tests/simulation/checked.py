"""What does the checker say about a run's history?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.histories import Outcome, Transaction, check_lists
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.judgement import CHECKER, Wrong
from tests.simulation.two_phase.merged import as_checked

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
    told = [one for attempt in history for one in as_checked(attempt)]
    transactions = [one for attempt in told for one in _transactions(attempt)]
    verdict = check_lists(transactions, Isolation.SERIALIZABLE, final=final)
    return [Wrong(f"{CHECKER}: {found.name}", found.text) for found in verdict.anomalies]


def _transactions(attempt: Attempt) -> list[Transaction]:
    """An attempt as the checker knows it.

    A scan's rows are reads of their records, and a record that it has missed was absent. Below
    SERIALIZABLE a scan promises less: its rows may be of different moments, and newer than an
    earlier read of the same transaction (specification 11.4, 1), and finding nothing says nothing.
    There its rows are judged by themselves, as reads of what is committed.
    """
    operations = attempt.operations
    if attempt.isolation is Isolation.SERIALIZABLE:
        told = [(_READS.get(f, f), key, value) for f, key, value in operations]
        return [_transaction(attempt, told)]
    own: list[tuple[str, Hashable, Any]] = []
    met: dict[Hashable, str] = {}
    for one in operations:
        # What a scan has found first is repeated from memory, whatever was read meanwhile.
        if one[0] == "append" or (one[0] == "r" and met.setdefault(one[1], "r") != "scanned"):
            own.append(one)
        if one[0] != "missed":
            met.setdefault(one[1], one[0])
    scanned = [("r", key, value) for f, key, value in operations if f == "scanned"]
    known = [_transaction(attempt, own)]
    if scanned and not attempt.appends:
        rows = _transaction(attempt, scanned)
        rows.number = -attempt.number
        rows.level = Isolation.READ_COMMITTED
        known.append(rows)
    return known


def _transaction(attempt: Attempt, operations: list[tuple[str, Hashable, Any]]) -> Transaction:
    return Transaction(
        number=attempt.number,
        operations=operations,
        outcome=_OUTCOMES[attempt.told],
        process=attempt.process,
        invoked=attempt.began,
        completed=attempt.ended,
        level=attempt.isolation,
        name=attempt.id or "",
    )

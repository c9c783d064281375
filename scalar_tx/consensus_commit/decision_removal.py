"""How are decisions removed that nobody needs any more, and what could come after that?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.decision_row import STATES
from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import And, Comparison, Existence, Operator, comparisons
from scalar_tx.storage.interface import Erase

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.decision_row import StoredDecision
    from scalar_tx.model.table import Table
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Storage, StorageMutation


async def remove(
    storage: Storage, runtime: Runtime, table: Table, found: Sequence[StoredDecision]
) -> int:
    """Remove rows, each if it still is the one that was found; how many were removed?

    StorageError: some may be left.
    """
    groups = atomic_groups(storage, [removal(table, one) for one in found])
    steps: list[Callable[[], Coroutine[Any, Any, int]]] = [
        lambda group=group: _remove(storage, group)  # type: ignore[misc]  # bound now
        for group in groups
    ]
    return sum(outcome.result() for outcome in await runtime.run_all(steps))


async def _remove(storage: Storage, group: Sequence[StorageMutation]) -> int:
    try:
        await storage.mutate(group)
    except WriteRefusedError:
        removed = 0
        # Somebody has removed one of them already.
        for one in group if len(group) > 1 else ():
            removed += await _remove(storage, [one])
        return removed
    return len(group)


def removal(table: Table, found: StoredDecision) -> Erase:
    """What removes the row that was found, and no other in its place."""
    state = next(state for state, known in STATES.items() if known is found.decision.state)
    unchanged = And(
        (
            Comparison("tx_state", Operator.EQ, state),
            Comparison("tx_created_at", Operator.EQ, found.decision.decided_at),
        )
    )
    return Erase(table, (found.key,), unchanged)


def can_land_twice(mutation: StorageMutation) -> bool:
    """Could a write take effect once more, after others have changed what it left?

    Not one over a version of a record, or over its preparation: neither ever comes back.
    """
    condition = mutation.condition
    if condition is None or isinstance(condition, Existence):
        return True
    return "tx_id" not in [term.column for term in comparisons(condition)]

"""Who removes decision rows, and how?

As ScalarDB's ``finishTransaction`` does (specification 5.6): every record that the transaction has
left prepared is finished first, then the row goes. It may come at once, while the owner still waits
for its reply, or much later. Whoever reads meanwhile finds no decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.errors import ScalarTxError, StorageError, WriteRefusedError
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import Erase
from tests.simulation.plan import COORDINATOR_NAME

if TYPE_CHECKING:
    from collections import Counter

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.truth import Truth

# Seconds after the decision: at once, while others recover, and when nobody thinks of it any more.
WAITS: Final = ((0.0, 0.02), (0.0, 0.02), (0.0, 1.0), (1.0, 16.0), (14.0, 60.0))


class Cleaner:
    """Finishes transactions and forgets them."""

    def __init__(self, context: Context, truth: Truth, counts: Counter[str]) -> None:
        self._context = context
        self._truth = truth
        self._counts = counts

    async def finish(self, row_id: str) -> None:
        """Finish what one row decides about; whatever is in the way, it is left as it is."""
        try:
            await self._finish(row_id)
        except (ScalarTxError, StorageError):
            self._counts["cleaning given up"] += 1

    async def _finish(self, row_id: str) -> None:
        context = self._context
        for tx_id in self._truth.members(row_id):
            decision = await context.decisions.read(tx_id)
            if decision is None or not self._truth.may_be_removed(row_id):
                return
            for name, key in list(self._truth.places(tx_id)):
                table = await context.catalog.table(name)
                row = await context.storage.get(table.stored, key)
                if row is not None and row["tx_id"] == tx_id and not record.is_committed(row):
                    await self._roll(_rolled(table, key, row, decision))
        if not self._truth.may_be_removed(row_id):
            return
        coordinator = await context.storage.admin.table(COORDINATOR_NAME)
        assert coordinator is not None
        await context.storage.mutate([Erase(coordinator, (row_id,))])
        self._counts["decision removed"] += 1

    async def _roll(self, mutation: StorageMutation) -> None:
        try:
            await self._context.storage.mutate([mutation])
        except WriteRefusedError:
            self._counts["finished by somebody else"] += 1


def _rolled(
    table: TransactionalTable, key: tuple[Value, ...], row: Row, decision: Decision
) -> StorageMutation:
    if decision.state is TransactionState.ABORTED:
        return record.roll_back(table, key, row)
    return record.roll_forward(
        table,
        key,
        record.writer_of(row),
        decision.decided_at,
        deleted=row["tx_state"] == record.DELETED,
    )

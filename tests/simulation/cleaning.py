"""Who removes decision rows, and how?

As ScalarDB's ``finishTransaction`` does (specification 5.6): every record that the transaction has
left prepared is finished first, then the row goes. It may come at once, while the owner still waits
for its reply, or much later. Whoever reads meanwhile finds no decision. Where rows tell what was
written the library does it itself, and knows no more than they tell; elsewhere somebody does it who
knows the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.clean import Cleaning, clean
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.finish import finish
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
    from tests.simulation.parts.dice import Dice
    from tests.simulation.truth import Truth

# Seconds after the decision: at once, while others recover, and when nobody thinks of it any more.
WAITS: Final = ((0.0, 0.02), (0.0, 0.02), (0.0, 1.0), (1.0, 16.0), (14.0, 60.0))
AGES_MS: Final = (0, 0, 1_000, 16_000)


class Cleaner:
    """Finishes transactions and forgets them."""

    def __init__(self, context: Context, truth: Truth, counts: Counter[str], dice: Dice) -> None:
        self._context = context
        self._truth = truth
        self._counts = counts
        self._dice = dice

    async def finish(self, row_id: str) -> None:
        """Finish what one row decides about; whatever is in the way, it is left as it is."""
        try:
            await self._finish(row_id)
        except (ScalarTxError, StorageError):
            self._counts["cleaning given up"] += 1
        finally:
            self._counts["decision removed"] = len(self._truth.forgotten)

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

    async def _roll(self, mutation: StorageMutation) -> None:
        try:
            await self._context.storage.mutate([mutation])
        except WriteRefusedError:
            self._counts["finished by somebody else"] += 1


class FinishingCleaner(Cleaner):
    """Has the library do it: for one transaction, or for all of a certain age."""

    async def _finish(self, row_id: str) -> None:
        context = self._context
        members = self._truth.members(row_id) or [row_id]
        coordinator = context.decisions
        assert isinstance(coordinator, CoordinatorTable)
        if self._dice.chance(0.7):
            left = any(map(self._truth.is_left, members))
            done = await finish(context, coordinator, members[0])
            self._counts["write sets: finished" if done else "write sets: not told"] += 1
            self._counts["write sets: records settled"] += done and left
            return
        self._counts["write sets: cleaned up"] += 1
        before = context.runtime.now_ms() - self._dice.pick(AGES_MS)
        after = row_id if self._dice.chance(0.2) else None
        cleaning = Cleaning(context, coordinator, decided_before=before, after=after)
        done_so_far = await clean(cleaning, self._may_go_on)
        self._counts["write sets: failed"] += done_so_far.failed

    async def _may_go_on(self) -> bool:
        return self._dice.chance(0.95)


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

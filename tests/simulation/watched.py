"""What happens seldom inside the protocol is counted, so that a run can tell whether it met it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.finish_later import FinishLater, Unfinished
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import Erase

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping, Sequence

    from scalar_tx.consensus_commit.decision_row import NewRow
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Later
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.truth import Truth


class WatchedCoordinator(CoordinatorTable):
    """The coordinator table, counting."""

    counts: Counter[str]

    async def decide(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """As the coordinator table does."""
        try:
            decision = await super().decide(tx_id, at, also, written)
        except UndecidedError:
            self.counts["undecided"] += 1
            raise
        self._count(decision, at)
        return decision

    async def decide_together(
        self,
        group: str,
        written: Mapping[str, Collection[PendingWrite] | None],
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> Decision | None:
        """As the coordinator table does."""
        try:
            decision = await super().decide_together(group, written, at, also)
        except UndecidedError:
            self.counts["group: undecided"] += 1
            raise
        if decision is None:
            self.counts["group: refused"] += 1
        else:
            self.counts["group: several" if len(written) > 1 else "group: one"] += 1
            self._count(decision, at)
        return decision

    async def decide_alone(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """As the coordinator table does."""
        self.counts["group: left behind"] += 1
        try:
            decision = await super().decide_alone(tx_id, at, also, written)
        except UndecidedError:
            self.counts["undecided"] += 1
            raise
        self._count(decision, at)
        return decision

    async def decide_with(
        self,
        tx_id: str,
        at: int,
        records: Sequence[StorageMutation],
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """As the coordinator table does."""
        try:
            decision = await super().decide_with(tx_id, at, records, written)
        except UndecidedError:
            self.counts["undecided"] += 1
            self.counts["one phase: undecided"] += 1
            raise
        except WriteRefusedError:
            self.counts["one phase: refused"] += 1
            raise
        final = all(isinstance(one, Erase) or "tx_id" in one.values for one in records)
        self.counts["one phase: records with the decision" if final else "one phase: finished"] += 1
        self._count(decision, at)
        return decision

    def _told(self, table: Table, row: NewRow) -> bytes | None:
        told = super()._told(table, row)
        self.counts["write sets: told"] += told is not None
        return told

    def _count(self, decision: Decision, at: int) -> None:
        self.counts[f"decided {decision.state.value}"] += 1
        self.counts["found COMMITTED"] += (
            decision.state is TransactionState.COMMITTED and decision.decided_at != at
        )


class WatchedRecovery(Recovery):
    """Recovery, counting."""

    counts: Counter[str]
    truth: Truth

    async def resolve(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        """As recovery does."""
        resolved = await super().resolve(table, key, row)
        self.counts["recovery"] += 1
        self.counts["rolled back" if resolved.rolled_back else "rolled forward"] += 1
        return resolved

    async def _read_decision(self, writer: str) -> Decision | None:
        self.counts["decision known already"] += self._decided.get(writer) is not None
        return await super()._read_decision(writer)

    def roll_later(self, mutations: Sequence[StorageMutation]) -> Later:
        """As recovery does."""
        self.counts["rolled together"] += len(mutations) > 1
        return super().roll_later(mutations)

    async def _abort(self, writer: str) -> Decision | None:
        self.truth.forced.add(writer)
        return await super()._abort(writer)


class WatchedFinishLater(FinishLater):
    """The queue of records to be finished, counting; behind by up to ``lag`` seconds."""

    counts: Counter[str]
    lag: float

    async def _finish(self, one: Unfinished) -> None:
        await self._runtime.sleep(self.lag * self._runtime.chance())
        await super()._finish(one)

    def _take(self, one: Unfinished) -> bool:
        taken = super()._take(one)
        what = "undone" if one.undo is not None else "finished"
        self.counts[f"later: to be {what}" if taken else "later: no room"] += 1
        return taken

    def of(self, record_id: RecordId, writer: str) -> Unfinished | None:
        """As the queue does."""
        found = super().of(record_id, writer)
        self.counts["later: met here"] += found is not None
        return found

    def _more(self, first: Unfinished) -> list[Unfinished]:
        more = super()._more(first)
        self.counts["later: taken along"] += len(more)
        return more

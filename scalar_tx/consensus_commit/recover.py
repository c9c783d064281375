"""What is the committed value of a record that an undecided or dead writer left prepared?

Lazy recovery (Consensus Commit specification 5): whoever reads such a record looks the writer's
decision up. Where there is none and the writer's 15 seconds are over, it is aborted first, and only
then is the previous image believed. The record itself is rolled in the background.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.decided_states import DecidedStates
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.meter import Meter, tell
from scalar_tx.errors import (
    ConflictError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.decisions import Decision, DecisionMaker
    from scalar_tx.consensus_commit.finish_later import FinishLater
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Later, Runtime
    from scalar_tx.storage.interface import Storage, StorageMutation

LIFETIME_MS: Final = 15_000  # specification 5.1; fixed
_ATTEMPTS: Final = 5

_log = logging.getLogger("scalar_tx.recovery")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The committed value of an uncommitted record (None: none), and what there is to do for it.

    ``mutation`` rolls the record and is still to be sent; ``settling`` goes on already.
    """

    row: Row | None
    rolled_back: bool
    mutation: StorageMutation | None = None
    settling: Later | None = None


class Recovery:
    """Settles what other transactions left behind."""

    def __init__(
        self,
        storage: Storage,
        runtime: Runtime,
        decisions: DecisionMaker,
        finish_later: FinishLater | None = None,
    ) -> None:
        self._storage = storage
        self._runtime = runtime
        self._decisions = decisions
        self._finish_later = finish_later  # who knows what this process left unfinished
        self._decided = DecidedStates()

    async def resolve(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        """The latest committed value behind a PREPARED or DELETED row (specification 5.2).

        ConflictError where the writer is undecided and younger than 15 s, or where writers follow
        each other too quickly.
        """
        for _ in range(_ATTEMPTS):
            known = self._left_by_us(table, key, row)
            if known is not None:
                return known
            writer = record.writer_of(row)
            decision = await self._read_decision(writer)
            if decision is not None:
                return self._follow(table, key, row, decision)
            self._leave_the_living_alone(table, key, row)
            # The decision of a finished writer may have been removed since; the record tells.
            fresh = await self._storage.get(table.stored, key)
            if fresh is None or record.is_committed(fresh):
                return Resolved(fresh, rolled_back=fresh is None)
            if fresh["tx_id"] == writer:
                standing = await self._abort(writer)
                if standing is None:
                    continue
                if standing.state is TransactionState.COMMITTED:
                    return self._follow(table, key, row, standing)  # decided at the same moment
                fresh = await self._storage.get(table.stored, key)
                if fresh is None or record.is_committed(fresh):
                    return Resolved(fresh, rolled_back=fresh is None)
                if fresh["tx_id"] == writer:
                    return self._roll_back(table, key, fresh)
            row = fresh  # another writer's by now
        raise ConflictError(
            f"a record of {table.name} changed hands {_ATTEMPTS} times while it was recovered",
            records=[(table.name, table.key_mapping(key))],
            code="STX-1011",
        )

    def resolve_to_before_image(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row, *, settle: bool
    ) -> Resolved:
        """READ_COMMITTED: the previous value at once, whatever was decided (specification 5.3).

        Not of a record that this process has committed and left unfinished: whoever was told so
        reads it.
        """
        known = self._left_by_us(table, key, row)
        if known is not None:
            return known
        settling = None
        if settle:
            settling = self._runtime.run_later(lambda: self._settle_in_background(table, key, row))
        return Resolved(record.before_image(table, row), rolled_back=True, settling=settling)

    def _left_by_us(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved | None:
        """The value of a row that this process is about to finish; the decision is known here."""
        if self._finish_later is None:
            return None
        left = self._finish_later.of((table.name, key), record.writer_of(row))
        if left is None:
            return None
        if left.ended and not left.is_finished:
            return self._follow(table, key, row, left.decision)
        settling = None if left.ended else left
        if left.decision.state is TransactionState.ABORTED:
            return Resolved(record.before_image(table, row), rolled_back=True, settling=settling)
        value = record.after_image(table, row, left.decision.decided_at)
        return Resolved(value, rolled_back=False, settling=settling)

    async def settle_record(
        self, table: TransactionalTable, key: tuple[Value, ...]
    ) -> TransactionState | None:
        """Settle one record if its writer is decided or expired; wait until it is done.

        Returns the decision followed, None if the record was settled (or absent) already.
        ConflictError if the writer may be alive.
        """
        for _ in range(_ATTEMPTS):
            row = await self._storage.get(table.stored, key)
            if row is None or record.is_committed(row):
                return None
            writer = record.writer_of(row)
            decision = await self._read_decision(writer)
            if decision is None:
                self._leave_the_living_alone(table, key, row)
                fresh = await self._storage.get(table.stored, key)
                if fresh is None or fresh["tx_id"] != writer or record.is_committed(fresh):
                    continue  # its decision was removed because it is finished
                decision = await self._abort(writer)
                if decision is None:
                    continue
            if await self._apply(_rolling(table, key, row, decision)):
                return decision.state
        raise ConflictError(
            f"a record of {table.name} changed hands {_ATTEMPTS} times while it was recovered",
            records=[(table.name, table.key_mapping(key))],
            code="STX-1011",
        )

    async def finish(
        self, table: TransactionalTable, key: tuple[Value, ...], writer: str, decision: Decision
    ) -> None:
        """Settle one record of a decided transaction if it is still prepared; wait until it is."""
        row = await self._storage.get(table.stored, key)
        if row is not None and row["tx_id"] == writer and not record.is_committed(row):
            await self._apply(_rolling(table, key, row, decision))

    async def _read_decision(self, writer: str) -> Decision | None:
        known = self._decided.get(writer)
        if known is not None:
            return known
        try:
            decision = await self._decisions.read(writer)
        except UndecidedError as error:
            raise StorageUnavailableError(
                f"the decision about {writer} could not be read; nothing was done",
                advice="Check the coordinator's storage, then begin again",
                code="STX-4002",
            ) from error
        if decision is not None:
            self._decided.keep(writer, decision)
        return decision

    async def _abort(self, writer: str) -> Decision | None:
        """Force ABORTED unless COMMITTED stands; what stands, or None if that can't be seen."""
        try:
            decision = await self._decisions.force_abort(writer)
        except UndecidedError:
            return None
        self._decided.keep(writer, decision)
        return decision

    def _leave_the_living_alone(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> None:
        expires_at = record.prepared_at(row) + LIFETIME_MS
        remaining = expires_at - self._runtime.now_ms()
        if remaining >= 0:
            raise ConflictError(
                f"a record of {table.name} is being written by an undecided transaction",
                records=[(table.name, table.key_mapping(key))],
                other_transaction=record.writer_of(row),
                retry_after=(remaining + 1) / 1000,
                code="STX-1010",
            )

    def _follow(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row, decision: Decision
    ) -> Resolved:
        if decision.state is TransactionState.ABORTED:
            return self._roll_back(table, key, row)
        # Its commit time in memory is the decision's: the same that the roll-forward stores.
        value = record.after_image(table, row, decision.decided_at)
        return Resolved(value, rolled_back=False, mutation=_rolling(table, key, row, decision))

    def _roll_back(self, table: TransactionalTable, key: tuple[Value, ...], row: Row) -> Resolved:
        mutation = record.roll_back(table, key, row)
        return Resolved(record.before_image(table, row), rolled_back=True, mutation=mutation)

    def roll_later(self, mutations: Sequence[StorageMutation]) -> Later:
        """Send in the background what rolls resolved records, as many together as go together."""
        return self._runtime.run_later(lambda: self._apply_all(mutations))

    async def _apply_all(self, mutations: Sequence[StorageMutation]) -> None:
        conflict: ConflictError | None = None
        for group in atomic_groups(self._storage, mutations):
            try:
                await self._apply_together(group)
            except ConflictError as error:
                conflict = error
        if conflict is not None:
            raise conflict

    async def _apply_together(self, group: Sequence[StorageMutation]) -> None:
        if len(group) > 1 and await self._apply(*group):
            return
        # Others have rolled one of several: each is tried by itself.
        for mutation in group:
            await self._apply(mutation)

    async def _settle_in_background(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> None:
        writer = record.writer_of(row)
        decision = await self._read_decision(writer)
        if decision is None:
            self._leave_the_living_alone(table, key, row)
            fresh = await self._storage.get(table.stored, key)
            if fresh is None or record.is_committed(fresh) or fresh["tx_id"] != writer:
                return
            decision = await self._abort(writer)
        if decision is not None:
            await self._apply(_rolling(table, key, row, decision))

    async def _apply(self, *mutations: StorageMutation) -> bool:
        """Roll records, all or none; False: somebody else rolled one of them first."""
        name = mutations[0].table.name
        try:
            await self._storage.mutate(mutations)
        except WriteRefusedError:
            return False
        except StorageBusyError as error:
            raise ConflictError(
                f"a record of {name} could not be settled yet", code="STX-1012"
            ) from error
        undone = sum(map(record.rolls_back, mutations))
        for rolled_back, records in ((True, undone), (False, len(mutations) - undone)):
            if records:
                tell(Meter.recovered, rolled_back=rolled_back, records=records)
        _log.info("settled %d records of %s left by others", len(mutations), name)
        return True


def _rolling(
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

"""How is one record read, by its key?

All columns are read, linearizably, without conditions: conditions are judged on the record as the
transaction sees it. A record that another transaction left uncommitted is resolved first
(Consensus Commit specification 3.4, 3.5, 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.consensus_commit.snapshot import RecordId, Snapshot
    from scalar_tx.model.types import Row, Value


class Reader:
    """Reads records for one transaction and notes what it read."""

    def __init__(
        self, context: Context, snapshot: Snapshot, isolation: Isolation, *, read_only: bool
    ) -> None:
        self.context = context
        self.snapshot = snapshot
        self.isolation = isolation
        self.read_only = read_only
        self.repeatable = isolation is not Isolation.READ_COMMITTED

    async def by_key(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        """The committed record, without own writes; read once, except at READ_COMMITTED."""
        record_id = (table.name, key)
        known = self.repeatable and record_id in self.snapshot.reads
        if known and record_id not in self.snapshot.weakly_read:
            return self._shown(record_id, self.snapshot.reads[record_id])
        row = await self.context.storage.get(table.stored, key)
        if row is not None and not record.is_committed(row):
            row = (await self.resolve(table, key, row)).row
        self.snapshot.note(record_id, row)
        if self.repeatable:
            self.snapshot.point_reads[record_id] = table
            self.snapshot.last_get = record_id
        return self._shown(record_id, row)

    async def for_write(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        """The record that a write goes over: the first one read, whatever the isolation level."""
        snapshot = self.snapshot
        record_id = (table.name, key)
        if record_id not in snapshot.reads:
            return await self.by_key(table, key)
        if record_id in snapshot.weakly_read:
            # A condition may be judged by it, so from now on it has to hold.
            snapshot.weakly_read.discard(record_id)
            snapshot.point_reads[record_id] = table
        return self._shown(record_id, snapshot.reads[record_id])

    def _shown(self, record_id: RecordId, row: Row | None) -> Row | None:
        if self.snapshot.shown is not None:
            self.snapshot.show(record_id, row)
        return row

    async def resolve(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        """The committed value of an uncommitted row; its settling is remembered for the commit."""
        resolved = await self.judge(table, key, row)
        self.roll(table, {key: resolved})
        return resolved

    async def judge(self, table: TransactionalTable, key: tuple[Value, ...], row: Row) -> Resolved:
        """The committed value of an uncommitted row; ``roll`` is to be called for it."""
        if self.isolation is Isolation.READ_COMMITTED:
            return self.context.recovery.resolve_to_before_image(
                table, key, row, settle=not self.read_only
            )
        return await self.context.recovery.resolve(table, key, row)

    def roll(self, table: TransactionalTable, judged: Mapping[tuple[Value, ...], Resolved]) -> None:
        """Settle resolved records in the background, together, and keep track of it."""
        mutations = [one.mutation for one in judged.values() if one.mutation is not None]
        rolling = self.context.recovery.roll_later(mutations) if mutations else None
        for key, resolved in judged.items():
            settling = resolved.settling if resolved.mutation is None else rolling
            if settling is not None:
                self.snapshot.settling.append(((table.name, key), settling))

"""What stood in the way of a write, and can it be cleared away?

A write is refused because another transaction got there first. Where a record was to be made, the
one that is there may be the remains of a dead transaction: who only inserts never reads it, so
without this the insert would fail again and again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.batch_reads import read_each
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, Snapshot
    from scalar_tx.model.types import Row

_log = logging.getLogger("scalar_tx.commit")


class InTheWay:
    """What one transaction found where it wanted to write."""

    def __init__(self, context: Context, snapshot: Snapshot, tx_id: str) -> None:
        self._context = context
        self._snapshot = snapshot
        self._tx_id = tx_id
        self._existing: list[PendingWrite] = []  # that were to be made
        self._undecided: list[PendingWrite] = []
        self._living: ConflictError | None = None

    def note(self, write: PendingWrite, row: Row) -> None:
        """Another transaction's row is where ``write`` was to go."""
        if self._snapshot.replaced(write) is not None:
            return
        if write.record_id in self._snapshot.unread and record.is_committed(row):
            return  # it would have been written over
        (self._existing if record.is_committed(row) else self._undecided).append(write)

    async def look(self, writes: Sequence[PendingWrite]) -> None:
        """Read the records that were to be made: something is there in place of one of them."""
        new = [write for write in writes if self._snapshot.replaced(write) is None]
        answers = await read_each(self._context, [(write.table.stored, write.key) for write in new])
        for write, row in zip(new, answers, strict=True):
            if isinstance(row, Exception):  # the conflict stands, whatever it is
                _log.info("could not read a record of %s: %s", write.table.name, kind_of(row))
            elif row is not None and row["tx_id"] != self._tx_id:
                self.note(write, row)

    async def settle(self) -> None:
        """Settle what is undecided."""
        for write in self._undecided:
            try:
                await self._context.recovery.settle_record(write.table, write.key)
            except ConflictError as living:
                self._living = living
            except Exception as error:  # noqa: BLE001  # the abort stands, whatever it is
                _log.info("could not settle a record of %s: %s", write.table.name, kind_of(error))

    def refused(self, obstacle: WriteRefusedError) -> ConflictError:
        """What the caller is told of a record that could not be written."""
        snapshot = self._snapshot
        if self._existing and not snapshot.reads and not snapshot.scans:
            # Nothing was read, so running the same work again ends the same way.
            write = self._existing[0]
            return ConflictError(
                f"the record {write.table.name} {write.table.key_mapping(write.key)!r} exists",
                records=[(w.table.name, w.table.key_mapping(w.key)) for w in self._existing],
                advice="Use upsert to write it whether it exists or not, or read it first",
                transaction_id=self._tx_id,
                code="STX-1033",
                retryable=False,
            )
        living = self._living
        return ConflictError(
            f"a record was changed by another transaction since it was read: {obstacle}",
            records=[(w.table.name, w.table.key_mapping(w.key)) for w in snapshot.writes.values()],
            other_transaction=living.other_transaction if living else None,
            retry_after=living.retry_after if living else None,
            transaction_id=self._tx_id,
            code="STX-1031",
        )

    def as_error(self, obstacle: Exception) -> Exception:
        """What the caller is told of what went wrong in prepare or validation."""
        if isinstance(obstacle, WriteRefusedError):
            return self.refused(obstacle)
        if isinstance(obstacle, StorageBusyError):
            return ConflictError(
                f"the storage was busy while records were written: {obstacle}",
                transaction_id=self._tx_id,
                code="STX-1032",
            )
        if isinstance(obstacle, StorageError):
            return StorageUnavailableError(
                f"records could not be written, the transaction is aborted: {obstacle}",
                transaction_id=self._tx_id,
                code="STX-4003",
            )
        if isinstance(obstacle, ScalarTxError) and obstacle.transaction_id is None:
            obstacle.transaction_id = self._tx_id
        return obstacle

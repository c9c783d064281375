"""How is a transaction committed by its records alone, and what became of it if the answer is lost?

One conditional write puts all records into their final form; there is no decision row. Each keeps
in ``before_tx_id`` whose version it replaced. A read after a lost answer proves nothing: the write
may still be on its way. So the identical write is sent again until it is answered for certain, and
if it is refused then, the records tell why: a version that is replaced never comes back once its
successor is committed (Consensus Commit specification 13.12).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.meter import Meter, tell
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, Snapshot
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import StorageMutation

# Seconds before each sending; the first one's answer is lost seldom, two in a row hardly ever.
PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


# That nothing happened; of a sending that may have been the second, that it did not.
_CERTAIN: Final = (
    StorageBusyError,
    StorageUnavailableError,
    InvalidOperationError,
    SchemaError,
)


def what_records_tell(tx_id: str) -> str:
    """How can a user learn of the outcome that nobody knows?"""
    return (
        f"Read them: one whose tx_id or before_tx_id is {tx_id} was written; one that is as it was "
        "may yet be written, until it is changed by another transaction"
    )


class Found(Enum):
    """What one record says about the write."""

    OURS = "it is written by us, or by somebody over ours"
    REPLACED = "somebody else's committed version is where ours would be"
    UNTOUCHED = "it is what we have read"
    SETTLED = "it was undecided and is not any more"
    SILENT = "it is changed, and does not tell over what"


class RecordOnly:
    """The one write of a transaction's records."""

    def __init__(
        self, context: Context, snapshot: Snapshot, writes: Sequence[PendingWrite], tx_id: str
    ) -> None:
        self._context = context
        self._snapshot = snapshot
        self._writes = writes
        self._tx_id = tx_id
        self.sent = False  # may it have taken effect, or may it yet?
        self._in_doubt = False

    async def run(self) -> None:
        """Write; WriteRefusedError, StorageBusyError, StorageUnavailableError: nothing happened.

        UnknownOutcomeError: no certain answer was to be had.
        """
        outcome = TransactionState.UNKNOWN
        try:
            await self._send()
            outcome = TransactionState.COMMITTED
        except UnknownOutcomeError:
            self._doubt()
            raise
        except Exception:
            outcome = TransactionState.ABORTED
            raise
        finally:
            if self._in_doubt:
                tell(Meter.outcome_settled, outcome)

    def _doubt(self) -> None:
        if not self._in_doubt:
            self._in_doubt = True
            tell(Meter.outcome_unknown)

    async def _send(self) -> None:
        mutations = self._mutations()
        lost: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._context.runtime.sleep(pause)
            self.sent = True
            try:
                await self._context.storage.mutate(mutations)
            except WriteRefusedError as refusal:
                if lost is None:
                    self.sent = False
                    raise
                if await self._was_applied(refusal):
                    return
            except ReplyLostError as error:
                lost = error
                self._doubt()
            except _CERTAIN:
                if lost is None:
                    self.sent = False
                    raise
            except Exception as error:
                raise self._unknown(str(error)) from error
            else:
                return
        raise self._unknown(str(lost)) from lost

    def _mutations(self) -> list[StorageMutation]:
        at = self._context.runtime.now_ms()
        return [
            record.final(
                write.table,
                write.key,
                write.values,
                self._snapshot.replaced(write),
                tx_id=self._tx_id,
                at=at,
                keeps_replaced_id=True,
            )
            for write in self._writes
        ]

    async def _was_applied(self, refusal: WriteRefusedError) -> bool:
        """After a refusal that an earlier sending may have caused; False: to be sent again.

        WriteRefusedError: it was not applied, nor ever will be.
        """
        found = [await self._look(write) for write in self._writes]
        if Found.SILENT in found and Found.UNTOUCHED in found:
            # Once more: what is untouched after another was changed for good tells that ours did
            # not come before that, and it can't come any more.
            untouched = self._writes[found.index(Found.UNTOUCHED)]
            again = await self._look(untouched)
            found.append(Found.REPLACED if again is Found.UNTOUCHED else again)
        if Found.OURS in found:
            return True
        if Found.REPLACED in found:
            self.sent = False
            raise refusal
        if Found.SILENT in found:
            raise self._unknown(str(refusal)) from refusal
        return False

    async def _look(self, write: PendingWrite) -> Found:
        replaced = self._snapshot.replaced(write)
        assert replaced is not None  # noqa: S101  # else the path had not been taken
        try:
            row = await self._context.storage.get(write.table.stored, write.key)
            if row is None:
                return Found.SILENT
            if not record.is_committed(row):
                return await self._look_at_undecided(write, row, replaced)
        except (StorageError, StorageUnavailableError, ConflictError, UndecidedError):
            return Found.SETTLED  # nothing was seen; the next sending tells more
        if self._tx_id in (row["tx_id"], row["before_tx_id"]):
            return Found.OURS
        if row["tx_id"] == replaced["tx_id"]:
            return Found.UNTOUCHED
        return Found.REPLACED if row["before_tx_id"] == replaced["tx_id"] else Found.SILENT

    async def _look_at_undecided(self, write: PendingWrite, row: Row, replaced: Row) -> Found:
        before = row["before_tx_id"]
        if before == self._tx_id:
            return Found.OURS
        await self._context.recovery.settle_record(write.table, write.key)
        if before != replaced["tx_id"]:
            return Found.SILENT
        writer = await self._context.decisions.read(record.writer_of(row))
        committed = writer is not None and writer.state is TransactionState.COMMITTED
        return Found.REPLACED if committed else Found.SETTLED

    def _unknown(self, why: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"whether the records were written is not known: {why}",
            advice=what_records_tell(self._tx_id)
            + ". This transaction has left no decision that could be asked for",
            transaction_id=self._tx_id,
        )

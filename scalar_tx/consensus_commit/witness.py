"""What do the records of a transaction say about it, where its decision may be gone?

Whoever removes a decision that stood as COMMITTED has finished all its records before (Consensus
Commit specification 5.6).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.errors import StorageError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.consensus_commit.snapshot import PendingWrite, Snapshot
    from scalar_tx.storage.interface import Storage


class Witness(Enum):
    """What our own records say about us."""

    UNSETTLED = "one is still prepared or deleted by us"
    UNDONE = "one is what it was before us"
    COMMITTED = "one is committed by us"
    SILENT = "none is what it was before us, and none bears our id"
    UNREAD = "none of those that could be read tells anything, and not all could be"


async def witness(
    storage: Storage, snapshot: Snapshot, tx_id: str, writes: Iterable[PendingWrite]
) -> Witness:
    """Read what a transaction has written until a record tells something."""
    otherwise = Witness.SILENT
    for write in writes:
        try:
            row = await storage.get(write.table.stored, write.key)
        except (StorageError, StorageUnavailableError):
            otherwise = Witness.UNREAD
            continue
        if row is None:
            continue
        if row["tx_id"] == tx_id:
            return Witness.COMMITTED if record.is_committed(row) else Witness.UNSETTLED
        # An id is never used twice: what bears the replaced one is the replaced version.
        replaced = snapshot.replaced(write)
        if replaced is not None and row["tx_id"] == replaced["tx_id"] is not None:
            return Witness.UNDONE
    return otherwise

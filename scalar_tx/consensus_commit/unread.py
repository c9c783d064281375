"""Which records are written without having been read?

What a write goes over is read before it is prepared, unless the transaction has read it. Where the
storage can keep by itself what it writes over, that read falls away (Consensus Commit specification
13.2): the one write asks for a record that is settled, whatever it holds. If it is refused the
record is read after all, and it goes on from there.

What is read all the same: where somebody has to know the version that is replaced (a hook, an
observer, a table whose changes are recorded, whoever settles a decision that may be removed), where
a commit is cheaper with it (``RECORD_ONLY``), and in a table that was scanned: what the scan has
not found there must still be absent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.commit_path import CommitPath, route
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.model.types import Row

# What is not read yet is taken to be there.
THERE: Final[Row] = {"tx_id": "somebody's", "tx_version": 1}


def as_if_read(snapshot: Snapshot) -> Snapshot:
    """The snapshot after a read of each record that is to be read before it is written."""
    read = dict.fromkeys((write.record_id for write in snapshot.to_be_read()), THERE)
    return replace(snapshot, reads={**snapshot.reads, **read})


def stays_unread(
    context: Context, snapshot: Snapshot, isolation: Isolation, *, id_is_known: bool
) -> set[RecordId]:
    """Of the records that are written unread, those that nobody needs to read."""
    options = context.options
    if not options.one_phase_commit or options.decisions_are_removed:
        return set()
    if context.commit_hooks or snapshot.shown is not None:
        return set()
    scanned: set[str] = set()
    if isolation is Isolation.SERIALIZABLE:
        scanned = {trace.plan.name for trace in snapshot.scans.values()}
    unread = [
        write
        for write in snapshot.to_be_read()
        if write.table.name not in context.recorded
        and write.table.name not in scanned
        and context.storage.info(write.table.name).overwrites
    ]
    if not unread:
        return set()
    way = route(context, as_if_read(snapshot), isolation, id_is_known=id_is_known)
    if way.path is CommitPath.RECORD_ONLY:
        return set()
    final = {write.record_id for write in way.fused}
    return {
        write.record_id
        for write in unread
        if write.record_id in final or _can_be_kept(context, write)
    }


def leave_unread(
    context: Context, snapshot: Snapshot, isolation: Isolation, known_id: str | None
) -> None:
    """Note what stays unread, for the commit that follows."""
    known = known_id is not None
    snapshot.unread = stays_unread(context, snapshot, isolation, id_is_known=known)


def _can_be_kept(context: Context, write: PendingWrite) -> bool:
    """Does the storage keep all that the record holds, while it is prepared?"""
    table = write.table
    info = context.storage.info(table.name)
    return info.keeps_in_indexes or table.cleared.keys().isdisjoint(
        table.stored.schema.secondary_index
    )

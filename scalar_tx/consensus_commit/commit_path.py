"""Which way does a commit take to its decision?

*Full*: every record is prepared, the decision is made, every record is finished. *Fused*: records
that lie in one storage with the decisions are written in their final form, in the same atomic write
as the decision; with none elsewhere that one write is the whole commit. A decision row stands
either way, so an answer that was lost can be settled (Consensus Commit specification 13.1).
*Record-only*: where that can't be done, or is dearer, and all records are one atomic write over
records that were read, that write is the commit, and the records alone tell of it (13.12).

What is not prepared is invisible to others that validate their reads, so two transactions that each
read what the other writes would both commit: whoever has reads to validate prepares everything. Its
decision may still take along the records that are finished with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, Snapshot
    from scalar_tx.storage.interface import StorageInfo


ONE_OF_SEVERAL: Final = "one of several parts"


class CommitPath(Enum):
    """A way to the decision."""

    FULL = "full"
    FUSED = "fused"
    RECORD_ONLY = "record-only"


@dataclass(frozen=True, slots=True)
class Route:
    """A commit's way: ``prepared`` are written before the decision, ``fused`` with it.

    ``id_is_known``: others may have decided about it.
    """

    path: CommitPath
    prepared: Sequence[PendingWrite]
    fused: Sequence[PendingWrite]
    why: str
    id_is_known: bool = False


def every_step(writes: Iterable[PendingWrite], why: str) -> Route:
    """The way that leaves nothing out."""
    return Route(CommitPath.FULL, tuple(writes), (), why)


def route(
    context: Context, snapshot: Snapshot, isolation: Isolation, *, id_is_known: bool
) -> Route:
    """The cheapest way that this transaction may take.

    ``id_is_known``: somebody was told its id, and may ask for its decision.
    """
    writes = list(snapshot.writes.values())
    if not context.options.one_phase_commit:
        return every_step(writes, "one_phase_commit.enabled is false")
    if not writes:
        return every_step(writes, "nothing is written but the decision")
    if needs_validation(snapshot, isolation):
        return every_step(writes, "there are reads to validate")
    home = context.decisions.home()
    why_not = _needs_a_decision(context, snapshot, writes, id_is_known=id_is_known)
    if why_not is None and (home is None or (home.charges_groups and len(writes) == 1)):
        return Route(CommitPath.RECORD_ONLY, (), writes, "all records are one atomic write")
    if home is None:
        why = f"the decisions share no atomic write with records; {why_not}"
        return every_step(writes, why)
    prepared: list[PendingWrite] = []
    fused: list[PendingWrite] = []
    for write in writes:
        at_home = context.storage.info(write.table.name).name == home.name
        fits = at_home and len(fused) + 1 < home.max_mutations and has_final_form(write, snapshot)
        (fused if fits else prepared).append(write)
    if not fused:
        return every_step(writes, "no record lies in the storage of the decisions")
    where = "all records" if not prepared else f"{len(fused)} of {len(writes)} records"
    why = f"{where} and the decision are one write"
    return Route(CommitPath.FUSED, prepared, fused, why, id_is_known)


def _needs_a_decision(
    context: Context, snapshot: Snapshot, writes: Sequence[PendingWrite], *, id_is_known: bool
) -> str | None:
    """Why the records alone can't tell of a commit; None: they can."""
    if not context.options.record_only:
        return "every transaction is to leave a decision"
    if id_is_known:
        return "the transaction's id is known, and may be asked for"
    if context.commit_hooks or any(write.table.name in context.recorded for write in writes):
        return "somebody writes along with the decision"
    for write in writes:
        replaced = snapshot.replaced(write)
        if write.values is None or replaced is None or replaced["tx_id"] is None:
            return "not every write changes a record that was read"
    places = [Write(write.table.stored, write.key, {}) for write in writes]
    several = len(atomic_groups(context.storage, places)) > 1
    return "its records are no single atomic write" if several else None


def finish_with_decision(home: StorageInfo, records: int, also: int = 0) -> bool:
    """Are so many prepared records to be finished in the write of the decision?

    ``also``: what else is written with it.
    """
    dearer = home.charges_groups and records + also == 1
    return 0 < records <= home.max_mutations - 1 - also and not dearer


def finished_along(context: Context, prepared: Sequence[PendingWrite]) -> int:
    """How many prepared records the write of the decision is to finish, if nothing comes along."""
    home = context.decisions.home()
    if home is None or not context.options.one_phase_commit:
        return 0
    names = [context.storage.info(write.table.name).name for write in prepared]
    records = names.count(home.name)
    return records if finish_with_decision(home, records) else 0


def needs_validation(snapshot: Snapshot, isolation: Isolation) -> bool:
    """Is there a read of something that prepare does not compare? (Specification 4.3)"""
    if isolation is not Isolation.SERIALIZABLE:
        return False
    return bool(snapshot.scans) or not snapshot.point_reads.keys() <= snapshot.writes.keys()


def has_final_form(write: PendingWrite, snapshot: Snapshot) -> bool:
    """The removal of a record that is not there writes nothing that could be compared."""
    return (
        write.values is not None
        or write.record_id in snapshot.unread
        or (not write.insert and snapshot.reads.get(write.record_id) is not None)
    )

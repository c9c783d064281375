"""What will the commit of a transaction ask of the storages?

Counted by the same rules that the commit follows (``commit_path``, ``atomic_groups``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.batch_reads import requests
from scalar_tx.consensus_commit.commit_path import (
    ONE_OF_SEVERAL,
    CommitPath,
    every_step,
    finished_along,
    route,
)
from scalar_tx.consensus_commit.unread import as_if_read, stays_unread
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.model.explanation import Explanation
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.storage.interface import StorageMutation

# By docs/transactions.md's table.
_SKEWS: Final = ("phantoms", "read skew", "write skew")
_STILL_POSSIBLE: Final = {
    Isolation.SERIALIZABLE: (),
    Isolation.SNAPSHOT: _SKEWS,
    Isolation.READ_COMMITTED: ("unrepeatable reads", *_SKEWS),
}


def explain(
    context: Context,
    snapshot: Snapshot,
    isolation: Isolation,
    *,
    id_is_known: bool,
    decides_alone: bool = True,
) -> Explanation:
    """The commit of what was read and written so far; or of this part of it."""
    writes = snapshot.writes
    blind: set[RecordId] = set()
    if decides_alone:
        blind = stays_unread(context, snapshot, isolation, id_is_known=id_is_known)
    snapshot = replace(snapshot, unread=blind)
    unread = snapshot.to_be_read()
    read = as_if_read(snapshot)
    way = (
        route(context, read, isolation, id_is_known=id_is_known)
        if decides_alone
        else every_step(writes.values(), ONE_OF_SEVERAL)
    )
    validations = 0
    if isolation is Isolation.SERIALIZABLE:
        last = None if writes or not context.options.one_phase_commit else snapshot.last_get
        validations = Validation(context, snapshot, None, writes.keys(), last_get=last).reads()
    groups = _groups(context, way.prepared)
    home = context.decisions.home()
    along = len(way.fused)  # records that are written with the decision
    left = groups
    if way.path is CommitPath.FULL and home is not None and decides_alone:
        along = finished_along(context, way.prepared)
        if along:
            left = [group for group in groups if _name(context, group) != home.name]
    alone = way.path is CommitPath.RECORD_ONLY
    decided = not alone and (bool(writes) or not context.options.write_omission_on_read_only)
    awaited = alone or (left and not context.options.async_commit)
    sizes = [len(group) for group in (*groups, *left) if _is_dear(context, group)]
    if home is not None and home.charges_groups:
        sizes.append(along + decided)
    return Explanation(
        isolation=isolation,
        path=way.path.value if writes else "none",
        why=way.why if writes else "nothing is written",
        records=len(writes),
        unread=len(blind),
        pre_reads=requests(context.storage, [write.table.name for write in unread]),
        prepares=len(groups),
        validations=validations,
        decisions=int(decided),
        finishes=1 if alone else len(left),
        round_trips=sum(map(bool, (unread, groups, validations, decided, awaited))),
        write_units=sum(map(_units, sizes)) if sizes else None,
        still_possible=_STILL_POSSIBLE[isolation],
    )


def _units(records: int) -> int:
    """Several records at once cost twice as much each."""
    return records if records < 2 else 2 * records


def _is_dear(context: Context, group: list[StorageMutation]) -> bool:
    return context.storage.info(group[0].table.name).charges_groups


def _groups(context: Context, writes: Sequence[PendingWrite]) -> list[list[StorageMutation]]:
    places = [Write(write.table.stored, write.key, {}) for write in writes]
    return atomic_groups(context.storage, places) if places else []


def _name(context: Context, group: list[StorageMutation]) -> str:
    return context.storage.info(group[0].table.name).name

"""Mistakes in writing over records that nobody has read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import record, unread
from scalar_tx.consensus_commit.own_records import OwnRecords
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.conditions import column
from scalar_tx.storage.interface import Overwrite, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _changed(mutation: StorageMutation, **how: Any) -> StorageMutation:
    return dataclasses.replace(mutation, **how) if isinstance(mutation, Overwrite) else mutation


def _over_a_prepared_record() -> Patches:
    anything = column("tx_version") >= 0
    prepare, final = record.prepare_unread, record.final_unread
    return [
        (
            record,
            "prepare_unread",
            lambda *a, **how: _changed(prepare(*a, **how), condition=anything),
        ),
        (record, "final_unread", lambda *a, **how: _changed(final(*a, **how), condition=anything)),
    ]


def _previous_image_not_kept() -> Patches:
    right = record.prepare_unread
    return [(record, "prepare_unread", lambda *a, **how: _changed(right(*a, **how), keeps={}))]


def _version_not_counted() -> Patches:
    """The record is put as a new one is, whatever was there."""
    right = record.final_unread

    def final(*args: Any, **how: Any) -> StorageMutation:
        one = right(*args, **how)
        if not isinstance(one, Overwrite):
            return one
        values = {**one.values, "tx_version": 1}
        return Write(one.table, one.key, values)

    return [(record, "final_unread", final)]


def _refused_removal_taken_for_done() -> Patches:
    async def read_first(self: OwnRecords) -> bool:
        kept = [one for one in self._with_decision if one.values is not None]
        found = len(kept) < len(self._with_decision)
        self._with_decision = kept
        return found or await right(self)

    right = OwnRecords.read_what_is_final
    return [(OwnRecords, "read_what_is_final", read_first)]


def _refused_for_good() -> Patches:
    async def read_first(self: OwnRecords) -> bool:
        return False

    async def prepare_again(self: OwnRecords) -> None:
        return None

    return [
        (OwnRecords, "read_what_is_final", read_first),
        (OwnRecords, "_prepare_what_was_refused", prepare_again),
    ]


def _tried_again_without_a_read() -> Patches:
    """What was refused is taken for absent."""

    async def read_first(self: TransactionSteps, writes: Sequence[PendingWrite]) -> None:
        for write in writes:
            self._snapshot.unread.discard(write.record_id)
            self._snapshot.reads[write.record_id] = None

    return [(TransactionSteps, "_read_first", read_first)]


def _in_a_table_that_was_scanned() -> Patches:
    right = unread.stays_unread

    def stays_unread(context: Any, snapshot: Snapshot, *args: Any, **how: Any) -> set[RecordId]:
        return right(context, dataclasses.replace(snapshot, scans={}), *args, **how)

    return [(unread, "stays_unread", stays_unread)]


BUGS: Final[Mapping[str, Bug]] = {
    "prepared record written over unread": _over_a_prepared_record,
    "previous image not kept": _previous_image_not_kept,
    "version of an unread record not counted": _version_not_counted,
    "refused removal taken for done": _refused_removal_taken_for_done,
    "refused unread write taken for refused for good": _refused_for_good,
    "refused unread write not read": _tried_again_without_a_read,
    "record of a scanned table written over unread": _in_a_table_that_was_scanned,
}

"""Mistakes in telling what was written, and in removing decisions by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import clean, decision_row, finish
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.consensus_commit.write_set import EntryGroup, group_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.decision_row import StoredDecision
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from tests.simulation.bugs.bug import Bug, Patches


def _in_both(name: str, wrong: Any) -> Patches:
    return [(finish, name, wrong), (clean, name, wrong)]


def _removed_before_its_records_are_settled() -> Patches:
    async def nothing(context: Context, found: StoredDecision) -> None:
        return None

    return _in_both("settle_records", nothing)


def _removed_although_a_record_was_not_settled() -> Patches:
    """What became of a record whose reply was lost is not asked."""
    right = finish.settle_records

    async def trying(context: Context, found: StoredDecision) -> None:
        try:
            await right(context, found)
        except Exception:  # noqa: BLE001  # that is the mistake
            return

    return _in_both("settle_records", trying)


def _what_does_not_tell_is_removed() -> Patches:
    return _in_both("can_be_finished", lambda found: True)


def _a_record_is_left_out() -> Patches:
    def all_but_the_last(writes: Iterable[PendingWrite], *child: str) -> EntryGroup:
        told = group_of(writes, *child)
        return replace(told, entries=told.entries[:-1])

    return [(decision_row, "group_of", all_but_the_last)]


def _abort_by_others_tells() -> Patches:
    """Whoever aborts a slow writer says what he knows: the record that he has met."""

    async def abort(self: Recovery, writer: str) -> Decision:
        return await self._decisions.force_abort(writer, ())

    return [(Recovery, "_abort", abort)]


BUGS: Final[Mapping[str, Bug]] = {
    "decision removed before its records are settled": _removed_before_its_records_are_settled,
    "decision removed although a record is not settled": _removed_although_a_record_was_not_settled,
    "decision removed that does not tell": _what_does_not_tell_is_removed,
    "decision does not tell of every record": _a_record_is_left_out,
    "abort by others tells what was written": _abort_by_others_tells,
}

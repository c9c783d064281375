"""Mistakes in decisions that several transactions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decision_row import decision_of
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.group_commit import GroupCommit, _Ready
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches

_together = CoordinatorTable.decide_together


def _last_member_not_listed() -> Patches:
    async def decide_together(
        self: CoordinatorTable,
        group: str,
        members: Mapping[str, Any],
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> Decision | None:
        return await _together(self, group, dict([*members.items()][:-1]) or members, at, also)

    return [(CoordinatorTable, "decide_together", decide_together)]


def _refused_group_taken_for_committed() -> Patches:
    async def decide_together(
        self: CoordinatorTable,
        group: str,
        members: Mapping[str, Any],
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> Decision | None:
        decision = await _together(self, group, members, at, also)
        return decision or Decision(TransactionState.COMMITTED, at)

    return [(CoordinatorTable, "decide_together", decide_together)]


def _members_listed_that_are_not_ready() -> Patches:
    right = GroupCommit._join

    def join(
        self: GroupCommit, tx_id: str, at: int, also: Sequence[StorageMutation], written: Any
    ) -> _Ready | None:
        member = right(self, tx_id, at, also, written)
        if member is not None:
            group = member.group
            for name in group.coming:
                group.ready[name] = _Ready(name, group, at, (), written, self._runtime.signal())
            group.coming.clear()
        return member

    return [(GroupCommit, "_join", join)]


def _member_aborted_under_its_own_id_only() -> Patches:
    async def force_abort(self: CoordinatorTable, tx_id: str, written: Any = None) -> Decision:
        return await self.abort_alone(tx_id, written)

    return [(CoordinatorTable, "force_abort", force_abort)]


def _blocked_group_read_as_its_members_abort() -> Patches:
    right = CoordinatorTable.read

    async def read(self: CoordinatorTable, tx_id: str) -> Decision | None:
        group = marks(tx_id).group
        parent = None if group is None else await self._row(group)
        if parent is not None:
            return decision_of(tx_id, parent)
        return await right(self, tx_id)

    return [(CoordinatorTable, "read", read)]


def _told_before_the_group_is_written() -> Patches:
    async def decide_together(
        self: CoordinatorTable,
        group: str,
        members: Mapping[str, Any],
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> Decision | None:
        self._runtime.run_later(lambda: _written(self, group, members, at))
        return Decision(TransactionState.COMMITTED, at)

    async def _written(
        table: CoordinatorTable, group: str, names: Mapping[str, Any], at: int
    ) -> None:
        await _together(table, group, names, at)

    return [(CoordinatorTable, "decide_together", decide_together)]


BUGS: Final[Mapping[str, Bug]] = {
    "last member of a group not listed": _last_member_not_listed,
    "refused group taken for committed": _refused_group_taken_for_committed,
    "members of a group listed that are not ready": _members_listed_that_are_not_ready,
    "member of a group aborted under its own id only": _member_aborted_under_its_own_id_only,
    "blocked group read as its members' abort": _blocked_group_read_as_its_members_abort,
    "members told before their group is written": _told_before_the_group_is_written,
}

"""Which id does a transaction bear, and when is it made?

Late: when somebody asks for it, at the latest before the first prepare. By then it is known how the
transaction commits, and the id tells of it: a place in a group, or that there is no decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import transaction_id
from scalar_tx.consensus_commit.commit_path import CommitPath, finished_along

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.commit_path import Route
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.group_commit import GroupCommit


class OwnId:
    """One transaction's id. ``groups``: where it may take a place for its decision."""

    __slots__ = ("_context", "_groups", "known", "of_caller")

    def __init__(
        self,
        context: Context,
        of_caller: str | None,
        groups: GroupCommit | None,
        *,
        fresh: bool = False,
    ) -> None:
        self._context = context
        self._groups = groups
        self.of_caller = of_caller is not None and not fresh  # may it have been used before?
        self.known = of_caller

    def get(self) -> str:
        """The id, made now if there is none."""
        if self.known is None:
            self.known = self._make(self._groups)
        return self.known

    def for_commit(self, way: Route) -> str:
        """The id under which a commit goes that way."""
        shared = way.path is CommitPath.FULL and not finished_along(self._context, way.prepared)
        groups = self._groups if shared else None
        if self.known is None:
            recorded = way.path is not CommitPath.RECORD_ONLY
            self.known = self._make(groups, comes=True, recorded=recorded)
        elif groups is not None:
            groups.come(self.known)
        return self.known

    def end(self) -> None:
        """The transaction is over; nobody waits for it."""
        if self._groups is not None and self.known is not None:
            self._groups.leave(self.known)

    def _make(
        self, groups: GroupCommit | None, *, comes: bool = False, recorded: bool = True
    ) -> str:
        if groups is not None:
            return groups.reserve(comes=comes)
        return transaction_id.make(self._context.runtime, recorded=recorded)

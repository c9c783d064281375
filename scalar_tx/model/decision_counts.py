"""How many decisions has a process put on record, and in how many rows?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """Rows of the coordinator table since this process has connected, as far as it was told.

    ``groups`` rows of those written stand for ``grouped`` transactions that committed together.
    """

    written: int
    removed: int
    groups: int
    grouped: int

    @property
    def mean_group_size(self) -> float:
        """Transactions a group; 0 if there was none."""
        return self.grouped / self.groups if self.groups else 0.0

"""Which decisions about other transactions has this process seen?

A decision never changes (Consensus Commit specification 2.2), so what was read once need not be
read again: a scan that meets ten records of one writer looks him up once. It stays true when the
row is removed later (5.6): it is removed only after all that the writer wrote is settled.

Kept under the whole id. A group's own row that is aborted says nothing of the group's members
(6.5). That there was no decision is never kept: there may be one by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.decisions import Decision

_MOST: Final = 4096  # of each of the two halves


class DecidedStates:
    """The decisions seen last, between ``most`` and twice as many of them.

    Without lock: each step is one that Python does at once, and what is lost between two of them is
    only looked up again.
    """

    __slots__ = ("_most", "_new", "_old")

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._new: dict[str, Decision] = {}
        self._old: dict[str, Decision] = {}

    def get(self, tx_id: str) -> Decision | None:
        """What stands about a transaction; None: nothing is known of it here."""
        return self._new.get(tx_id) or self._old.get(tx_id)

    def keep(self, tx_id: str, decision: Decision) -> None:
        """Remember what stands; the older half goes when the newer one is full."""
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        self._new[tx_id] = decision

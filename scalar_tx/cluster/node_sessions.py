"""Which transactions are open in this worker, where the limits are those of the whole node?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.sessions import Session, Sessions, TooManyOpenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.cluster.limits import Limits
    from scalar_tx.cluster.sessions import Expiry
    from scalar_tx.cluster.shared_counts import SharedCounts


class NodeSessions(Sessions):
    """The sessions of one worker, counted in the memory that all workers of a node share."""

    def __init__(self, limits: Limits, counts: SharedCounts, slot: int) -> None:
        super().__init__(
            limits.open_transactions,
            limits.open_per_user,
            limits.idle_seconds,
            limits.lifetime_seconds,
        )
        self._limits = limits
        self._counts = counts
        self._slot = slot

    def open(self, transaction_id: str, owner: str, expire: Callable[[Expiry], None]) -> Session:
        """Count one more transaction; TooManyOpenError if a limit of the node is met."""
        # Counted first and looked at then: of two workers at once none goes over the limit.
        self._counts.add(self._slot, owner, 1)
        try:
            self._insist_on_limits(transaction_id, owner)
            return super().open(transaction_id, owner, expire)
        except BaseException:
            self._counts.add(self._slot, owner, -1)
            raise

    def _insist_on_limits(self, transaction_id: str, owner: str) -> None:
        limits = self._limits
        if self._counts.in_all() > limits.open_transactions:
            raise TooManyOpenError(
                f"{limits.open_transactions} transactions are open in this node, which is the "
                "limit",
                transaction_id=transaction_id,
            )
        if self._counts.of_user(owner) > limits.open_per_user:
            raise TooManyOpenError(
                f"{limits.open_per_user} transactions of this user or connection are open in this "
                "node, which is the limit",
                transaction_id=transaction_id,
            )

    def _forget(self, session: Session) -> None:
        before = self.count
        super()._forget(session)
        if self.count < before:
            self._counts.add(self._slot, session.owner, -1)

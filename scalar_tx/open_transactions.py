"""Which transactions of this process can be found again by their id?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from scalar_tx.errors import InvalidOperationError, TransactionNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.settings.settings import ActiveTransactionSettings

T = TypeVar("T")


class OpenTransactions(Generic[T]):
    """Open transactions whose id was handed out, for ``resume``.

    ``idle_seconds`` (None: never) after its last use by id a transaction is forgotten; beyond
    ``most`` (None: no bound) the one unused for longest is.
    """

    def __init__(
        self,
        elapsed: Callable[[], float],
        *,
        idle_seconds: float | None = None,
        most: int | None = None,
    ) -> None:
        self._elapsed = elapsed
        self._idle = idle_seconds
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[str, tuple[T, float]] = {}  # in order of last use

    @classmethod
    def of(cls, bounds: ActiveTransactionSettings, elapsed: Callable[[], float]) -> Self:
        """Bounded as the settings say."""
        idle = bounds.expiration_millis
        return cls(
            elapsed,
            idle_seconds=None if idle is None else idle / 1000,
            most=bounds.max_active,
        )

    def add(self, transaction_id: str, transaction: T) -> None:
        """Make a transaction known; InvalidOperationError if another open one has the id."""
        with self._lock:
            known = self._open.pop(transaction_id, None)
            if known is not None and known[0] is not transaction:
                self._open[transaction_id] = known
                raise InvalidOperationError(
                    f"a transaction with the id {transaction_id!r} is open already",
                    advice="Use a fresh id, or db.resume(id) to go on with that one",
                    transaction_id=transaction_id,
                    code="STX-3043",
                )
            self._forget_idle()
            self._make_room()
            self._open[transaction_id] = (transaction, self._elapsed())

    def find(self, transaction_id: str) -> T:
        """The open transaction of that id."""
        with self._lock:
            self._forget_idle()
            known = self._open.pop(transaction_id, None)
            if known is None:
                raise TransactionNotFoundError(
                    f"no open transaction of this process has the id {transaction_id!r}",
                    transaction_id=transaction_id if isinstance(transaction_id, str) else None,
                )
            self._open[transaction_id] = (known[0], self._elapsed())
            return known[0]

    def remove(self, transaction_id: str | None) -> None:
        """Forget a transaction that has ended."""
        if transaction_id is not None:
            with self._lock:
                self._open.pop(transaction_id, None)

    def __len__(self) -> int:
        """How many are known."""
        return len(self._open)

    def _forget_idle(self) -> None:
        # Forgetting rolls back: nothing was written yet, or, by a part of a transaction of several
        # processes, prepared records only, which whoever meets them undoes once they are expired.
        if self._idle is not None:
            before = self._elapsed() - self._idle
            while self._open and next(iter(self._open.values()))[1] < before:
                self._open.pop(next(iter(self._open)))

    def _make_room(self) -> None:
        if self._most is not None:
            while len(self._open) >= self._most:
                self._open.pop(next(iter(self._open)))

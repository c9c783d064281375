"""What can be done about transactions that their programs have left behind?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.consensus_commit.transaction_id import check_known_id

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from scalar_tx.backend import Backend
    from scalar_tx.model.state import TransactionState
    from scalar_tx.model.types import Value

T = TypeVar("T")


class Settling(ABC):
    """What a manager for threads does with transactions that somebody else has begun."""

    @abstractmethod
    def _here(self) -> Backend:
        """What transactions are made on, with connections of this process."""

    @abstractmethod
    def _run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps to their end."""

    def state(self, transaction_id: str) -> TransactionState:
        """What was decided: COMMITTED, ABORTED, or UNKNOWN if no decision is on record.

        UNKNOWN also for transactions that leave no row: read-only ones, and those whose row was
        cleaned up. Not something to poll on.
        """
        return self._run(self._here().state(check_known_id(transaction_id)))

    def settle(self, transaction_id: str) -> TransactionState:
        """The decision; where there is none, ABORTED is written unless one appears.

        UnknownOutcomeError if the coordinator can't be reached.
        """
        return self._run(self._here().settle(check_known_id(transaction_id)))

    def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record if its writer is decided or expired (15 s); return the decision.

        None: nothing was to be settled. ConflictError: the writer may be alive.
        """
        return self._run(self._here().recover(table, key))

    def finish(self, transaction_id: str) -> bool:
        """Settle what a decided transaction has written and remove its decision's row.

        True: no row is left. False: nothing was done, since the row does not tell what was written;
        it does if ``consensus_commit.coordinator.write_set_logging.enabled`` was on. Only where no
        ScalarDB before 3.19 reads these tables. ``state`` says UNKNOWN afterwards, and ``settle``
        would write ABORTED.
        """
        return self._run(self._here().finish(check_known_id(transaction_id)))


class AsyncSettling(ABC):
    """The same for asyncio."""

    @abstractmethod
    def _here(self) -> Backend:
        """What transactions are made on, with connections of this process."""

    @abstractmethod
    async def _drive(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        """Run steps as the storage waits."""

    async def state(self, transaction_id: str) -> TransactionState:
        """What was decided: COMMITTED, ABORTED, or UNKNOWN if no decision is on record.

        UNKNOWN also for transactions that leave no row: read-only ones, and those whose row was
        cleaned up. Not something to poll on.
        """
        return await self._drive(self._here().state(check_known_id(transaction_id)))

    async def settle(self, transaction_id: str) -> TransactionState:
        """The decision; where there is none, ABORTED is written unless one appears.

        UnknownOutcomeError if the coordinator can't be reached.
        """
        return await self._drive(self._here().settle(check_known_id(transaction_id)))

    async def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record if its writer is decided or expired (15 s); return the decision.

        None: nothing was to be settled. ConflictError: the writer may be alive.
        """
        return await self._drive(self._here().recover(table, key))

    async def finish(self, transaction_id: str) -> bool:
        """Settle what a decided transaction has written and remove its decision's row.

        True: no row is left. False: nothing was done, since the row does not tell what was written;
        it does if ``consensus_commit.coordinator.write_set_logging.enabled`` was on. Only where no
        ScalarDB before 3.19 reads these tables. ``state`` says UNKNOWN afterwards, and ``settle``
        would write ABORTED.
        """
        return await self._drive(self._here().finish(check_known_id(transaction_id)))

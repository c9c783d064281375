"""Who decides whether a transaction is committed, and what can be asked of him?

One interface for commit, rollback, settling and lazy recovery alike. The coordinator table is its
implementation; another one may keep the deciding row elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scalar_tx.errors import InvalidOperationError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.model.state import TransactionState
    from scalar_tx.storage.interface import StorageInfo, StorageMutation


@dataclass(frozen=True, slots=True)
class Decision:
    """What stands about a transaction, and since when (epoch milliseconds)."""

    state: TransactionState  # COMMITTED or ABORTED
    decided_at: int


class UndecidedError(Exception):
    """No decision could be made or seen. ``may_stand``: the one we asked for may yet appear."""

    def __init__(self, message: str, *, may_stand: bool) -> None:
        super().__init__(message)
        self.may_stand = may_stand


class DecisionMaker(Protocol):
    """Decisions are made once, by an atomic step out of "undecided", and never change.

    Anyone may force ABORTED, only a transaction's owner may ask for COMMITTED.

    ``written`` is what the owner writes, to be kept with the decision where that is done. Who knows
    it may finish all those records and remove the decision (specification 5.6). So only an owner
    gives it that decides alone, and with ABORTED only while no COMMITTED of his can be on its way:
    nothing may be there any more that the decision, once removed, would have held up.
    """

    async def ready(self) -> None:
        """InvalidOperationError or SchemaError if decisions can't be recorded at all.

        Asked before the first prepare, so that nothing is left half-done for want of a table.
        """
        ...

    def home(self) -> StorageInfo | None:
        """The storage whose records can share an atomic write with a decision; None: none can.

        A decision counts as one of its ``max_mutations``.
        """
        ...

    async def decide(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Decide COMMITTED unless a decision stands; return the one that stands.

        ``also`` is applied in the same atomic write, or not at all. UndecidedError if nothing can
        be seen to stand.
        """
        ...

    async def decide_with(
        self,
        tx_id: str,
        at: int,
        records: Sequence[StorageMutation],
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Decide COMMITTED and write records of ``home``, in one atomic write.

        WriteRefusedError: a record's condition was not met, or a decision stands; nothing of it
        happened, nor ever will. StorageBusyError, StorageUnavailableError: neither.
        UndecidedError: it may have, or may yet.
        """
        ...

    async def force_abort(
        self, tx_id: str, written: Collection[PendingWrite] | None = None
    ) -> Decision:
        """Decide ABORTED unless a decision stands; return the one that stands.

        When it returns ABORTED, the transaction can never be committed. UndecidedError if nothing
        can be seen to stand.
        """
        ...

    async def read(self, tx_id: str) -> Decision | None:
        """The decision; None: not decided, or not on record any more. UndecidedError if unread."""
        ...


async def refuse_decided(decisions: DecisionMaker, tx_id: str) -> None:
    """InvalidOperationError if an id was used before; asked for ids that callers made."""
    try:
        standing = await decisions.read(tx_id)
    except UndecidedError as error:
        raise StorageUnavailableError(
            "whether the id was used before could not be read; nothing was done",
            transaction_id=tx_id,
            code="STX-4002",
        ) from error
    if standing is not None:
        raise InvalidOperationError(
            f"the id {tx_id!r} was used before: that transaction is {standing.state.value}",
            advice="Use a fresh id for each transaction; id= is no idempotency key",
            transaction_id=tx_id,
            code="STX-3036",
        )

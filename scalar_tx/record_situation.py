"""What state is a record in, whose, and what would happen to it?

Judged from the raw row and the decision about its writer; nothing is changed (Consensus Commit
specification 1.4 to 1.6, 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.recover import LIFETIME_MS
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from scalar_tx.connection import Parts
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value

ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class Situation:
    """One record as it lies in its table.

    ``state`` is ABSENT, or a record's: PREPARED, DELETED, COMMITTED. ``decision`` is the one about
    the writer of an unsettled record, None: not decided. ``row`` is the stored row, ``current`` and
    ``previous`` are its images; None: there is none. Times in milliseconds.
    """

    table: TransactionalTable
    key: tuple[Value, ...]
    row: Row | None
    decision: Decision | None
    now_ms: int

    @property
    def state(self) -> str:
        """The record's state by its name."""
        if self.row is None:
            return ABSENT
        if record.is_committed(self.row):
            return record.TxState.COMMITTED.name
        return record.TxState(int(self.row["tx_state"])).name  # type: ignore[arg-type]  # an INT

    @property
    def unsettled(self) -> bool:
        """Does the record wait for the decision about its writer, or for somebody to follow it?"""
        return self.row is not None and not record.is_committed(self.row)

    @property
    def writer(self) -> str | None:
        """The id of whoever wrote the row; None: nobody since it was imported."""
        found = None if self.row is None else self.row["tx_id"]
        return found if isinstance(found, str) else None

    @property
    def age_ms(self) -> int:
        """How long ago the row was prepared, by its writer's clock."""
        return 0 if self.row is None else self.now_ms - record.prepared_at(self.row)

    @property
    def expires_in_ms(self) -> int:
        """How long until an undecided writer may be aborted; negative: it may be."""
        return LIFETIME_MS - self.age_ms

    @property
    def alive(self) -> bool:
        """Is the writer undecided and still within its time?"""
        return self.unsettled and self.decision is None and self.expires_in_ms >= 0

    @property
    def current(self) -> Row | None:
        """What the row's writer wrote: the user's columns; None where it deletes the record."""
        if self.row is None or self.state == record.TxState.DELETED.name:
            return None
        return {name: self.row[name] for name in self.table.value_columns}

    @property
    def previous(self) -> Row | None:
        """What an unsettled row replaces: the user's columns; None where there was no record."""
        if self.row is None or not self.unsettled:
            return None
        before = record.before_image(self.table, self.row)
        return before and {name: before[name] for name in self.table.value_columns}

    @property
    def outlook(self) -> str:
        """What will happen to the record when somebody meets it."""
        if self.row is None:
            return "Nothing is stored under this key."
        if not self.unsettled:
            return "Nothing is to be done: everybody reads this image."
        if self.decision is None and self.alive:
            return (
                f"Its writer may be alive: readers and writers meet a conflict for another "
                f"{self.expires_in_ms / 1000:.1f} s. After that the next reader aborts it and "
                f"{self._undoing}."
            )
        if self.decision is None:
            return (
                f"Its writer is past its {LIFETIME_MS // 1000} s without a decision: the next "
                f"reader aborts it and {self._undoing}."
            )
        if self.decision.state is TransactionState.COMMITTED:
            removed = self.current is None
            what = "removes the record" if removed else "makes the new image the committed one"
            return f"Its writer has committed: the next reader {what}."
        return f"Its writer was aborted: the next reader {self._undoing}."

    @property
    def _undoing(self) -> str:
        if self.previous is None:
            return "removes the record, which did not exist before"
        return "restores the previous image"


async def look_at(parts: Parts, table: TransactionalTable, key: tuple[Value, ...]) -> Situation:
    """The situation of the record of that key."""
    return await judge(parts, table, key, await parts.storage.get(table.stored, key))


async def judge(
    parts: Parts, table: TransactionalTable, key: tuple[Value, ...], row: Row | None
) -> Situation:
    """The situation of a row that was just read. SchemaError: no writer leaves such a row."""
    decision = None
    if row is not None and not record.is_committed(row):
        decision = await decision_about(parts, record.writer_of(row))
    return Situation(table, key, row, decision, parts.runtime.now_ms())


async def decision_about(parts: Parts, tx_id: str) -> Decision | None:
    """The decision about a transaction, None if none is on record; makes no table.

    StorageUnavailableError: it can't be read.
    """
    if not await parts.administration.coordinator_tables_exist():
        return None
    try:
        return await parts.context.decisions.read(tx_id)
    except UndecidedError as error:
        raise StorageUnavailableError(
            f"the decision about {tx_id} could not be read",
            advice="Check the coordinator's storage with scalar-tx doctor",
            code="STX-4002",
        ) from error

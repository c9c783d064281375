"""What does the row of a decision say, and which columns make one?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.meter import Meter, tell
from scalar_tx.consensus_commit.record import TxState
from scalar_tx.consensus_commit.write_set import group_of, read_write_set, write_set_bytes
from scalar_tx.errors import SchemaError
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from contextlib import AbstractContextManager

    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.consensus_commit.write_set import EntryGroup
    from scalar_tx.model.types import Row

MEMBERS: Final = "tx_child_ids"
WRITE_SET: Final = "tx_write_set"
STATES: Final = {
    int(TxState.COMMITTED): TransactionState.COMMITTED,
    int(TxState.ABORTED): TransactionState.ABORTED,
}


def coordinator_table(
    namespace: str, *, group_commit: bool = False, write_sets: bool = False
) -> Table:
    """The coordinator table as it is created (specification 2.1)."""
    columns = {"tx_id": DataType.TEXT}
    if group_commit:
        columns[MEMBERS] = DataType.TEXT
    columns["tx_state"] = DataType.INT
    columns["tx_created_at"] = DataType.BIGINT
    if write_sets:
        columns[WRITE_SET] = DataType.BLOB
    return Table(f"{namespace}.state", TableSchema(columns=columns, partition_key=["tx_id"]))


class RowCounts:
    """How many rows of decisions this process has added and removed, as far as it was told."""

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._lock = lock
        self.written = 0
        self.removed = 0

    def note_written(self, outcome: TransactionState) -> None:
        """One more; what it decides."""
        with self._lock:
            self.written += 1
        tell(Meter.decision_written, outcome)

    def note_removed(self, rows: int) -> None:
        """So many less."""
        with self._lock:
            self.removed += rows
        tell(Meter.decisions_removed, rows)


@dataclass(frozen=True, slots=True)
class NewRow:
    """A decision that is to be written.

    ``key``: the transaction's id, or its group's. ``written``: what it has written; None: that is
    not told. ``members``: of a group, each with what it has written.
    """

    key: str
    state: TxState
    at: int
    written: Collection[PendingWrite] | None = None
    members: Mapping[str, Collection[PendingWrite] | None] = field(default_factory=dict)

    def columns(self) -> Row:
        """Its columns but the key and the write set."""
        columns: Row = {"tx_state": int(self.state), "tx_created_at": self.at}
        if self.members:
            columns[MEMBERS] = ",".join(self.members)
        return columns

    def told(self) -> bytes | None:
        """The write set (specification 2.4); None: of some transaction it is not known."""
        if not self.members:
            if self.written is None:
                return None
            return write_set_bytes([group_of(self.written)] if self.written else [])
        groups = []
        for name, written in self.members.items():
            if written is None:
                return None
            groups.append(group_of(written, name))
        return write_set_bytes(groups)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as its row holds it.

    ``key``: the transaction's id, or its group's. ``written``: which records it has written, by
    each member of a group; None: the row does not tell.
    """

    key: str
    decision: Decision
    written: tuple[EntryGroup, ...] | None


def stored_decision(row: Row) -> StoredDecision:
    """The decision that a row of the table holds. SchemaError: it is damaged."""
    key = row["tx_id"]
    if not isinstance(key, str):
        raise SchemaError(f"a decision's row has the key {key!r}", advice="Inspect the table")
    return StoredDecision(key, decision_of(key, row), read_write_set(row.get(WRITE_SET)))


def members(row: Mapping[str, object]) -> list[str]:
    """The members that a group's row stands for."""
    listed = row.get(MEMBERS)
    return listed.split(",") if isinstance(listed, str) and listed else []


def decision_of(tx_id: str, row: Row) -> Decision:
    """What the row says. SchemaError: it is damaged."""
    state = STATES.get(row["tx_state"])  # type: ignore[arg-type]  # an INT column or NULL
    at = row["tx_created_at"]
    if state is None or not isinstance(at, int) or not at:
        raise SchemaError(
            f"the decision row of {tx_id} is damaged: state {row['tx_state']!r}, at {at!r}",
            advice="Restore the row from a backup; do not edit it by guess",
        )
    return Decision(state, at)

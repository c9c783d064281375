"""What does a row look like before, during and after a write?

Pure rules: each function takes a stored row and says which image it holds, or which columns to set
under which condition (Consensus Commit specification 1.4 to 1.6, 4.2, 4.5, 5.4). Every change of a
row is a compare-and-set on its writer's id, and on its state once it is prepared; of a row that
nobody has read, on its being settled.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.metadata import BEFORE, TX_COLUMNS
from scalar_tx.errors import SchemaError
from scalar_tx.model.conditions import (
    And,
    Comparison,
    Operator,
    Or,
    comparisons,
    if_not_exists,
)
from scalar_tx.storage.interface import Erase, Overwrite, Write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation


class TxState(IntEnum):
    """The numbers that rows and decisions store."""

    PREPARED = 1
    DELETED = 2
    COMMITTED = 3
    ABORTED = 4


PREPARED: Final = int(TxState.PREPARED)
DELETED: Final = int(TxState.DELETED)
COMMITTED: Final = int(TxState.COMMITTED)
_UNCOMMITTED: Final = (PREPARED, DELETED)
_IMAGE_COLUMNS: Final = tuple(TX_COLUMNS)
# As its last writer committed it, or imported and never touched since.
SETTLED: Final = Or(
    (
        Comparison("tx_state", Operator.EQ, COMMITTED),
        Comparison("tx_state", Operator.IS_NULL),
    )
)


def is_committed(row: Row) -> bool:
    """Is the row as its last writer committed it? NULL: imported and never touched since."""
    state = row["tx_state"]
    if state == COMMITTED or state is None:
        return True
    if state in _UNCOMMITTED:
        return False
    raise SchemaError(
        f"a record has tx_state {state!r}, which no writer leaves",
        advice="Inspect the record; 1, 2 and 3 are the states of records",
    )


def writer_of(row: Row) -> str:
    """The id of the transaction that prepared the row."""
    writer = row["tx_id"]
    if not isinstance(writer, str):
        raise SchemaError(
            "an uncommitted record names no writer", advice="Inspect the record and repair it"
        )
    return writer


def prepared_at(row: Row) -> int:
    """When the row was prepared, by its writer's clock, in epoch milliseconds."""
    at = row["tx_prepared_at"]
    return at if isinstance(at, int) else 0


def has_before_image(row: Row) -> bool:
    """Did a record exist before this prepared write? (Specification 1.6)"""
    return row["before_tx_id"] is not None or row["before_tx_version"] is not None


def after_image(table: TransactionalTable, row: Row, committed_at: int) -> Row | None:
    """The record if the writer of this uncommitted row has committed; None: removed."""
    if row["tx_state"] == DELETED:
        return None
    return {**row, **table.cleared, "tx_state": COMMITTED, "tx_committed_at": committed_at}


def before_image(table: TransactionalTable, row: Row) -> Row | None:
    """The record if the writer of this uncommitted row is aborted; None: it did not exist."""
    if not has_before_image(row):
        return None
    return {**row, **restored(table, row)}


def restored(table: TransactionalTable, row: Row) -> Row:
    """The columns to set when a prepared row with a before image is rolled back."""
    values: Row = {name: row[before] for name, before in table.before_of.items()}
    # The sentinel of imported records: their version was NULL, which 0 stands for.
    if not values["tx_version"]:
        values["tx_version"] = None
    values.update(table.cleared)
    return values


def _same_writer(previous: Row) -> Comparison:
    writer = previous["tx_id"]
    if writer is None:
        return Comparison("tx_id", Operator.IS_NULL)
    return Comparison("tx_id", Operator.EQ, writer)


def _mine(tx_id: str, state: int) -> And:
    return And(
        (
            Comparison("tx_id", Operator.EQ, tx_id),
            Comparison("tx_state", Operator.EQ, state),
        )
    )


def prepare(
    table: TransactionalTable,
    key: tuple[Value, ...],
    values: Mapping[str, Value] | None,
    previous: Row | None,
    *,
    tx_id: str,
    at: int,
) -> Write:
    """The conditional write that prepares a put (``values``) or a delete (None) over ``previous``.

    ``previous`` is the committed row this transaction read; None: it read none or means to insert.
    """
    changed: Row = {} if values is None else dict(values)
    changed["tx_id"] = tx_id
    changed["tx_state"] = DELETED if values is None else PREPARED
    changed["tx_prepared_at"] = at
    if previous is None:
        changed["tx_version"] = 1
        return Write(table.stored, key, changed, if_not_exists)
    changed["tx_version"] = next_version(previous)
    for name, before in table.before_of.items():
        changed[before] = previous[name]
    if changed["before_tx_version"] is None:
        changed["before_tx_version"] = 0
    return Write(table.stored, key, changed, _same_writer(previous))


def prepare_unread(
    table: TransactionalTable,
    key: tuple[Value, ...],
    values: Mapping[str, Value] | None,
    *,
    tx_id: str,
    at: int,
) -> Overwrite:
    """The write that prepares a put (``values``) or a delete (None) over whatever is committed.

    It leaves what ``prepare`` would have left over that record; a put, too, where there is none.
    """
    changed: Row = {} if values is None else dict(values)
    changed["tx_id"] = tx_id
    changed["tx_state"] = DELETED if values is None else PREPARED
    changed["tx_prepared_at"] = at
    kept = {before: name for name, before in table.before_of.items()}
    return Overwrite(
        table.stored, key, changed, SETTLED, "tx_version", kept, makes=values is not None
    )


def final_unread(
    table: TransactionalTable,
    key: tuple[Value, ...],
    values: Mapping[str, Value] | None,
    *,
    tx_id: str,
    at: int,
) -> Overwrite | Erase:
    """As ``final``, over whatever is committed; a delete is refused where there is nothing."""
    if values is None:
        return Erase(table.stored, key, SETTLED)
    changed: Row = {
        **values,
        "tx_id": tx_id,
        "tx_state": COMMITTED,
        "tx_prepared_at": at,
        "tx_committed_at": at,
        **table.cleared,
    }
    return Overwrite(table.stored, key, changed, SETTLED, "tx_version", makes=True)


def final(
    table: TransactionalTable,
    key: tuple[Value, ...],
    values: Mapping[str, Value] | None,
    previous: Row | None,
    *,
    tx_id: str,
    at: int,
    keeps_replaced_id: bool = False,
) -> Write | Erase:
    """The conditional write that commits a put or a delete over ``previous`` in one step.

    Specification 4.6. The removal of a record that was not there has no such form.
    ``keeps_replaced_id``: the row tells whose version it replaced (13.12).
    """
    if values is None:
        if previous is None:
            raise ValueError("nothing is removed where nothing was read")
        return Erase(table.stored, key, _same_writer(previous))
    changed: Row = {
        **values,
        "tx_id": tx_id,
        "tx_state": COMMITTED,
        "tx_version": 1,
        "tx_prepared_at": at,
        "tx_committed_at": at,
    }
    if previous is None:
        return Write(table.stored, key, changed, if_not_exists)
    changed["tx_version"] = next_version(previous)
    changed.update(table.cleared)
    if keeps_replaced_id:
        changed["before_tx_id"] = previous["tx_id"]
    return Write(table.stored, key, changed, _same_writer(previous))


def next_version(previous: Row | None) -> int:
    """The version that replaces one; NULL, of an imported record, counts as 0."""
    if previous is None:
        return 1
    version = previous["tx_version"]
    return version + 1 if isinstance(version, int) else 1


def roll_forward(
    table: TransactionalTable,
    key: tuple[Value, ...],
    tx_id: str,
    committed_at: int,
    *,
    deleted: bool,
    clear_before: bool = True,
) -> Write | Erase:
    """Finish one record of a committed transaction."""
    if deleted:
        return Erase(table.stored, key, _mine(tx_id, DELETED))
    values: Row = dict(table.cleared) if clear_before else {}
    values["tx_state"] = COMMITTED
    values["tx_committed_at"] = committed_at
    return Write(table.stored, key, values, _mine(tx_id, PREPARED))


def roll_back(table: TransactionalTable, key: tuple[Value, ...], row: Row) -> Write | Erase:
    """Undo one uncommitted record of an aborted transaction, from the row itself."""
    condition = _mine(writer_of(row), int(row["tx_state"]))  # type: ignore[arg-type]  # an INT
    if has_before_image(row):
        return Write(table.stored, key, restored(table, row), condition)
    return Erase(table.stored, key, condition)


def rolls_back(rolling: StorageMutation) -> bool:
    """Does it undo a record, rather than finish it?"""
    if isinstance(rolling, Write):
        return "tx_id" in rolling.values  # the previous one's
    condition = rolling.condition
    return isinstance(condition, And) and not any(
        term.column == "tx_state" and term.value == DELETED for term in comparisons(condition)
    )


def undo(table: TransactionalTable, prepared: Write) -> Write | Erase:
    """Undo a prepared record, from what ``prepare`` wrote.

    The stored row holds just that, or the condition is not met (specification 13.3).
    """
    return roll_back(table, prepared.key, {**table.cleared, **prepared.values})


def before_column(column: str) -> str:
    """The column that keeps another one's previous value."""
    return BEFORE + column

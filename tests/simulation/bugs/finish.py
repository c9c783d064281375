"""Mistakes in finishing and undoing prepared records."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.own_records import OwnRecords
from scalar_tx.consensus_commit.record import TxState
from scalar_tx.storage.interface import Erase, Write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _rollback_restores_nothing() -> Patches:
    """A rollback that leaves the new values behind and only resets the state."""

    def restored(table: TransactionalTable, row: Row) -> Row:
        right = right_restored(table, row)
        return {**right, **{name: row[name] for name in table.value_columns}}

    right_restored = record.restored
    return [(record, "restored", restored)]


def _rollback_without_condition() -> Patches:
    right = record.roll_back

    def roll_back(*args: Any) -> StorageMutation:
        return dataclasses.replace(right(*args), condition=None)

    return [(record, "roll_back", roll_back)]


def _roll_forward_without_condition() -> Patches:
    right = record.roll_forward

    def roll_forward(*args: Any, **kwargs: Any) -> StorageMutation:
        return dataclasses.replace(right(*args, **kwargs), condition=None)

    return [(record, "roll_forward", roll_forward)]


def _delete_finished_as_update() -> Patches:
    right = record.roll_forward

    def roll_forward(
        table: TransactionalTable, key: tuple[Value, ...], *args: Any, **kwargs: Any
    ) -> StorageMutation:
        mutation = right(table, key, *args, **kwargs)
        if isinstance(mutation, Erase):
            values: Row = {"tx_state": int(TxState.COMMITTED), **table.cleared}
            return Write(table.stored, key, values, mutation.condition)
        return mutation

    return [(record, "roll_forward", roll_forward)]


def _what_was_refused_is_undone_too() -> Patches:
    """A record that was never prepared is put back to what was read of it, whoever has it now."""
    right = record.undo

    def undo(table: TransactionalTable, prepared: Write) -> StorageMutation:
        return dataclasses.replace(right(table, prepared), condition=None)

    async def roll_back(self: OwnRecords) -> None:
        self._refused.clear()
        await right_roll_back(self)

    right_roll_back = OwnRecords.roll_back
    return [(record, "undo", undo), (OwnRecords, "roll_back", roll_back)]


def _undone_from_what_was_to_be() -> Patches:
    """The image put back is the one that prepare wrote, under the old writer's name."""
    right = record.undo

    def undo(table: TransactionalTable, prepared: Write) -> StorageMutation:
        mutation = right(table, prepared)
        if isinstance(mutation, Erase):
            return mutation
        written = {n: v for n, v in prepared.values.items() if n in table.value_columns}
        return dataclasses.replace(mutation, values={**mutation.values, **written})

    return [(record, "undo", undo)]


BUGS: Final[Mapping[str, Bug]] = {
    "rollback keeps the new values": _rollback_restores_nothing,
    "rollback without condition": _rollback_without_condition,
    "roll-forward without condition": _roll_forward_without_condition,
    "delete finished as an update": _delete_finished_as_update,
    "what was refused is undone too": _what_was_refused_is_undone_too,
    "undone to what prepare wrote": _undone_from_what_was_to_be,
}

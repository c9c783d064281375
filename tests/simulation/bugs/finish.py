"""Mistakes in finishing and undoing prepared records."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import record
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


BUGS: Final[Mapping[str, Bug]] = {
    "rollback keeps the new values": _rollback_restores_nothing,
    "rollback without condition": _rollback_without_condition,
    "roll-forward without condition": _roll_forward_without_condition,
    "delete finished as an update": _delete_finished_as_update,
}

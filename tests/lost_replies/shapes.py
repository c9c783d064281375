"""Which conditional writes does the protocol make?

Each shape leaves its records as a writer before it would have left them, then makes one call of
``mutate``: the very mutations that commits and recovery make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Overwrite, StorageMutation

OLD, MINE = "old", "mine"
AT = 1_700_000_000_000


@dataclass(frozen=True)
class Tables:
    """Where the records lie, and the decisions."""

    records: TransactionalTable
    decisions: Table


@dataclass
class Scene:
    """``before``: what is written first. ``call``: the mutations of the one call."""

    before: list[StorageMutation]
    call: list[StorageMutation]
    refused: bool = False

    def __add__(self, other: Scene) -> Scene:
        return Scene(self.before + other.before, self.call + other.call)


def _key(p: int, c: int = 1) -> tuple[Value, ...]:
    return (p, c)


def _committed(table: TransactionalTable) -> Row:
    row: Row = dict.fromkeys(table.stored.schema.other_columns)
    row |= {"balance": 100, "tx_id": OLD, "tx_state": record.COMMITTED, "tx_version": 1}
    return row | {"tx_prepared_at": AT, "tx_committed_at": AT + 1}


def _there(table: TransactionalTable, key: tuple[Value, ...]) -> Write:
    values: Row = {name: one for name, one in _committed(table).items() if one is not None}
    return Write(table.stored, key, values)


def _insertion(tables: Tables, key: tuple[Value, ...]) -> Write:
    return record.prepare(tables.records, key, {"balance": 1}, None, tx_id=MINE, at=AT + 2)


def _change(tables: Tables, key: tuple[Value, ...], balance: int | None) -> Write:
    table = tables.records
    values = None if balance is None else {"balance": balance}
    return record.prepare(table, key, values, _committed(table), tx_id=MINE, at=AT + 2)


def _insert(tables: Tables, p: int, c: int = 1) -> Scene:
    return Scene([], [_insertion(tables, _key(p, c))])


def _insert_onto(tables: Tables, p: int) -> Scene:
    key = _key(p)
    return Scene([_there(tables.records, key)], [_insertion(tables, key)], refused=True)


def _update(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    return Scene([_there(tables.records, key)], [_change(tables, key, 90)])


def _update_of_another(tables: Tables, p: int) -> Scene:
    key = _key(p)
    before: list[StorageMutation] = [
        _there(tables.records, key),
        Write(tables.records.stored, key, {"tx_id": "another", "tx_version": 2}),
    ]
    return Scene(before, [_change(tables, key, 90)], refused=True)


def _delete(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    return Scene([_there(tables.records, key)], [_change(tables, key, None)])


def _forward(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    before: list[StorageMutation] = [_there(tables.records, key), _change(tables, key, 90)]
    return Scene(before, [record.roll_forward(tables.records, key, MINE, AT + 3, deleted=False)])


def _forward_deletion(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    before: list[StorageMutation] = [_there(tables.records, key), _change(tables, key, None)]
    return Scene(before, [record.roll_forward(tables.records, key, MINE, AT + 3, deleted=True)])


def _back(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    change = _change(tables, key, 90)
    row = _committed(tables.records) | change.values
    undo = record.roll_back(tables.records, key, row)
    return Scene([_there(tables.records, key), change], [undo])


def _back_insertion(tables: Tables, p: int, c: int = 1) -> Scene:
    key = _key(p, c)
    change = _insertion(tables, key)
    row: Row = dict.fromkeys(tables.records.stored.schema.other_columns)
    return Scene([change], [record.roll_back(tables.records, key, row | change.values)])


def _over(tables: Tables, key: tuple[Value, ...], balance: int | None) -> Overwrite:
    values = None if balance is None else {"balance": balance}
    return record.prepare_unread(tables.records, key, values, tx_id=MINE, at=AT + 2)


def _unread(tables: Tables, p: int, c: int = 1, balance: int | None = 90) -> Scene:
    key = _key(p, c)
    return Scene([_there(tables.records, key)], [_over(tables, key, balance)])


def _unread_of_another(tables: Tables, p: int) -> Scene:
    key = _key(p)
    before: list[StorageMutation] = [
        _there(tables.records, key),
        Write(tables.records.stored, key, {"tx_id": "another", "tx_state": record.PREPARED}),
    ]
    return Scene(before, [_over(tables, key, 90)], refused=True)


def _unread_of_nothing(tables: Tables, p: int, c: int = 1) -> Scene:
    return Scene([], [_over(tables, _key(p, c), 90)])


def _decision(tables: Tables, p: int) -> Scene:
    values: Row = {"tx_state": record.COMMITTED, "tx_created_at": AT}
    return Scene([], [Write(tables.decisions, (f"lost {p}",), values, if_not_exists)])


SHAPES: Final[dict[str, Callable[[Tables, int], Scene]]] = {
    "prepare-insert": _insert,
    "prepare-insert-refused": _insert_onto,
    "prepare-update": _update,
    "prepare-update-refused": _update_of_another,
    "prepare-delete": _delete,
    "roll-forward": _forward,
    "roll-forward-deletion": _forward_deletion,
    "roll-back": _back,
    "roll-back-insertion": _back_insertion,
    "decision": _decision,
    "prepare-several": lambda t, p: _insert(t, p, 1) + _update(t, p, 2) + _delete(t, p, 3),
    "roll-several-forward": lambda t, p: _forward(t, p, 1) + _forward_deletion(t, p, 2),
    "roll-several-back": lambda t, p: _back(t, p, 1) + _back_insertion(t, p, 2),
}
# Where the storage keeps by itself what it writes over.
OF_UNREAD: Final[dict[str, Callable[[Tables, int], Scene]]] = {
    "prepare-unread": _unread,
    "prepare-unread-refused": _unread_of_another,
    "prepare-unread-of-nothing": _unread_of_nothing,
    "prepare-unread-delete": lambda t, p: _unread(t, p, balance=None),
    "prepare-unread-several": lambda t, p: (
        _unread(t, p, 1) + _unread_of_nothing(t, p, 2) + _update(t, p, 3)
    ),
}

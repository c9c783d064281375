"""How are several records read together? Those of one table by one statement, at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import ScalarTxError, SchemaError, StorageError
from scalar_tx.storage.sql.statements import MOST_TOGETHER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer
    from scalar_tx.storage.sql.connections import Connections, Reader
    from scalar_tx.storage.sql.storage import SqlStorage


def read_many(
    storage: SqlStorage,
    connections: Connections,
    wanted: Sequence[tuple[Table, tuple[Value, ...]]],
) -> list[Answer]:
    """Read records by connections of the pool; one answer for each, in the same order."""

    def alone(table: Table, key: tuple[Value, ...]) -> Answer:
        try:
            return storage.read_record(table, key, connections.read)
        except (StorageError, ScalarTxError) as error:
            return error

    def of_table(table: Table, keys: list[tuple[Value, ...]]) -> Sequence[Answer]:
        try:
            if len(keys) <= MOST_TOGETHER:
                found = _found(storage, table, keys, connections.read)
                if found is not None:
                    return found
            held = connections.moment()  # of several statements
            try:
                return _records(storage, table, keys, held.read)
            finally:
                held.close()
        except SchemaError:  # one of them is unreadable; the others are not
            return [alone(table, key) for key in keys]
        except (StorageError, ScalarTxError) as error:
            return [error] * len(keys)

    return _by_table(wanted, of_table)


def read_many_of_moment(
    storage: SqlStorage, read: Reader, wanted: Sequence[tuple[Table, tuple[Value, ...]]]
) -> list[Answer]:
    """Read records by one held connection; whatever goes wrong is raised."""
    return _by_table(wanted, lambda table, keys: _records(storage, table, keys, read))


def _records(
    storage: SqlStorage, table: Table, keys: list[tuple[Value, ...]], read: Reader
) -> list[Row | None]:
    found = _found(storage, table, keys, read)
    return found or [storage.read_record(table, key, read) for key in keys]


def _found(
    storage: SqlStorage, table: Table, keys: list[tuple[Value, ...]], read: Reader
) -> list[Row | None] | None:
    """The records of these keys; None where it can't be told whose a row is.

    A database may take keys for equal that differ here, or hold one that equals none here.
    """
    found: dict[tuple[Value, ...], Row] = {}
    for start in range(0, len(keys), MOST_TOGETHER):
        for row in storage.read_together(table, keys[start : start + MOST_TOGETHER], read):
            found[table.key_of(row)] = row
    return [found.get(key) for key in keys] if found.keys() <= set(keys) else None


def _by_table(
    wanted: Sequence[tuple[Table, tuple[Value, ...]]],
    read: Callable[[Table, list[tuple[Value, ...]]], Sequence[Answer]],
) -> list[Answer]:
    tables: dict[str, tuple[Table, dict[int, tuple[Value, ...]]]] = {}
    for place, (table, key) in enumerate(wanted):
        tables.setdefault(table.name, (table, {}))[1][place] = key
    answers: dict[int, Answer] = {}
    for table, keys in tables.values():
        answers.update(zip(keys, read(table, list(keys.values())), strict=True))
    return [answers[place] for place in range(len(wanted))]

"""What the tests of the SQLite adapter share: driving it, and looking into its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import traceback
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.sql import cells
from scalar_tx.storage.sqlite.codec import CELLS, ENCODERS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import ScanRequest, StorageMutation
    from scalar_tx.storage.sqlite.storage import SqliteStorage

T = TypeVar("T")

ACCOUNTS = Table(
    "bank.accounts",
    TableSchema({"id": "INT", "balance": "INT", "owner": "TEXT"}, ["id"], (), ["owner"]),
)


def run(steps: Coroutine[Any, Any, T]) -> T:
    """The result of steps that never suspend."""
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise AssertionError("suspended")


def all_pages(storage: SqliteStorage, request: ScanRequest) -> list[list[Row]]:
    """A scan's pages."""
    pages = storage.scan(request)
    found: list[list[Row]] = []
    while (page := run(pages.next_page())) is not None:
        found.append(list(page))
    return found


def all_rows(storage: SqliteStorage, request: ScanRequest) -> list[Row]:
    """A scan's rows."""
    return [row for page in all_pages(storage, request) for row in page]


def mutate(storage: SqliteStorage, *mutations: StorageMutation) -> None:
    """Apply them together."""
    run(storage.mutate(mutations))


def encode(value: Value, data_type: DataType) -> object:
    """A value as it is bound to a statement."""
    encoder = ENCODERS.get(data_type)
    return value if value is None or encoder is None else encoder(value)


def decode(cell: object, data_type: DataType, place: str) -> Value:
    """A cell's value."""
    return cells.decode(CELLS, cell, data_type, place)


def by_hand(
    path: Path, text: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> list[Any]:
    """Run one statement as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(text, parameters).fetchall()


def in_child(check: Callable[[], None]) -> None:
    """Run a check in a child process; limits and users that are set there end with it."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs is a failure too
        code = 1
        try:
            check()
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0


def key_of(table: Table, row: Row) -> tuple[Value, ...]:
    """A row's primary key."""
    return tuple(row[name] for name in table.schema.primary_key)


def others_of(table: Table, row: Row) -> Row:
    """A row without its primary key."""
    return {name: row[name] for name in table.schema.other_columns}

"""SQLite by another driver, which lets Python stand between SQLite and its files.

What the adapter asks of a connection of Python's ``sqlite3``, and nothing more. Errors are those
of ``sqlite3``, with the result code that SQLite gave.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Python's driver sorts result codes into classes; the adapter asks for OperationalError by name.
_CLASSES: Final[dict[int, type[sqlite3.Error]]] = {
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISUSE: sqlite3.InterfaceError,
}


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        code: int = error.extendedresult  # type: ignore[attr-defined]  # apsw's stubs lack it
        kind = _CLASSES.get(code & 0xFF, sqlite3.OperationalError)
        named = kind(str(error) or apsw.mapping_extended_result_codes.get(code, f"code {code}"))
        named.sqlite_errorcode = code
        raise named from error


class Rows:
    """What a statement gave."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class DriverConnection:
    """One connection. ``all_open`` are those that nobody has closed.

    A WAL of ``checkpoint_pages`` is written back after a commit. SQLite does that by itself, and
    does not mind if it fails: the commit stands. Here it is done by hand, since an exception of
    Python would leave SQLite although SQLite has passed over it.
    """

    all_open: ClassVar[set[DriverConnection]] = set()
    failed_checkpoints: ClassVar[int] = 0

    def __init__(
        self, uri: str, vfs: str, busy_ms: int, statements: int, checkpoint_pages: int
    ) -> None:
        flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        with _named():
            self._connection = apsw.Connection(uri, flags, vfs, statements)
        self.all_open.add(self)
        self._connection.set_busy_timeout(busy_ms)
        self._checkpoint_pages = checkpoint_pages
        self._wal_pages = 0
        self._connection.set_wal_hook(self._committed)

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> Rows:
        with _named():
            rows = list(self._connection.execute(text, tuple(parameters)))
            count = self._connection.changes()
        if self._wal_pages >= self._checkpoint_pages:
            self._wal_pages = 0
            try:
                self._connection.wal_checkpoint()
            except apsw.Error:
                DriverConnection.failed_checkpoints += 1
        return Rows(rows, count)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool
    ) -> None:
        self._connection.create_scalar_function(
            name, function, arguments, deterministic=deterministic
        )

    def close(self) -> None:
        self.all_open.discard(self)
        with _named():
            self._connection.close()

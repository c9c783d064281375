"""How does a statement reach the file? The one module that touches the driver.

Connections are in autocommit and hold no snapshot while they lie in the pool: every result is
fetched whole, so its statement has ended. A connection that met an error it can't account for is
closed, or is kept aside if it was at a commit: see ``_keep_aside``.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import like_pattern
from scalar_tx.storage.sqlite.dialect import LIKE_FUNCTION
from scalar_tx.storage.sqlite.errors import driver_error, obstacle_at, storage_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.storage.sql.connections import Cells, Statement
    from scalar_tx.storage.sqlite.settings import SqliteSettings

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)
_STATEMENTS_KEPT: Final = 256  # prepared statements a connection; a table needs about ten
_MOST_IDLE: Final = 16
_FIRST_PAUSE_S: Final = 0.002
_LONGEST_PAUSE_S: Final = 0.1
# What the driver raises: its own errors, and Python's for numbers beyond 64 bits.
_DRIVERS: Final = (sqlite3.Error, OverflowError)
# After these the connection is as it was before; after anything else it is not trusted.
_EXPECTED: Final = (WriteRefusedError, StorageBusyError)


class Session:
    """A running database transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """Read."""
        found: list[Cells] = self._connection.execute(text, parameters).fetchall()
        return found

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Write; how many rows were concerned?"""
        return self._connection.execute(text, parameters).rowcount

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        """``count`` of several, one after the other."""
        return [self.count(text, parameters) for text, parameters in statements]

    def define(self, text: str) -> None:
        """SQLite's definitions are part of the transaction."""
        self._connection.execute(text)


class HeldConnection:
    """A connection whose reads all see the file as it was at the first of them."""

    def __init__(self, pool: FileConnections, connection: sqlite3.Connection) -> None:
        self._pool = pool
        self._connection: sqlite3.Connection | None = connection

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        if self._connection is None:
            raise InvalidOperationError(
                "this view of the file was given back", advice="Take another", code="STX-3304"
            )
        try:
            rows: list[Cells] = self._connection.execute(text, parameters).fetchall()
        except _DRIVERS as error:
            connection, self._connection = self._connection, None
            raise self._pool.named(connection, error) from error
        return rows

    def close(self) -> None:
        """Give the connection back; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.take_back(connection)


class FileConnections:
    """A pool of connections to one file, the last used first. Opens nothing before first use."""

    # A test of durability puts a disk of its own between SQLite and the file here.
    open_file: ClassVar[Callable[..., sqlite3.Connection]] = staticmethod(sqlite3.connect)

    def __init__(self, settings: SqliteSettings) -> None:
        self.path: Final = settings.path
        self.place: Final = f"SQLite file {settings.path}"
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._aside: sqlite3.Connection | None = None
        self._closed = False
        _POOLS.add(self)

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        connection = self._take()
        try:
            rows: list[Cells] = connection.execute(text, parameters).fetchall()
        except _DRIVERS as error:
            raise self._after(connection, error, at_commit=False) from error
        except BaseException as error:
            self._undo(connection, keep=isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        return rows

    def write(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE, durably; how many rows were concerned?"""
        connection = self._take()
        try:
            count = connection.execute(text, parameters).rowcount
        except _DRIVERS as error:
            raise self._after(connection, error, at_commit=True) from error
        except BaseException as error:
            self._undo(connection, keep=isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        self._end_doubt()
        return count

    def transaction(self, steps: Callable[[Session], T], *, keep: bool = True) -> T:
        """Run steps and commit them together; an error undoes all of them.

        ``keep`` False: after an error the connection is closed.
        """
        connection = self._take()
        at_commit = False
        try:
            # IMMEDIATE: waits for its turn here, where nothing has been done. A transaction that
            # begins by reading and writes later may find its snapshot outdated, and must not wait.
            connection.execute("BEGIN IMMEDIATE")
            result = steps(Session(connection))
            at_commit = True
            connection.execute("COMMIT")
        except _DRIVERS as error:
            raise self._after(connection, error, at_commit=at_commit) from error
        except BaseException as error:
            self._undo(connection, keep=keep and isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        self._end_doubt()
        return result

    def moment(self) -> HeldConnection:
        """A connection for several reads of one moment; close it soon, it holds up the WAL."""
        connection = self._take()
        try:
            connection.execute("BEGIN")
        except _DRIVERS as error:
            raise self._after(connection, error, at_commit=False) from error
        except BaseException:
            self._undo(connection, keep=False)
            raise
        return HeldConnection(self, connection)

    def named(self, connection: sqlite3.Connection, error: Exception) -> Exception:
        """What an error of a held connection means; the connection is settled."""
        return self._after(connection, error, at_commit=False)

    def take_back(self, connection: sqlite3.Connection) -> None:
        """End a held connection's transaction, which has written nothing."""
        self._undo(connection, keep=True)

    def close(self) -> None:
        """Close what lies in the pool; connections in use are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            self._close(connection)
        self._end_doubt()

    # The pool.

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._closed:
                raise InvalidOperationError(
                    f"the storage of {self.path} is closed", advice="Connect again", code="STX-3304"
                )
        return self._open()

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        self._close(connection)

    def _after(
        self, connection: sqlite3.Connection, error: Exception, *, at_commit: bool
    ) -> Exception:
        """Undo what was begun, settle what becomes of the connection; the error to raise."""
        meaning = self._named(error, at_commit=at_commit)
        in_doubt = isinstance(meaning, ReplyLostError)
        undone = self._undo(connection, keep=isinstance(meaning, _EXPECTED), in_doubt=in_doubt)
        if at_commit and not undone:
            # "Nothing changed" is only known once the transaction was undone.
            return ReplyLostError(str(meaning))
        return meaning

    def _undo(self, connection: sqlite3.Connection, *, keep: bool, in_doubt: bool = False) -> bool:
        undone = _rolled_back(connection)
        if undone and keep:
            self._give(connection)
        elif undone and in_doubt:
            self._keep_aside(connection)
        else:
            self._close(connection)
        return undone

    def _keep_aside(self, connection: sqlite3.Connection) -> None:
        """Leave a connection open, unused, whose commit failed: nobody must read that commit.

        A sync that failed has dropped what it could not write, while the system goes on showing it.
        As long as somebody has the file open, the failed commit is beyond the end of the WAL and
        the next one is written in its place. Whoever opened the file after the last connection
        was closed would take it for good, and a power failure would undo what it was told.
        """
        with self._lock:
            if not self._closed and self._aside is None:
                self._aside = connection
                return
        self._close(connection)

    def _end_doubt(self) -> None:
        """After a commit that is on the disk, or at the end: nothing needs to be kept aside."""
        if self._aside is None:
            return
        with self._lock:
            aside, self._aside = self._aside, None
        if aside is not None:
            self._close(aside)

    def _named(self, error: Exception, *, at_commit: bool) -> Exception:
        code: int | None = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return driver_error(str(error), self.path)
        return storage_error(str(error), code, self.path, at_commit=at_commit)

    def _close(self, connection: sqlite3.Connection) -> None:
        try:
            connection.close()
        except sqlite3.Error as error:
            _LOG.debug("closing a connection to %s: %s", self.path, error)

    def left_by_parent(self) -> None:
        """After a fork, in the child: begin anew, without touching the parent's connections."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        idle, self._idle = self._idle, []
        aside, self._aside = self._aside, None
        for connection in idle if aside is None else (*idle, aside):
            _keep_for_ever(connection)

    # Opening.

    def _open(self) -> sqlite3.Connection:
        settings = self._settings
        obstacle = obstacle_at(settings.path)
        if obstacle is not None:
            raise obstacle
        mode = "ro" if settings.read_only else "rwc" if settings.create else "rw"
        connection: sqlite3.Connection | None = None
        try:
            connection = self.open_file(
                f"{Path(settings.path).as_uri()}?mode={mode}",
                timeout=settings.busy_timeout_ms / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS_KEPT,
                uri=True,
            )
            self._prepare(connection)
        except BaseException as error:
            if connection is not None:
                self._close(connection)
            if isinstance(error, _DRIVERS):
                raise self._named(error, at_commit=False) from error
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        settings = self._settings
        connection.create_function(LIKE_FUNCTION, 3, _like, deterministic=True)
        pragmas = dict(settings.pragmas)
        if "page_size" in pragmas:
            connection.execute(f"PRAGMA page_size={pragmas.pop('page_size')}")
        if settings.journal_mode is not None and not settings.read_only:
            self._set_journal_mode(connection, settings.journal_mode)
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}").fetchall()
        # Also the first look into the file: says whether it is a database at all.
        ((encoding,),) = connection.execute("PRAGMA encoding").fetchall()
        if encoding != "UTF-8":
            raise StorageUnavailableError(
                f"SQLite file {self.path}: its text encoding is {encoding}",
                advice="Use a file in UTF-8: in another encoding text has another order",
                code="STX-4101",
                retryable=False,
            )

    def _set_journal_mode(self, connection: sqlite3.Connection, wanted: str) -> None:
        """Switch the file unless it is as wanted; processes that open it at once take turns.

        SQLite does not wait by itself for the lock that the switch needs.
        """
        deadline = time.monotonic() + self._settings.busy_timeout_ms / 1000
        pause = _FIRST_PAUSE_S
        found = "as it is"
        while True:
            try:
                ((found,),) = connection.execute("PRAGMA journal_mode").fetchall()
                if found == wanted:
                    return
                connection.execute(f"PRAGMA journal_mode={wanted}").fetchall()
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code == sqlite3.SQLITE_READONLY:
                    # A file that can't be written can be read; a write will say why it can't be.
                    _LOG.info("journal mode of %s stays %s: %s", self.path, found, error)
                    return
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                return


def _rolled_back(connection: sqlite3.Connection) -> bool:
    """Undo an open transaction; False if it could not be undone."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        _LOG.warning("a transaction could not be rolled back: %s", error)
        return False
    return True


def _like(text: object, pattern: str, escape: str) -> bool | None:
    if text is None:
        return None
    return like_pattern(pattern, escape).fullmatch(str(text)) is not None


# A child of fork must not even close what its parent opened: SQLite in the child believes to hold
# the parent's locks, and might fold the WAL into the file under the parent's feet.
_POOLS: Final[weakref.WeakSet[FileConnections]] = weakref.WeakSet()


def _keep_for_ever(connection: sqlite3.Connection) -> None:
    import ctypes

    # Not a list: the interpreter empties those as it ends, and that would close them.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _after_fork() -> None:
    for pool in _POOLS:
        pool.left_by_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

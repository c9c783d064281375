"""Which connection runs a statement, and what becomes of it after an error?

Connections are in autocommit and hold no snapshot while they lie in the pool. One that met an error
that it can't account for is closed, or is kept aside if it was at a commit: see ``_keep_aside``.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import weakref
from typing import TYPE_CHECKING, ClassVar, Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    WriteRefusedError,
)
from scalar_tx.storage.sqlite.combining import Line
from scalar_tx.storage.sqlite.errors import meaning_of
from scalar_tx.storage.sqlite.one_by_one import OneByOne
from scalar_tx.storage.sqlite.opening import close_connection, open_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.storage.sqlite.settings import SqliteSettings

_LOG: Final = logging.getLogger(__name__)
# As many as threads used at once stay open: to open one costs more than to read by it.
_MOST_IDLE: Final = 64
# After these the connection is as it was before; after anything else it is not trusted.
_EXPECTED: Final = (WriteRefusedError, StorageBusyError)
# A wait for the turn that is as long as this is taken off the wait for the file's lock.
_NOTICED_S: Final = 0.1


class FilePool:
    """Connections to one file, the last used first. Opens nothing before first use."""

    # A test of durability puts a disk of its own between SQLite and the file here.
    open_file: ClassVar[Callable[..., sqlite3.Connection]] = staticmethod(sqlite3.connect)

    def __init__(self, settings: SqliteSettings) -> None:
        self.path: Final = settings.path
        self.place: Final = f"SQLite file {settings.path}"
        self._settings = settings
        self._patience_s = settings.busy_timeout_ms / 1000
        self._lock = threading.Lock()
        self._line = self._new_line()
        self._turns = OneByOne()
        self._idle: list[sqlite3.Connection] = []
        self._aside: sqlite3.Connection | None = None
        self._hurried: set[sqlite3.Connection] = set()
        self._closed = False
        _POOLS.add(self)

    def close(self) -> None:
        """Close what lies in the pool; connections in use are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            self._close(connection)
        self._end_doubt()

    def _new_line(self) -> Line:
        return Line(self.place, self._patience_s)

    def _take(self, deadline: float | None = None) -> sqlite3.Connection:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
            if connection is None and self._closed:
                raise InvalidOperationError(
                    f"the storage of {self.path} is closed", advice="Connect again", code="STX-3304"
                )
        if connection is None:
            connection = open_connection(self._settings, self.open_file)
        if deadline is not None:
            self._hurry(connection, deadline)
        return connection

    def _hurry(self, connection: sqlite3.Connection, deadline: float) -> None:
        """Let it wait for locks as long only as its caller has not waited for the turn already."""
        left_s = max(0.0, deadline - time.monotonic())
        if self._patience_s - left_s > _NOTICED_S:
            self._hurried.add(connection)
            connection.execute(f"PRAGMA busy_timeout={round(1000 * left_s)}")

    def _give(self, connection: sqlite3.Connection) -> None:
        if connection in self._hurried:
            connection.execute(f"PRAGMA busy_timeout={self._settings.busy_timeout_ms}")
            self._hurried.discard(connection)
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
        return meaning_of(error, self.path, at_commit=at_commit)

    def _close(self, connection: sqlite3.Connection) -> None:
        self._hurried.discard(connection)
        close_connection(connection, self.path)

    def left_by_parent(self) -> None:
        """After a fork, in the child: begin anew, without touching the parent's connections."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._line = self._new_line()
        self._turns = OneByOne()
        idle, self._idle = self._idle, []
        aside, self._aside = self._aside, None
        for connection in idle if aside is None else (*idle, aside):
            _keep_for_ever(connection)


def _rolled_back(connection: sqlite3.Connection) -> bool:
    """Undo an open transaction; False if it could not be undone."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        _LOG.warning("a transaction could not be rolled back: %s", error)
        return False
    return True


# A child of fork must not even close what its parent opened: SQLite in the child believes to hold
# the parent's locks, and might fold the WAL into the file under the parent's feet.
_POOLS: Final[weakref.WeakSet[FilePool]] = weakref.WeakSet()


def _keep_for_ever(connection: sqlite3.Connection) -> None:
    import ctypes

    # Not a list: the interpreter empties those as it ends, and that would close them.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _after_fork() -> None:
    for pool in _POOLS:
        pool.left_by_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

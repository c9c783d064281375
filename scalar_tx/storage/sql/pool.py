"""Which connection runs a statement, and what becomes of it after an error?

Connections lie in the pool in autocommit: they hold no snapshot and no lock there. A connection
that met an error which does not plainly leave it as it was is closed, never given back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.storage.sql.connections import Cells
    from scalar_tx.storage.sql.driver import Driver, Wire

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)
_OLDEST_S: Final = 1800.0  # a connection is replaced after half an hour, as balancers expect
_FRESH_S: Final = 0.02  # no server restarts in less
DEFAULT_MOST: Final = 32
_NOTHING_DONE: Final = (StorageBusyError, StorageUnavailableError)


class _Connection:
    __slots__ = ("opened", "used", "wire")

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.opened = self.used = time.monotonic()

    def is_fit(self) -> bool:
        """May it be used again? One that answered just now is not asked."""
        now = time.monotonic()
        return now - self.opened < _OLDEST_S and (now - self.used < _FRESH_S or self.wire.is_fit())


class HeldConnection:
    """A connection whose reads all see the database as it was at one moment."""

    def __init__(self, pool: Pool, connection: _Connection) -> None:
        self._pool = pool
        self._connection: _Connection | None = connection

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        connection = self._connection
        if connection is None:
            raise InvalidOperationError(
                "this view of the database was given back", advice="Take another", code="STX-3304"
            )
        try:
            return connection.wire.rows(text, parameters)
        except self._pool.driver.errors as error:
            self._connection = None
            raise self._pool.after(connection, error, at_commit=False, keep=False) from error
        except BaseException:
            self._connection = None
            self._pool.drop(connection)
            raise

    def close(self) -> None:
        """Give the connection back; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.end_moment(connection)


class Pool:
    """Connections to one database, the last used first. Opens nothing before first use.

    At most ``most`` are open at once. Whoever finds all in use waits ``patience_s`` seconds, then
    meets StorageBusyError.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        most: int = DEFAULT_MOST,
        idle: int | None = None,
        patience_s: float,
    ) -> None:
        self.driver: Final = driver
        self.most: Final = most
        self._most_idle = most if idle is None else min(idle, most)
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)  # something was given back, or closed
        self._waiting = 0
        self._idle: list[_Connection] = []
        self._connections: set[_Connection] = set()
        self._open = 0  # those, and those that are being opened
        self._trusted_since = 0.0  # what was opened earlier may lead to a former primary
        self._closed = False
        _POOLS.add(self)

    @property
    def place(self) -> str:
        """The database, as messages name it."""
        return self.driver.place

    @property
    def open_connections(self) -> int:
        """How many are open now, in use or idle."""
        return self._open

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        connection = self._take()
        try:
            rows = connection.wire.rows(text, parameters)
        except self.driver.errors as error:
            raise self.after(connection, error, at_commit=False) from error
        except BaseException as error:
            self._settle(connection, error)
            raise
        self._give(connection)
        return rows

    def write(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE in autocommit; how many rows were concerned?"""
        connection = self._take()
        try:
            count = connection.wire.count(text, parameters)
        except self.driver.errors as error:
            raise self.after(connection, error, at_commit=True) from error
        except BaseException as error:
            self._settle(connection, error)
            raise
        self._give(connection)
        return count

    def transaction(self, steps: Callable[[Wire], T], *, keep: bool = True) -> T:
        """Run steps and commit them together; an error undoes all of them.

        ``keep`` False: after an error the connection is closed, and with it go its locks.
        """
        connection = self._take()
        wire = connection.wire
        at_commit = False
        try:
            wire.begin()
            result = steps(wire)
            at_commit = True
            wire.commit()
        except self.driver.errors as error:
            keep = keep and not at_commit
            at_commit = at_commit or wire.defining
            meaning = self.after(connection, error, at_commit=at_commit, keep=keep)
            if wire.defined and isinstance(meaning, _NOTHING_DONE):
                meaning = ReplyLostError(f"a part was done before this: {meaning}")
            raise meaning from error
        except BaseException as error:
            self._settle(connection, error, keep=keep)
            raise
        self._give(connection)
        return result

    def moment(self) -> HeldConnection:
        """A connection for several reads of one moment; close it soon."""
        connection = self._take()
        try:
            connection.wire.begin_moment()
        except self.driver.errors as error:
            raise self.after(connection, error, at_commit=False, keep=False) from error
        except BaseException:
            self.drop(connection)
            raise
        return HeldConnection(self, connection)

    def end_moment(self, connection: _Connection) -> None:
        """End a held connection's transaction, which has written nothing."""
        try:
            connection.wire.rollback()
        except self.driver.errors as error:
            _LOG.debug("ending a read of %s: %s", self.driver.place, error)
            self.drop(connection)
        except BaseException:
            self.drop(connection)
            raise
        else:
            self._give(connection)

    def close(self) -> None:
        """Close what lies in the pool; connections in use are closed when they come back."""
        with self._lock:
            self._closed = True
            self._freed.notify_all()
        self._drop_idle()

    def drop(self, connection: _Connection) -> None:
        """Close a connection for good."""
        try:
            connection.wire.close()
        except self.driver.errors as error:
            _LOG.debug("closing a connection to %s: %s", self.driver.place, error)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._open -= 1
                self._freed.notify()

    def left_by_parent(self) -> None:
        """After a fork, in the child: begin anew, and leave the parent its connections."""
        self._lock = threading.Lock()  # another thread of the parent may have held the former
        self._freed = threading.Condition(self._lock)
        self._waiting = 0
        for connection in self._connections:
            connection.wire.leave_to_parent()
        _KEPT.extend(self._connections)
        self._connections = set()
        self._idle = []
        self._open = 0

    def _take(self) -> _Connection:
        while True:
            with self._lock:
                idle = self._idle
                connection = idle.pop() if idle else self._from_idle()
                if connection is None:
                    self._open += 1  # a place for the one that is opened below
            if connection is None:
                return self._opened()
            if connection.is_fit():
                return connection
            self.drop(connection)

    def _from_idle(self) -> _Connection | None:
        """An idle connection, or None where one may be opened; the lock is held."""
        deadline: float | None = None
        while True:
            if self._closed:
                raise InvalidOperationError(
                    f"the storage of {self.driver.place} is closed",
                    advice="Connect again",
                    code="STX-3304",
                )
            if self._idle:
                return self._idle.pop()
            if self._open < self.most:
                return None
            if deadline is None:
                deadline = time.monotonic() + self._patience_s
            if not self._wait(deadline - time.monotonic()):
                raise StorageBusyError(
                    f"{self.driver.place}: all {self.most} connections are in use; "
                    "scalar.db.connection_pool.max_total allows more"
                )

    def _wait(self, seconds: float) -> bool:
        """Wait for a connection, or for the place of one; the lock is held."""
        self._waiting += 1
        try:
            return self._freed.wait(seconds)
        finally:
            self._waiting -= 1

    def _opened(self) -> _Connection:
        try:
            connection = _Connection(self.driver.open())
        except BaseException:
            with self._lock:
                self._open -= 1
                self._freed.notify()
            raise
        with self._lock:
            self._connections.add(connection)
        return connection

    def _give(self, connection: _Connection) -> None:
        connection.used = time.monotonic()
        with self._lock:
            trusted = connection.opened >= self._trusted_since
            if trusted and not self._closed and len(self._idle) < self._most_idle:
                self._idle.append(connection)
                if self._waiting:
                    self._freed.notify()
                return
        self.drop(connection)

    def after(
        self, connection: _Connection, error: Exception, *, at_commit: bool, keep: bool = True
    ) -> Exception:
        """Settle what becomes of the connection; the error to raise."""
        meaning = self.driver.explained(error, at_commit=at_commit)
        self._settle(connection, meaning, keep=keep)
        if self.driver.is_demotion(error):
            # The name may lead to another server by now; connections lead where they did.
            with self._lock:
                self._trusted_since = time.monotonic()
            self._drop_idle()
        return meaning

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            self.drop(connection)

    def _settle(
        self, connection: _Connection, meaning: BaseException, *, keep: bool = True
    ) -> None:
        """After an error: undo and give back where it leaves the connection sound, else close."""
        sound = keep and isinstance(meaning, WriteRefusedError | StorageBusyError)
        if sound and self._undone(connection):
            self._give(connection)
        else:
            self.drop(connection)

    def _undone(self, connection: _Connection) -> bool:
        """Undo what an unfinished transaction did; without one nothing happens."""
        try:
            connection.wire.rollback()
        except self.driver.errors as error:
            # The database undoes it as soon as it notices that the connection is gone.
            _LOG.debug("rolling back in %s: %s", self.driver.place, error)
            return False
        return True


_POOLS: Final[weakref.WeakSet[Pool]] = weakref.WeakSet()
# A connection of the parent that the child collected might be ended for the parent too.
_KEPT: Final[list[_Connection]] = []


def _after_fork() -> None:
    with contextlib.suppress(RuntimeError):  # a pool that is being made as the fork happens
        for pool in list(_POOLS):
            pool.left_by_parent()


os.register_at_fork(after_in_child=_after_fork)

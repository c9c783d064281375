"""How does a statement reach the file?

Every result is fetched whole, so that its statement has ended. Calls that write at the same time
share a transaction: see ``combining``.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    WriteRefusedError,
)
from scalar_tx.storage.sqlite.combining import Call
from scalar_tx.storage.sqlite.opening import DRIVERS
from scalar_tx.storage.sqlite.pool import FilePool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.storage.sql.connections import Cells, Statement

T = TypeVar("T")


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
        execute = self._connection.execute
        return [execute(text, parameters).rowcount for text, parameters in statements]

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
        except DRIVERS as error:
            connection, self._connection = self._connection, None
            raise self._pool.named(connection, error) from error
        return rows

    def close(self) -> None:
        """Give the connection back; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.take_back(connection)


class FileConnections(FilePool):
    """Reads and writes of one file, by connections of its pool."""

    def read(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """All rows of one SELECT."""
        connection = self._take()
        try:
            self._turns.enter()
            try:
                rows: list[Cells] = connection.execute(text, parameters).fetchall()
            finally:
                self._turns.leave()
                if self._line.is_busy:
                    self._turns.rest()
        except DRIVERS as error:
            raise self._after(connection, error, at_commit=False) from error
        except BaseException as error:
            self._undo(connection, keep=isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        return rows

    def write(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE, durably; how many rows were concerned?"""
        line = self._line
        try:
            if line.begin():
                return self._write_alone(text, parameters)
            return self._in_line(self._write_call(text, parameters))
        finally:
            line.end()

    def transaction(self, steps: Callable[[Session], T], *, keep: bool = True) -> T:
        """Run steps and commit them together; an error undoes all of them.

        ``keep`` False: they share a transaction with nobody, and after an error the connection is
        closed.
        """
        line = self._line
        try:
            if line.begin():
                return self._transact_alone(steps, keep=keep)
            return self._in_line(self._transaction_call(steps, keep=keep))
        finally:
            line.end()

    def _write_call(self, text: str, parameters: Sequence[object]) -> Call[int]:
        def alone(deadline: float | None) -> int:
            return self._write_alone(text, parameters, deadline)

        def steps(session: Session) -> int:
            return session.count(text, parameters)

        return Call(alone, steps, several=False)

    def _transaction_call(self, steps: Callable[[Session], T], *, keep: bool) -> Call[T]:
        def alone(deadline: float | None) -> T:
            return self._transact_alone(steps, keep=keep, deadline=deadline)

        return Call(alone, steps, several=True, shares=keep)

    def _in_line(self, call: Call[T]) -> T:
        self._turns.rest()
        if not self._line.join(call):
            return call.answer()
        if self._line.has_company(call):
            self._write_together(call)
        return call.answer() if call.answered else call.alone(call.deadline)

    def _write_alone(
        self, text: str, parameters: Sequence[object], deadline: float | None = None
    ) -> int:
        self._turns.rest()
        connection = self._take(deadline)
        try:
            count = connection.execute(text, parameters).rowcount
        except DRIVERS as error:
            raise self._after(connection, error, at_commit=True) from error
        except BaseException as error:
            self._undo(connection, keep=isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        self._end_doubt()
        return count

    def _transact_alone(
        self, steps: Callable[[Session], T], *, keep: bool, deadline: float | None = None
    ) -> T:
        self._turns.rest()
        connection = self._take(deadline)
        at_commit = False
        try:
            # IMMEDIATE: waits for its turn here, where nothing has been done. A transaction that
            # begins by reading and writes later may find its snapshot outdated, and must not wait.
            connection.execute("BEGIN IMMEDIATE")
            result = steps(Session(connection))
            at_commit = True
            connection.execute("COMMIT")
        except DRIVERS as error:
            raise self._after(connection, error, at_commit=at_commit) from error
        except BaseException as error:
            self._undo(connection, keep=keep and isinstance(error, WriteRefusedError))
            raise
        self._give(connection)
        self._end_doubt()
        return result

    def _write_together(self, own: Call[Any]) -> None:
        """Write a call, and those that wait behind it, in one transaction.

        None of them gets an answer where one can't be done together with the others: its error may
        have undone theirs, or be theirs. Each is then written by itself. An error before anything
        was done is the caller's own, and the others wait on.
        """
        connection = self._take(own.deadline)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except DRIVERS as error:
            raise self._after(connection, error, at_commit=False) from error
        except BaseException:
            self._undo(connection, keep=False)
            raise
        line = self._line
        call: Call[Any] | None = own
        at_commit = False
        session = Session(connection)
        try:
            self._turns.enter()
            try:
                while call is not None:
                    self._judge(connection, session, call)
                    call = line.next()
            finally:
                self._turns.leave()
            at_commit = True
            self._turns.rest()
            connection.execute("COMMIT")
        except BaseException as error:
            if at_commit and isinstance(error, DRIVERS):
                self._answer_failed_commit(own, connection, error)
                return
            self._undo(connection, keep=False)
            apart = isinstance(error, Exception)
            if not at_commit:
                line.put_back(share=not apart)
            if at_commit or not apart:
                raise
            return
        self._give(connection)
        self._end_doubt()
        own.answered = True
        line.answer()

    def _judge(self, connection: sqlite3.Connection, session: Session, call: Call[Any]) -> None:
        """Run a call's steps within a transaction; if they are refused, undo them alone."""
        call.error = None
        if call.several:
            connection.execute("SAVEPOINT call")
        try:
            call.result = call.steps(session)
        except WriteRefusedError as refusal:
            call.error = refusal
        except sqlite3.IntegrityError as error:
            meaning = self._named(error, at_commit=False)
            # Somebody's ON CONFLICT ROLLBACK, or a trigger, undoes everything.
            if not isinstance(meaning, WriteRefusedError) or not connection.in_transaction:
                raise
            meaning.__cause__ = error
            call.error = meaning
        if call.several:
            if call.error is not None:
                connection.execute("ROLLBACK TO call")
            connection.execute("RELEASE call")

    def _answer_failed_commit(
        self, own: Call[Any], connection: sqlite3.Connection, error: Exception
    ) -> None:
        meaning = self._after(connection, error, at_commit=True)
        if not isinstance(meaning, ReplyLostError | StorageBusyError):
            self._line.put_back(share=False)
            return

        def same() -> Exception:
            mine = type(meaning)(str(meaning))
            mine.__cause__ = error
            return mine

        own.error = same()
        own.answered = True
        self._line.answer(same)

    def moment(self) -> HeldConnection:
        """A connection for several reads of one moment; close it soon, it holds up the WAL."""
        connection = self._take()
        try:
            connection.execute("BEGIN")
        except DRIVERS as error:
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

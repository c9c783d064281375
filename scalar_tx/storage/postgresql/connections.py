"""How does a statement reach PostgreSQL? The one module that touches the driver.

Connections are in autocommit. Each is told at its beginning how long a statement and a wait for a
lock may last, and shows then whether the server can be relied on: a primary, in UTF-8, that
acknowledges a commit only once it is on the disk. Nobody waits longer for an answer than
``Limits.reply_s``: a server that is stopped says nothing at all.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import pq

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.storage.postgresql.errors import (
    lost_connection,
    not_read,
    not_sent,
    storage_error,
    unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from scalar_tx.storage.postgresql.settings import PostgresqlSettings
    from scalar_tx.storage.sql.pool import Cells

_PREPARED_KEPT: Final = 256  # statements a connection; a table needs about ten
_WAKE_S: Final = 0.5  # how often a wait looks at the clock
_IDLE: Final = pq.TransactionStatus.IDLE
# What a standby's delay leaves open is told as a warning, beside an ordinary answer.
_NOT_REPLICATED: Final = "waiting for synchronous replication"

_PREPARE: Final = (
    "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false), "
    "set_config('idle_in_transaction_session_timeout', %s, false), "
    "set_config('timezone', 'UTC', false), set_config('client_encoding', 'UTF8', false), "
    "set_config('default_transaction_isolation', 'read committed', false), "
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
    "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false), "
    "current_setting('server_encoding'), pg_is_in_recovery(), "
    "current_setting('default_transaction_read_only')"
)


class _NoReply(psycopg.OperationalError):
    """The server did not answer in time; the connection can't be used any more."""


class _Connection(psycopg.Connection["Cells"]):
    """A connection whose waits end."""

    reply_s: float = 0.0  # 0: no end
    doubt: str | None = None  # a warning that an acknowledged write may be lost

    def wait(self, gen: Any, interval: float = _WAKE_S, **others: Any) -> Any:  # type: ignore[override]
        """Let the driver wait, but not for ever."""
        limited = _limited(gen, self.reply_s) if self.reply_s else gen
        return super().wait(limited, interval=interval, **others)


def _limited(gen: Generator[Any, Any, Any], limit_s: float) -> Generator[Any, Any, Any]:
    deadline = time.monotonic() + limit_s
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and time.monotonic() > deadline:
                raise _NoReply(f"no answer within {limit_s:g} s")
            state = gen.send(ready)
    except StopIteration as done:
        return done.value


class PostgresqlWire:
    """One connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._socket = select.poll()
        self._socket.register(connection.fileno(), select.POLLIN | select.POLLHUP)

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """Read."""
        return self._connection.execute(text, parameters, binary=True).fetchall()

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Write; how many rows were concerned?"""
        connection = self._connection
        found = connection.execute(text, parameters).rowcount
        if connection.info.transaction_status == _IDLE:
            self._raise_doubt()
        return found

    def define(self, text: str) -> None:
        """PostgreSQL's definitions are part of the transaction."""
        self._connection.execute(text, ())

    def begin(self) -> None:
        """At READ COMMITTED each statement judges its condition by the newest committed row."""
        self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    def begin_moment(self) -> None:
        """The first statement takes the snapshot; it is of now, so ask one."""
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Commit."""
        self._connection.execute("COMMIT")
        self._raise_doubt()

    def rollback(self) -> None:
        """Undo; without a transaction nothing is asked of the server."""
        if self._connection.info.transaction_status != _IDLE:
            self._connection.execute("ROLLBACK")

    def is_fit(self) -> bool:
        """A server that ended the connection has said so: something is there to be read."""
        return not self._connection.closed and not self._socket.poll(0)

    def close(self) -> None:
        """Close."""
        self._connection.close()

    def _raise_doubt(self) -> None:
        doubt, self._connection.doubt = self._connection.doubt, None
        if doubt is not None:
            raise _NoReply(doubt)


class PostgresqlDriver:
    """Opens connections and explains their errors."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, OverflowError)

    def __init__(self, settings: PostgresqlSettings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        """Host, port and database."""
        return self._settings.address.place

    def open(self) -> PostgresqlWire:
        """A new connection."""
        address, limits = self._settings.address, self._settings.limits
        parameters: dict[str, Any] = {"application_name": "scalar_tx", **self._settings.libpq}
        try:
            connection = _Connection.connect(
                host=address.host,
                port=address.port,
                dbname=address.database,
                user=address.user,
                password=address.password,
                connect_timeout=max(2, round(limits.connect_s)),
                autocommit=True,
                prepare_threshold=self._settings.prepare_threshold,
                **parameters,
            )
        except psycopg.Error as error:
            raise unavailable(str(error), self.place) from error
        try:
            connection.prepared_max = _PREPARED_KEPT
            connection.reply_s = limits.reply_s
            connection.add_notice_handler(
                lambda notice: _take_note(connection, notice.message_primary)
            )
            self._prepare(connection)
        except psycopg.Error as error:
            connection.close()
            raise unavailable(str(error), self.place) from error
        except BaseException:
            connection.close()
            raise
        return PostgresqlWire(connection)

    def _prepare(self, connection: _Connection) -> None:
        limits = self._settings.limits
        statement = str(round(1000 * limits.statement_s))
        # A transaction that is left alone for so long has lost its client.
        forsaken = str(round(2000 * limits.reply_s))
        parameters = (statement, str(round(1000 * limits.lock_s)), forsaken)
        found = connection.execute(_PREPARE, parameters, prepare=False).fetchone()
        assert found is not None  # noqa: S101  # a SELECT without FROM has one row
        *_, encoding, standby, read_only = found
        if encoding != "UTF8":
            raise StorageUnavailableError(
                f"PostgreSQL at {self.place}: the database's encoding is {encoding}",
                advice="Use a database in UTF8: in another encoding some texts can't be held",
                code="STX-4701",
                retryable=False,
            )
        if standby or read_only == "on":
            raise StorageUnavailableError(
                f"PostgreSQL at {self.place}: the server is "
                f"{'a standby, whose reads are old' if standby else 'read only'}",
                advice="Name the primary server",
                code="STX-4701",
            )

    def explained(self, error: Exception, *, at_commit: bool) -> Exception:
        """What an error of a statement means."""
        message = " ".join(str(error).split()) or type(error).__name__
        sqlstate = getattr(error, "sqlstate", None)
        if isinstance(sqlstate, str):
            return storage_error(message, sqlstate, self.place, at_commit=at_commit)
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return lost_connection(message, self.place, at_commit=at_commit)
        if isinstance(error, psycopg.DataError) and not at_commit and "too" in message:
            return not_read(message, self.place)  # a date or time beyond Python's
        if isinstance(error, psycopg.Error | OverflowError) and not isinstance(
            error, psycopg.InternalError
        ):
            return not_sent(message, self.place)
        return lost_connection(message, self.place, at_commit=at_commit)


def _take_note(connection: _Connection, message: str | None) -> None:
    if message is not None and _NOT_REPLICATED in message:
        connection.doubt = message

"""How is a connection to PostgreSQL opened, and what do its errors mean?

Each connection is told at its beginning how long a statement and a wait for a lock may last, and
shows then whether the server can be relied on: a primary, in UTF-8, that acknowledges a commit only
once it is on the disk. Nobody waits longer for an answer than ``Limits.reply_s``: a server that is
stopped says nothing at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.storage.postgresql.errors import (
    lost_connection,
    not_read,
    not_sent,
    stale_plan,
    storage_error,
    unavailable,
)
from scalar_tx.storage.postgresql.wire import (
    PostgresqlWire,
    StalePlanError,
    UnreadableCellError,
)

if TYPE_CHECKING:
    from scalar_tx.storage.postgresql.settings import PostgresqlSettings

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
# Nobody gives up a definition; that its server is gone is noticed by this, within two minutes.
_KEEPALIVES: Final[dict[str, Any]] = {
    "keepalives_idle": 60,
    "keepalives_interval": 15,
    "keepalives_count": 4,
}


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
        parameters = {"application_name": "scalar_tx", **_KEEPALIVES, **self._settings.libpq}
        try:
            connection: psycopg.Connection[Any] = psycopg.connect(
                host=address.host,
                port=address.port,
                dbname=address.database,
                user=address.user,
                password=address.password,
                connect_timeout=max(2, round(limits.connect_s)),
                autocommit=True,
                **parameters,
            )
        except psycopg.Error as error:
            raise unavailable(str(error), self.place) from error
        try:
            wire = PostgresqlWire(
                connection, reply_s=limits.reply_s, threshold=self._settings.prepare_threshold
            )
            self._prepare(wire)
        except psycopg.Error as error:
            connection.close()
            raise unavailable(str(error), self.place) from error
        except BaseException:
            connection.close()
            raise
        return wire

    def _prepare(self, wire: PostgresqlWire) -> None:
        limits = self._settings.limits
        statement = str(round(1000 * limits.statement_s))
        # A transaction that is left alone for so long has lost its client.
        forsaken = str(round(2000 * limits.reply_s))
        parameters = (statement, str(round(1000 * limits.lock_s)), forsaken)
        ((*_, encoding, standby, read_only),) = wire.rows(_PREPARE, parameters)
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

    def is_demotion(self, error: Exception) -> bool:
        """Does the server take no writes?"""
        return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)

    def explained(self, error: Exception, *, at_commit: bool) -> Exception:
        """What an error of a statement means."""
        message = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, StalePlanError):
            return stale_plan(message, self.place)
        sqlstate = getattr(error, "sqlstate", None)
        if isinstance(sqlstate, str):
            return storage_error(message, sqlstate, self.place, at_commit=at_commit)
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return lost_connection(message, self.place, at_commit=at_commit)
        if isinstance(error, UnreadableCellError):
            return not_read(message, self.place)  # a date or time beyond Python's
        if isinstance(error, psycopg.Error | OverflowError) and not isinstance(
            error, psycopg.InternalError
        ):
            return not_sent(message, self.place)
        return lost_connection(message, self.place, at_commit=at_commit)

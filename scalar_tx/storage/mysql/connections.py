"""How does a statement reach MySQL? The one module that touches the driver.

The driver is PyMySQL: pure Python, so it installs without MySQL's C library, and its time-outs are
those of the socket, so nobody waits for ever for a server that says nothing. Connections are in
autocommit. Each is told at its beginning what the library relies on: strict types, the wall clock
of UTC, READ COMMITTED (a statement judges its condition by the newest committed row and locks no
gaps), and how long it may wait for a lock.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pymysql
from pymysql.constants import CLIENT, CR, ER, SERVER_STATUS

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.storage.mysql.codec import SORTS_BY
from scalar_tx.storage.mysql.errors import lost_connection, not_sent, storage_error, unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.mysql.settings import MysqlSettings, Tls
    from scalar_tx.storage.sql.connections import Cells, Statement

_SQL_MODE: Final = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
# The one is set on replicas, the other on Aurora's readers.
_IS_READ_ONLY: Final = "SELECT @@global.read_only, @@global.innodb_read_only"
_WHO: Final = "SELECT VERSION(), @@global.read_only, @@global.innodb_read_only"
_OFF: Final = (0, "OFF")
_READ_ONLY: Final = frozenset({ER.OPTION_PREVENTS_STATEMENT, 1836})  # 1836: in read-only mode
# After a switchover a connection still leads to the former primary.
_ASK_AGAIN_S: Final = 5.0
# Nobody gives up a definition; that its server is gone is noticed by this, within two minutes.
_KEEPALIVES: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
_BEGIN: Final = ("START TRANSACTION",)
# Statements that travel together; servers take packets of 16 MiB and more.
_PACKET_SIGNS: Final = 1 << 18


class MysqlWire:
    """One connection. ``unlimited`` begins a definition that may take as long as it does."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.unlimited = ""
        self.defining = False
        self.defined = False
        self._begin: Sequence[str] = ()  # said with the next statement
        self._asked = time.monotonic()  # when the server said last that it can be written
        self._socket = select.poll()
        self._socket.register(connection._sock.fileno(), select.POLLIN | select.POLLHUP)  # noqa: SLF001

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        """Read; now and then the server is asked, on the way, whether it is a primary yet.

        A write needs no such question: a server that is read only refuses it.
        """
        if time.monotonic() - self._asked > _ASK_AGAIN_S:
            self._begin = (_IS_READ_ONLY, *self._begin)
        return list(self._run(text, parameters).fetchall())

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        """Write; how many rows were found?"""
        return int(self._run(text, parameters).rowcount)

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        """Write them one after the other, as few packets; the first error ends it."""
        cursor = self._connection.cursor()
        found: list[int] = []
        begin, packet, size = self._taken_begin(), [], 0
        for text, parameters in statements:
            packet.append(cursor.mogrify(text, tuple(parameters)))
            size += len(packet[-1])
            if size > _PACKET_SIGNS:
                found += self._counts_of(cursor, begin, packet)
                begin, packet, size = (), [], 0
        if packet:
            found += self._counts_of(cursor, begin, packet)
        return found

    def _counts_of(self, cursor: Any, begin: Sequence[str], packet: Sequence[str]) -> list[int]:
        cursor.execute(";".join((*begin, *packet)))
        counts = [int(cursor.rowcount)]
        while cursor.nextset():
            counts.append(int(cursor.rowcount))
        return counts[len(begin) :]

    def _run(self, text: str, parameters: Sequence[object] = ()) -> Any:
        cursor = self._connection.cursor()
        # A packet is executed up to its first error, so nothing runs outside of its transaction.
        begin = self._taken_begin()
        cursor.execute(";".join((*begin, cursor.mogrify(text, tuple(parameters)))))
        for said in begin:
            if said is _IS_READ_ONLY:
                self._hear(cursor.fetchall())
            cursor.nextset()
        return cursor

    def _hear(self, rows: Sequence[Cells]) -> None:
        if any(found not in _OFF for found in rows[0]):
            raise pymysql.err.OperationalError(
                ER.OPTION_PREVENTS_STATEMENT, "the server has become read only, as replicas are"
            )
        self._asked = time.monotonic()

    def _taken_begin(self) -> Sequence[str]:
        begin, self._begin = self._begin, ()
        return begin

    def define(self, text: str) -> None:
        """Every definition commits; what follows is a transaction anew.

        An index takes the time that its rows need. Waits for locks are bounded as ever.
        """
        self._begin = ()
        self.defining = True
        patience_s, self._connection._read_timeout = self._connection._read_timeout, None  # noqa: SLF001
        try:
            self._run(self.unlimited + text)
        finally:
            self._connection._read_timeout = patience_s  # noqa: SLF001
        self.defined = True
        self._begin = _BEGIN

    def begin(self) -> None:
        """Begin, in the packet of the first statement; READ COMMITTED, as the session says."""
        self.defining = self.defined = False
        self._begin = _BEGIN

    def begin_moment(self) -> None:
        """Begin, in the packet of the first statement: a snapshot of then."""
        self.defining = self.defined = False
        self._begin = (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )

    def commit(self) -> None:
        """Commit; of a transaction without a statement there is nothing to be said."""
        if not self._taken_begin():
            self._run("COMMIT")

    def rollback(self) -> None:
        """Undo; without a transaction nothing is asked of the server."""
        self._begin = ()
        if self._connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            self._run("ROLLBACK")

    def is_fit(self) -> bool:
        """A server that ended the connection has said so: something is there to be read."""
        return bool(self._connection.open) and not self._socket.poll(0)

    def close(self) -> None:
        """Close."""
        self._connection._force_close()  # noqa: SLF001  # without a farewell that may block

    def leave_to_parent(self) -> None:
        """Close the descriptor; the end of TLS would be said to the server."""
        with suppress(OSError):
            if self._connection.open:
                os.close(self._connection._sock.detach())  # noqa: SLF001


class MysqlDriver:
    """Opens connections and explains their errors."""

    errors: tuple[type[Exception], ...] = (pymysql.err.MySQLError, OverflowError, OSError)

    def __init__(self, settings: MysqlSettings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        """Host, port and database."""
        return self._settings.address.place

    def open(self) -> MysqlWire:
        """A new connection."""
        address, limits = self._settings.address, self._settings.limits
        connection: Any = None
        try:
            connection = pymysql.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=(address.password or "").encode(),  # a str would be sent in Latin 1
                database=address.database or None,
                charset="utf8mb4",
                autocommit=True,
                client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
                binary_prefix=True,
                connect_timeout=max(1, round(limits.connect_s)),
                read_timeout=limits.connect_s,  # of the greeting and the log-in
                write_timeout=limits.reply_s,
                ssl=_tls_context(self._settings.tls),
                ssl_disabled=self._settings.tls.off,
            )
            connection._read_timeout = limits.reply_s  # noqa: SLF001
            _keep_alive(connection._sock)  # noqa: SLF001
            wire = MysqlWire(connection)
            self._prepare(wire)
        except BaseException as error:
            if connection is not None:
                connection._force_close()  # noqa: SLF001
            # A RuntimeError says that the server's way of logging in needs a further package.
            if isinstance(error, (*self.errors, RuntimeError)):
                message, code = _said(error)
                # The driver takes a certificate that it does not trust for a server out of reach.
                if isinstance(getattr(error, "original_exception", error), ssl.SSLError):
                    code = CR.CR_SSL_CONNECTION_ERROR
                raise unavailable(message, code, self.place) from error
            raise
        return wire

    def _prepare(self, wire: MysqlWire) -> None:
        limits = self._settings.limits
        lock_s = max(1, int(limits.lock_s))
        ((version, *read_only),) = wire.rows(_WHO)
        settings = [
            f"sql_mode='{_SQL_MODE}'",
            "time_zone='+00:00'",
            f"max_sort_length={SORTS_BY}",
            f"innodb_lock_wait_timeout={lock_s}",
            f"lock_wait_timeout={lock_s}",
        ]
        mariadb = "mariadb" in version.lower()
        if mariadb:
            settings.append(f"max_statement_time={limits.statement_s:g}")
            wire.unlimited = "SET STATEMENT max_statement_time=0 FOR "
        else:  # of reads only
            settings.append(f"max_execution_time={round(1000 * limits.statement_s)}")
        # A transaction that is left alone for so long has lost its client: let its locks go. MySQL
        # knows only connections that are left alone; the pool opens another in their place.
        forsaken = "idle_transaction_timeout" if mariadb else "wait_timeout"
        settings.append(f"{forsaken}={max(1, round(2 * limits.reply_s))}")
        wire.count("SET SESSION " + ",".join(settings))
        wire.count("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        if any(found not in _OFF for found in read_only):
            raise StorageUnavailableError(
                f"MySQL at {self.place}: the server is read only, as replicas are",
                advice="Name the primary server",
                code="STX-4751",
            )

    def is_demotion(self, error: Exception) -> bool:
        """Is the server read only?"""
        return _said(error)[1] in _READ_ONLY

    def explained(self, error: Exception, *, at_commit: bool) -> Exception:
        """What an error of a statement means."""
        message, code = _said(error)
        if code:
            return storage_error(message, code, self.place, at_commit=at_commit)
        if isinstance(error, pymysql.err.ProgrammingError | OverflowError):
            return not_sent(message, self.place)  # before anything was sent
        return lost_connection(message, self.place, at_commit=at_commit)


def _keep_alive(line: socket.socket) -> None:
    for name, value in _KEEPALIVES.items():
        if hasattr(socket, name):  # not on every system
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _said(error: BaseException) -> tuple[str, int]:
    arguments = error.args
    if arguments and isinstance(arguments[0], int) and isinstance(error, pymysql.err.MySQLError):
        return str(arguments[1]) if len(arguments) > 1 else type(error).__name__, arguments[0]
    return str(error) or type(error).__name__, 0


def _tls_context(tls: Tls) -> ssl.SSLContext | None:
    if tls.verify is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.authority)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        files = ", ".join(file for file in (tls.authority, tls.certificate, tls.key) if file)
        raise pymysql.err.OperationalError(
            CR.CR_SSL_CONNECTION_ERROR, f"{files}: {error}"
        ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

"""How safe are the data in this MySQL or MariaDB server, and what does it cost to use it?

Only variables are read; nothing is changed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, ScalarTxError, StorageBusyError
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.storage.mysql.catalog import exact_collation
from scalar_tx.storage.mysql.connections import MysqlDriver
from scalar_tx.storage.mysql.opening import CLOCK
from scalar_tx.storage.mysql.settings import mysql_settings

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.sql.driver import Wire

_VARIABLES: Final = (
    "SELECT VERSION(), @@global.innodb_flush_log_at_trx_commit, @@global.sync_binlog, "
    "@@global.log_bin, @@global.binlog_format, @@global.innodb_doublewrite, "
    "@@global.collation_server, @@global.max_connections, @@global.max_allowed_packet"
)
_ON: Final = frozenset({1, "1", "ON", "on"})


def examine(settings: StorageSettings) -> Examination:
    """The state of the server. SettingsError: the contact point can't be read."""
    found = mysql_settings(settings)
    driver = MysqlDriver(found)
    try:
        wire = driver.open()
    except ScalarTxError as error:
        return Examination((Finding("server", Verdict.BAD, error.message, error.advice),))
    try:
        return Examination(
            tuple(_findings(wire, driver.place, found.access.most)), clock_ahead_ms=_clock(wire)
        )
    except driver.errors as error:
        explained = driver.explained(error, at_commit=False)
        advice = "Try again" if isinstance(explained, StorageBusyError) else "See the server's log"
        return Examination((Finding("server", Verdict.BAD, str(explained), advice),))
    finally:
        wire.close()


def _clock(wire: Wire) -> float:
    before = time.time()
    ((theirs,),) = wire.rows(CLOCK)
    after = time.time()
    return 1000 * (float(theirs) - (before + after) / 2)


def _findings(wire: Wire, place: str, most: int) -> list[Finding]:
    (row,) = wire.rows(_VARIABLES)
    version, flush, sync, logged, form, double, collation, connections, packet = row
    return [
        Finding("MySQL", Verdict.NOTE, f"version {version}"),
        Finding("server", Verdict.GOOD, place),
        _durability(int(flush), double),
        _binary_log(logged in _ON, int(sync), str(form)),
        _texts(str(version), str(collation)),
        _connections(most, int(connections)),
        Finding("statements", Verdict.NOTE, f"a statement holds at most {int(packet):,} bytes"),
    ]


def _durability(flush: int, double: object) -> Finding:
    text = f"innodb_flush_log_at_trx_commit={flush}, innodb_doublewrite={double}"
    if flush != 1:
        return Finding(
            "durability",
            Verdict.BAD,
            f"{text}: a crash can lose the commits of the last second",
            "Set innodb_flush_log_at_trx_commit=1",
        )
    return Finding("durability", Verdict.GOOD, f"{text}: a commit survives a power failure")


def _binary_log(logged: bool, sync: int, form: str) -> Finding:  # noqa: FBT001
    if not logged:
        return Finding("binary log", Verdict.NOTE, "off: the server has no replicas")
    text = f"binlog_format={form}, sync_binlog={sync}"
    if form.upper() == "STATEMENT":
        return Finding(
            "binary log",
            Verdict.BAD,
            f"{text}: writes at READ COMMITTED are refused",
            "Set binlog_format=ROW or MIXED",
        )
    if sync != 1:
        return Finding(
            "binary log",
            Verdict.WARNING,
            f"{text}: after a crash replicas may hold other rows than this server",
            "Set sync_binlog=1",
        )
    return Finding("binary log", Verdict.GOOD, text)


def _texts(version: str, collation: str) -> Finding:
    try:
        exact = exact_collation(version)
    except InvalidOperationError as error:
        return Finding("text", Verdict.BAD, error.message, error.advice)
    text = f"the server's collation is {collation}; tables made here have {exact}"
    if collation == exact:
        return Finding("text", Verdict.GOOD, text)
    return Finding(
        "text",
        Verdict.WARNING,
        f"{text}. Tables that other programs make with text keys can't be opened",
        f"Set collation_server={exact}, so that unlike texts are unlike keys",
    )


def _connections(most: int, allowed: int) -> Finding:
    text = f"this process opens up to {most} connections, the server allows {allowed}"
    if most > allowed:
        return Finding(
            "connections",
            Verdict.WARNING,
            text,
            "Lower scalar.db.connection_pool.max_total or raise max_connections",
        )
    return Finding("connections", Verdict.GOOD, text)

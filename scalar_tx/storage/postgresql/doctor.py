"""How safe are the data in this PostgreSQL server, and what does it cost to use it?

Only settings and the catalog are read; nothing is changed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ScalarTxError, StorageBusyError
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.storage.postgresql.connections import PostgresqlDriver
from scalar_tx.storage.postgresql.opening import CLOCK
from scalar_tx.storage.postgresql.settings import postgresql_settings

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.sql.driver import Wire

_SETTINGS: Final = (
    "SELECT version(), current_setting('fsync'), current_setting('full_page_writes'), "
    "s.reset_val, current_setting('synchronous_standby_names'), "
    "current_setting('max_connections'), datcollate, to_jsonb(d)->>'datlocprovider' "
    "FROM pg_database d, pg_settings s "
    "WHERE datname=current_database() AND s.name='synchronous_commit'"
)


def examine(settings: StorageSettings) -> Examination:
    """The state of the server. SettingsError: the contact point can't be read."""
    found = postgresql_settings(settings)
    driver = PostgresqlDriver(found)
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
    return float(1000 * (theirs - (before + after) / 2))


def _findings(wire: Wire, place: str, most: int) -> list[Finding]:
    (row,) = wire.rows(_SETTINGS)
    version, fsync, pages, commit, standbys, connections, collation, provider = row
    return [
        Finding("PostgreSQL", Verdict.NOTE, str(version).partition(",")[0]),
        Finding("server", Verdict.GOOD, place),
        _durability(fsync, pages, commit),
        _standbys(standbys),
        _order(str(collation), provider),
        _connections(most, int(connections)),
    ]


def _durability(fsync: str, pages: str, commit: str) -> Finding:
    text = f"fsync={fsync}, full_page_writes={pages}, synchronous_commit={commit}"
    if fsync != "on" or pages != "on":
        return Finding(
            "durability",
            Verdict.BAD,
            f"{text}: a power failure can lose commits or damage the database",
            "Set fsync=on and full_page_writes=on in postgresql.conf",
        )
    if commit == "off":
        return Finding(
            "durability",
            Verdict.WARNING,
            f"{text}: commits of other programs may be lost in a crash; this library's are made "
            "with synchronous_commit=on",
            "Set synchronous_commit=on in postgresql.conf: Java programs share these tables",
        )
    return Finding("durability", Verdict.GOOD, f"{text}: a commit survives a power failure")


def _standbys(names: str) -> Finding:
    if names:
        return Finding("replication", Verdict.GOOD, f"commits wait for standbys: {names}")
    return Finding(
        "replication",
        Verdict.NOTE,
        "synchronous_standby_names is empty: a failover to a standby can lose commits",
        "Name a synchronous standby if the server is replaced by one when it fails",
    )


def _order(collation: str, provider: object) -> Finding:
    text = f"the database's collation is {collation}"
    if provider == "b" or (provider in ("c", None) and collation in ("C", "POSIX")):
        return Finding("text order", Verdict.GOOD, f"{text}: indexes serve text in order")
    return Finding(
        "text order",
        Verdict.NOTE,
        f'{text}: text is ordered by COLLATE "C", and ranges of text keys can\'t use the index',
        "Create the database with LC_COLLATE 'C' where tables have text clustering keys",
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

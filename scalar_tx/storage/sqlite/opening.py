"""How is a file opened?"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.conditions import like_pattern
from scalar_tx.storage.sqlite.dialect import LIKE_FUNCTION
from scalar_tx.storage.sqlite.errors import meaning_of, obstacle_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.storage.sqlite.settings import SqliteSettings

_LOG: Final = logging.getLogger(__name__)
_STATEMENTS_KEPT: Final = 256  # prepared statements a connection; a table needs about ten
_FIRST_PAUSE_S: Final = 0.002
_LONGEST_PAUSE_S: Final = 0.1
# What the driver raises: its own errors, and Python's for numbers beyond 64 bits.
DRIVERS: Final = (sqlite3.Error, OverflowError)


def open_connection(
    settings: SqliteSettings, open_file: Callable[..., sqlite3.Connection]
) -> sqlite3.Connection:
    """A connection in autocommit; ``open_file`` is the driver's. Errors are those of a read."""
    obstacle = obstacle_at(settings.path)
    if obstacle is not None:
        raise obstacle
    mode = "ro" if settings.read_only else "rwc" if settings.create else "rw"
    connection: sqlite3.Connection | None = None
    try:
        connection = open_file(
            f"{Path(settings.path).as_uri()}?mode={mode}",
            timeout=settings.busy_timeout_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS_KEPT,
            uri=True,
        )
        _prepare(connection, settings)
    except BaseException as error:
        if connection is not None:
            close_connection(connection, settings.path)
        if isinstance(error, DRIVERS):
            raise meaning_of(error, settings.path, at_commit=False) from error
        raise
    return connection


def close_connection(connection: sqlite3.Connection, path: str) -> None:
    """Close a connection for good."""
    try:
        connection.close()
    except sqlite3.Error as error:
        _LOG.debug("closing a connection to %s: %s", path, error)


def _prepare(connection: sqlite3.Connection, settings: SqliteSettings) -> None:
    connection.create_function(LIKE_FUNCTION, 3, _like, deterministic=True)
    pragmas = dict(settings.pragmas)
    if "page_size" in pragmas:
        connection.execute(f"PRAGMA page_size={pragmas.pop('page_size')}")
    if settings.journal_mode is not None and not settings.read_only:
        _set_journal_mode(connection, settings, settings.journal_mode)
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}").fetchall()
    # Also the first look into the file: says whether it is a database at all.
    ((encoding,),) = connection.execute("PRAGMA encoding").fetchall()
    if encoding != "UTF-8":
        raise StorageUnavailableError(
            f"SQLite file {settings.path}: its text encoding is {encoding}",
            advice="Use a file in UTF-8: in another encoding text has another order",
            code="STX-4101",
            retryable=False,
        )


def _set_journal_mode(
    connection: sqlite3.Connection, settings: SqliteSettings, wanted: str
) -> None:
    """Switch the file unless it is as wanted; processes that open it at once take turns.

    SQLite does not wait by itself for the lock that the switch needs.
    """
    deadline = time.monotonic() + settings.busy_timeout_ms / 1000
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
                _LOG.info("journal mode of %s stays %s: %s", settings.path, found, error)
                return
            if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        else:
            return


def _like(text: object, pattern: str, escape: str) -> bool | None:
    if text is None:
        return None
    return like_pattern(pattern, escape).fullmatch(str(text)) is not None

"""What does a line of the log look like? One line an event, whatever its text holds.

``SCALAR_DB_LOG_LEVEL`` sets the level, as in ScalarDB's containers (operators' expectations 5.5).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# The id of the transaction that is served; each call of a node is served in a context of its own.
TRANSACTION: Final[ContextVar[str | None]] = ContextVar("scalar_tx transaction", default=None)

LEVEL_VARIABLE: Final = "SCALAR_DB_LOG_LEVEL"
# Java's words, and Python's.
_LEVELS: Final = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "CRITICAL": logging.CRITICAL,
    "OFF": logging.CRITICAL + 1,
}


class OneLine(logging.Formatter):
    """Text for people, an event a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, process, logger, text; in parentheses the transaction's id."""
        text = record.getMessage()
        tx_id = TRANSACTION.get()
        if tx_id is not None and tx_id not in text:
            text += f" (transaction {tx_id})"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        head = f"{_time(record)} {record.levelname:<7} {self._process} {record.name}: "
        return head + text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


class JsonLine(logging.Formatter):
    """An object of JSON an event."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """``time``, ``level``, ``process``, ``logger``, ``message``.

        ``transaction`` where one is served, and an ``exception``.
        """
        event = {
            "time": _time(record),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        tx_id = TRANSACTION.get()
        if tx_id is not None:
            event["transaction"] = tx_id
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event)


def log_to_stderr(log_format: str, process: str) -> None:
    """Write this process's log to standard error; ``log_format`` is text or json."""
    lines = _lines(log_format, process)
    wanted = _wanted_level()
    logging.basicConfig(level=_LEVELS.get(wanted, logging.INFO), handlers=[lines], force=True)
    logging.captureWarnings(capture=True)
    for chatty in ("asyncio", "aiohttp.access", "cassandra", "botocore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if wanted and wanted not in _LEVELS:
        logging.getLogger("scalar_tx.observe").warning(
            "%s is %r, which is no level; it takes %s", LEVEL_VARIABLE, wanted, ", ".join(_LEVELS)
        )


@contextmanager
def one_log_to_stderr(name: str, log_format: str, process: str) -> Iterator[None]:
    """Meanwhile write this logger's lines as a node writes them, and those of no other.

    For a command: what is told to those who watch is told there too, and people see no more.
    """
    log, lines = logging.getLogger(name), _lines(log_format, process)
    level = log.level
    log.addHandler(lines)
    log.setLevel(_LEVELS.get(_wanted_level(), logging.INFO))
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(lines)


def _lines(log_format: str, process: str) -> logging.Handler:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLine(process) if log_format == "json" else OneLine(process))
    return lines


def _wanted_level() -> str:
    return os.environ.get(LEVEL_VARIABLE, "").strip().upper()


def _time(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"

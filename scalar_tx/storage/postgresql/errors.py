"""What does an error of PostgreSQL mean for the operation it struck?

PostgreSQL answers a statement with an error only where it undid the statement, and COMMIT with an
error only where it did not commit: from the commit record on, it fails by ending the connection.
So what a server says of a statement is certain, and what a lost connection leaves open is not.
"""

from __future__ import annotations

from typing import Final

from scalar_tx.errors import (
    InvalidOperationError,
    SchemaError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.storage.sql.meanings import (
    CHECK_CALL,
    UNMET,
    Case,
    Meaning,
    error_of,
    no_such_column,
    no_such_table,
)


def _same(name: str, meaning: Meaning, advice: str, *, retryable: bool = False) -> Case:
    return Case(name, meaning, meaning, advice, retryable)


def _cut(name: str, advice: str) -> Case:
    """The connection or the server ended: before a commit nothing was done."""
    return Case(name, Meaning.UNAVAILABLE, Meaning.LOST, advice)


_RERUN: Final = "Try again"
_SERVER: Final = "Check the server and its log, then begin again"
_ROOM: Final = "Give the server more room, or open fewer connections"
_SESSIONS: Final = "Let the pooler between hand out whole sessions"
_TRIGGERS: Final = "See what the table's triggers demand"

# By SQLSTATE.
CASES: Final[dict[str, Case]] = {
    "08001": _same("cannot connect", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    "08003": _cut("connection does not exist", _SERVER),
    "08004": _same("connection rejected", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    "23505": _same("unique violation", Meaning.REFUSED, CHECK_CALL),
    "25006": _same(
        "read only", Meaning.UNAVAILABLE, "Name the primary server; a standby can't be written"
    ),
    "25P03": _same("idle in transaction too long", Meaning.UNAVAILABLE, _RERUN, retryable=True),
    "26000": _same("prepared statement unknown", Meaning.BUSY, _SESSIONS),
    "42P05": _same("prepared statement exists", Meaning.BUSY, _SESSIONS),
    "40003": _cut("statement completion unknown", _SERVER),
    "42501": _same(
        "insufficient privilege", Meaning.UNAVAILABLE, "Grant this user what the statement needs"
    ),
    "55006": _same("object in use", Meaning.BUSY, _RERUN),
    "55P03": _same("lock not available", Meaning.BUSY, _RERUN),
    "57014": _same("statement cancelled or over its time", Meaning.BUSY, _RERUN),
    "57P01": _cut("administrator's shutdown", _SERVER),
    "57P02": _cut("crash shutdown", _SERVER),
    "57P03": _same("not accepting connections yet", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    "57P04": _cut("database dropped", _SERVER),
    # Only an idle connection ends so; what was sent to it was not read.
    "57P05": _same("idle too long", Meaning.UNAVAILABLE, _RERUN, retryable=True),
    "72000": _same("snapshot too old", Meaning.BUSY, _RERUN),
}
# By the class, the first two signs, of those not named above.
CLASSES: Final[dict[str, Case]] = {
    "08": _cut("connection exception", _SERVER),
    "0A": _same("not supported", Meaning.WRONG, CHECK_CALL),
    "21": _same("cardinality", Meaning.WRONG, CHECK_CALL),
    "22": _same("data exception", Meaning.WRONG, CHECK_CALL),
    "23": _same("constraint", Meaning.WRONG, "Remove the constraint from the table, or obey it"),
    "24": _same("cursor state", Meaning.WRONG, CHECK_CALL),
    "25": _same("transaction state", Meaning.UNAVAILABLE, _RERUN, retryable=True),
    "27": _same("changed by a trigger", Meaning.WRONG, _TRIGGERS),
    "28": _same("authorization", Meaning.UNAVAILABLE, "Correct user and password"),
    "2F": _same("function", Meaning.WRONG, _TRIGGERS),
    "38": _same("external function", Meaning.WRONG, _TRIGGERS),
    "39": _same("call of a function", Meaning.WRONG, _TRIGGERS),
    "3D": _same("no such database", Meaning.UNAVAILABLE, "Correct the database in the URL"),
    "40": _same("transaction rolled back", Meaning.BUSY, _RERUN),
    "42": _same("definition or access", Meaning.WRONG, CHECK_CALL),
    "44": _same("check option", Meaning.WRONG, CHECK_CALL),
    "53": _same("insufficient resources", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    "54": _same("program limit", Meaning.WRONG, "Store smaller keys and values"),
    "55": _same("object state", Meaning.WRONG, CHECK_CALL),
    "57": _cut("operator intervention", _SERVER),
    "58": _cut("system error", "Check the server's disks and its log"),
    "F0": _same("configuration file", Meaning.UNAVAILABLE, _SERVER),
    "P0": _same("raised by a procedure", Meaning.WRONG, _TRIGGERS),
    "XX": _cut("internal error", _SERVER),
}
# A code that is not listed can't be placed.
UNKNOWN: Final = _cut("unknown", "See the cause of this error")

_NO_TABLE: Final = frozenset({"42P01", "3F000"})
_NO_COLUMN: Final = "42703"
_BAD_CONVERSION: Final = "22P02"
_STALE_PLAN: Final = _same("the table was changed", Meaning.BUSY, _RERUN)
_CODE: Final = "STX-4701"


def case_of(sqlstate: str) -> Case:
    """The case of a SQLSTATE."""
    return CASES.get(sqlstate) or CLASSES.get(sqlstate[:2], UNKNOWN)


def storage_error(message: str, sqlstate: str, place: str, *, at_commit: bool) -> Exception:
    """The error to raise for what the server said; ``place`` is the database."""
    text = f"PostgreSQL at {place}: {message} (SQLSTATE {sqlstate})"
    if sqlstate == _BAD_CONVERSION and UNMET in message:
        return WriteRefusedError(f"PostgreSQL at {place}: {UNMET}")
    if sqlstate in _NO_TABLE:
        return no_such_table(text)
    if sqlstate == _NO_COLUMN:
        return no_such_column(text)
    return error_of(text, case_of(sqlstate), _CODE, at_commit=at_commit)


def stale_plan(message: str, place: str) -> Exception:
    """The error to raise for a statement prepared before its table changed."""
    return error_of(f"PostgreSQL at {place}: {message}", _STALE_PLAN, _CODE, at_commit=False)


def lost_connection(message: str, place: str, *, at_commit: bool) -> Exception:
    """The error to raise where the connection broke and no answer came."""
    return error_of(f"PostgreSQL at {place}: {message}", UNKNOWN, _CODE, at_commit=at_commit)


def not_sent(message: str, place: str) -> Exception:
    """The error to raise for parameters that the driver could not send."""
    return InvalidOperationError(
        f"PostgreSQL at {place}: {message}", advice=CHECK_CALL, code="STX-3303"
    )


def not_read(message: str, place: str) -> Exception:
    """The error to raise for a cell that the driver could not read."""
    return SchemaError(
        f"PostgreSQL at {place}: {message}",
        advice="Correct the cell with the program that wrote it",
        code="STX-3301",
    )


# What a server that refuses a connection says; the driver hands out the message alone.
_REFUSALS: Final[tuple[tuple[str, str, bool], ...]] = (
    ("too many ", _ROOM, True),
    ("remaining connection slots", _ROOM, True),
    ("database system ", "Wait until the server has started, or look into its log", True),
    ("password authentication failed", "Correct user and password", False),
    ("no password supplied", "Set scalar.db.password", False),
    ("no pg_hba.conf entry", "Let this host and user in, in the server's pg_hba.conf", False),
    ("role ", "Correct the user", False),
    ("database ", "Correct the database in the URL, or create it", False),
    ("server does not support SSL", "Set sslmode=prefer, or let the server speak TLS", False),
    ("certificate", "Correct the TLS parameters sslmode and sslrootcert in the URL", False),
    ("SSL", "Correct the TLS parameter sslmode in the URL", False),
    ("could not translate host name", "Correct the host in the URL", True),
    ("resolve host", "Correct the host in the URL", True),
)


def unavailable(message: str, place: str) -> StorageUnavailableError:
    """The error to raise where no connection could be opened."""
    text = " ".join(message.split())
    for words, advice, retryable in _REFUSALS:
        if words in text:
            return StorageUnavailableError(
                f"PostgreSQL at {place}: {text}", advice=advice, code=_CODE, retryable=retryable
            )
    return StorageUnavailableError(
        f"PostgreSQL at {place}: {text}",
        advice="Check that the server is there and reachable, then begin again",
        code=_CODE,
    )

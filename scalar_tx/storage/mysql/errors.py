"""What does an error of MySQL or MariaDB mean for the operation it struck?

An error that the server sends for a statement means that it undid the statement. Where it may have
come after the decision, or where no answer came, the outcome of a commit is open.
"""

from __future__ import annotations

from typing import Final

from scalar_tx.errors import InvalidOperationError, StorageUnavailableError, WriteRefusedError
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
_LOGIN: Final = "Correct user and password, or grant what the statement needs"
_PRIMARY: Final = "Name the primary server, and let it be written"

CASES: Final[dict[int, Case]] = {
    # Of the server.
    1020: _same("record changed", Meaning.BUSY, _RERUN),
    1021: _cut("disk full", "Make room on the server's disks"),
    1022: _same("duplicate key", Meaning.REFUSED, CHECK_CALL),
    1026: _cut("error writing a file", "Check the server's disks and its log"),
    1030: _cut("error of the engine", "Check the server's disks and its log"),
    1037: _cut("out of memory", _ROOM),
    1038: _cut("out of sort memory", _ROOM),
    1040: _same("too many connections", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    1041: _cut("out of memory", _ROOM),
    1044: _same("access to database denied", Meaning.UNAVAILABLE, _LOGIN),
    1045: _same("access denied", Meaning.UNAVAILABLE, _LOGIN),
    1047: _same("not ready", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    1053: _cut("shutdown", _SERVER),
    1062: _same("duplicate entry", Meaning.REFUSED, CHECK_CALL),
    1077: _cut("shutdown", _SERVER),
    1079: _cut("shutdown", _SERVER),
    1080: _cut("forcing close", _SERVER),
    1114: _same("table full", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    1129: _same("host blocked", Meaning.UNAVAILABLE, "Run FLUSH HOSTS on the server"),
    1130: _same("host not allowed", Meaning.UNAVAILABLE, "Let this host in, on the server"),
    1142: _same("statement denied", Meaning.UNAVAILABLE, _LOGIN),
    1143: _same("column denied", Meaning.UNAVAILABLE, _LOGIN),
    1153: _same(
        "packet too large",
        Meaning.WRONG,
        "Store smaller values, or raise the server's max_allowed_packet",
    ),
    1158: _cut("error reading packets", _SERVER),
    1159: _cut("time-out reading packets", _SERVER),
    1160: _cut("error writing packets", _SERVER),
    1161: _cut("time-out writing packets", _SERVER),
    1180: _cut("error during commit", _SERVER),
    1203: _same("too many connections of this user", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    1205: _same("lock wait time-out", Meaning.BUSY, _RERUN),
    1206: _same("lock table full", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    1213: _same("deadlock", Meaning.BUSY, _RERUN),
    1226: _same("limit of this user", Meaning.UNAVAILABLE, _ROOM, retryable=True),
    1227: _same("privilege missing", Meaning.UNAVAILABLE, _LOGIN),
    1290: _same("read only", Meaning.UNAVAILABLE, _PRIMARY),
    1317: Case("interrupted", Meaning.BUSY, Meaning.LOST, _RERUN),
    1412: _same("definition changed", Meaning.BUSY, _RERUN),
    1586: _same("duplicate entry", Meaning.REFUSED, CHECK_CALL),
    1665: _same(
        "binary log by statement", Meaning.WRONG, "Set the server's binlog_format to ROW or MIXED"
    ),
    1792: _same("read-only transaction", Meaning.WRONG, CHECK_CALL),
    1836: _same("read only", Meaning.UNAVAILABLE, _PRIMARY),
    1927: _cut("connection killed", _SERVER),
    1969: Case("statement over its time", Meaning.BUSY, Meaning.LOST, _RERUN),
    3024: _same("statement over its time", Meaning.BUSY, _RERUN),
    3101: _same("rolled back at the commit", Meaning.BUSY, _RERUN),
    3572: _same("locked", Meaning.BUSY, _RERUN),
    # Only an idle connection ends so; what was sent to it was not read.
    4031: _same("idle too long", Meaning.UNAVAILABLE, _RERUN, retryable=True),
    # Of the driver. What could not be sent whole is not executed.
    2002: _same("cannot connect", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    2003: _same("cannot connect", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    2005: _same("unknown host", Meaning.UNAVAILABLE, "Correct the host in the URL", retryable=True),
    2006: _same("connection gone", Meaning.UNAVAILABLE, _SERVER, retryable=True),
    2013: _cut("connection lost", _SERVER),
    2014: _cut("commands out of sync", _SERVER),
    2026: _same("TLS", Meaning.UNAVAILABLE, "Correct the TLS parameters of the URL"),
    2055: _cut("connection lost", _SERVER),
}
# Whatever is wrong with the statement, the values or the definition: nothing was done.
WRONG: Final = frozenset(
    {
        1007, 1008, 1048, 1050, 1051, 1059, 1060, 1061, 1064, 1065, 1067, 1068, 1069, 1070, 1071,
        1072, 1074, 1075, 1089, 1090, 1091, 1101, 1102, 1103, 1110, 1115, 1117, 1118, 1136, 1138,
        1139, 1146, 1166, 1167, 1170, 1171, 1172, 1176, 1193, 1210, 1215, 1231, 1232, 1235, 1253,
        1264, 1265, 1267, 1273, 1286, 1292, 1300, 1305, 1364, 1365, 1366, 1367, 1390, 1406, 1411,
        1441, 1451, 1452, 1644, 1690, 3140, 3819, 3988, 4025,
    }
)  # fmt: skip
_WRONG: Final = _same("wrong", Meaning.WRONG, CHECK_CALL)
# A code that is not listed can't be placed.
UNKNOWN: Final = _cut("unknown", "See the cause of this error")

_NO_TABLE: Final = frozenset({1049, 1146})
_NO_COLUMN: Final = 1054
_NO_NUMBER: Final = frozenset({1292, 1366})
_CODE: Final = "STX-4751"


def case_of(code: int) -> Case:
    """The case of an error's number."""
    return _WRONG if code in WRONG else CASES.get(code, UNKNOWN)


def storage_error(message: str, code: int, place: str, *, at_commit: bool) -> Exception:
    """The error to raise for a number; ``place`` is the database."""
    text = f"MySQL at {place}: {message} ({code})"
    if code in _NO_NUMBER and UNMET in message:
        return WriteRefusedError(f"MySQL at {place}: {UNMET}")
    if code in _NO_TABLE:
        return no_such_table(text)
    if code == _NO_COLUMN:
        return no_such_column(text)
    return error_of(text, case_of(code), _CODE, at_commit=at_commit)


def lost_connection(message: str, place: str, *, at_commit: bool) -> Exception:
    """The error to raise where no number says what happened."""
    return error_of(f"MySQL at {place}: {message}", UNKNOWN, _CODE, at_commit=at_commit)


def not_sent(message: str, place: str) -> Exception:
    """The error to raise for parameters that the driver could not send."""
    return InvalidOperationError(f"MySQL at {place}: {message}", advice=CHECK_CALL, code="STX-3303")


def unavailable(message: str, code: int, place: str) -> StorageUnavailableError:
    """The error to raise where no connection could be opened."""
    case = case_of(code)
    if code == 1049:
        case = _same("no database", Meaning.UNAVAILABLE, "Correct the database in the URL")
    known = case.before is Meaning.UNAVAILABLE
    return StorageUnavailableError(
        f"MySQL at {place}: {message} ({code})",
        advice=case.advice if known else _SERVER,
        code=_CODE,
        retryable=case.retryable if known else True,
    )

"""What does an error of SQLite mean for the operation it struck?

The question is whether the error came at a commit. Before it (BEGIN, a statement inside a
transaction, a read) nothing can have been changed: an unfinished transaction leaves pages in the
WAL without a commit frame, or a journal from which the next opener restores the file. A statement
in autocommit commits by itself, so for it every error may be one of the commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.storage.sql.meanings import Case, Meaning


def _same(name: str, meaning: Meaning, advice: str, *, retryable: bool = False) -> Case:
    return Case(name, meaning, meaning, advice, retryable)


_CHECK_CALL: Final = "Check the call, and that the table is made as its definition says"
_TRY_AGAIN: Final = "Try again; a longer busy_timeout in the URL waits longer"

# By primary result code (the low byte of the extended one).
CASES: Final[dict[int, Case]] = {
    1: _same("ERROR", Meaning.WRONG, _CHECK_CALL),
    # An error inside SQLite itself says nothing of how far it came.
    2: Case("INTERNAL", Meaning.UNAVAILABLE, Meaning.LOST, "Restart the process"),
    3: _same("PERM", Meaning.UNAVAILABLE, "Let this user read and write the file"),
    4: _same("ABORT", Meaning.UNAVAILABLE, "Try again", retryable=True),
    # COMMIT that is busy has written nothing that counts and leaves its transaction open to be
    # rolled back; a busy statement in autocommit is rolled back by SQLite itself.
    5: _same("BUSY", Meaning.BUSY, _TRY_AGAIN, retryable=True),
    6: _same("LOCKED", Meaning.BUSY, _TRY_AGAIN, retryable=True),
    7: Case("NOMEM", Meaning.UNAVAILABLE, Meaning.LOST, "Give the process more memory"),
    # A write is refused before its first page: the file or its directory can't be written.
    8: _same("READONLY", Meaning.UNAVAILABLE, "Let this user write the file and its directory"),
    9: Case("INTERRUPT", Meaning.UNAVAILABLE, Meaning.LOST, "Try again"),
    # An fsync that failed, a write cut short: the commit mark may or may not be on the disk.
    10: Case("IOERR", Meaning.UNAVAILABLE, Meaning.LOST, "Check the disk and the system's log"),
    11: _same("CORRUPT", Meaning.UNAVAILABLE, "Restore the file from a backup; it is damaged"),
    12: _same("NOTFOUND", Meaning.WRONG, _CHECK_CALL),
    # The commit mark is the last thing written, so if there was no room for all there is no mark.
    13: _same("FULL", Meaning.UNAVAILABLE, "Make room on the disk, or raise max_page_count"),
    14: _same(
        "CANTOPEN",
        Meaning.UNAVAILABLE,
        "Check that the file and its directory can be read and written",
    ),
    15: _same("PROTOCOL", Meaning.BUSY, _TRY_AGAIN, retryable=True),
    16: _same("EMPTY", Meaning.WRONG, _CHECK_CALL),
    # The schema changed under the statement, before it ran.
    17: _same("SCHEMA", Meaning.BUSY, "Try again", retryable=True),
    18: _same("TOOBIG", Meaning.WRONG, "Store smaller values; SQLite holds at most 10^9 bytes"),
    19: _same("CONSTRAINT", Meaning.WRONG, "Remove the constraint from the table, or obey it"),
    20: _same("MISMATCH", Meaning.WRONG, _CHECK_CALL),
    21: _same("MISUSE", Meaning.WRONG, _CHECK_CALL),
    22: _same("NOLFS", Meaning.UNAVAILABLE, "Use a file system that holds files over 2 GiB"),
    23: _same("AUTH", Meaning.UNAVAILABLE, "Allow this statement in the process's authorizer"),
    24: _same("FORMAT", Meaning.UNAVAILABLE, "Restore the file from a backup; it is damaged"),
    25: _same("RANGE", Meaning.WRONG, _CHECK_CALL),
    26: _same("NOTADB", Meaning.UNAVAILABLE, "Give the path of a SQLite file, or of none yet"),
}
# By extended result code, where it means something else than its primary one.
EXTENDED: Final[dict[int, Case]] = {
    1555: _same("CONSTRAINT_PRIMARYKEY", Meaning.REFUSED, _CHECK_CALL),
    2067: _same("CONSTRAINT_UNIQUE", Meaning.REFUSED, _CHECK_CALL),
    2579: _same("CONSTRAINT_ROWID", Meaning.REFUSED, _CHECK_CALL),
}
# A code that SQLite did not have when this was written can't be placed.
UNKNOWN: Final = Case("unknown", Meaning.UNAVAILABLE, Meaning.LOST, "See the cause of this error")


def case_of(code: int) -> Case:
    """The case of an extended result code."""
    return EXTENDED.get(code) or CASES.get(code & 0xFF, UNKNOWN)


def storage_error(message: str, code: int, path: str, *, at_commit: bool) -> Exception:
    """The error to raise for a result code of SQLite; ``path`` is the file's."""
    case = case_of(code)
    text = f"SQLite file {path}: {message}"
    match case.at_commit if at_commit else case.before:
        case Meaning.REFUSED:
            return WriteRefusedError(text)
        case Meaning.BUSY:
            return StorageBusyError(text)
        case Meaning.LOST:
            return ReplyLostError(text)
        case Meaning.UNAVAILABLE:
            return StorageUnavailableError(
                text, advice=case.advice, code=f"STX-41{code & 0xFF:02}", retryable=case.retryable
            )
        case Meaning.WRONG:
            return _wrong(text, message, case)


def _wrong(text: str, message: str, case: Case) -> Exception:
    if message.startswith("no such table"):
        return InvalidOperationError(
            text, advice="Create the table with the schema loader", code="STX-3017"
        )
    if "no such column" in message or "has no column named" in message:
        return SchemaError(
            text, advice="Compare the file's table with the definition", code="STX-3302"
        )
    return InvalidOperationError(text, advice=case.advice, code="STX-3303")


def meaning_of(error: Exception, path: str, *, at_commit: bool) -> Exception:
    """The error to raise for one of the driver; ``path`` is the file's."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return driver_error(str(error), path)
    return storage_error(str(error), code, path, at_commit=at_commit)


# Errors of Python's driver itself, which carry no result code. Each comes before the statement runs
# or while its rows are fetched.
def driver_error(message: str, path: str) -> Exception:
    """The error to raise for an error of the driver without a result code."""
    text = f"SQLite file {path}: {message}"
    if message.startswith("Could not decode to UTF-8"):
        return SchemaError(
            text,
            advice="Some text is not UTF-8; correct it with the program that wrote it",
            code="STX-3301",
        )
    return InvalidOperationError(text, advice=_CHECK_CALL, code="STX-3303")


def obstacle_at(path: str) -> StorageUnavailableError | None:
    """Why no database can be there, found without opening it."""
    try:
        return _obstacle(Path(path))
    except OSError as error:  # a directory on the way may not be entered
        return StorageUnavailableError(
            f"SQLite file {path}: {error.strerror}",
            advice="Let the user that this program runs as enter the directories on the way",
            code="STX-4114",
            retryable=False,
        )


def _obstacle(place: Path) -> StorageUnavailableError | None:
    if place.is_dir():
        return StorageUnavailableError(
            f"SQLite file {place}: this is a directory",
            advice="Give the path of a file in it",
            code="STX-4101",
            retryable=False,
        )
    if not place.parent.is_dir():
        return StorageUnavailableError(
            f"SQLite file {place}: there is no directory {place.parent}",
            advice=f"Create the directory {place.parent}, or correct the path",
            code="STX-4101",
            retryable=False,
        )
    return None

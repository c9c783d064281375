"""Every result code of SQLite has a meaning."""

from __future__ import annotations

import re
import sqlite3

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.storage.sqlite.errors import CASES, EXTENDED, case_of, driver_error, storage_error

# Constants of the driver that are no result codes of a failed call.
NO_ERRORS = re.compile(
    r"OK|ROW|DONE|NOTICE|WARNING|LIMIT|DENY|IGNORE|(CREATE|DROP|ALTER)_|"
    r"(ANALYZE|ATTACH|DELETE|DETACH|FUNCTION|INSERT|PRAGMA|READ|RECURSIVE|REINDEX|SAVEPOINT|SELECT|"
    r"TRANSACTION|UPDATE)$"
)
KNOWN = {
    name.removeprefix("SQLITE_"): value
    for name, value in vars(sqlite3).items()
    if name.startswith("SQLITE_")
    and isinstance(value, int)
    and not NO_ERRORS.match(name.removeprefix("SQLITE_"))
}

# primary code: (before a commit, at one)
U, B, L, W = StorageUnavailableError, StorageBusyError, ReplyLostError, InvalidOperationError
EXPECTED: dict[str, tuple[type[Exception], type[Exception]]] = {
    "ABORT": (U, U),
    "AUTH": (U, U),
    "BUSY": (B, B),
    "CANTOPEN": (U, U),
    "CONSTRAINT": (W, W),
    "CONSTRAINT_PRIMARYKEY": (WriteRefusedError, WriteRefusedError),
    "CONSTRAINT_ROWID": (WriteRefusedError, WriteRefusedError),
    "CONSTRAINT_UNIQUE": (WriteRefusedError, WriteRefusedError),
    "CORRUPT": (U, U),
    "EMPTY": (W, W),
    "ERROR": (W, W),
    "FORMAT": (U, U),
    "FULL": (U, U),
    "INTERNAL": (U, L),
    "INTERRUPT": (U, L),
    "IOERR": (U, L),
    "LOCKED": (B, B),
    "MISMATCH": (W, W),
    "MISUSE": (W, W),
    "NOLFS": (U, U),
    "NOMEM": (U, L),
    "NOTADB": (U, U),
    "NOTFOUND": (W, W),
    "PERM": (U, U),
    "PROTOCOL": (B, B),
    "RANGE": (W, W),
    "READONLY": (U, U),
    "SCHEMA": (B, B),
    "TOOBIG": (W, W),
}


def primary_of(name: str) -> str:
    return name.partition("_")[0]


def expected(name: str) -> tuple[type[Exception], type[Exception]]:
    return EXPECTED.get(name) or EXPECTED[primary_of(name)]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_result_code_has_a_meaning(name: str) -> None:
    for at_commit in (False, True):
        error = storage_error("it failed", KNOWN[name], "/x.db", at_commit=at_commit)
        assert type(error) is expected(name)[at_commit]
        assert "it failed" in str(error)
        assert "/x.db" in str(error)


def test_the_list_of_codes_is_whole() -> None:
    assert len(KNOWN) > 80
    primary = {value for value in KNOWN.values() if value < 256}
    assert primary == set(CASES)
    assert set(EXTENDED) <= set(KNOWN.values())
    for name, value in KNOWN.items():
        assert case_of(value).name == (name if value in EXTENDED else primary_of(name))
        assert case_of(value).advice


def test_a_code_of_the_future_is_unknown_at_a_commit_only() -> None:
    assert type(storage_error("?", 99, "/x.db", at_commit=True)) is ReplyLostError
    assert type(storage_error("?", 99, "/x.db", at_commit=False)) is StorageUnavailableError


@pytest.mark.parametrize("code", [8, 11, 13, 14, 26])
def test_what_a_rerun_can_not_help_says_so(code: int) -> None:
    error = storage_error("it failed", code, "/x.db", at_commit=False)
    assert isinstance(error, StorageUnavailableError)
    assert not error.retryable
    assert error.code == f"STX-41{code:02}"


def test_what_is_missing_is_named() -> None:
    error = storage_error("no such table: ns$t", 1, "/x.db", at_commit=True)
    assert isinstance(error, InvalidOperationError)
    assert error.code == "STX-3017"
    assert type(storage_error("no such column: a", 1, "/x.db", at_commit=True)) is SchemaError
    assert type(driver_error("Could not decode to UTF-8 column 'a'", "/x.db")) is SchemaError
    assert type(driver_error("something else", "/x.db")) is InvalidOperationError

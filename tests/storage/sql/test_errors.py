"""Every error of PostgreSQL and MySQL has a meaning."""

from __future__ import annotations

import psycopg.errors
import pymysql.constants.CR
import pymysql.constants.ER
import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.storage.mysql import errors as mysql
from scalar_tx.storage.postgresql import errors as postgresql

U, B, L = StorageUnavailableError, StorageBusyError, ReplyLostError
W, R = InvalidOperationError, WriteRefusedError

# (before a commit, at one)
POSTGRESQL: dict[str, tuple[type[Exception], type[Exception]]] = {
    "23505": (R, R), "23502": (W, W), "23514": (W, W), "40001": (B, B), "40P01": (B, B),
    "40003": (U, L), "55P03": (B, B), "57014": (B, B), "57P01": (U, L), "57P02": (U, L),
    "57P03": (U, U), "57P05": (U, U), "25P03": (U, U), "25006": (U, U), "08006": (U, L),
    "08007": (U, L), "08001": (U, U), "08P01": (U, L), "53100": (U, U), "53300": (U, U),
    "54000": (W, W), "22001": (W, W), "22021": (W, W), "42P01": (W, W), "42601": (W, W),
    "42501": (U, U), "28P01": (U, U), "3D000": (U, U), "58030": (U, L), "XX000": (U, L),
    "P0001": (W, W), "26000": (B, B), "42P05": (B, B), "72000": (B, B), "99999": (U, L),
    "42703": (SchemaError,) * 2, "3F000": (W, W),
}  # fmt: skip
MYSQL: dict[int, tuple[type[Exception], type[Exception]]] = {
    1062: (R, R), 1022: (R, R), 1586: (R, R), 1213: (B, B), 1205: (B, B), 1020: (B, B),
    3572: (B, B), 3101: (B, B), 1317: (B, L), 1969: (B, L), 3024: (B, B), 1180: (U, L),
    1053: (U, L), 1927: (U, L), 2013: (U, L), 2006: (U, U), 2003: (U, U), 4031: (U, U),
    1040: (U, U), 1045: (U, U), 1290: (U, U), 1836: (U, U), 1114: (U, U), 1021: (U, L),
    1406: (W, W), 1366: (W, W), 1264: (W, W), 1048: (W, W), 1146: (W, W), 1049: (W, W),
    1064: (W, W), 1153: (W, W), 1665: (W, W), 1054: (SchemaError,) * 2, 9999: (U, L),
}  # fmt: skip


@pytest.mark.parametrize("code", POSTGRESQL)
def test_what_postgresql_says(code: str) -> None:
    for at_commit in (False, True):
        error = postgresql.storage_error("it failed", code, "h:1/d", at_commit=at_commit)
        assert type(error) is POSTGRESQL[code][at_commit]
        assert "it failed" in str(error)
        assert "h:1/d" in str(error)


@pytest.mark.parametrize("code", MYSQL)
def test_what_mysql_says(code: int) -> None:
    for at_commit in (False, True):
        error = mysql.storage_error("it failed", code, "h:1/d", at_commit=at_commit)
        assert type(error) is MYSQL[code][at_commit]
        assert "it failed" in str(error)


def test_each_code_that_is_listed_is_tested_or_is_one_of_a_kind() -> None:
    assert set(postgresql.CASES) - set(POSTGRESQL) <= {"08003", "08004", "55006", "57P04"}
    assert not set(mysql.CASES) & mysql.WRONG
    for case in (*postgresql.CASES.values(), *postgresql.CLASSES.values(), *mysql.CASES.values()):
        assert case.advice


# What each class of SQLSTATE means, before a commit and at one; single codes are in POSTGRESQL.
CLASSES: dict[str, tuple[type[Exception], type[Exception]]] = {
    **dict.fromkeys(["0A", "21", "22", "23", "24", "27", "2F", "38", "39", "42", "44"], (W, W)),
    **dict.fromkeys(["54", "55", "P0"], (W, W)),
    **dict.fromkeys(["25", "28", "3D", "53", "F0"], (U, U)),
    **dict.fromkeys(["08", "57", "58", "XX"], (U, L)),
    "40": (B, B),
    # No statement of ours meets these; whatever can't be placed is in doubt at a commit.
    **dict.fromkeys(
        ["02", "03", "09", "0B", "0F", "0L", "0P", "0Z", "10", "20", "26", "2B", "2D", "34", "3B",
         "3F", "72", "HV"],
        (U, L),
    ),
}  # fmt: skip
ALONE = {*postgresql.CASES, "42P01", "42703", "3F000"}


def test_every_error_that_postgresql_knows_has_the_meaning_of_its_class_or_its_own() -> None:
    found = [getattr(one, "sqlstate", None) for one in vars(psycopg.errors).values()]
    known = {code for code in found if isinstance(code, str)}
    assert len(known) > 200
    assert {code[:2] for code in known} <= set(CLASSES)
    for code in known - ALONE:
        for at_commit in (False, True):
            error = postgresql.storage_error("?", code, "h", at_commit=at_commit)
            assert type(error) is CLASSES[code[:2]][at_commit], code


# Of MySQL's numbers those that say: the server or the disk failed, or the connection ended.
IN_DOUBT = {
    1021, 1026, 1030, 1037, 1038, 1041, 1053, 1077, 1079, 1080, 1158, 1159, 1160, 1161, 1180, 1317,
    1927, 1969, 2013, 2014, 2055,
}  # fmt: skip


def test_every_error_that_mysql_knows_has_a_meaning() -> None:
    known = {v for k, v in vars(pymysql.constants.ER).items() if isinstance(v, int)}
    known |= {v for k, v in vars(pymysql.constants.CR).items() if isinstance(v, int)}
    assert len(known) > 400
    listed = set(mysql.CASES) | mysql.WRONG | {1049, 1054, 1146}
    for code in known | listed:
        error = mysql.storage_error("?", code, "h", at_commit=True)
        in_doubt = code in IN_DOUBT or code not in listed
        assert isinstance(error, ReplyLostError) is in_doubt, code
        before = mysql.storage_error("?", code, "h", at_commit=False)
        assert not isinstance(before, ReplyLostError), "before a commit nothing was done"
        assert isinstance(before, StorageBusyError) is (code in BUSY), code


BUSY = {1020, 1205, 1213, 1317, 1412, 1969, 3024, 3101, 3572}


def test_a_plan_that_outlived_its_table_is_tried_again() -> None:
    assert type(postgresql.stale_plan("cached plan", "h")) is StorageBusyError
    assert type(postgresql.storage_error("?", "0A000", "h", at_commit=True)) is W


@pytest.mark.parametrize(
    "message, retryable, advice",
    [
        ('FATAL:  password authentication failed for user "x"', False, "password"),
        ('FATAL:  database "x" does not exist', False, "database"),
        ("FATAL:  sorry, too many clients already", True, "connections"),
        ('FATAL:  too many connections for role "x"', True, "connections"),
        ('FATAL:  too many connections for database "x"', True, "connections"),
        ("FATAL:  the database system is starting up", True, "started"),
        ("FATAL:  the database system is not yet accepting connections", True, "started"),
        ("server does not support SSL, but SSL was required", False, "TLS"),
        ("SSL error: certificate verify failed", False, "sslrootcert"),
        ("connection refused", True, "reachable"),
    ],
)
def test_a_refused_connection_says_what_to_do(message: str, retryable: bool, advice: str) -> None:
    error = postgresql.unavailable(message, "h:1/d")
    assert error.retryable is retryable
    assert advice in error.advice


def test_a_refused_connection_to_mysql_says_what_to_do() -> None:
    assert not mysql.unavailable("Access denied", 1045, "h").retryable
    assert "database" in mysql.unavailable("Unknown database", 1049, "h").advice
    assert mysql.unavailable("Can't connect", 2003, "h").retryable
    assert mysql.unavailable("?", 0, "h").retryable

"""Files that can't be used, each the real thing."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column, if_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from scalar_tx.storage.sqlite.storage import SqliteStorage, open_sqlite
from tests.storage.sqlite.files import ACCOUNTS, all_rows, by_hand, in_child, mutate, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def bank(path: Path, parameters: str = "") -> SqliteStorage:
    """A file with one account."""
    storage = open_sqlite(f"sqlite:///{path}{parameters}")
    run(storage.admin.create_table(ACCOUNTS, if_not_exists=True))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 100}))
    return storage


def attempts(storage: SqliteStorage) -> list[Callable[[], object]]:
    write = Write(ACCOUNTS, (2,), {"balance": 1})
    other = Write(ACCOUNTS, (3,), {"balance": 1})
    return [
        lambda: run(storage.get(ACCOUNTS, (1,))),
        lambda: mutate(storage, write),
        lambda: mutate(storage, write, other),
        lambda: all_rows(storage, ScanRequest(ACCOUNTS, WholeTableSource())),
        lambda: run(storage.admin.create_table(ACCOUNTS)),
        lambda: run(storage.admin.tables("bank")),
    ]


def refused(storage: SqliteStorage, text: str) -> None:
    for attempt in attempts(storage):
        with pytest.raises(StorageUnavailableError, match=text) as caught:
            attempt()
        assert not caught.value.retryable
        assert caught.value.advice
        assert caught.value.code.startswith("STX-41")


def test_a_directory(tmp_path: Path) -> None:
    refused(open_sqlite(str(tmp_path)), re.escape(f"{tmp_path}: this is a directory"))


def test_no_parent_directory(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "such"
    refused(open_sqlite(f"sqlite:///{missing}/a.db"), f"no directory {re.escape(str(missing))}")
    (tmp_path / "file").touch()
    refused(open_sqlite(str(tmp_path / "file" / "a.db")), "no directory")
    assert not missing.exists()


def test_no_file_where_none_may_be_made(tmp_path: Path) -> None:
    refused(open_sqlite(f"jdbc:sqlite:{tmp_path}/a.db?mode=rw"), "unable to open")
    assert list(tmp_path.iterdir()) == []


def test_opening_alone_touches_nothing(tmp_path: Path) -> None:
    storage = open_sqlite(str(tmp_path / "a.db"))
    storage.info("a.b")
    storage.scan(ScanRequest(ACCOUNTS, WholeTableSource()))
    assert list(tmp_path.iterdir()) == []


def test_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    content = b"this is a letter, not a database. " * 100
    path.write_bytes(content)
    refused(open_sqlite(str(path)), "not a database")
    assert path.read_bytes() == content


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    bank(tmp_path / "a.db")


def test_a_half_written_file(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db", "?journal_mode=DELETE")
    mutate(storage, *(Write(ACCOUNTS, (i,), {"owner": "x" * 500}) for i in range(200)))
    run(storage.close())
    content = (tmp_path / "a.db").read_bytes()
    (tmp_path / "b.db").write_bytes(content[: len(content) // 2])
    damaged = open_sqlite(str(tmp_path / "b.db"))
    with pytest.raises(StorageUnavailableError, match="malformed") as caught:
        all_rows(damaged, ScanRequest(ACCOUNTS, WholeTableSource()))
    assert not caught.value.retryable


def test_another_text_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding='UTF-16'")
        connection.execute("CREATE TABLE t(a)")
    refused(open_sqlite(str(path)), "UTF-16")


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_locked_by_another(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.db"
    storage = bank(path, f"?busy_timeout=30&journal_mode={mode}")
    one = Write(ACCOUNTS, (2,), {"balance": 1})
    two = Write(ACCOUNTS, (3,), {"balance": 1}, None)
    (connection,) = storage.connections._idle
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for mutations in ([one], [one, two]):
            with pytest.raises(StorageBusyError, match="locked"):
                mutate(storage, *mutations)
        with pytest.raises(StorageBusyError):
            run(storage.admin.truncate_table(ACCOUNTS.name))
        assert run(storage.get(ACCOUNTS, (1,))) is not None
        other.execute("ROLLBACK")
    assert storage.connections._idle == [connection], "a busy connection is as good as before"
    mutate(storage, one, two)
    assert len(all_rows(storage, ScanRequest(ACCOUNTS, WholeTableSource()))) == 3


def test_busy_at_the_commit_changes_nothing(tmp_path: Path) -> None:
    """With a rollback journal a reader keeps a writer from committing."""
    path = tmp_path / "a.db"
    storage = bank(path, "?busy_timeout=30&journal_mode=DELETE")
    mutate(storage, *(Write(ACCOUNTS, (i,), {"balance": 0}) for i in range(2, 5)))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        cursor = reader.execute('SELECT * FROM "bank$accounts"')
        cursor.fetchone()
        for mutations in (
            [Write(ACCOUNTS, (1,), {"balance": 5})],
            [Write(ACCOUNTS, (i,), {"balance": 5}) for i in (1, 2)],
        ):
            with pytest.raises(StorageBusyError):
                mutate(storage, *mutations)
        cursor.close()
    found = by_hand(path, 'SELECT balance FROM "bank$accounts" ORDER BY id')
    assert found == [(100,), (0,), (0,), (0,)]
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 5}))


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_full_file(tmp_path: Path, mode: str) -> None:
    """The limit of pages stands for the disk's end: the same result code at the same place."""
    path = tmp_path / "a.db"
    run(bank(path).close())
    storage = open_sqlite(f"jdbc:sqlite:{path}?max_page_count=8&journal_mode={mode}")
    big = "x" * 100_000
    before = run(storage.get(ACCOUNTS, (1,)))
    for mutations in (
        [Write(ACCOUNTS, (1,), {"owner": big})],
        [Write(ACCOUNTS, (1,), {"balance": 0}), Write(ACCOUNTS, (2,), {"owner": big})],
    ):
        with pytest.raises(StorageUnavailableError, match="full") as caught:
            mutate(storage, *mutations)
        assert caught.value.code == "STX-4113"
        assert not caught.value.retryable
    assert run(storage.get(ACCOUNTS, (1,))) == before
    assert run(storage.get(ACCOUNTS, (2,))) is None
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 7}))


def test_a_read_only_connection(tmp_path: Path) -> None:
    run(bank(tmp_path / "a.db").close())
    storage = open_sqlite(f"jdbc:sqlite:{tmp_path}/a.db?open_mode=1")
    assert run(storage.get(ACCOUNTS, (1,)))
    for mutations in ([Write(ACCOUNTS, (1,), {})], [Write(ACCOUNTS, (i,), {}) for i in (1, 2)]):
        with pytest.raises(StorageUnavailableError, match="readonly") as caught:
            mutate(storage, *mutations)
        assert not caught.value.retryable


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that another user may enter; pytest's own are closed to others."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def as_nobody(check: Callable[[], None]) -> None:
    """Run a check as a user that may not do everything, as root may."""

    def checked() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        check()

    in_child(checked)


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_file_that_may_not_be_written(open_to_all: Path, mode: str) -> None:
    path = open_to_all / "a.db"
    run(bank(path, f"?journal_mode={mode}").close())
    path.chmod(0o444)
    open_to_all.chmod(0o555)

    def check() -> None:
        storage = open_sqlite(str(path))
        if mode == "DELETE":
            assert run(storage.get(ACCOUNTS, (1,))) is not None
        for attempt in attempts(storage)[1:3]:
            with pytest.raises(StorageUnavailableError) as caught:
                attempt()
            assert not caught.value.retryable
            assert str(path) in str(caught.value)

    as_nobody(check)


def test_a_file_that_may_not_be_read(open_to_all: Path) -> None:
    path = open_to_all / "a.db"
    run(bank(path).close())
    path.chmod(0)

    def check() -> None:
        refused(open_sqlite(str(path)), "unable to open")

    as_nobody(check)


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    storage = open_sqlite(str(tmp_path / "a.db"))
    for attempt in attempts(storage)[:4]:
        with pytest.raises(InvalidOperationError, match=r"no table bank\.accounts") as caught:
            attempt()
        assert caught.value.code == "STX-3017"
    bank(tmp_path / "a.db")
    assert run(storage.get(ACCOUNTS, (1,))), "a table made later is found"
    by_hand(tmp_path / "a.db", 'DROP TABLE "bank$accounts"')
    with pytest.raises(InvalidOperationError, match="no such table"):
        run(storage.get(ACCOUNTS, (1,)))


def test_a_constraint_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    table = Table("ns.t", TableSchema({"id": "INT", "v": "INT"}, ["id"]))
    by_hand(path, 'CREATE TABLE "ns$t"("id" INT, "v" INT CHECK (v > 0), PRIMARY KEY ("id"))')
    storage = open_sqlite(str(path))
    mutate(storage, Write(table, (1,), {"v": 1}))
    for mutations in (
        [Write(table, (1,), {"v": -1})],
        [Write(table, (i,), {"v": -i}) for i in (1, 2)],
    ):
        with pytest.raises(InvalidOperationError, match="CHECK"):
            mutate(storage, *mutations)
    assert run(storage.get(table, (1,))) == {"id": 1, "v": 1}


def test_a_group_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    idle = list(storage.connections._idle)
    for last in (
        Write(ACCOUNTS, (9,), {"balance": 0}, if_exists),
        Write(ACCOUNTS, (9,), {"balance": 0}, column("balance").is_null()),
    ):
        with pytest.raises(WriteRefusedError):
            mutate(storage, Write(ACCOUNTS, (1,), {"balance": 0}), last)
        assert run(storage.get(ACCOUNTS, (1,))) == {"id": 1, "balance": 100, "owner": None}
    assert storage.connections._idle == idle

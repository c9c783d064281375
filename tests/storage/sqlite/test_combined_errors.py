"""What goes wrong in a shared commit: whose error is it, and what is known to the others?"""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite.pool import FilePool
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.callers import (
    account,
    balances,
    bank,
    change,
    lined_up,
    overhear,
    together,
    writing,
)
from tests.storage.sqlite.files import ACCOUNTS, by_hand, in_child, mutate, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return overhear(monkeypatch)


def test_a_file_full_for_one_is_not_full_for_the_others(tmp_path: Path) -> None:
    run(bank(tmp_path / "a.db").close())
    storage = open_sqlite(f"jdbc:sqlite:{tmp_path}/a.db?max_page_count=8&journal_mode=WAL")
    assert run(storage.get(ACCOUNTS, (1,)))
    big, other = (
        Write(ACCOUNTS, (key,), {"owner": "x" * 100_000}, if_not_exists) for key in (3, 5)
    )
    assert together(
        storage,
        [account(2)],
        [big],
        [account(4), other],
        [change(1, 100, 1)],
        [change(1, 100, 2)],
    ) == [None, StorageUnavailableError, StorageUnavailableError, None, WriteRefusedError]
    assert balances(tmp_path / "a.db") == {1: 1, 2: 0}


def test_a_statement_that_undoes_everything_harms_its_caller_alone(
    tmp_path: Path, said: list[str]
) -> None:
    """Somebody's table may ask SQLite to roll back the transaction where a key is there."""
    path = tmp_path / "a.db"
    by_hand(
        path,
        'CREATE TABLE "bank$accounts"(id INT PRIMARY KEY ON CONFLICT ROLLBACK, balance INT, '
        "owner TEXT)",
    )
    storage = open_sqlite(str(path))
    mutate(storage, account(1, 100))
    assert together(storage, [account(2)], [account(1)], [account(3)], [change(2, 0, 5)]) == [
        None,
        WriteRefusedError,
        None,
        None,
    ]
    assert balances(path) == {1: 100, 2: 5, 3: 0}
    # Together the first two, which then write by themselves, and those that came behind them.
    assert said.count("BEGIN IMMEDIATE") == 2


def test_a_commit_that_one_prevents_is_made_by_the_others(tmp_path: Path) -> None:
    """A deferred foreign key is looked at by COMMIT, which can't say whose it is."""
    path = tmp_path / "a.db"
    by_hand(
        path,
        'CREATE TABLE "bank$accounts"(id INT PRIMARY KEY, owner TEXT, balance INT '
        'REFERENCES "bank$accounts"(id) DEFERRABLE INITIALLY DEFERRED)',
    )
    storage = open_sqlite(f"sqlite:///{path}?foreign_keys=on")
    mutate(storage, account(0, 0))
    assert together(storage, [account(1, 0)], [account(2, 77)], [account(3, 1)]) == [
        None,
        InvalidOperationError,
        None,
    ]
    assert balances(path) == {0: 0, 1: 0, 3: 1}


def test_a_value_that_can_not_be_bound_is_its_caller_s_own(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    connections = storage.connections
    text = 'UPDATE "bank$accounts" SET balance=? WHERE id=1'
    with writing(storage):
        callers = lined_up(
            storage,
            [
                lambda: mutate(storage, account(2)),
                lambda: connections.write(text, (2**63,)),
                lambda: connections.write(text, ("\ud800",)),
                lambda: mutate(storage, account(3)),
            ],
        )
    one, too_big, surrogate, other = (caller.ended() for caller in callers)
    assert one is other is None
    assert isinstance(too_big, InvalidOperationError)
    assert isinstance(surrogate, UnicodeEncodeError)
    assert balances(tmp_path / "a.db") == {1: 100, 2: 0, 3: 0}


def test_busy_at_the_commit_changes_nothing_of_anybody(tmp_path: Path) -> None:
    """With a rollback journal a reader keeps a writer from committing."""
    path = tmp_path / "a.db"
    storage = bank(path, "?busy_timeout=2000&journal_mode=DELETE")
    mutate(storage, *(account(number) for number in range(2, 5)))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        with writing(storage):
            callers = lined_up(
                storage,
                [
                    lambda: mutate(storage, change(1, 100, 5)),
                    lambda: mutate(storage, change(2, 0, 5), change(3, 0, 5)),
                    lambda: mutate(storage, change(1, 0, 5)),
                ],
            )
            cursor = reader.execute('SELECT * FROM "bank$accounts"')
            cursor.fetchone()
        errors = [type(caller.ended()) for caller in callers]
        cursor.close()
    assert errors == [StorageBusyError] * 3
    assert balances(path) == {1: 100, 2: 0, 3: 0, 4: 0}
    assert together(storage, [change(1, 100, 5)], [change(2, 0, 5)]) == [None, None]


def test_a_commit_that_the_disk_failed_is_unknown_to_all(tmp_path: Path) -> None:
    """A limit on the size of files makes the system refuse SQLite's writes: a true I/O error."""
    path = tmp_path / "a.db"
    run(bank(path).close())

    def check() -> None:
        storage = open_sqlite(str(path))
        assert run(storage.get(ACCOUNTS, (1,)))
        with writing(storage):
            callers = lined_up(
                storage,
                [
                    lambda: mutate(storage, account(1)),  # refused, in what may never have been
                    lambda: mutate(storage, account(2)),
                    lambda: mutate(storage, account(3), account(4)),
                ],
            )
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        errors = [caller.ended() for caller in callers]
        assert [type(error) for error in errors] == [ReplyLostError] * 3, errors
        assert len(set(map(id, errors))) == 3
        assert storage.connections._idle == []
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert together(storage, [account(2)], [account(3)]) == [None, None]

    in_child(check)
    assert balances(path) == {1: 100, 2: 0, 3: 0}


class Interrupted(sqlite3.Connection):
    """Its thread is interrupted as a statement comes back; ``skips``: not at the first ones."""

    after: ClassVar[str | None] = None
    skips: ClassVar[int] = 0

    def execute(self, text: str, *arguments: Any) -> sqlite3.Cursor:
        cursor = super().execute(text, *arguments)
        if text == Interrupted.after:
            Interrupted.skips -= 1
            if Interrupted.skips < 0:
                Interrupted.after = None
                raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("after, skips", [
    ("BEGIN IMMEDIATE", 0),
    ("SAVEPOINT call", 1),
    ("COMMIT", 0),
])  # fmt: skip
def test_an_interrupt_of_the_writer_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str, skips: int
) -> None:
    """What it had not sent to be committed is written by the next; of the rest nobody can tell."""
    others, there = (
        (ReplyLostError, {2, 3, 4, 5, 6}) if after == "COMMIT" else (type(None), {4, 5, 6})
    )

    def open_file(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=Interrupted, **more)

    monkeypatch.setattr(FilePool, "open_file", staticmethod(open_file))
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        writer, one, other = lined_up(
            storage,
            [
                lambda: mutate(storage, account(2), account(3)),
                lambda: mutate(storage, account(4), account(5)),
                lambda: mutate(storage, account(6)),
            ],
        )
        monkeypatch.setattr(Interrupted, "skips", skips)
        monkeypatch.setattr(Interrupted, "after", after)
    assert isinstance(writer.ended(), KeyboardInterrupt)
    assert Interrupted.after is None
    assert [type(caller.ended()) for caller in (one, other)] == [others] * 2
    assert balances(tmp_path / "a.db").keys() == {1, *there}
    assert together(storage, [account(7)], [account(8)]) == [None, None]

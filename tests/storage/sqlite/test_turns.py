"""Who waits to write: for how long, and what ends the wait?"""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
)
from scalar_tx.storage.sqlite import combining, pool
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.callers import (
    LONG_S,
    Caller,
    account,
    balances,
    bank,
    lined_up,
    overhear,
    together,
    until,
    waiting,
    writing,
)
from tests.storage.sqlite.files import in_child, mutate, run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.sqlite.connections import Session


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return overhear(monkeypatch)


def test_each_waits_for_the_lock_as_long_as_ever(tmp_path: Path) -> None:
    """The file is locked by another process: each call is told so once its own time is up."""
    path = tmp_path / "a.db"
    storage = bank(path, "?busy_timeout=400")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        callers = [Caller(lambda n=n: mutate(storage, account(n))) for n in range(2, 12)]  # type: ignore[misc]
        errors = [caller.ended() for caller in callers]
        waited = time.monotonic() - begun
        other.execute("ROLLBACK")
    assert [type(error) for error in errors] == [StorageBusyError] * 10
    assert 0.35 < waited < 3.0
    assert balances(path) == {1: 100}
    assert together(storage, [account(2)], [account(3)]) == [None, None]


def test_the_wait_for_the_turn_is_taken_off_the_wait_for_the_lock(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_NOTICED_S", 0.2)
    storage = bank(tmp_path / "a.db", "?busy_timeout=5000")
    with writing(storage):
        callers = lined_up(storage, [lambda n=n: mutate(storage, account(n)) for n in (2, 3)])  # type: ignore[misc]
        time.sleep(0.3)
    assert [caller.ended() for caller in callers] == [None, None]
    shorter, again = (text for text in said if text.startswith("PRAGMA busy_timeout"))
    assert 0 < int(shorter.partition("=")[2]) <= 4700
    assert again == "PRAGMA busy_timeout=5000"
    assert storage.connections.read("PRAGMA busy_timeout") == [(5000,)]


def test_who_waits_behind_a_stuck_writer_is_told_that_nothing_was_done(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db", "?busy_timeout=50")
    with writing(storage):
        callers = [Caller(lambda n=n: mutate(storage, account(n))) for n in (2, 3)]  # type: ignore[misc]
        errors = [caller.ended() for caller in callers]
        assert [type(error) for error in errors] == [StorageBusyError] * 2
        assert "0.05 s" in str(errors[0])
        assert waiting(storage) == 0
    mutate(storage, account(4))
    assert balances(tmp_path / "a.db") == {1: 100, 4: 0}


@pytest.mark.parametrize("writer_ends", ["well", "badly"])
def test_who_is_written_along_by_a_stuck_writer_is_told_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer_ends: str
) -> None:
    monkeypatch.setattr(combining, "_COMMIT_S", 0.05)
    storage = bank(tmp_path / "a.db", "?busy_timeout=1000")
    stuck, goes_on = threading.Event(), threading.Event()

    def steps(session: Session) -> None:
        stuck.set()
        assert goes_on.wait(LONG_S)
        if writer_ends == "badly":
            raise sqlite3.OperationalError("disk I/O error")

    with writing(storage):
        first, along, last = lined_up(
            storage,
            [
                lambda: mutate(storage, account(2)),
                lambda: mutate(storage, account(3)),
                lambda: storage.connections.transaction(steps),
            ],
        )
    assert stuck.wait(LONG_S)
    assert isinstance(along.ended(), ReplyLostError)
    assert isinstance(last.ended(), ReplyLostError)
    goes_on.set()
    assert first.ended() is None
    mutate(storage, account(4))
    # What nobody waits for any more is not begun anew.
    along_too = {3: 0} if writer_ends == "well" else {}
    assert balances(tmp_path / "a.db") == {1: 100, 2: 0, 4: 0} | along_too


def test_who_is_interrupted_in_line_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(bank(path).close())

    def check() -> None:
        storage = open_sqlite(str(path))
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            until(lambda: waiting(storage) == 1)
            while waiting(storage):  # a signal just before it begins to wait is seen behind it only
                signal.pthread_kill(main, signal.SIGINT)
                time.sleep(1)

        with writing(storage):
            caller = Caller(interrupt)
            with pytest.raises(KeyboardInterrupt):
                mutate(storage, account(2))
            assert caller.ended() is None
            assert waiting(storage) == 0
        mutate(storage, account(3))

    in_child(check)
    assert balances(path) == {1: 100, 3: 0}


def test_a_close_answers_who_is_in_line(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        callers = lined_up(storage, [lambda n=n: mutate(storage, account(n)) for n in (2, 3, 4)])  # type: ignore[misc]
        run(storage.close())
    for caller in callers:
        error = caller.ended()
        assert isinstance(error, InvalidOperationError)
        assert "closed" in str(error)
    assert balances(tmp_path / "a.db") == {1: 100}
    assert not (tmp_path / "a.db-wal").exists()


def test_a_child_of_fork_does_not_wait_for_the_parents_threads(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    storage = bank(path)
    with writing(storage):
        callers = lined_up(storage, [lambda n=n: mutate(storage, account(n)) for n in (2, 3)])  # type: ignore[misc]
        in_child(lambda: mutate(storage, account(4)))
        with storage.connections._line._lock:
            in_child(lambda: mutate(storage, account(5)))
        assert waiting(storage) == 2
    assert [caller.ended() for caller in callers] == [None, None]
    assert balances(path) == {1: 100, 2: 0, 3: 0, 4: 0, 5: 0}

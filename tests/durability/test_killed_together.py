"""Is a commit that several callers share all or nothing, wherever its process is killed?"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite.pool import FilePool
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.callers import lined_up, writing
from tests.storage.sqlite.files import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scalar_tx.storage.sqlite.storage import SqliteStorage

PAIRS: Final = Table("t.pair", TableSchema({"half": "INT", "id": "INT"}, ["half", "id"]))
THREADS: Final = 8
RUNS: Final = 6


def write_pair(storage: SqliteStorage, number: int) -> None:
    halves = [Write(PAIRS, (half, number), {}, if_not_exists) for half in (1, 2)]
    run_blocking(storage.mutate(halves))


def stored(path: Path) -> set[int]:
    """The numbers that are there; each must be whole."""
    assert by_hand(path, "PRAGMA integrity_check") == [("ok",)]
    rows = by_hand(path, 'SELECT half, id FROM "t$pair"')
    whole = {number for _, number in rows}
    assert sorted(rows) == sorted((half, number) for half in (1, 2) for number in whole)
    return whole


class Deadly(sqlite3.Connection):
    """Its process is killed before a statement of that text, or after it."""

    text: ClassVar[str] = ""
    skips: ClassVar[int] = 0
    before: ClassVar[bool] = True

    def execute(self, text: str, *arguments: Any) -> sqlite3.Cursor:
        meant = bool(Deadly.text) and text.startswith(Deadly.text)
        if meant:
            Deadly.skips -= 1
        if meant and Deadly.skips < 0 and Deadly.before:
            os.kill(os.getpid(), signal.SIGKILL)
        cursor = super().execute(text, *arguments)
        if meant and Deadly.skips < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor


def killed(child: Callable[[int], None], after_s: float | None = None) -> list[int]:
    """Run a child until it is killed; the numbers that it had said were written."""
    heard, said = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(heard)
        try:
            child(said)
        finally:
            os._exit(1)
    os.close(said)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status)
    with os.fdopen(heard, encoding="ascii") as lines:
        return [int(line) for line in lines]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    storage = open_sqlite(str(tmp_path / "a.db"))
    run_blocking(storage.admin.create_table(PAIRS))
    write_pair(storage, 0)
    run_blocking(storage.close())
    yield tmp_path / "a.db"
    stored(tmp_path / "a.db")


@pytest.mark.parametrize("moment, kept", [
    (("SAVEPOINT", 2, False), False),
    (("INSERT", 2, False), False),  # between the two halves of the second
    (("COMMIT", 0, True), False),
    (("COMMIT", 0, False), True),
])  # fmt: skip
def test_a_shared_commit_is_there_for_all_or_for_none(
    path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[str, int, bool], kept: bool
) -> None:
    def open_file(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=Deadly, **more)

    monkeypatch.setattr(FilePool, "open_file", staticmethod(open_file))

    def child(said: int) -> None:
        storage = open_sqlite(str(path))

        def call(number: int) -> None:
            write_pair(storage, number)
            os.write(said, f"{number}\n".encode())

        with writing(storage):
            callers = lined_up(storage, [lambda n=n: call(n) for n in (1, 2, 3)])  # type: ignore[misc]
            Deadly.text, Deadly.skips, Deadly.before = moment
        for caller in callers:
            caller.ended()

    assert killed(child) == []
    assert stored(path) == ({0, 1, 2, 3} if kept else {0})


@pytest.mark.kill
def test_nothing_that_a_thread_was_told_is_lost(path: Path) -> None:
    """Threads write as fast as they can; the process is killed at any moment, again and again."""
    told = 0
    for turn in range(RUNS):
        first = 1_000_000 * (turn + 1)

        def child(said: int, first: int = first) -> None:
            storage = open_sqlite(str(path))

            def work(thread: int) -> None:
                for number in range(first + 10_000 * thread, first + 10_000 * (thread + 1)):
                    write_pair(storage, number)
                    os.write(said, f"{number}\n".encode())

            threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        acknowledged = killed(child, random.Random(turn).uniform(0.3, 0.8))
        told += len(acknowledged)
        unasked = {n for n in stored(path) if n >= first} - set(acknowledged)
        assert set(acknowledged) <= stored(path)
        assert len({n // 10_000 for n in unasked}) == len(unasked) <= THREADS
    assert told > RUNS * THREADS

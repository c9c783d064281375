"""Do threads call SQLite one after the other, and does nobody wait long for who is stuck there?"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.storage.sqlite import one_by_one, pool
from scalar_tx.storage.sqlite.connections import FileConnections
from scalar_tx.storage.sqlite.one_by_one import OneByOne
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from pathlib import Path

READERS = 8
READS = 25


class Crowd:
    """How many threads are in a call of SQLite at once, at most?"""

    def __init__(self) -> None:
        self.most = 0
        self._inside = 0
        self._lock = threading.Lock()

    def connection(self) -> type[sqlite3.Connection]:
        crowd = self

        class Watched(sqlite3.Connection):
            def execute(self, text: str, *parameters: Any) -> sqlite3.Cursor:
                if not text.startswith("SELECT"):
                    return super().execute(text, *parameters)
                with crowd._lock:
                    crowd._inside += 1
                    crowd.most = max(crowd.most, crowd._inside)
                time.sleep(0.0005)  # somebody else runs, as they do in a call
                try:
                    return super().execute(text, *parameters)
                finally:
                    with crowd._lock:
                        crowd._inside -= 1

        return Watched


def test_reads_of_several_threads_go_in_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd()

    def open_file(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, **more, factory=crowd.connection())

    monkeypatch.setattr(pool.FilePool, "open_file", staticmethod(open_file))
    monkeypatch.setattr(one_by_one, "_SLICE_S", 0.05)  # patience goes by it
    monkeypatch.setattr(one_by_one, "_LONGEST_S", 10.0)
    connections = FileConnections(sqlite_settings(str(tmp_path / "file.db")))
    with ThreadPoolExecutor(READERS) as threads:
        reads = [threads.submit(connections.read, "SELECT 1") for _ in range(READERS * READS)]
        assert {row for one in reads for row in one.result()} == {(1,)}
    connections.close()
    assert crowd.most == 1


def test_a_thread_goes_on_for_a_while_and_then_comes_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(one_by_one, "_SLICE_S", 0.02)
    turns = OneByOne()
    went_in: list[int] = []
    began = time.monotonic()

    def goes_on() -> bool:
        so_far = time.monotonic() - began
        return so_far < 0.5 or (so_far < 20 and len(set(went_in)) < 4)

    def visit(number: int) -> None:
        while goes_on():
            turns.enter()
            went_in.append(number)
            time.sleep(0.0001)  # the others run, and come to the door
            turns.leave()

    with ThreadPoolExecutor(4) as threads:
        for number in range(4):
            threads.submit(visit, number)
    changes = sum(one != other for one, other in itertools.pairwise(went_in))
    assert set(went_in) == {0, 1, 2, 3}
    assert changes < len(went_in) / 4


def test_who_rests_lets_the_next_one_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_by_one, "_SLICE_S", 10.0)
    monkeypatch.setattr(one_by_one, "_LONGEST_S", 20.0)
    turns = OneByOne()
    turns.enter()
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(turns.enter)
        with pytest.raises(TimeoutError):
            second.result(0.1)
        turns.leave()
        with pytest.raises(TimeoutError):
            second.result(0.1)
        turns.rest()
        second.result(5.0)


def test_who_comes_where_nobody_is_inside_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_by_one, "_SLICE_S", 10.0)
    turns = OneByOne()
    turns.enter()
    turns.leave()  # and has gone to do something else
    with ThreadPoolExecutor(1) as threads:
        threads.submit(turns.enter).result(5.0)


def test_who_is_stuck_inside_keeps_the_others_for_a_moment_only() -> None:
    turns = OneByOne()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(turns.enter).result()
    began = time.monotonic()
    for _ in range(200):
        turns.enter()
        turns.leave()
    assert time.monotonic() - began < 2.5  # 200 times the longest wait are 4

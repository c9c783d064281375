"""Do threads call SQLite one after the other, and does nobody wait long for who is stuck there?"""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.sqlite import pool
from scalar_tx.storage.sqlite.connections import FileConnections
from scalar_tx.storage.sqlite.one_by_one import OneByOne
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
    monkeypatch.setattr("scalar_tx.storage.sqlite.one_by_one._A_MOMENT_S", 10.0)
    connections = FileConnections(sqlite_settings(str(tmp_path / "file.db")))
    with ThreadPoolExecutor(READERS) as threads:
        reads = [threads.submit(connections.read, "SELECT 1") for _ in range(READERS * READS)]
        assert {row for one in reads for row in one.result()} == {(1,)}
    connections.close()
    assert crowd.most == 1


def test_who_is_stuck_inside_keeps_the_others_for_a_moment_only() -> None:
    turns = OneByOne()
    stuck = turns.enter()
    began = time.monotonic()
    second = turns.enter()  # the first that waits, and the last
    second.release()
    for _ in range(200):
        turns.enter().release()
    assert time.monotonic() - began < 1.0  # not 200 moments
    stuck.release()
    turns.enter().release()

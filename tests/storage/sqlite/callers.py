"""What the tests of shared commits have in common: callers in line, and what SQLite was told."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite import pool
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.files import ACCOUNTS, by_hand, mutate, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pytest

    from scalar_tx.storage.interface import StorageMutation
    from scalar_tx.storage.sqlite.storage import SqliteStorage

BALANCES: Final = 'SELECT id, balance FROM "bank$accounts" ORDER BY id'
LONG_S: Final = 30.0  # nothing takes so long unless it hangs


def overhear(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first words of every statement, as SQLite itself tells them; no wait counts as long."""
    heard: list[str] = []

    def open_file(*arguments: Any, **others: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **others)
        connection.set_trace_callback(lambda text: heard.append(text.partition('"')[0].strip()))
        return connection

    monkeypatch.setattr(pool.FilePool, "open_file", staticmethod(open_file))
    monkeypatch.setattr(pool, "_NOTICED_S", LONG_S)
    return heard


def bank(path: Path, parameters: str = "") -> SqliteStorage:
    """A file with one account."""
    storage = open_sqlite(f"sqlite:///{path}{parameters}")
    run(storage.admin.create_table(ACCOUNTS, if_not_exists=True))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 100}))
    return storage


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Caller(threading.Thread):
    """One call on a thread of its own, and what came of it."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001  # it is the answer
            self.error = error

    def ended(self) -> BaseException | None:
        self.join(LONG_S)
        assert not self.is_alive(), "a call hangs"
        return self.error


def waiting(storage: SqliteStorage) -> int:
    return len(storage.connections._line._waiting)


def lined_up(storage: SqliteStorage, calls: Sequence[Callable[[], object]]) -> list[Caller]:
    """Callers that wait for their turn, in this order; somebody else is writing."""
    callers: list[Caller] = []
    before = waiting(storage)
    for number, call in enumerate(calls, before + 1):
        callers.append(Caller(call))
        until(lambda number=number: waiting(storage) == number)  # type: ignore[misc]
    return callers


@contextmanager
def writing(storage: SqliteStorage) -> Iterator[None]:
    """Somebody has the turn all along."""
    line = storage.connections._line
    begun, may_end = threading.Event(), threading.Event()

    def write() -> None:
        assert line.begin()
        begun.set()
        assert may_end.wait(LONG_S)
        line.end()

    writer = Caller(write)
    assert begun.wait(LONG_S)
    try:
        yield
    finally:
        may_end.set()
        assert writer.ended() is None


def together(
    storage: SqliteStorage, *calls: Sequence[StorageMutation]
) -> list[type[BaseException] | None]:
    """Calls that come, in this order, while another writes: the kind of error of each."""
    with writing(storage):
        callers = lined_up(storage, [lambda call=call: mutate(storage, *call) for call in calls])  # type: ignore[misc]
    errors = [caller.ended() for caller in callers]
    assert waiting(storage) == 0
    assert storage.connections._line._writer is None
    return [None if error is None else type(error) for error in errors]


def account(number: int, balance: int = 0) -> Write:
    return Write(ACCOUNTS, (number,), {"balance": balance}, if_not_exists)


def change(number: int, old: int, new: int) -> Write:
    return Write(ACCOUNTS, (number,), {"balance": new}, column("balance") == old)


def balances(path: Path) -> dict[int, int]:
    return dict(by_hand(path, BALANCES))

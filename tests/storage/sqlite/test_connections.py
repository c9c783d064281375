"""Threads, processes, forks, interrupts and failing disks."""

from __future__ import annotations

import multiprocessing
import resource
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from scalar_tx.storage.sqlite.storage import SqliteStorage, open_sqlite
from tests.storage.sqlite.files import ACCOUNTS, by_hand, in_child, mutate, run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.sqlite.connections import Session


def bank(path: Path) -> SqliteStorage:
    storage = open_sqlite(f"{path}")
    run(storage.admin.create_table(ACCOUNTS, if_not_exists=True))
    mutate(storage, Write(ACCOUNTS, (1,), {"balance": 100}))
    return storage


def add(storage: SqliteStorage, amount: int) -> None:
    """Change the balance as the protocol would: only if it is still what was read."""
    while True:
        row = run(storage.get(ACCOUNTS, (1,)))
        assert row is not None
        balance = row["balance"]
        assert isinstance(balance, int)
        change = Write(ACCOUNTS, (1,), {"balance": balance + amount}, column("balance") == balance)
        try:
            mutate(storage, change)
        except WriteRefusedError:
            continue
        return


def test_threads_share_the_pool_and_lose_no_write(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")

    def work() -> None:
        for _ in range(40):
            add(storage, 1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = run(storage.get(ACCOUNTS, (1,)))
    assert row is not None
    assert row["balance"] == 260
    assert 1 <= len(storage.connections._idle) <= 4


def work_on(path: str, times: int) -> None:
    storage = open_sqlite(path)
    run(storage.admin.create_table(ACCOUNTS, if_not_exists=True))
    try:
        mutate(storage, Write(ACCOUNTS, (1,), {"balance": 0}, if_not_exists))
    except WriteRefusedError:
        assert run(storage.get(ACCOUNTS, (1,))) is not None
    for _ in range(times):
        add(storage, 1)


def test_processes_open_a_new_file_at_once_and_lose_no_write(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=work_on, args=(str(path), 30)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert by_hand(path, 'SELECT balance FROM "bank$accounts"') == [(120,)]
    assert by_hand(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_child_of_fork_opens_its_own_connections(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    (parents,) = storage.connections._idle

    def check() -> None:
        assert storage.connections._idle == []
        add(storage, 11)
        assert storage.connections._idle[0] is not parents
        run(storage.close())

    in_child(check)
    assert storage.connections._idle == [parents]
    row = run(storage.get(ACCOUNTS, (1,)))
    assert row is not None
    assert row["balance"] == 111
    add(storage, 1)
    assert by_hand(tmp_path / "a.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_lock_that_was_held_at_the_fork_is_free_in_the_child(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    with storage.connections._lock:
        in_child(lambda: add(storage, 11))
    row = run(storage.get(ACCOUNTS, (1,)))
    assert row is not None
    assert row["balance"] == 111


def test_between_two_pages_there_is_no_snapshot_and_no_lock(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    mutate(storage, *(Write(ACCOUNTS, (i,), {"balance": 0}) for i in range(2, 10)))
    pages = storage.scan(ScanRequest(ACCOUNTS, WholeTableSource(), page_size=5))
    first = run(pages.next_page())
    assert first is not None
    # Nobody holds the file: all of the WAL can be folded into it and cut off.
    checkpoint = by_hand(tmp_path / "a.db", "PRAGMA wal_checkpoint(TRUNCATE)")
    assert checkpoint == [(0, 0, 0)]
    by_hand(tmp_path / "a.db", 'DELETE FROM "bank$accounts" WHERE id IN (2, 5, 7)')
    by_hand(tmp_path / "a.db", 'INSERT INTO "bank$accounts"(id) VALUES (0), (100)')
    rest = run(pages.next_page())
    assert rest is not None
    assert [row["id"] for row in (*first, *rest)] == [1, 2, 3, 4, 5, 6, 8, 9, 100]
    by_hand(tmp_path / "a.db", 'DROP TABLE "bank$accounts"')
    assert run(pages.next_page()) is None, "a page that is not full was the last"
    run(pages.close())
    run(pages.close())
    assert run(pages.next_page()) is None


def test_an_interrupt_inside_a_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    connections = bank(tmp_path / "a.db").connections

    def steps(session: Session) -> None:
        session.count('UPDATE "bank$accounts" SET balance=0')
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connections.transaction(steps)
    assert connections._idle == [], "a connection that was interrupted is not used again"
    assert connections.read('SELECT balance FROM "bank$accounts"') == [(100,)]
    by_hand(tmp_path / "a.db", 'UPDATE "bank$accounts" SET balance=1')  # not locked


def test_an_error_that_can_not_be_placed_closes_the_connection(tmp_path: Path) -> None:
    connections = bank(tmp_path / "a.db").connections
    with pytest.raises(InvalidOperationError):
        connections.write("UPDATE nonsense")
    assert connections._idle == []
    with pytest.raises(InvalidOperationError):
        connections.read("SELECT ?", (2**63,))
    assert connections._idle == []


@pytest.mark.parametrize(
    "mode,group,expected",
    [
        ("WAL", False, ReplyLostError),
        ("WAL", True, ReplyLostError),
        ("DELETE", False, ReplyLostError),
        # The journal is written before the commit, so here it is known that nothing was done.
        ("DELETE", True, StorageUnavailableError),
    ],
)
def test_a_disk_error_is_an_unknown_outcome_at_a_commit_only(
    tmp_path: Path, mode: str, group: bool, expected: type[Exception]
) -> None:
    """A limit on the size of files makes the system refuse SQLite's writes: a true I/O error."""
    path = tmp_path / "a.db"
    run(bank(path).close())
    change = Write(ACCOUNTS, (1,), {"balance": 0}, column("balance") == 100)
    other = Write(ACCOUNTS, (2,), {}, if_not_exists)

    def check() -> None:
        storage = open_sqlite(f"sqlite:///{path}?journal_mode={mode}")
        assert run(storage.get(ACCOUNTS, (1,)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        with pytest.raises(expected, match="disk I/O error"):
            mutate(storage, *([change, other] if group else [change]))
        assert storage.connections._idle == []
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        mutate(storage, change, other)

    in_child(check)
    assert by_hand(path, 'SELECT balance FROM "bank$accounts"') == [(0,), (None,)]


def test_after_close_nothing_is_open(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    assert (tmp_path / "a.db-wal").exists()
    run(storage.close())
    run(storage.close())
    assert not (tmp_path / "a.db-wal").exists(), "the last connection folds the WAL into the file"
    for steps in (storage.get(ACCOUNTS, (1,)), storage.admin.namespaces()):
        with pytest.raises(InvalidOperationError, match="closed"):
            run(steps)


def test_a_connection_in_use_at_the_close_is_closed_when_it_comes_back(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")

    def steps(session: Session) -> None:
        run(storage.close())
        session.count('UPDATE "bank$accounts" SET balance=3')

    storage.connections.transaction(steps)
    assert storage.connections._idle == []
    assert by_hand(tmp_path / "a.db", 'SELECT balance FROM "bank$accounts"') == [(3,)]
    assert not (tmp_path / "a.db-wal").exists()


def test_a_group_has_its_turn_before_it_reads(tmp_path: Path) -> None:
    """Else what it read could be outdated when it writes, and it would have to give up."""
    connections = bank(tmp_path / "a.db").connections

    def steps(session: Session) -> None:
        session.rows("SELECT 1")
        with pytest.raises(StorageBusyError):
            hasty.write('UPDATE "bank$accounts" SET balance=1')

    hasty = open_sqlite(f"sqlite:///{tmp_path}/a.db?busy_timeout=10").connections
    connections.transaction(steps)
    assert hasty.write('UPDATE "bank$accounts" SET balance=1') == 1


def test_opening_waits_until_it_can_switch_the_mode(tmp_path: Path) -> None:
    """SQLite itself does not wait for the others of a file in WAL to leave."""
    path = tmp_path / "a.db"
    run(bank(path).close())
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute('SELECT * FROM "bank$accounts"').fetchall()
        hasty = open_sqlite(f"sqlite:///{path}?busy_timeout=30&journal_mode=DELETE")
        with pytest.raises(StorageBusyError):
            run(hasty.admin.namespaces())
        leaves = threading.Timer(0.2, other.close)
        leaves.start()
        patient = open_sqlite(f"sqlite:///{path}?journal_mode=DELETE")
        assert patient.connections.read("PRAGMA journal_mode") == [("delete",)]
        leaves.join()

"""Calls that write at the same time: one commit for all, and an answer of its own for each."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.errors import (
    WriteRefusedError,
)
from scalar_tx.model.conditions import if_exists
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite import combining
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.storage.sqlite.callers import (
    Caller,
    account,
    balances,
    bank,
    change,
    lined_up,
    overhear,
    together,
    until,
    waiting,
    writing,
)
from tests.storage.sqlite.files import ACCOUNTS, mutate, run

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.storage.sqlite.storage import SqliteStorage


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return overhear(monkeypatch)


def test_who_comes_alone_says_what_he_always_said(tmp_path: Path, said: list[str]) -> None:
    storage = bank(tmp_path / "a.db")
    said.clear()
    mutate(storage, account(2))
    assert said == ["INSERT INTO"]
    said.clear()
    mutate(storage, change(1, 100, 99), change(2, 0, 1))
    assert said == ["BEGIN IMMEDIATE", "UPDATE", "UPDATE", "COMMIT"]
    said.clear()
    with pytest.raises(WriteRefusedError):
        mutate(storage, change(1, 100, 98))
    assert said == ["UPDATE"]


def test_calls_that_come_during_a_write_share_one_commit(tmp_path: Path, said: list[str]) -> None:
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        said.clear()
        callers = lined_up(
            storage,
            [lambda n=n: mutate(storage, account(n)) for n in range(2, 7)],  # type: ignore[misc]
        )
    assert [caller.ended() for caller in callers] == [None] * 5
    assert said == ["BEGIN IMMEDIATE", *5 * ["INSERT INTO"], "COMMIT"]
    assert balances(tmp_path / "a.db") == {1: 100, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0}


def test_the_only_one_that_waited_writes_as_one_alone(tmp_path: Path, said: list[str]) -> None:
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        said.clear()
        (caller,) = lined_up(storage, [lambda: mutate(storage, account(2))])
    assert caller.ended() is None
    assert said == ["INSERT INTO"]


def test_each_is_judged_by_itself_in_the_order_of_arrival(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    refused = WriteRefusedError
    assert together(
        storage,
        [change(1, 100, 90)],
        [change(1, 100, 80)],  # comes too late for it
        [change(1, 90, 70)],  # sees the first one's
        [account(2, 5)],
        [account(2, 6)],
        [account(3, 7), change(1, 0, 1)],  # its second is not met: the first is undone
        [change(1, 70, 71), account(4, 8)],
        [account(5, 9), account(4, 10)],  # the same, by the key
        [Write(ACCOUNTS, (6,), {"balance": 1}, if_exists)],
    ) == [None, refused, None, None, refused, refused, None, refused, refused]
    assert balances(tmp_path / "a.db") == {1: 71, 2: 5, 4: 8}


def test_all_refused_is_nothing_changed(tmp_path: Path) -> None:
    storage = bank(tmp_path / "a.db")
    assert together(storage, [change(1, 0, 1)], [change(1, 0, 2)]) == [WriteRefusedError] * 2
    assert balances(tmp_path / "a.db") == {1: 100}


def test_a_definition_waits_for_its_turn_and_shares_with_nobody(
    tmp_path: Path, said: list[str]
) -> None:
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        said.clear()
        callers = lined_up(
            storage,
            [
                lambda: mutate(storage, account(2)),
                lambda: mutate(storage, account(3)),
                lambda: run(storage.admin.truncate_table(ACCOUNTS.name)),
                lambda: mutate(storage, account(4)),
            ],
        )
    assert [caller.ended() for caller in callers] == [None] * 4
    assert said.count("COMMIT") == 2  # that of the first two, and the definition's
    assert balances(tmp_path / "a.db") == {4: 0}


def process(path: Path, first: int) -> int:
    """Another process writes some accounts, each by its own thread."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            storage = open_sqlite(str(path))
            callers = [Caller(lambda n=n: add_to_all(storage, n)) for n in range(first, first + 6)]  # type: ignore[misc]
            code = int(any(caller.ended() for caller in callers))
        finally:
            os._exit(code)
    return child


def add_to_all(storage: SqliteStorage, number: int) -> None:
    """Insert an account, then add 1 to the first one; both ten times."""
    for turn in range(10):
        mutate(storage, account(100 * number + turn))
        while True:
            row = run(storage.get(ACCOUNTS, (1,)))
            assert row is not None
            old: Any = row["balance"]
            try:
                mutate(storage, change(1, old, old + 1))
            except WriteRefusedError:
                continue
            break


def test_processes_combine_their_threads_writes_and_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    run(bank(path).close())
    children = [process(path, first) for first in (1, 11, 21)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    found = balances(path)
    assert found.pop(1) == 100 + 3 * 6 * 10
    assert len(found) == 3 * 6 * 10


def test_no_more_than_a_bound_go_into_one_transaction_in_the_order_of_arrival(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "MOST_TOGETHER", 3)
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        said.clear()
        callers = lined_up(
            storage,
            [lambda n=n: mutate(storage, change(1, n, n + 1)) for n in range(100, 107)],  # type: ignore[misc]
        )
    assert [caller.ended() for caller in callers] == [None] * 7
    three = ["BEGIN IMMEDIATE", *3 * ["UPDATE"], "COMMIT"]
    assert said == [*three, *three, "UPDATE"]
    assert balances(tmp_path / "a.db") == {1: 107}


def test_a_transaction_that_takes_long_takes_no_more_calls_in(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "_GATHERS_S", -1.0)
    storage = bank(tmp_path / "a.db")
    with writing(storage):
        said.clear()
        callers = lined_up(storage, [lambda n=n: mutate(storage, account(n)) for n in (2, 3)])  # type: ignore[misc]
    assert [caller.ended() for caller in callers] == [None, None]
    assert said == ["BEGIN IMMEDIATE", "INSERT INTO", "COMMIT", "INSERT INTO"]


def test_tasks_of_asyncio_share_a_commit_too(tmp_path: Path, said: list[str]) -> None:
    async def work() -> None:
        every_step: Any = {"consensus_commit_one_phase_commit_enabled": False}
        async with scalar_tx.connect_async(f"sqlite:///{tmp_path}/a.db", **every_step) as db:
            await db.admin.create_table("t.t", columns={"id": "INT"}, partition_key=["id"])
            await db.upsert("t.t", {"id": 0})
            storage: Any = parts_of(db).storage
            with writing(storage):
                said.clear()
                tasks = [asyncio.ensure_future(db.upsert("t.t", {"id": n})) for n in range(1, 5)]
                await asyncio.to_thread(until, lambda: waiting(storage) == 4)
            await asyncio.gather(*tasks)

    asyncio.run(work())
    begun = said.index("BEGIN IMMEDIATE")
    assert said[begun : begun + 6] == ["BEGIN IMMEDIATE", *4 * ["INSERT INTO"], "COMMIT"]

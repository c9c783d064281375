"""Is everything recorded that a manager does, whichever face and form does it?"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, Delete, Get, Scan, Upsert
from scalar_tx.connection import parts_of
from scalar_tx.runtime.blocking import run_blocking
from tests.faces.either import Face, each, entered, now
from tests.faces.tables import ACCOUNT, make_accounts
from tests.histories.recording.reading import chains, check_form, completions, lines, told

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = (f"{ACCOUNT}/{n}" for n in (1, 2, 3))
THREADS = 6
TRANSFERS = 40


async def test_every_form(db: Any, face: Face, path: Path) -> None:
    await make_accounts(db, count=2)

    async def read_one(tx: Any) -> None:
        await now(tx.get(ACCOUNT, {"id": 1}))

    read = face.function(read_one)
    recording = db.record_history(path)
    await now(db.run(read))
    await now(db.transactional(read)())
    async for attempt in each(db.attempts()):
        async with entered(attempt) as tx:
            await read_one(tx)
    async with entered(db.transaction()) as tx:
        await read_one(tx)
    tx = db.begin()
    await read_one(tx)
    await now(tx.commit())
    await now(db.get(ACCOUNT, {"id": 1}))
    await now(db.batch([Get(ACCOUNT, {"id": 1})]))
    recording.close()
    history = told(path)
    assert len(history) == 7
    (loaded,) = {str(value) for _, value in history}
    assert {kind for kind, _ in history} == {"ok"}
    assert loaded.startswith(f"[['r', '{ONE}', '"), loaded
    check_form(lines(path))


async def test_one_operation_calls(db: Any, path: Path) -> None:
    await make_accounts(db, count=0)
    with db.record_history(path):
        await now(db.insert(ACCOUNT, {"id": 1, "balance": 1}))
        await now(db.upsert(ACCOUNT, {"id": 2, "balance": 1}))
        await now(db.update(ACCOUNT, {"id": 1}, {"balance": 2}))
        await now(db.put(ACCOUNT, {"id": 3, "balance": 1}))
        await now(db.mutate([Upsert(ACCOUNT, {"id": 2}), Delete(ACCOUNT, {"id": 3})]))
        found = await now(db.batch([Scan(ACCOUNT, whole_table=True), Get(ACCOUNT, {"id": 3})]))
        await now(db.load(ACCOUNT, [{"id": n} for n in range(4, 9)], batch=3))
    assert len(found[0]) == 2
    ids = [line.get("id") for line in completions(path)]
    values = [value for _, value in told(path)]
    assert values[:4] == [
        [["r", ONE, None], ["w", ONE, ids[0]]],
        [["r", TWO, None], ["w", TWO, ids[1]]],
        [["r", ONE, ids[0]], ["w", ONE, ids[2]]],
        [["r", THREE, None], ["w", THREE, ids[3]]],
    ]
    assert sorted(values[4][:2]) == [["r", TWO, ids[1]], ["r", THREE, ids[3]]]
    assert values[4][2:] == [["w", TWO, ids[4]], ["w", THREE, None]]
    assert sorted(values[5], key=str) == sorted(
        [["r", THREE, None], ["r", ONE, ids[2]], ["r", TWO, ids[4]]], key=str
    )
    assert ids[5] is None, "reads alone need no id"
    assert [len(value) for value in values[6:]] == [6, 4]


async def test_a_scanner_left_early(db: Any, path: Path) -> None:
    await make_accounts(db, count=9)
    parts_of(db).context.options = replace(parts_of(db).context.options, scan_fetch_size=2)
    with db.record_history(path):
        tx = db.begin()
        scanner = await now(tx.scanner(ACCOUNT, whole_table=True))
        page = await now(scanner.next_page())
        await now(tx.commit())
    assert [record["id"] for record in page] == [1, 2]
    ((_, value),) = told(path)
    assert [register for _, register, _ in value] == [ONE, TWO]


async def test_a_block_that_raises_has_failed(db: Any, path: Path) -> None:
    await make_accounts(db, count=1)

    async def work() -> None:
        async with entered(db.transaction()) as tx:
            await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}))
            raise KeyError("the program's own")

    with db.record_history(path), pytest.raises(KeyError):
        await work()
    assert [kind for kind, _ in told(path)] == ["fail"]


async def test_a_rerun_is_a_transaction_of_its_own(db: Any, face: Face, path: Path) -> None:
    await make_accounts(db, count=1)
    tries = 0

    async def work(tx: Any) -> None:
        nonlocal tries
        tries += 1
        await now(tx.get(ACCOUNT, {"id": 1}))
        if tries == 1:
            await now(db.update(ACCOUNT, {"id": 1}, {"balance": 7}))
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 8}))

    with db.record_history(path):
        await now(db.run(face.function(work)))
    history = completions(path)
    assert [line["type"] for line in history] == ["ok", "fail", "ok"]
    assert len({line["id"] for line in history}) == 3
    assert history[2]["value"] == [["r", ONE, history[0]["id"]], ["w", ONE, history[2]["id"]]]
    check_form(lines(path))


def transfer(tx: Any, source: int, target: int) -> None:
    """Move one unit."""
    balances = {number: tx.get(ACCOUNT, {"id": number})["balance"] for number in (source, target)}
    time.sleep(0.001)  # another thread's turn
    tx.update(ACCOUNT, {"id": source}, {"balance": balances[source] - 1})
    tx.update(ACCOUNT, {"id": target}, {"balance": balances[target] + 1})


def check_bank(path: Path, *, at_least: int) -> None:
    history = lines(path)
    check_form(history)
    kinds = [line["type"] for line in history]
    assert kinds.count("ok") > at_least
    assert kinds.count("fail") > 0, "nothing met a conflict: this shows nothing"
    written = chains(history)
    assert set(written) == {ONE, TWO, THREE}
    assert sum(map(len, written.values())) == sum(
        kind == "w" for line in history if line["type"] == "ok" for kind, _, _ in line["value"]
    )


def test_threads_with_conflicts(target: str, path: Path) -> None:
    with scalar_tx.connect(target) as db, db.record_history(path) as recording:
        run_blocking(make_accounts(db))
        barrier = threading.Barrier(THREADS)

        def work(number: int) -> None:
            barrier.wait()
            for turn in range(TRANSFERS):
                tx = db.begin()
                try:
                    transfer(tx, 1 + (number + turn) % 3, 1 + (number + turn + 1) % 3)
                    tx.commit()
                except ConflictError:
                    tx.rollback()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        balances: list[Any] = [account["balance"] for account in db.scan(ACCOUNT, whole_table=True)]
        assert sum(balances) == 300
    assert recording.transactions == THREADS * TRANSFERS + 2
    check_bank(path, at_least=TRANSFERS)
    assert max(line["process"] for line in lines(path)) < THREADS


def test_tasks_with_conflicts(target: str, path: Path) -> None:
    async def main() -> None:
        async with scalar_tx.connect_async(target) as db:
            with db.record_history(path):
                await make_accounts(db)

                @db.transactional
                async def move(tx: scalar_tx.AsyncTransaction, source: int, target: int) -> None:
                    for number, change in ((source, -1), (target, 1)):
                        account = await tx.get(ACCOUNT, {"id": number})
                        assert account is not None
                        balance: Any = account["balance"]
                        await asyncio.sleep(0)
                        await tx.update(ACCOUNT, {"id": number}, {"balance": balance + change})

                async def work(number: int) -> None:
                    for turn in range(10):
                        await move(1 + (number + turn) % 3, 1 + (number + turn + 1) % 3)

                await asyncio.gather(*(work(n) for n in range(4)))

    asyncio.run(main())
    check_bank(path, at_least=40)

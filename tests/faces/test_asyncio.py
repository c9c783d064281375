"""Tasks: cancellation, many at once, and nothing that blocks the loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, InvalidOperationError, TransactionState
from scalar_tx.runtime.blocking import run_blocking
from tests.faces import either
from tests.faces.either import url
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scalar_tx import AsyncTransactionManager


class Gate:
    """Holds up the storage calls of one kind until it is opened."""

    def __init__(self, db: AsyncTransactionManager, method: str, number: int) -> None:
        storage: Any = either.parts(db).context.storage
        self._call: Callable[..., Any] = getattr(storage, method)
        self._left = number
        self.reached = threading.Event()
        self._open = threading.Event()
        setattr(storage, method, self._held)

    async def _held(self, *arguments: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            self.reached.set()
            assert self._open.wait(10)
        return await self._call(*arguments)

    def open(self) -> None:
        self._open.set()

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 10)


async def connected(directory: Path, **settings: object) -> AsyncTransactionManager:
    db = scalar_tx.connect_async(url("sqlite", directory), **settings)
    await make_accounts(db)
    return db


@pytest.mark.parametrize(
    "one_write,held",
    [
        (False, 1),  # prepare
        (False, 2),  # the decision
        (False, 3),  # finishing the records
        (True, 1),
    ],
)
async def test_a_cancelled_commit_ends_first(tmp_path: Path, one_write: bool, held: int) -> None:
    db = await connected(tmp_path, consensus_commit_one_phase_commit_enabled=one_write)
    outcome = TransactionState.COMMITTED
    tx = db.begin()
    await tx.get(ACCOUNT, {"id": 1})
    await tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    calls: list[str] = []
    tx.on_commit(calls.append, "after")
    gate = Gate(db, "mutate", held)
    task = asyncio.create_task(tx.commit())
    await gate.wait()
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()  # insisting does not help
    await asyncio.sleep(0.01)
    assert not task.done()
    assert tx.outcome is None
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tx.outcome is outcome
    assert calls == ["after"]
    assert (await db.get(ACCOUNT, {"id": 1}))["balance"] == 1
    assert await db.state(tx.id) is outcome
    await db.close()


async def test_a_cancelled_commit_that_conflicts_is_aborted(tmp_path: Path) -> None:
    db = await connected(tmp_path)
    tx = db.begin()
    await tx.get(ACCOUNT, {"id": 1})
    await tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    await db.update(ACCOUNT, {"id": 1}, {"balance": 77})
    gate = Gate(db, "mutate", 1)
    task = asyncio.create_task(tx.commit())
    await gate.wait()
    task.cancel()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tx.outcome is TransactionState.ABORTED
    assert (await db.get(ACCOUNT, {"id": 1}))["balance"] == 77  # type: ignore[index]
    await db.close()


async def test_a_cancelled_read_gives_the_transaction_up(tmp_path: Path) -> None:
    db = await connected(tmp_path)
    begun: list[Any] = []

    async def work(tx: Any) -> None:
        begun.append(tx)
        await tx.update(ACCOUNT, {"id": 2}, {"balance": 1})
        await tx.get(ACCOUNT, {"id": 1})

    for form in ("run", "with"):
        gate = Gate(db, "get", 2)

        async def in_a_block() -> None:
            async with db.transaction() as tx:
                await work(tx)

        task = asyncio.create_task(db.run(work) if form == "run" else in_a_block())
        await gate.wait()
        task.cancel()
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert begun[-1].outcome is TransactionState.ABORTED
    assert len(begun) == 2  # not run again
    assert (await db.get(ACCOUNT, {"id": 2}))["balance"] == 100  # type: ignore[index]
    await db.close()


async def test_a_time_limit_around_a_call_is_a_cancellation(tmp_path: Path) -> None:
    db = await connected(tmp_path)
    gate = Gate(db, "mutate", 1)
    tx = db.begin()
    await tx.upsert(ACCOUNT, {"id": 1, "balance": 1})
    asyncio.get_running_loop().call_later(0.15, gate.open)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await tx.commit()
    assert tx.outcome is TransactionState.COMMITTED  # the caller can tell
    await db.close()


@pytest.mark.parametrize("target", ["memory", "sqlite"])
async def test_many_tasks(tmp_path: Path, target: str) -> None:
    async with scalar_tx.connect_async(url(target, tmp_path)) as db:
        await make_accounts(db, count=4)

        @db.transactional(retry=scalar_tx.RetryPolicy(deadline=60, longest_pause=0.05))
        async def move(tx: Any, source: int, to: int) -> None:
            payer = await tx.get(ACCOUNT, {"id": source})
            await asyncio.sleep(0)
            payee = await tx.get(ACCOUNT, {"id": to})
            await tx.update(ACCOUNT, {"id": source}, {"balance": payer["balance"] - 1})
            await tx.update(ACCOUNT, {"id": to}, {"balance": payee["balance"] + 1})

        await asyncio.gather(*(move(n % 4 + 1, (n + 1) % 4 + 1) for n in range(40)))
        found = await db.scan(ACCOUNT, whole_table=True)
        assert [r["balance"] for r in found] == [100] * 4


async def test_one_task_at_a_time(tmp_path: Path) -> None:
    db = await connected(tmp_path)
    tx = db.begin()
    gate = Gate(db, "get", 1)
    first = asyncio.create_task(tx.get(ACCOUNT, {"id": 1}))
    await gate.wait()
    for call in (tx.get(ACCOUNT, {"id": 2}), tx.upsert(ACCOUNT, {"id": 2}), tx.commit()):
        with pytest.raises(InvalidOperationError, match="batch") as caught:
            await call
        assert caught.value.code == "STX-3041"
    gate.open()
    assert (await first)["id"] == 1  # type: ignore[index]
    await tx.upsert(ACCOUNT, {"id": 1, "balance": 5})  # and it goes on
    await tx.commit()
    assert (await db.get(ACCOUNT, {"id": 1}))["balance"] == 5  # type: ignore[index]
    await db.close()


async def test_sqlite_does_not_block_the_loop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every storage call takes 30 ms here; on the loop, asyncio's debug mode would report it."""
    db = await connected(tmp_path)
    storage: Any = either.parts(db).context.storage
    loop = asyncio.get_running_loop()
    for method in ("get", "mutate"):
        call = getattr(storage, method)

        async def slow(*arguments: Any, call: Any = call) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            threading.Event().wait(0.03)
            return await call(*arguments)

        setattr(storage, method, slow)
    loop.set_debug(True)
    loop.slow_callback_duration = 0.025
    ticks = 0

    async def count() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.002)
            ticks += 1

    counting = asyncio.create_task(count())
    caplog.clear()
    with caplog.at_level(logging.WARNING, "asyncio"):
        async with db.transaction() as tx:
            found = await tx.get(ACCOUNT, {"id": 1})
            assert found is not None
            await tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    counting.cancel()
    assert ticks > 10
    slow_calls = [r.getMessage() for r in caplog.records if "Executing" in r.getMessage()]
    assert [line for line in slow_calls if "scalar_tx" in line] == []
    loop.set_debug(False)
    await db.close()


async def test_reads_of_a_batch_run_together(tmp_path: Path) -> None:
    db = await connected(tmp_path)
    results = await asyncio.gather(
        *(db.batch([scalar_tx.Get(ACCOUNT, {"id": n}) for n in (1, 2, 3)]) for _ in range(5))
    )
    assert all([r and r["id"] for r in found] == [1, 2, 3] for found in results)
    await db.close()


def test_a_manager_may_be_used_by_one_loop_after_the_other(tmp_path: Path) -> None:
    db = scalar_tx.connect_async(url("sqlite", tmp_path))
    asyncio.run(make_accounts(db))

    async def read() -> Any:
        return await db.get(ACCOUNT, {"id": 1})

    assert asyncio.run(read()) == asyncio.run(read())

    async def close() -> None:
        await db.close()

    asyncio.run(close())


def test_what_would_wait_on_the_blocking_face_is_a_fault() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="suspended"):
        run_blocking(waits())


async def test_a_conflict_among_tasks_names_the_record(tmp_path: Path) -> None:
    db = await connected(tmp_path)

    async def add(tx: Any) -> None:
        found = await tx.get(ACCOUNT, {"id": 1})
        await asyncio.sleep(0.01)
        await tx.update(ACCOUNT, {"id": 1}, {"balance": found["balance"] + 1})

    results = await asyncio.gather(
        *(db.run(add, retry=0) for _ in range(2)), return_exceptions=True
    )
    lost = [r for r in results if r is not None]
    assert len(lost) == 1
    assert isinstance(lost[0], ConflictError)
    assert lost[0].records == ((ACCOUNT, {"id": 1}),)
    await db.close()

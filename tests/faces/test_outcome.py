"""Ids, what became of a transaction, what is called after it, and what is left behind."""

# ruff: noqa: PT012  # how a block ends is what is tested
from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest

from scalar_tx import (
    ConflictError,
    InvalidOperationError,
    TransactionNotFoundError,
    TransactionState,
)
from tests.faces.either import Face, each, entered, now
from tests.faces.left_behind import leave_prepared
from tests.faces.tables import ACCOUNT, make_accounts


async def test_an_id_is_made_for_each(db: Any) -> None:
    tx = db.begin()
    assert tx.outcome is None
    assert str(uuid.UUID(tx.id)) == tx.id == tx.id
    assert db.begin().id != tx.id
    assert tx.id in repr(tx)
    assert "open" in repr(tx)
    await now(tx.commit())
    assert "COMMITTED" in repr(tx)


async def test_resume(db: Any, face: Face) -> None:
    await make_accounts(db)
    tx = db.begin()
    assert db.resume(tx.id) is tx
    named = db.begin(id="mine")
    assert db.resume("mine") is named
    await now(db.resume("mine").upsert(ACCOUNT, {"id": 9}))
    await now(db.resume("mine").commit())
    await now(tx.rollback())
    for gone in ("mine", tx.id, "never seen"):
        with pytest.raises(TransactionNotFoundError) as caught:
            db.resume(gone)
        assert caught.value.transaction_id == gone
    assert await now(db.get(ACCOUNT, {"id": 9})) is not None
    other = face.open("memory://")
    still = db.begin()
    with pytest.raises(TransactionNotFoundError):
        other.resume(still.id)
    await now(other.close())


async def test_an_open_id_is_not_given_twice(db: Any) -> None:
    db.begin(id="mine")
    with pytest.raises(InvalidOperationError) as caught:
        db.begin(id="mine")
    assert caught.value.code == "STX-3043"
    assert caught.value.transaction_id == "mine"


@pytest.mark.parametrize("decided", ["committed", "settled"])
async def test_an_id_that_was_decided_is_refused(db: Any, decided: str) -> None:
    await make_accounts(db)
    if decided == "committed":
        async with entered(db.transaction(id="used")) as tx:
            await now(tx.upsert(ACCOUNT, {"id": 9}))
    else:
        assert await now(db.settle("used")) is TransactionState.ABORTED
    tx = db.begin(id="used")
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}))
    with pytest.raises(InvalidOperationError) as caught:
        await now(tx.commit())
    assert caught.value.code == "STX-3036"
    assert caught.value.transaction_id == "used"
    assert not caught.value.retryable
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100


@pytest.mark.parametrize(
    "wrong", ["a,b", ",", "x" * 24 + "$", "x" * 24 + "$member", "x" * 65, "", "tab\t"]
)
async def test_ids_that_can_t_be(db: Any, wrong: str) -> None:
    for begin in (db.begin, db.start, db.transaction):
        with pytest.raises(InvalidOperationError) as caught:
            begin(id=wrong)
        assert caught.value.code == "STX-3030"
    for right in ("x" * 23 + "$member", "x" * 25 + "$", "$", "x" * 64, "é;'\""):
        await now(db.begin(id=right).rollback())


async def test_state_and_settle(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    assert await now(db.state(tx.id)) is TransactionState.UNKNOWN
    await now(tx.commit())
    assert await now(db.state(tx.id)) is TransactionState.COMMITTED
    assert await now(db.settle(tx.id)) is TransactionState.COMMITTED
    read_only = db.begin()
    await now(read_only.get(ACCOUNT, {"id": 1}))
    await now(read_only.commit())
    assert read_only.outcome is TransactionState.COMMITTED
    assert await now(db.state(read_only.id)) is TransactionState.UNKNOWN  # it left no row
    assert await now(db.settle("never begun")) is TransactionState.ABORTED
    assert await now(db.state("never begun")) is TransactionState.ABORTED


async def test_what_is_settled_meanwhile_can_not_commit(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    assert await now(db.settle(tx.id)) is TransactionState.ABORTED
    with pytest.raises(ConflictError) as caught:
        await now(tx.commit())
    assert caught.value.code == "STX-1030"
    assert tx.outcome is TransactionState.ABORTED
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100


async def test_recover(db: Any) -> None:
    await make_accounts(db)
    assert await now(db.recover(ACCOUNT, {"id": 1})) is None
    assert await now(db.recover(ACCOUNT, {"id": 99})) is None
    leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 0}, age=1)
    with pytest.raises(ConflictError) as caught:
        await now(db.recover(ACCOUNT, {"id": 1}))
    assert caught.value.retry_after is not None
    dead = leave_prepared(db, ACCOUNT, {"id": 2}, {"balance": 0}, age=16)
    assert await now(db.recover(ACCOUNT, {"id": 2})) is TransactionState.ABORTED
    assert await now(db.state(dead)) is TransactionState.ABORTED
    assert (await now(db.get(ACCOUNT, {"id": 2})))["balance"] == 100
    decided = leave_prepared(db, ACCOUNT, {"id": 3}, {"balance": 0}, age=1)
    await now(db.settle(decided))
    assert await now(db.recover(ACCOUNT, {"id": 3})) is TransactionState.ABORTED


async def test_on_commit(db: Any, face: Face, caplog: pytest.LogCaptureFixture) -> None:
    await make_accounts(db)
    calls: list[Any] = []
    tx = db.begin()
    tx.on_commit(calls.append, 1)
    tx.on_commit(lambda: calls.append(tx.outcome))
    tx.on_commit(lambda *values: calls.append(values), "a", "b")
    tx.on_commit(int, "no number")
    tx.on_commit(calls.append, 2)
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    assert calls == []
    await now(tx.commit())
    assert calls == [1, TransactionState.COMMITTED, ("a", "b"), 2]
    with pytest.raises(InvalidOperationError):
        await now(tx.commit())  # and they are not called again
    assert calls == [1, TransactionState.COMMITTED, ("a", "b"), 2]
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "on_commit" in line.getMessage()
    assert line.exc_info is not None
    assert line.exc_info[0] is ValueError
    if not face.is_blocking:
        tx = db.begin()

        async def later(value: int) -> None:
            calls.append(value)
            raise LookupError

        tx.on_commit(later, 3)
        tx.on_commit(calls.append, 4)
        await tx.commit()
        assert calls[-2:] == [3, 4]


async def test_on_commit_is_for_commits_only(db: Any, face: Face) -> None:
    await make_accounts(db)
    calls: list[Any] = []
    tx = db.begin()
    tx.on_commit(calls.append, "rolled back")
    await now(tx.rollback())
    with pytest.raises(LookupError):
        async with entered(db.transaction()) as tx:
            tx.on_commit(calls.append, "raised")
            raise LookupError
    tx = db.begin()
    tx.on_commit(calls.append, "conflict")
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(tx.get(ACCOUNT, {"id": 2}))
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 5}))
    with pytest.raises(ConflictError):
        await now(tx.commit())
    assert calls == []
    turns = []

    async def work(tx: Any) -> None:
        turns.append(1)
        tx.on_commit(calls.append, f"turn {len(turns)}")
        await now(tx.get(ACCOUNT, {"id": 1}))
        await now(tx.get(ACCOUNT, {"id": 2}))
        if len(turns) == 1:
            await now(db.update(ACCOUNT, {"id": 1}, {"balance": 6}))

    await now(db.run(face.function(work)))
    assert calls == ["turn 2"]


async def test_load(db: Any) -> None:
    await make_accounts(db, count=0)
    rows = [{"id": n, "balance": n} for n in range(10)]
    seen: list[int] = []
    assert await now(db.load(ACCOUNT, iter(rows), batch=4, progress=seen.append)) == 10
    assert seen == [4, 8, 10]
    assert [r["id"] for r in await now(db.scan(ACCOUNT, whole_table=True))] == list(range(10))
    assert await now(db.load(ACCOUNT, [])) == 0


async def test_a_load_that_failed_goes_on_where_it_was(db: Any) -> None:
    await make_accounts(db, count=0)
    rows = [{"id": n, "balance": n} for n in range(10)]
    rows[5] = {"id": 5, "balance": "wrong"}  # type: ignore[dict-item]
    seen = [0]
    with pytest.raises(InvalidOperationError):
        await now(db.load(ACCOUNT, rows, batch=2, progress=seen.append))
    assert seen[-1] == 4
    assert len(await now(db.scan(ACCOUNT, whole_table=True))) == 4  # whole batches only
    rows[5] = {"id": 5, "balance": 5}
    rows[0] = {"id": 0, "balance": -1}  # skipped: not written again
    assert await now(db.load(ACCOUNT, rows, skip=seen[-1], progress=seen.append)) == 10
    assert seen[-1] == 10
    found = await now(db.scan(ACCOUNT, whole_table=True, order_by=["id"]))
    assert [r["balance"] for r in found] == list(range(10))


async def test_closing(face: Face) -> None:
    async with entered(face.open("memory://")) as db:
        await make_accounts(db, count=1)
    with pytest.raises(InvalidOperationError):
        await now(db.get(ACCOUNT, {"id": 1}))


async def test_each_memory_database_is_its_own(face: Face) -> None:
    async with entered(face.open("memory://")) as one, entered(face.open("memory://")) as two:
        await make_accounts(one)
        assert [t for t in await now(two.admin.namespaces()) if t == "bank"] == []


async def test_nothing_but_the_iterations_own_attempt_is_needed(db: Any) -> None:
    turns = [attempt async for attempt in each(db.attempts())]
    assert len(turns) == 1

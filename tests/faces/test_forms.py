"""The forms of a transaction: decorated, run, inline, once, by hand."""

# ruff: noqa: PT012  # how a block ends is what is tested
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError, InvalidOperationError, Isolation, TransactionState
from tests.faces.either import Face, each, entered, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Callable


async def balance(db: Any, number: int = 1) -> Any:
    return (await now(db.get(ACCOUNT, {"id": number})))["balance"]


async def add(tx: Any, number: int, amount: int = 1) -> int:
    """Read, change and write one account."""
    found = await now(tx.get(ACCOUNT, {"id": number}))
    await now(tx.update(ACCOUNT, {"id": number}, {"balance": found["balance"] + amount}))
    total: int = found["balance"] + amount
    return total


async def test_transactional(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(add)
    plain = db.transactional(function)
    with_options = db.transactional(isolation="SNAPSHOT", retry=2, timeout=5, read_only=False)(
        function
    )
    assert plain.__name__ == with_options.__name__ == "add"
    assert plain.__doc__ == add.__doc__
    assert await now(plain(1)) == 101
    assert await now(plain(1, amount=5)) == 106
    assert await now(with_options(1, 10)) == 116
    assert await balance(db) == 116


async def test_its_options_are_obeyed(db: Any, face: Face) -> None:
    seen = []

    async def look(tx: Any) -> None:
        seen.append((tx.isolation, tx.read_only))

    function = face.function(look)
    await now(db.transactional(function)())
    await now(db.transactional(isolation="read_committed", read_only=True)(function)())
    await now(db.run(function, isolation=Isolation.SNAPSHOT))
    async with entered(db.transaction(isolation="snapshot", read_only=True)) as tx:
        await look(tx)
    async for attempt in each(db.attempts(isolation="SNAPSHOT")):
        async with entered(attempt) as tx:
            await look(tx)
    assert seen == [
        (Isolation.SERIALIZABLE, False),
        (Isolation.READ_COMMITTED, True),
        (Isolation.SNAPSHOT, False),
        (Isolation.SNAPSHOT, True),
        (Isolation.SNAPSHOT, False),
    ]


async def test_methods(db: Any, face: Face) -> None:
    await make_accounts(db)

    class Bank:
        step = 7

        if face.is_blocking:

            @db.transactional  # type: ignore[untyped-decorator]
            def pay(self, tx: Any, number: int) -> Any:
                return face.function(add)(tx, number, self.step)

        else:

            @db.transactional  # type: ignore[untyped-decorator]
            async def pay(self, tx: Any, number: int) -> Any:
                return await add(tx, number, self.step)

    bank = Bank()
    assert await now(bank.pay(1)) == 107
    async with entered(db.transaction()) as tx:
        assert await now(bank.pay(tx, 1)) == 114
        assert await now(bank.pay(tx, 2)) == 107
    assert await balance(db) == 114


async def test_joining(db: Any, face: Face) -> None:
    await make_accounts(db)
    pay = db.transactional(face.function(add))

    async def twice(tx: Any) -> None:
        await now(pay(tx, 1))
        await now(pay(tx, 1))
        raise LookupError("give both up")

    with pytest.raises(LookupError):
        await now(db.run(face.function(twice)))
    assert await balance(db) == 100
    tx = db.begin()
    assert await now(pay(tx, 1)) == 101
    assert await now(pay(tx, 1)) == 102
    assert tx.outcome is None
    assert await balance(db) == 100
    await now(tx.commit())
    assert await balance(db) == 102


async def test_a_transaction_inside_another_is_one_of_its_own(db: Any, face: Face) -> None:
    await make_accounts(db)
    pay = db.transactional(face.function(add))

    async def outer(tx: Any) -> None:
        await now(tx.update(ACCOUNT, {"id": 1}, {"owner": "outer"}))
        await now(pay(2))
        raise LookupError("give the outer one up")

    with pytest.raises(LookupError):
        await now(db.run(face.function(outer)))
    assert await balance(db, 2) == 101
    assert (await now(db.get(ACCOUNT, {"id": 1})))["owner"] == "owner 1"


async def test_who_commits(db: Any, face: Face) -> None:
    """A function that is committed by its caller can't commit, also when it was handed on."""

    async def commits(tx: Any) -> None:
        for end in (tx.commit, tx.rollback):
            with pytest.raises(InvalidOperationError) as caught:
                await now(end())
            assert caught.value.code == "STX-3039"
        await now(tx.upsert(ACCOUNT, {"id": 50}))

    await make_accounts(db)
    await now(db.run(face.function(commits)))
    await now(db.transactional(face.function(commits))())
    async for attempt in each(db.attempts()):
        async with entered(attempt) as tx:
            await commits(tx)
    assert await now(db.get(ACCOUNT, {"id": 50})) is not None
    async with entered(db.transaction()) as tx:  # this one is its user's own
        await now(tx.upsert(ACCOUNT, {"id": 51}))
        await now(tx.commit())
    assert await now(db.get(ACCOUNT, {"id": 51})) is not None


def generator(tx: Any) -> Any:
    yield tx


async def async_generator(tx: Any) -> Any:
    yield tx


async def coroutine_function(tx: Any) -> None: ...


def plain_function(tx: Any) -> int:
    return 1


@pytest.mark.parametrize("wrong", [generator, async_generator])
async def test_generators_are_refused_when_they_are_decorated(
    db: Any, wrong: Callable[..., Any]
) -> None:
    for decorate in (db.transactional, db.transactional(retry=1), db.run):
        for function in (wrong, functools.partial(wrong)):
            with pytest.raises(InvalidOperationError) as caught:
                await now(decorate(function))
            assert caught.value.code == "STX-3045"
            assert "generator" in caught.value.message


async def test_functions_of_the_other_face_are_refused(db: Any, face: Face) -> None:
    if face.is_blocking:
        for decorate in (db.transactional, db.transactional(retry=1), db.run):
            for function in (coroutine_function, functools.partial(coroutine_function)):
                with pytest.raises(InvalidOperationError) as caught:
                    decorate(function)
                assert caught.value.code == "STX-3045"
        with pytest.raises(InvalidOperationError, match="connect_async"):
            db.run(lambda tx: coroutine_function(tx))  # noqa: PLW0108  # hides what it is
        return
    for call in (lambda: db.run(plain_function), db.transactional(plain_function)):
        with pytest.raises(InvalidOperationError) as caught:
            await call()
        assert caught.value.code == "STX-3045"
        assert "plain_function" in caught.value.message


async def test_run(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(add)
    assert await now(db.run(function, 1)) == 101
    assert (
        await now(db.run(function, 1, amount=9, retry=1, timeout=9.5, isolation="SNAPSHOT")) == 110
    )
    assert await balance(db) == 110


async def test_attempts(db: Any) -> None:
    await make_accounts(db)
    turns = 0
    async for attempt in each(db.attempts(retry=5)):
        async with entered(attempt) as tx:
            turns += 1
            await add(tx, 1)
            if turns < 3:
                await now(db.update(ACCOUNT, {"id": 1}, {"balance": 1000 * turns}))
    assert turns == 3
    assert await balance(db) == 2001


async def test_an_exception_ends_a_loop_over_attempts(db: Any) -> None:
    await make_accounts(db)
    turns = 0
    with pytest.raises(LookupError):
        async for attempt in each(db.attempts()):
            async with entered(attempt) as tx:
                turns += 1
                await add(tx, 1)
                raise LookupError
    assert turns == 1
    assert await balance(db) == 100


async def test_a_transaction_for_a_with_block(db: Any) -> None:
    await make_accounts(db)
    async with entered(db.transaction()) as tx:
        await add(tx, 1)
        assert tx.outcome is None
    assert tx.outcome is TransactionState.COMMITTED
    assert await balance(db) == 101
    with pytest.raises(LookupError):
        async with entered(db.transaction()) as tx:
            await add(tx, 1)
            raise LookupError
    assert tx.outcome is TransactionState.ABORTED
    assert await balance(db) == 101


async def test_a_with_block_is_not_rerun_and_its_conflict_names_the_forms_that_are(
    db: Any,
) -> None:
    await make_accounts(db)
    turns = 0
    with pytest.raises(ConflictError) as caught:
        async with entered(db.transaction()) as tx:
            turns += 1
            await add(tx, 1)
            await now(db.update(ACCOUNT, {"id": 1}, {"balance": 7}))
    assert turns == 1
    assert "run" in str(caught.value)
    assert "@transactional" in str(caught.value)
    assert caught.value.transaction_id == tx.id
    assert caught.value.retryable
    assert tx.outcome is TransactionState.ABORTED
    assert await balance(db) == 7


async def test_by_hand(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await add(tx, 1)
    await now(tx.commit())
    assert tx.outcome is TransactionState.COMMITTED
    tx = db.start()
    await add(tx, 1)
    await now(tx.rollback())
    assert tx.outcome is TransactionState.ABORTED
    assert await balance(db) == 101
    async with entered(db.begin()) as tx:  # also for a with block
        await add(tx, 1)
    assert await balance(db) == 102


async def test_a_transaction_begun_and_left_alone_leaves_nothing(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await add(tx, 1)
    tx_id = tx.id
    del tx
    assert await balance(db) == 100
    assert await now(db.state(tx_id)) is TransactionState.UNKNOWN

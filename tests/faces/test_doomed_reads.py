"""An exception may rest on a state that never was: when is it handed on, when is it a conflict?"""

# ruff: noqa: PT012  # how a block ends is what is tested
from __future__ import annotations

from typing import Any

import pytest

from scalar_tx import (
    ConflictError,
    InvalidOperationError,
    Isolation,
    TransactionState,
    UnknownOutcomeError,
)
from tests.faces.either import Face, each, entered, now
from tests.faces.tables import ACCOUNT, make_accounts


class NoMoneyError(Exception):
    """What an application raises because of what it read."""


class Shopper:
    """Reads two accounts, between which others may move money, and raises if there is none."""

    def __init__(
        self, db: Any, *, moved: int = 1, error: type[BaseException] = NoMoneyError
    ) -> None:
        self.db = db
        self.moved = moved
        self.error = error
        self.turns = 0
        self.last: Any = None

    async def __call__(self, tx: Any) -> None:
        self.turns += 1
        self.last = tx
        await now(tx.get(ACCOUNT, {"id": 1}))
        if self.turns <= self.moved:
            await now(self.db.update(ACCOUNT, {"id": 1}, {"balance": 1000 + self.turns}))
        raise self.error("there is no money")


def function(face: Face, work: Shopper) -> Any:
    async def named(tx: Any) -> None:
        await work(tx)

    return face.function(named)


async def test_in_a_with_block_it_becomes_a_conflict_that_keeps_the_cause(db: Any) -> None:
    await make_accounts(db)
    with pytest.raises(ConflictError) as caught:
        async with entered(db.transaction()) as tx:
            await Shopper(db)(tx)
    assert isinstance(caught.value.__cause__, NoMoneyError)
    assert caught.value.records == ((ACCOUNT, {"id": 1}),)
    assert tx.outcome is TransactionState.ABORTED


@pytest.mark.parametrize("form", ["run", "transactional", "attempts"])
async def test_where_work_is_rerun_it_is_run_again(db: Any, face: Face, form: str) -> None:
    await make_accounts(db)
    work = Shopper(db)
    with pytest.raises(NoMoneyError):
        if form == "run":
            await now(db.run(function(face, work)))
        elif form == "transactional":
            await now(db.transactional(function(face, work))())
        else:
            async for attempt in each(db.attempts()):
                async with entered(attempt) as tx:
                    await work(tx)
    assert work.turns == 2  # the second time it was true
    assert work.last.outcome is TransactionState.ABORTED


async def test_what_still_holds_is_handed_on(db: Any, face: Face) -> None:
    await make_accounts(db)
    work = Shopper(db, moved=0)
    with pytest.raises(NoMoneyError):
        await now(db.run(function(face, work)))
    assert work.turns == 1
    with pytest.raises(NoMoneyError):
        async with entered(db.transaction()) as tx:
            await now(tx.upsert(ACCOUNT, {"id": 9}))
            await Shopper(db, moved=0)(tx)
    assert await now(db.get(ACCOUNT, {"id": 9})) is None


@pytest.mark.parametrize("isolation", [Isolation.SNAPSHOT, Isolation.READ_COMMITTED])
async def test_only_at_serializable(db: Any, face: Face, isolation: Isolation) -> None:
    await make_accounts(db)
    work = Shopper(db, moved=9)
    with pytest.raises(NoMoneyError):
        await now(db.run(function(face, work), isolation=isolation))
    with pytest.raises(NoMoneyError):
        async with entered(db.transaction(isolation=isolation)) as tx:
            await work(tx)
    assert work.turns == 2


class StopNow(BaseException):
    """As Ctrl-C and cancellation are: no Exception."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, StopNow])
async def test_what_is_no_exception_is_never_held_back(
    db: Any, face: Face, kind: type[BaseException]
) -> None:
    await make_accounts(db)
    work = Shopper(db, moved=9, error=kind)
    with pytest.raises(kind):
        await now(db.run(function(face, work)))
    with pytest.raises(kind):
        async with entered(db.transaction()) as tx:
            await work(tx)
    assert work.turns == 2
    assert work.last.outcome is TransactionState.ABORTED


async def test_an_unknown_outcome_of_another_transaction_reaches_the_caller(
    db: Any, face: Face
) -> None:
    await make_accounts(db)
    work = Shopper(db, error=UnknownOutcomeError)
    with pytest.raises(UnknownOutcomeError):
        await now(db.run(function(face, work)))
    assert work.turns == 1


async def test_scans_are_looked_at_too(db: Any) -> None:
    await make_accounts(db)
    with pytest.raises(ConflictError) as caught:
        async with entered(db.transaction()) as tx:
            await now(tx.scan(ACCOUNT, whole_table=True))
            await now(db.insert(ACCOUNT, {"id": 9}))  # a phantom
            raise NoMoneyError
    assert isinstance(caught.value.__cause__, NoMoneyError)


async def test_errors_of_ours_are_exceptions_like_others(db: Any) -> None:
    await make_accounts(db)
    for reads_hold, kind in ((True, InvalidOperationError), (False, ConflictError)):
        with pytest.raises(kind):
            async with entered(db.transaction()) as tx:
                await now(tx.get(ACCOUNT, {"id": 1}))
                if not reads_hold:
                    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 5}))
                await now(tx.get("bank.nothing", {"id": 1}))


async def test_a_commit_of_reads_that_changed_is_a_conflict(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(tx.get(ACCOUNT, {"id": 2}))
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 5}))
    with pytest.raises(ConflictError) as caught:
        await now(tx.commit())
    assert caught.value.code == "STX-1020"
    tx = db.begin(isolation="SNAPSHOT")
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 6}))
    await now(tx.commit())


async def test_write_skew_at_each_level(db: Any) -> None:
    await make_accounts(db, count=2)
    for isolation, both in (("SERIALIZABLE", False), ("SNAPSHOT", True), ("READ_COMMITTED", True)):
        one, two = db.begin(isolation=isolation), db.begin(isolation=isolation)
        for tx, other, own in ((one, 1, 2), (two, 2, 1)):
            await now(tx.get(ACCOUNT, {"id": other}))
            await now(tx.update(ACCOUNT, {"id": own}, {"owner": isolation}))
        await now(one.commit())
        if both:
            await now(two.commit())
        else:
            with pytest.raises(ConflictError):
                await now(two.commit())

"""A call with a key whose commit's outcome is unknown: does the rerun find out?"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from scalar_tx import RetryPolicy, TransactionState, UnknownOutcomeError
from scalar_tx.consensus_commit import coordinator_state
from scalar_tx.errors import ReplyLostError, StorageUnavailableError, WriteRefusedError
from tests.faces import either
from tests.faces.either import Face, entered, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

QUICK = RetryPolicy(retries=5, first_pause=0.0001, longest_pause=0.001)


async def pay(tx: Any, number: int, amount: int = 1) -> int:
    found = await now(tx.get(ACCOUNT, {"id": number}))
    total: int = found["balance"] + amount
    await now(tx.update(ACCOUNT, {"id": number}, {"balance": total}))
    return total


async def balance(db: Any, number: int = 1) -> Any:
    return (await now(db.get(ACCOUNT, {"id": number})))["balance"]


@contextmanager
def decision_s_reply_lost(db: Any, *, arrives: bool) -> Iterator[list[Callable[[], Any]]]:
    """The next decision's reply is lost, and so is every other question about it for a while.

    Hands out what was on its way and did not arrive.
    """
    storage = either.parts(db).context.storage
    mutate, get = storage.mutate, storage.get
    late: list[Callable[[], Any]] = []
    lost: list[int] = []

    def is_decision(table: Any) -> bool:
        return bool(table.name == "coordinator.state")

    async def losing(mutations: Sequence[Any]) -> None:
        if not any(is_decision(one.table) for one in mutations) or len(lost) >= 5:
            await mutate(mutations)
            return
        if not lost and arrives:
            await mutate(mutations)
        elif not arrives:
            late.append(lambda: mutate(mutations))
        lost.append(1)
        raise ReplyLostError("no answer")

    async def in_the_dark(table: Any, key: Any) -> Any:
        if is_decision(table) and len(lost) < 10 and lost:
            lost.append(1)
            raise StorageUnavailableError("no answer")
        return await get(table, key)

    with (
        patch.object(storage, "mutate", losing),
        patch.object(storage, "get", in_the_dark),
        patch.object(coordinator_state, "PAUSES", (0.0,) * 5),
    ):
        yield late


@pytest.mark.parametrize("one_phase", [True, False])
async def test_an_unknown_outcome_is_found_out_by_the_rerun(
    face: Face, target: str, one_phase: bool
) -> None:
    async with entered(
        face.open(target, consensus_commit_one_phase_commit_enabled=one_phase)
    ) as db:
        await make_accounts(db)
        turns = []

        async def work(tx: Any) -> int:
            turns.append(tx.id)
            return await pay(tx, 1)

        with decision_s_reply_lost(db, arrives=True):
            assert await now(db.run(face.function(work), key="a", retry=QUICK)) == 101
        assert len(turns) == 1
        with (
            decision_s_reply_lost(db, arrives=True),
            pytest.raises(UnknownOutcomeError, match="again with the same key") as caught,
        ):
            await now(db.run(face.function(work), key="b", retry=0))
        assert caught.value.retryable
        assert await now(db.run(face.function(work), key="b")) == 102
        assert await now(db.state(turns[0])) is TransactionState.COMMITTED
        assert await balance(db) == 102


async def test_what_arrives_after_the_rerun_is_refused(face: Face, target: str) -> None:
    async with entered(face.open(target, consensus_commit_one_phase_commit_enabled=True)) as db:
        await make_accounts(db)

        async def work(tx: Any) -> int:
            return await pay(tx, 1)

        with decision_s_reply_lost(db, arrives=False) as late:
            assert await now(db.run(face.function(work), key="a", retry=QUICK)) == 101
        assert late
        for arrival in late:
            with pytest.raises(WriteRefusedError):
                await now(arrival())
        assert await balance(db) == 101


async def test_without_a_key_an_unknown_outcome_is_not_run_again(db: Any, face: Face) -> None:
    await make_accounts(db)
    step = db.transactional(key="a")(face.function(pay))

    async def joins(tx: Any) -> int:
        found: int = await now(step(tx, 1))
        return found

    async def plain(tx: Any) -> int:
        return await pay(tx, 1)

    for function in (plain, joins):
        with decision_s_reply_lost(db, arrives=True), pytest.raises(UnknownOutcomeError) as caught:
            await now(db.run(face.function(function), retry=QUICK))
        assert not caught.value.retryable
    assert await balance(db) == 102

"""When is work run again, and what is said when it is not?"""

# ruff: noqa: PT012  # how a block ends is what is tested
from __future__ import annotations

import logging
import re
import time
from typing import Any

import pytest

from scalar_tx import (
    ConditionNotMetError,
    ConflictError,
    RetryPolicy,
    column,
)
from tests.faces.either import Face, each, entered, now
from tests.faces.left_behind import leave_prepared
from tests.faces.tables import ACCOUNT, make_accounts

QUICK = RetryPolicy(retries=3, first_pause=0.0001, longest_pause=0.001)


class Contended:
    """Work that meets a conflict ``conflicts`` times."""

    def __init__(self, db: Any, conflicts: int) -> None:
        self.db = db
        self.conflicts = conflicts
        self.turns = 0

    async def __call__(self, tx: Any) -> int:
        self.turns += 1
        await now(tx.get(ACCOUNT, {"id": 1}))
        await now(tx.update(ACCOUNT, {"id": 1}, {"owner": f"turn {self.turns}"}))
        if self.turns <= self.conflicts:
            await now(self.db.update(ACCOUNT, {"id": 1}, {"balance": self.turns}))
        return self.turns


def function(face: Face, work: Contended) -> Any:
    async def named(tx: Any) -> int:
        return await work(tx)

    return face.function(named)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "scalar_tx.retry")
    return caplog


async def test_every_rerun_is_logged_with_its_cause_and_number(
    db: Any, face: Face, log: pytest.LogCaptureFixture
) -> None:
    await make_accounts(db)
    work = Contended(db, conflicts=2)
    log.clear()
    assert await now(db.run(function(face, work), retry=QUICK)) == 3
    lines = [record.getMessage() for record in log.records]
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        assert f"attempt {number} failed" in line
        assert re.search(rf"ConflictError \[STX-1\d\d\d\] on {ACCOUNT} \(transaction \S+\);", line)
    assert (await now(db.get(ACCOUNT, {"id": 1})))["owner"] == "turn 3"


@pytest.mark.parametrize("retry", [2, RetryPolicy(retries=2, first_pause=0, longest_pause=0)])
async def test_when_spent_the_last_conflict_tells_attempts_and_time(
    db: Any, face: Face, retry: RetryPolicy | int
) -> None:
    await make_accounts(db)
    for form in ("run", "transactional", "attempts"):
        work = Contended(db, conflicts=99)
        with pytest.raises(ConflictError) as caught:
            if form == "run":
                await now(db.run(function(face, work), retry=retry))
            elif form == "transactional":
                await now(db.transactional(retry=retry)(function(face, work))())
            else:
                async for attempt in each(db.attempts(retry=retry)):
                    async with entered(attempt) as tx:
                        await work(tx)
        assert work.turns == 3
        assert caught.value.attempts == 3
        assert caught.value.elapsed is not None
        assert 0 <= caught.value.elapsed < 10


async def test_no_reruns(db: Any, face: Face) -> None:
    await make_accounts(db)
    work = Contended(db, conflicts=99)
    with pytest.raises(ConflictError) as caught:
        await now(db.run(function(face, work), retry=0))
    assert (work.turns, caught.value.attempts) == (1, 1)


async def test_a_deadline_ends_the_run(db: Any, face: Face) -> None:
    await make_accounts(db)
    work = Contended(db, conflicts=10**6)
    begun = time.monotonic()
    with pytest.raises(ConflictError) as caught:
        await now(db.run(function(face, work), retry=RetryPolicy(deadline=0.5, longest_pause=0.05)))
    assert time.monotonic() - begun < 5
    assert work.turns > 1
    assert caught.value.attempts == work.turns


async def test_only_what_can_help_is_rerun(db: Any, face: Face) -> None:
    await make_accounts(db)
    for wrong, kind in (
        (lambda tx: tx.insert(ACCOUNT, {"id": 1}), ConflictError),  # it will exist the next time
        (
            lambda tx: tx.update(ACCOUNT, {"id": 1}, {"balance": 0}, where=column("id") > 1),
            ConditionNotMetError,
        ),
    ):
        turns: list[int] = []

        async def work(tx: Any, wrong: Any = wrong, turns: list[int] = turns) -> None:
            turns.append(1)
            await now(wrong(tx))

        with pytest.raises(kind):
            await now(db.run(face.function(work)))
        assert len(turns) == 1


async def test_the_last_rerun_waits_for_an_undecided_writers_expiry(db: Any, face: Face) -> None:
    await make_accounts(db)
    leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 0}, age=14.6)
    with pytest.raises(ConflictError) as caught:
        await now(db.run(face.function(read_one), retry=0))
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 0.41
    assert caught.value.other_transaction == "dead writer of {'id': 1}"
    assert caught.value.records == ((ACCOUNT, {"id": 1}),)
    begun = time.monotonic()
    quick = RetryPolicy(retries=1, first_pause=0, longest_pause=0)
    assert (await now(db.run(face.function(read_one), retry=quick)))["balance"] == 100
    assert time.monotonic() - begun > 0.02


async def read_one(tx: Any) -> Any:
    return await now(tx.get(ACCOUNT, {"id": 1}))


async def test_an_expiry_beyond_the_deadline_is_not_waited_for(db: Any, face: Face) -> None:
    await make_accounts(db)
    leave_prepared(db, ACCOUNT, {"id": 1}, {"balance": 0}, age=1)
    begun = time.monotonic()
    with pytest.raises(ConflictError) as caught:
        await now(
            db.run(
                face.function(read_one),
                retry=RetryPolicy(retries=2, deadline=5, first_pause=0, longest_pause=0),
            )
        )
    assert time.monotonic() - begun < 4.5
    assert caught.value.attempts == 3
    assert caught.value.retry_after is not None
    assert 10 < caught.value.retry_after <= 14.01


async def test_timeout_bounds_one_attempt(db: Any, face: Face) -> None:
    await make_accounts(db)
    turns = []

    async def slow_at_first(tx: Any) -> None:
        turns.append(1)
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": len(turns)}))
        if len(turns) == 1:
            time.sleep(0.06)  # noqa: ASYNC251  # the transaction's time runs out

    await now(db.run(face.function(slow_at_first), timeout=0.05, retry=20))
    assert len(turns) > 1
    tx = db.begin(timeout=0.02)
    await now(tx.get(ACCOUNT, {"id": 1}))
    time.sleep(0.03)  # noqa: ASYNC251
    for call in (lambda: tx.get(ACCOUNT, {"id": 2}), tx.commit):
        with pytest.raises(ConflictError) as caught:
            await now(call())
        assert caught.value.code == "STX-1040"


async def test_the_settings_policy_is_the_usual_one(face: Face) -> None:
    db = face.open("memory://", retry_max_retries=1)
    await make_accounts(db)
    work = Contended(db, conflicts=99)
    with pytest.raises(ConflictError) as caught:
        await now(db.run(function(face, work)))
    assert caught.value.attempts == 2
    await now(db.close())


async def test_leaving_the_loop_at_a_conflict_is_logged(
    db: Any, log: pytest.LogCaptureFixture
) -> None:
    await make_accounts(db)

    async def returns() -> str:
        async for attempt in each(db.attempts()):
            async with entered(attempt) as tx:
                await Contended(db, conflicts=1)(tx)
                return "as if committed"
        return "ended by itself"

    log.clear()
    assert await returns() == "as if committed"
    await settled(log)
    assert [r.levelname for r in log.records] == ["ERROR"]
    assert "return or break" in log.records[0].getMessage()


async def test_leaving_the_loop_after_a_commit_is_not(
    db: Any, log: pytest.LogCaptureFixture
) -> None:
    await make_accounts(db)
    log.clear()
    async for attempt in each(db.attempts()):
        async with entered(attempt) as tx:
            await now(tx.upsert(ACCOUNT, {"id": 1, "balance": 5}))
            break
    await settled(log)
    assert log.records == []
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 5


async def settled(log: pytest.LogCaptureFixture) -> None:
    """Let a generator that was left be closed: at once, or by the loop."""
    import asyncio
    import gc

    gc.collect()
    for _ in range(5):
        if log.records:
            return
        await asyncio.sleep(0)

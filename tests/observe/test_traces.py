"""What does a trace say of transactions, on both faces, on databases and through a node?"""

# ruff: noqa: PT012  # how a block ends is what is tested
from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

from scalar_tx import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    RetryPolicy,
    Script,
    column,
)
from tests.faces.either import Face, each, entered, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from tests.observe.seen import Seen

QUICK = RetryPolicy(retries=2, first_pause=0, longest_pause=0)
SECRET = "hush-7f3"
RARE = 1_877_123_009  # digits that no id and no time of a span happens to hold
SECONDS = 10.0


async def begun(db: Any, seen: Seen) -> None:
    await make_accounts(db)
    seen.forget()


async def change(tx: Any, owner: str = "me") -> None:
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(tx.update(ACCOUNT, {"id": 1}, {"owner": owner}))


async def get_in_the_way(db: Any, turn: int = 0) -> None:
    async with entered(db.begin()) as other:
        await now(other.get(ACCOUNT, {"id": 1}))
        await now(other.update(ACCOUNT, {"id": 1}, {"balance": turn}))


class Contended:
    """Work that another manager's transaction gets in the way of so often."""

    def __init__(self, other: Any, times: int) -> None:
        self.other = other
        self.times = times
        self.turns = 0

    async def __call__(self, tx: Any) -> None:
        self.turns += 1
        await change(tx)
        if self.turns <= self.times:
            await get_in_the_way(self.other, self.turns)


async def test_a_run_is_a_span_over_its_attempts(db: Any, face: Face, seen: Seen) -> None:
    await begun(db, seen)
    ids = []

    async def work(tx: Any) -> None:
        await change(tx)
        ids.append(tx.id)

    await now(db.run(face.function(work), isolation="SNAPSHOT"))
    assert seen.tree() == ["transaction committed", "  attempt committed"]
    told = seen.told("scalar_tx.attempt")
    assert told == {
        "db.system.name": "scalar_tx",
        "db.operation.name": "transaction",
        "scalar_tx.attempt.number": 1,
        "scalar_tx.transaction.id": ids[0],
        "scalar_tx.transaction.isolation": "SNAPSHOT",
        "scalar_tx.transaction.outcome": "committed",
        "scalar_tx.transaction.read_only": False,
    }
    assert seen.told("scalar_tx.transaction") == {
        "db.system.name": "scalar_tx",
        "db.operation.name": "transaction",
        "scalar_tx.transaction.attempts": 1,
        "scalar_tx.transaction.id": ids[0],
        "scalar_tx.transaction.outcome": "committed",
    }


async def test_an_attempt_that_lost_tells_why_and_the_next_one_too(
    db: Any, face: Face, seen: Seen
) -> None:
    await begun(db, seen)
    contended = Contended(db, 1)

    async def work(tx: Any) -> None:
        await contended(tx)

    await now(db.run(face.function(work), retry=QUICK))
    run = next(one for one in seen.spans("scalar_tx.transaction") if one.parent is None)
    first, second = seen.spans("scalar_tx.attempt")
    assert (
        dict(first.attributes or {}).items()
        >= {
            "scalar_tx.attempt.number": 1,
            "scalar_tx.transaction.outcome": "aborted",
            "error.type": "scalar_tx.ConflictError",
        }.items()
    )
    assert str((first.attributes or {})["scalar_tx.error.code"]).startswith("STX-")
    assert first.parent == second.parent == run.context
    (rerun,) = run.events
    assert rerun.name == "scalar_tx.rerun"
    assert dict(rerun.attributes or {}) == {
        "scalar_tx.attempt.number": 2,
        "error.type": "scalar_tx.ConflictError",
        "scalar_tx.error.code": (first.attributes or {})["scalar_tx.error.code"],
    }
    # What the work itself began is a part of the attempt.
    other = next(one for one in seen.spans("scalar_tx.transaction") if one is not run)
    assert other.parent is not None
    assert other.parent.span_id == first.context.span_id


async def test_when_the_attempts_are_spent(db: Any, face: Face, seen: Seen) -> None:
    await begun(db, seen)
    for form in ("run", "attempts", "transactional"):
        contended = Contended(db, 9)

        async def work(tx: Any, contended: Contended = contended) -> None:
            await contended(tx)

        with pytest.raises(ConflictError):
            if form == "run":
                await now(db.run(face.function(work), retry=QUICK))
            elif form == "transactional":
                await now(db.transactional(retry=QUICK)(face.function(work))())
            else:
                async for attempt in each(db.attempts(retry=QUICK)):
                    async with entered(attempt) as tx:
                        await work(tx)
        assert seen.tree() == [
            "transaction aborted ConflictError",
            *(["  attempt aborted ConflictError", "    transaction committed"] * 3),
        ]
        seen.forget()


async def test_an_error_of_the_work_ends_the_spans_at_once(db: Any, face: Face, seen: Seen) -> None:
    await begun(db, seen)

    async def work(tx: Any) -> None:
        await change(tx)
        raise LookupError(SECRET)

    with pytest.raises(LookupError) as caught:
        await now(db.run(face.function(work)))
    assert caught.value.args == (SECRET,)  # it, and the frames that it holds, are alive still
    assert seen.tree() == ["transaction aborted LookupError", "  attempt aborted LookupError"]


async def test_a_transaction_by_hand_is_one_span(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    tx = db.begin()
    await change(tx)
    assert seen.tree(at_rest=False) == []
    await now(tx.commit())
    assert seen.tree() == ["transaction committed"]
    assert seen.told("scalar_tx.transaction")["scalar_tx.transaction.id"] == tx.id


async def test_rolled_back_by_hand_is_no_error(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    tx = db.begin()
    await change(tx)
    await now(tx.rollback())
    assert seen.tree() == ["transaction aborted"]


async def test_rolled_back_for_a_conflict_tells_it(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    tx = db.begin()
    await change(tx)
    await get_in_the_way(db)
    with pytest.raises(ConflictError):
        await now(tx.commit())
    await now(tx.rollback())
    assert sorted(seen.tree()) == ["transaction aborted ConflictError", "transaction committed"]


async def test_an_error_that_was_got_over_is_not_told(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    tx = db.begin()
    with pytest.raises(ConditionNotMetError):
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}, where=column("balance") > 900))
    await change(tx)
    await now(tx.rollback())
    assert seen.tree() == ["transaction aborted"]
    seen.forget()
    tx = db.begin()
    with pytest.raises(ConditionNotMetError):
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}, where=column("balance") > 900))
    await now(tx.commit())
    assert seen.tree() == ["transaction committed"]


async def test_a_block(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    async with entered(db.transaction()) as tx:
        await change(tx)
    with pytest.raises(ZeroDivisionError):
        async with entered(db.transaction()) as tx:
            await change(tx)
            _ = 1 / 0
    assert seen.tree() == ["transaction committed", "transaction aborted ZeroDivisionError"]
    assert not trace.get_current_span().get_span_context().is_valid


async def test_what_nobody_ended_is_abandoned(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    tx = db.begin()
    await change(tx)
    with pytest.raises(InvalidOperationError):
        await now(tx.get(ACCOUNT, {"wrong": 1}))
    # This step was begun by the error, and its loop holds it until now; so does, for a moment, the
    # thread that the error comes from.
    await asyncio.sleep(0)
    forgotten = weakref.ref(tx)
    del tx
    end = time.monotonic() + SECONDS
    while forgotten() is not None:
        assert time.monotonic() < end
        await asyncio.sleep(0.001)
        gc.collect()
    assert seen.tree(at_rest=False) == []  # who collects garbage may be in the middle of anything
    await now(db.get(ACCOUNT, {"id": 1}))
    assert seen.tree(at_rest=False) == [
        "transaction abandoned InvalidOperationError",
        "transaction committed",
        "  attempt committed",
    ]


async def test_a_loop_that_is_left_early(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    async for attempt in each(db.attempts()):
        async with entered(attempt) as tx:
            await change(tx)
        break
    assert seen.tree() == ["transaction committed", "  attempt committed"]
    seen.forget()
    loop = each(db.attempts())
    async for _ in loop:
        break  # it was not even entered
    await loop.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)  # the loop of events closes what is within it
    await now(db.get(ACCOUNT, {"id": 1}))
    assert seen.tree() == ["transaction", "transaction committed", "  attempt committed"]


async def test_what_can_not_even_begin(db: Any, face: Face, seen: Seen) -> None:
    await begun(db, seen)
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.run(face.function(change), isolation="no such level"))
    assert caught.value.code == "STX-3021"
    assert seen.tree() == ["transaction"]


async def test_single_operations_are_transactions(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    assert await now(db.get(ACCOUNT, {"id": 1}))
    await now(db.upsert(ACCOUNT, {"id": 1, "balance": 5}))
    assert seen.tree() == ["transaction committed", "  attempt committed"] * 2
    read, written = seen.spans("scalar_tx.attempt")
    assert (read.attributes or {})["scalar_tx.transaction.read_only"] is True
    assert (written.attributes or {})["scalar_tx.transaction.read_only"] is False


async def test_a_script(db: Any, seen: Seen) -> None:
    await begun(db, seen)
    script = Script()
    account = script.get(ACCOUNT, {"id": 1})
    script.update(ACCOUNT, {"id": 1}, {"balance": account["balance"] + 1})
    done = await now(db.execute(script))
    assert seen.tree() == ["transaction committed", "  attempt committed"]
    told = seen.told("scalar_tx.transaction")
    assert told["db.operation.name"] == "script"
    assert told["scalar_tx.transaction.id"] == done.transaction_id
    seen.forget()
    script.require(account["balance"] > 900, SECRET)
    with pytest.raises(ConditionNotMetError):
        await now(db.execute(script))
    assert seen.tree() == [
        "transaction aborted ConditionNotMetError",
        "  attempt aborted ConditionNotMetError",
    ]


async def test_a_part_of_several_is_a_span(db: Any, seen: Seen, provider: TracerProvider) -> None:
    await begun(db, seen)
    with provider.get_tracer("shop").start_as_current_span("order"):
        async with entered(db.two_phase.begin()) as part:
            await change(part)
        async with entered(db.two_phase.resume(part.id)) as same:
            await now(same.prepare())
            await now(same.validate())
            await now(same.commit())
    assert seen.tree() == ["order", "  transaction committed"]
    assert seen.told("scalar_tx.transaction")["db.operation.name"] == "part"


async def test_spans_of_the_program_are_above_and_below(
    db: Any, face: Face, seen: Seen, provider: TracerProvider
) -> None:
    await begun(db, seen)
    own = provider.get_tracer("shop")

    async def work(tx: Any) -> None:
        with own.start_as_current_span("think"):
            await change(tx)

    with own.start_as_current_span("order"):
        await now(db.run(face.function(work)))
        tx = db.begin()
        with own.start_as_current_span("beside"):
            await change(tx)
        await now(tx.commit())
    assert seen.tree() == [
        "order",
        "  transaction committed",
        "    attempt committed",
        "      think",
        "  transaction committed",
        "  beside",
    ]


async def test_no_key_and_no_value_is_told(db: Any, face: Face, seen: Seen) -> None:
    await begun(db, seen)

    async def work(tx: Any) -> None:
        await change(tx, SECRET)
        await get_in_the_way(db)

    with pytest.raises(ConflictError):
        await now(db.run(face.function(work), retry=1))

    async def missing(tx: Any) -> None:
        await now(tx.update(ACCOUNT, {"id": RARE}, {"owner": SECRET}))

    with pytest.raises(Exception, match=str(RARE)):
        await now(db.run(face.function(missing)))

    async def fails(tx: Any) -> None:
        raise LookupError(SECRET)

    with pytest.raises(LookupError, match=SECRET):
        await now(db.run(face.function(fails)))
    text = "".join(one.to_json() for one in seen.spans())
    assert "ConflictError" in text
    assert "RecordNotFoundError" in text
    assert SECRET not in text
    assert str(RARE) not in text
    assert ACCOUNT not in text

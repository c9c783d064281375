"""``key=``: is the work done once, and its result handed out again?"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from scalar_tx import (
    ConflictError,
    InvalidOperationError,
    RetryPolicy,
    SchemaError,
)
from tests.faces import either
from tests.faces.either import Face, entered, now
from tests.faces.left_behind import leave_prepared
from tests.faces.tables import ACCOUNT, make_accounts

OUTCOME = "scalar_tx.outcome"
QUICK = RetryPolicy(retries=5, first_pause=0.0001, longest_pause=0.001)


async def pay(tx: Any, number: int, amount: int = 1) -> int:
    found = await now(tx.get(ACCOUNT, {"id": number}))
    total: int = found["balance"] + amount
    await now(tx.update(ACCOUNT, {"id": number}, {"balance": total}))
    return total


async def balance(db: Any, number: int = 1) -> Any:
    return (await now(db.get(ACCOUNT, {"id": number})))["balance"]


async def outcomes(db: Any) -> list[Any]:
    return [dict(row) for row in either.beside(db).scan(OUTCOME, whole_table=True)]


async def test_a_repeat_returns_the_first_result(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(pay)
    assert await now(db.run(function, 1, 7, key="a")) == 107
    assert await now(db.run(function, 1, 7, key="a")) == 107
    assert await now(db.run(function, 1, 7, key="b")) == 114
    assert await now(db.run(function, 1, 7)) == 121
    assert await now(db.run(function, 1, 7, key="b")) == 114
    assert await balance(db) == 121


async def test_decorated(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(pay)
    by_call = db.transactional(key=lambda number, amount: f"{number}/{amount}")(function)
    assert [await now(by_call(1, n)) for n in (1, 2, 1, 2)] == [101, 103, 101, 103]
    always = db.transactional(key="ever", scope="here", retry=2, isolation="SNAPSHOT")(function)
    assert [await now(always(2, 9)) for _ in range(3)] == [109] * 3
    assert (await balance(db), await balance(db, 2)) == (103, 109)


async def test_what_is_stored(db: Any, face: Face) -> None:
    await make_accounts(db)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(milliseconds=1)
    await now(db.run(face.function(pay), 1, key="a", scope="s"))
    (row,) = await outcomes(db)
    assert (row["scope"], row["key"], row["result"]) == ("s", "a", "101")
    assert len(row["arguments_digest"]) == 32
    assert before <= row["completed_at"] <= dt.datetime.now(dt.UTC)
    schema = either.beside(db).admin.table(OUTCOME)
    assert schema.primary_key == schema.partition_key == ("scope", "key")


async def test_scopes_are_apart(db: Any, face: Face) -> None:
    await make_accounts(db)

    async def other(tx: Any, number: int) -> str:
        return f"other {number}"

    function = face.function(pay)
    assert await now(db.run(function, 1, key="a")) == 101
    assert await now(db.run(face.function(other), 1, key="a")) == "other 1"
    assert await now(db.run(function, 1, key="a", scope="s")) == 102
    assert await now(db.run(function, 1, key="a", scope="s")) == 102
    assert await now(db.run(function, 1, key="a")) == 101


async def test_other_arguments_are_an_error(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(pay)
    await now(db.run(function, 1, 7, key="a"))
    for args in ((1, 8), (2, 7)):
        with pytest.raises(InvalidOperationError) as caught:
            await now(db.run(function, *args, key="a"))
        assert caught.value.code == "STX-3071"
        assert "pay with the key 'a'" in caught.value.message
    assert await balance(db) == 107


async def test_an_exception_stores_nothing(db: Any, face: Face) -> None:
    await make_accounts(db)
    turns = []

    async def fail_first(tx: Any) -> int:
        turns.append(1)
        total = await pay(tx, 1)
        if len(turns) == 1:
            raise LookupError("not today")
        return total

    function = face.function(fail_first)
    with pytest.raises(LookupError):
        await now(db.run(function, key="a"))
    assert await outcomes(db) == []
    assert await now(db.run(function, key="a")) == 101
    assert await now(db.run(function, key="a")) == 101
    assert len(turns) == 2


@pytest.mark.parametrize("result", [{1, 2}, "x" * 65_535, "é" * 32_768], ids=["set", "long", "é"])
async def test_a_result_that_can_t_be_kept(db: Any, face: Face, result: object) -> None:
    await make_accounts(db)

    async def work(tx: Any) -> object:
        await pay(tx, 1)
        return result

    with pytest.raises(InvalidOperationError) as caught:
        await now(db.run(face.function(work), key="a"))
    assert caught.value.code == "STX-3072"
    assert "the result of" in caught.value.message
    assert await balance(db) == 100
    assert await outcomes(db) == []


async def test_results_come_back_as_they_were(db: Any, face: Face) -> None:
    await make_accounts(db)
    results: list[Any] = [
        None,
        "x" * 65_534,
        {"a": [1, (2.5, b"\x00")], "$b": {3: None}},
        dt.datetime(2024, 1, 2, 3, 4, 5, 678901, dt.UTC),
        await now(db.get(ACCOUNT, {"id": 1})),
    ]

    async def work(tx: Any, number: int) -> Any:
        return results[number]

    function = db.transactional(key=str)(face.function(work))
    for number, result in enumerate(results):
        assert await now(function(number)) == result
        again = await now(function(number))
        assert (again, type(again)) == (result, type(result))


@pytest.mark.parametrize("isolation", ["SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED"])
async def test_a_repeat_in_the_middle_of_the_first(db: Any, face: Face, isolation: str) -> None:
    """Both find that nothing was done; one of them commits, the other one returns its result."""
    await make_accounts(db)
    turns = []

    async def winner(tx: Any) -> str:
        await pay(tx, 3)
        return "winner"

    async def loser(tx: Any) -> str:
        turns.append(1)
        await now(db.run(face.function(winner), key="a", scope="s"))
        await pay(tx, 2)
        return "loser"

    found = await now(
        db.run(face.function(loser), key="a", scope="s", isolation=isolation, retry=QUICK)
    )
    assert (found, turns) == ("winner", [1])
    assert (await balance(db, 2), await balance(db, 3)) == (100, 101)


async def test_joined_it_is_part_of_the_other_transaction(db: Any, face: Face) -> None:
    await make_accounts(db)
    step = db.transactional(key=lambda number: f"step {number}")(face.function(pay))

    async def both(tx: Any, fails: bool) -> list[int]:
        results = [await now(step(tx, 1)), await now(step(tx, 2)), await now(step(tx, 1))]
        if fails:
            raise LookupError("give all of it up")
        return results

    with pytest.raises(LookupError):
        await now(db.run(face.function(both), True))
    assert await now(db.run(face.function(both), False)) == [101, 101, 101]
    assert await now(step(1)) == 101
    assert await now(db.run(face.function(both), False)) == [101, 101, 101]
    assert (await balance(db), await balance(db, 2)) == (101, 101)
    with pytest.raises(InvalidOperationError) as caught:
        async with entered(db.transaction()) as tx:
            await now(db.transactional(key="step 1")(face.function(pay))(tx, 1, 5))
    assert caught.value.code == "STX-3071"


async def test_joined_an_exception_takes_its_writes_back(db: Any, face: Face) -> None:
    """Else the other transaction could commit half of the work, and a repeat would do it again."""
    await make_accounts(db)

    async def half(tx: Any) -> None:
        await pay(tx, 1)
        raise LookupError("half done")

    step = db.transactional(key="a")(face.function(half))
    async with entered(db.transaction()) as tx:
        await pay(tx, 2)
        with pytest.raises(LookupError):
            await now(step(tx))
        await pay(tx, 2)
    assert (await balance(db), await balance(db, 2)) == (100, 102)
    assert await outcomes(db) == []


async def test_joined_with_another_manager_s_transaction(db: Any, face: Face) -> None:
    other = face.open("memory://")
    step = db.transactional(key="a")(face.function(pay))
    with pytest.raises(InvalidOperationError) as caught:
        await now(step(other.begin(), 1))
    assert caught.value.code == "STX-3047"
    await now(other.close())


async def test_after_thirty_days_it_is_done_again(db: Any, face: Face) -> None:
    await make_accounts(db)
    function = face.function(pay)
    for key in ("old", "young"):
        await now(db.run(function, 1, key=key, scope="s"))
    await age(db, "old", days=30, seconds=5)
    await age(db, "young", days=30, seconds=-5)
    assert await now(db.run(function, 1, 5, key="old", scope="s")) == 107  # other arguments, too
    assert await now(db.run(function, 1, 5, key="old", scope="s")) == 107
    assert await now(db.run(function, 1, key="young", scope="s")) == 102
    assert await balance(db) == 107


async def age(db: Any, key: str, *, days: int, seconds: int) -> None:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(days=days, seconds=seconds)
    either.beside(db).update(OUTCOME, {"scope": "s", "key": key}, {"completed_at": at})


async def test_forgetting_what_is_old(db: Any, face: Face) -> None:
    await make_accounts(db)
    for number in range(120):
        await now(db.run(face.function(pay), 1, key=str(number), scope="s"))
        if number < 110:
            await age(db, str(number), days=30, seconds=5)
    steps = []

    def twice() -> bool:
        steps.append(1)
        return len(steps) <= 2

    assert await now(db.outcomes.forget_old(twice)) == 100
    assert len(steps) == 3
    assert len(await outcomes(db)) == 20
    assert await now(db.outcomes.forget_old()) == 10
    assert {row["key"] for row in await outcomes(db)} == {str(n) for n in range(110, 120)}


async def test_what_is_used_meanwhile_is_not_forgotten(db: Any, face: Face) -> None:
    await make_accounts(db)
    await now(db.run(face.function(pay), 1, key="a", scope="s"))
    await age(db, "a", days=30, seconds=5)
    leave_prepared(db, OUTCOME, {"scope": "s", "key": "a"}, {"result": "1"}, age=1)
    assert await now(db.outcomes.forget_old()) == 0


async def test_wrong_use(db: Any, face: Face) -> None:
    function = face.function(pay)
    wrong: list[dict[str, Any]] = [
        {"key": ""},
        {"key": 1},
        {"scope": "s"},
        {"key": "a", "scope": 1},
        {"key": "a", "read_only": True},
    ]
    for how in wrong:
        with pytest.raises(InvalidOperationError) as caught:
            await now(db.run(function, 1, **how))
        assert caught.value.code == "STX-3070"
        with pytest.raises(InvalidOperationError):
            db.transactional(**how)(function)


async def test_where_the_table_is_made_on_purpose(db: Any, face: Face) -> None:
    await make_accounts(db)
    either.parts(db).outcomes._create_missing = False
    with pytest.raises(SchemaError) as caught:
        await now(db.run(face.function(pay), 1, key="a"))
    assert caught.value.code == "STX-3073"
    assert "db.outcomes.create_table()" in caught.value.advice
    await now(db.outcomes.create_table())
    with pytest.raises(InvalidOperationError):
        await now(db.outcomes.create_table())
    await now(db.outcomes.create_table(if_not_exists=True))
    assert await now(db.run(face.function(pay), 1, key="a")) == 101


async def test_a_dead_process_s_work_is_done_by_the_repeat(db: Any, face: Face) -> None:
    await make_accounts(db)
    await now(db.run(face.function(pay), 2, key="other", scope="s"))
    leave_prepared(
        db,
        OUTCOME,
        {"scope": "s", "key": "a"},
        {"arguments_digest": b"", "result": "1", "completed_at": dt.datetime.now(dt.UTC)},
        age=14.8,
    )
    with pytest.raises(ConflictError):
        await now(db.run(face.function(pay), 1, key="a", scope="s", retry=0))
    assert await now(db.run(face.function(pay), 1, key="a", scope="s")) == 101

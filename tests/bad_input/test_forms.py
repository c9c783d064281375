"""Whatever is wrong with how a transaction is begun, named, run or ended, the refusal says so."""

from __future__ import annotations

import asyncio
import operator
from typing import TYPE_CHECKING, Any, Final

import pytest

import scalar_tx
from scalar_tx import Isolation, RetryPolicy, TransactionState, column
from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    SettingsError,
    TransactionNotFoundError,
)
from scalar_tx.model.conditions import Comparison
from tests.bad_input import wrong_values as wrong
from tests.bad_input.refusals import blanks, refusal
from tests.faces.either import NODE, Face, each, entered, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

BEGIN: Final[dict[str, Iterable[Any]]] = {
    "isolation": wrong.ISOLATION,
    "read_only": wrong.FLAG,
    "timeout": wrong.TIMEOUT,
}


async def all_refused(call: Callable[..., Any], wrongs: Mapping[str, Iterable[Any]]) -> list[str]:
    found = []
    for name, values in wrongs.items():
        for value in values:
            error = await refusal(call, **{name: value})
            if not isinstance(error, InvalidOperationError):
                found.append(f"{name}={value!r}: {error!r}")
            elif blanks(error):
                found.append(f"{name}={value!r}: no {blanks(error)}: {error}")
    return found


async def test_begin(db: Any) -> None:
    assert await all_refused(db.begin, {**BEGIN, "id": wrong.ID}) == []
    assert await all_refused(db.start, {**BEGIN, "id": wrong.ID}) == []
    assert await all_refused(db.transaction, {**BEGIN, "id": wrong.ID}) == []


async def test_run_and_attempts(db: Any, face: Face) -> None:
    calls = []

    async def work(tx: Any) -> None:
        calls.append(tx)

    function = face.function(work)

    async def attempts(**how: Any) -> None:
        async for attempt in each(db.attempts(**how)):
            async with entered(attempt):
                calls.append(attempt)

    async def transactional(**how: Any) -> None:
        await now(db.transactional(**how)(function)())

    wrongs = {**BEGIN, "retry": wrong.RETRY}
    assert await all_refused(lambda **how: db.run(function, **how), wrongs) == []
    assert await all_refused(attempts, wrongs) == []
    assert await all_refused(transactional, wrongs) == []
    assert calls == []


async def test_what_is_no_function(db: Any) -> None:
    assert await all_refused(db.run, {"fn": wrong.FUNCTION}) == []
    assert await all_refused(db.transactional(), {"function": wrong.FUNCTION}) == []


async def test_ids(db: Any) -> None:
    wrongs = {"transaction_id": wrong.KNOWN_ID}
    for call in (db.state, db.settle, db.resume):
        assert await all_refused(call, wrongs) == []
    error = await refusal(db.resume, "nobody")
    assert isinstance(error, TransactionNotFoundError)
    assert blanks(error) == []
    assert await now(db.state("nobody")) is TransactionState.UNKNOWN


async def test_recover(db: Any) -> None:
    await make_accounts(db)
    wrongs = {"table": wrong.TABLE}
    assert await all_refused(lambda table: db.recover(table, {"id": 1}), wrongs) == []
    assert (
        await all_refused(lambda key: db.recover(ACCOUNT, key), {"key": (None, *wrong.KEY)}) == []
    )


async def test_load(db: Any) -> None:
    await make_accounts(db, count=0)
    right = {"table": ACCOUNT, "rows": [{"id": 1}, {"id": 2}]}
    wrongs: dict[str, Iterable[Any]] = {
        "table": wrong.TABLE,
        "rows": wrong.ROWS,
        "batch": wrong.COUNT,
        "skip": wrong.SKIP,
        "progress": (5, "x", True, [], object()),
    }
    assert await all_refused(lambda **how: db.load(**{**right, **how}), wrongs) == []
    assert await now(db.scan(ACCOUNT, whole_table=True)) == []


async def test_on_commit(db: Any) -> None:
    tx = db.begin()
    assert await all_refused(tx.on_commit, {"function": wrong.FUNCTION}) == []
    await now(tx.commit())
    error = await refusal(tx.on_commit, print)
    assert isinstance(error, InvalidOperationError)
    assert "ended" in error.message


async def test_a_transaction_that_has_ended(db: Any) -> None:
    await make_accounts(db)
    for end in ("commit", "rollback"):
        tx = db.begin()
        await now(tx.get(ACCOUNT, {"id": 1}))
        await now(getattr(tx, end)())
        for call, arguments in (
            (tx.get, (ACCOUNT, {"id": 1})),
            (tx.scan, (ACCOUNT, {"id": 1})),
            (tx.scanner, (ACCOUNT, {"id": 1})),
            (tx.insert, (ACCOUNT, {"id": 9})),
            (tx.upsert, (ACCOUNT, {"id": 9})),
            (tx.update, (ACCOUNT, {"id": 1}, {"balance": 9})),
            (tx.delete, (ACCOUNT, {"id": 1})),
            (tx.put, (ACCOUNT, {"id": 9})),
            (tx.mutate, ([scalar_tx.Delete(ACCOUNT, {"id": 1})],)),
            (tx.batch, ([scalar_tx.Get(ACCOUNT, {"id": 1})],)),
            (tx.commit, ()),
        ):
            error = await refusal(call, *arguments)
            assert isinstance(error, InvalidOperationError), (call, error)
            assert error.code == "STX-3038"
            assert error.transaction_id == tx.id
            assert blanks(error) == []
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100


async def test_rollback_of_what_is_committed_is_refused_and_of_what_is_not_is_nothing(
    db: Any,
) -> None:
    tx = db.begin()
    await now(tx.rollback())
    await now(tx.rollback())
    tx = db.begin()
    await now(tx.commit())
    error = await refusal(tx.rollback)
    assert isinstance(error, InvalidOperationError)
    assert tx.outcome is TransactionState.COMMITTED


async def test_a_closed_manager(face: Face, target: str) -> None:
    db = face.open(target)
    await make_accounts(db)
    tx = db.begin(id="before the close")
    await now(tx.get(ACCOUNT, {"id": 1}))
    await now(db.close())
    await now(db.close())

    async def work(tx: Any) -> None:
        raise AssertionError("must not be called")

    for call, arguments in (
        (db.begin, ()),
        (db.transaction, ()),
        (db.run, (face.function(work),)),
        (db.get, (ACCOUNT, {"id": 1})),
        (db.upsert, (ACCOUNT, {"id": 1})),
        (db.load, (ACCOUNT, [{"id": 1}])),
        (db.state, ("x",)),
        (db.settle, ("x",)),
        (db.resume, ("before the close",)),
        (db.recover, (ACCOUNT, {"id": 1})),
        (lambda: db.admin, ()),
    ):
        error = await refusal(call, *arguments)
        assert isinstance(error, InvalidOperationError), (call, error)
        assert error.code == "STX-3044"
        assert blanks(error) == []
    # A transaction of it is as closed as it is, and leaves nothing behind.
    if not target.startswith(NODE):  # which would have to be told
        await now(tx.upsert(ACCOUNT, {"id": 2, "balance": 0}))  # noted, not written
    for call, arguments in (
        (tx.get, (ACCOUNT, {"id": 2})),
        (tx.scan, (ACCOUNT, {"id": 2})),
        (tx.commit, ()),
    ):
        error = await refusal(call, *arguments)
        assert isinstance(error, ScalarTxError), (call, error)
        assert blanks(error) == []


async def test_a_transaction_of_another_manager(db: Any, face: Face) -> None:
    calls = []

    async def work(tx: Any) -> None:
        calls.append(tx)

    function = db.transactional(face.function(work))
    with scalar_tx.connect("memory://") as other:
        error = await refusal(function, other.begin())
        assert isinstance(error, InvalidOperationError)
        assert error.code == "STX-3047"
    async with scalar_tx.connect_async("memory://") as other_async:
        error = await refusal(function, other_async.begin())
        assert isinstance(error, InvalidOperationError)
    assert calls == []


@pytest.mark.parametrize(
    "target",
    [5, b"sqlite:///x", [], object(), True, "", "mongodb://x", "sqlite://x", {"nope": 1}, {5: 5}],
)
@pytest.mark.parametrize("open_it", [scalar_tx.connect, scalar_tx.connect_async])
def test_what_can_t_be_connected_to(open_it: Callable[..., Any], target: Any) -> None:
    error = asyncio.run(refusal(open_it, target))
    assert isinstance(error, SettingsError), error
    assert blanks(error) == []


@pytest.mark.parametrize("target", [5, b"x", [], "", {"nope": 1}])
def test_a_storage_that_can_t_be_opened(target: Any) -> None:
    error = asyncio.run(refusal(scalar_tx.open_storage, target))
    assert isinstance(error, SettingsError), error
    assert blanks(error) == []


@pytest.mark.parametrize("pattern", [None, 5, b"x", [], {}, "a\\", "\\a"])
def test_a_pattern_that_can_t_be(pattern: Any) -> None:
    for like in (column("owner").like, column("owner").not_like):
        error = asyncio.run(refusal(like, pattern))
        assert isinstance(error, InvalidOperationError), error
        assert blanks(error) == []


@pytest.mark.parametrize("escape", [None, 5, b"x", [], "ab"])
def test_an_escape_that_can_t_be(escape: Any) -> None:
    error = asyncio.run(refusal(lambda: column("owner").like("a", escape=escape)))
    assert isinstance(error, InvalidOperationError), error
    assert blanks(error) == []


@pytest.mark.parametrize(
    "wrongly",
    [
        lambda: column(None),  # type: ignore[arg-type]
        lambda: column(5),  # type: ignore[arg-type]
        lambda: column(""),
        lambda: column([]),  # type: ignore[arg-type]
        lambda: column("a") == None,  # noqa: E711
        lambda: column("a") < None,
        lambda: (column("a") == 1) & True,  # type: ignore[operator]
        lambda: (column("a") == 1) | None,  # type: ignore[operator]
        lambda: (column("a") == 1) and (column("b") == 2),
        lambda: not column("a").is_null(),
        lambda: 1 < column("a") < 5,
        lambda: Isolation.parse("none"),
        lambda: RetryPolicy(retries=-1),
    ],
)
def test_values_that_can_t_be(wrongly: Callable[[], object]) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        wrongly()
    assert blanks(caught.value) == []


def test_the_way_round_of_a_comparison_does_not_matter() -> None:
    mirrored = operator.lt(1, column("a"))
    assert isinstance(mirrored, Comparison)
    assert mirrored == (column("a") > 1)

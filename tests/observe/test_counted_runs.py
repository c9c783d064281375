"""Is each transaction, and each run of several attempts, counted once and as what it became?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConditionNotMetError, ConflictError, StorageUnavailableError
from scalar_tx.consensus_commit.transaction import TransactionSteps
from tests.faces.either import Face, each, entered, now
from tests.observe.counted import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEM = {"id": 1}


@pytest.fixture
def target() -> str:
    return "memory://"


@pytest.fixture
def counts(db: Any) -> Iterator[Counts]:
    counts = Counts()
    yield counts
    counts.counting.close()


async def make_table(db: Any) -> None:
    await now(db.admin.create_table("a.b", columns={"id": "INT", "v": "INT"}, partition_key=["id"]))


def ends(counts: Counts) -> tuple[float, float, float]:
    """Of how many transactions were how many aborted, and rolled back?"""
    names = ("transaction_total", "transaction_abort_total", "transaction_rollback_total")
    total, aborts, rollbacks = map(counts.of, names)
    assert counts.of("transaction_latency_seconds_count") == total
    return total, aborts, rollbacks


def runs(counts: Counts) -> dict[str, float]:
    return {outcome: value for (outcome,), value in counts.labelled("run_total").items()}


async def test_a_run_that_commits_at_last(face: Face, db: Any, counts: Counts) -> None:
    await make_table(db)
    attempts = 0

    @face.function
    async def conflicts_twice(tx: Any) -> None:
        nonlocal attempts
        attempts += 1
        await now(tx.upsert("a.b", ITEM))
        if attempts < 3:
            raise ConflictError("planted")

    await now(db.run(conflicts_twice))
    assert runs(counts) == {"committed": 1}
    assert counts.of("run_retries_total") == 2
    # An error that the program raises itself is its own rollback.
    assert ends(counts) == (3, 0, 2)


@pytest.mark.parametrize(
    "error,outcome",
    [
        (ConflictError("planted"), "conflict"),
        (StorageUnavailableError("planted"), "failed"),
        (ConditionNotMetError("planted"), "rolled_back"),
        (ZeroDivisionError(), "rolled_back"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_a_run_that_does_not(
    face: Face, db: Any, counts: Counts, error: Exception, outcome: str
) -> None:
    @face.function
    async def fails(tx: Any) -> None:
        raise error

    with pytest.raises(type(error)):
        await now(db.run(fails, retry=0))
    assert runs(counts) == {outcome: 1}
    assert counts.of("run_retries_total") == 0


async def test_a_loop_that_is_left(db: Any, counts: Counts) -> None:
    async for attempt in each(db.attempts()):
        async with entered(attempt):
            break
    assert runs(counts) == {"committed": 1}
    assert ends(counts) == (1, 0, 0)


async def test_a_script_is_a_run(db: Any, counts: Counts) -> None:
    await make_table(db)
    script = scalar_tx.Script()
    script.upsert("a.b", ITEM)
    await now(db.execute(script))
    assert runs(counts) == {"committed": 1}
    assert ends(counts) == (1, 0, 0)
    script = scalar_tx.Script()
    script.insert("a.b", ITEM)
    with pytest.raises(ConflictError):
        await now(db.execute(script, retry=1))
    assert runs(counts) == {"committed": 1, "conflict": 1}
    assert counts.labelled("conflict_total") == {("a", "b", "record_exists"): 1}


async def test_an_abort_is_not_the_callers_rollback(db: Any, counts: Counts) -> None:
    await make_table(db)
    await now(db.upsert("a.b", {"id": 1, "v": 0}))
    before = ends(counts)
    first, second = await now(db.begin()), await now(db.begin())
    for tx in (first, second):
        await now(tx.get("a.b", ITEM))
        await now(tx.update("a.b", ITEM, {"v": 1}))
    await now(first.commit())
    with pytest.raises(ConflictError):
        await now(second.commit())
    await now(second.rollback())  # it has ended before
    third = await now(db.begin())
    await now(third.rollback())
    found = [after - was for after, was in zip(ends(counts), before, strict=True)]
    assert found == [3, 1, 1]
    assert counts.labelled("conflict_total") == {("a", "b", "write_changed"): 1}


async def test_what_nobody_counts_is_as_it_was(db: Any) -> None:
    tx = await now(db.begin())
    assert type(tx._steps) is TransactionSteps
    await now(tx.rollback())


async def test_an_end_after_the_last_meter_has_gone(db: Any, counts: Counts) -> None:
    tx = await now(db.begin())
    counts.counting.close()
    counts.counting.close()
    await now(tx.rollback())
    assert ends(counts) == (0, 0, 0)


async def test_parts_count_where_they_were_begun(
    face: Face, counts: Counts, tmp_path: Path
) -> None:
    db, other = (face.open(f"sqlite:///{tmp_path}/a.db") for _ in range(2))
    await make_table(db)
    first = await now(db.two_phase.begin())
    second = await now(other.two_phase.join(first.id))
    await now(first.upsert("a.b", {"id": 1, "v": 1}))
    await now(second.upsert("a.b", {"id": 2, "v": 2}))
    for step in ("prepare", "validate", "commit"):
        for part in (first, second):
            await now(getattr(part, step)())
    assert ends(counts) == (1, 0, 0)
    assert counts.labelled("namespace_operation_total") == {
        ("a", "upsert", "ok"): 2,
        ("a", "commit", "ok"): 2,
    }
    third = await now(db.two_phase.begin())
    await now(third.insert("a.b", {"id": 1, "v": 1}))
    with pytest.raises(ConflictError):
        await now(third.prepare())
    assert ends(counts) == (2, 1, 0)
    assert counts.labelled("conflict_total") == {("a", "b", "record_exists"): 1}
    for one in (db, other):
        await now(one.close())

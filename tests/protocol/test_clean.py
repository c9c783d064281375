"""Does a clean-up remove what is old and told, step by step, and nothing else?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit.clean import STEP, Cleaned, Cleaning, clean
from scalar_tx.consensus_commit.older_release import ENOUGH, traces_of_older_releases
from scalar_tx.consensus_commit.write_set import write_set_bytes
from scalar_tx.errors import ReplyLostError, StorageUnavailableError
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import ScanRequest, WholeTableSource
from tests.protocol.watched_storage import Fault
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT = "bank.account"
PREPARED, COMMITTED, ABORTED = 1, 3, 4
NOTHING = write_set_bytes([])
DAY_MS = 86_400_000


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = World(open_inner(request.param, tmp_path), write_sets=True)
    made.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    made.coordinator_table()
    yield made
    made.close()


def cleaning(world: World, older_than_ms: int = DAY_MS, **how: Any) -> Cleaning:
    before = world.runtime.now_ms() - older_than_ms
    return Cleaning(world.parts.context, world.parts.coordinator, decided_before=before, **how)


def run(world: World, one: Cleaning, *, steps: int = 1000) -> Cleaned:
    left = iter(range(steps))

    async def may_go_on() -> bool:
        return next(left, None) is not None

    return world.run(clean(one, may_go_on))


def old(world: World, *names: str, state: int = COMMITTED, **columns: Any) -> None:
    for name in names:
        columns.setdefault("tx_write_set", NOTHING)
        world.write_decision(name, state, at=world.runtime.now_ms() - 2 * DAY_MS, **columns)


def rows(world: World) -> set[str]:
    async def read() -> set[str]:
        pages = world.storage.inner.scan(ScanRequest(world.coordinator_table(), WholeTableSource()))
        found: set[str] = set()
        while (page := await pages.next_page()) is not None:
            found |= {str(row["tx_id"]) for row in page}
        return found

    return world.run(read())


def test_what_is_old_and_told_goes(world: World) -> None:
    old(world, "c", "d")
    old(world, "a", state=ABORTED)
    old(world, "untold", tx_write_set=None)
    old(world, "odd", tx_write_set=b"\x08\x02")
    world.write_decision("young", COMMITTED, tx_write_set=NOTHING)
    at_the_limit = world.runtime.now_ms() - DAY_MS
    world.write_decision("limit", COMMITTED, tx_write_set=NOTHING, at=at_the_limit)
    done = run(world, cleaning(world))
    assert rows(world) == {"untold", "odd", "young", "limit"}
    assert (done.removed, done.untold, done.failed, done.problems) == (3, 2, 0, [])
    assert world.parts.coordinator.rows.removed == 3


def test_a_storage_that_does_not_look_at_ages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may return more rows than were asked for."""
    scan = world.storage.scan
    monkeypatch.setattr(world.storage, "scan", lambda wanted: scan(replace(wanted, where=None)))
    old(world, "old")
    world.write_decision("young", COMMITTED, tx_write_set=NOTHING)
    assert run(world, cleaning(world)).removed == 1
    assert rows(world) == {"young"}


def test_records_are_settled_first(world: World) -> None:
    world.load(ACCOUNT, {"id": 1, "balance": 100})
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    assert tx.commit_until("commit")
    tx.crash()
    world.runtime.ms += 2 * DAY_MS
    world.storage.calls.clear()
    assert run(world, cleaning(world)).removed == 2
    assert rows(world) == set()
    row = world.row(ACCOUNT, 1)
    assert row is not None
    assert (row["tx_state"], row["balance"]) == (COMMITTED, 1)
    steps = [call.step for call in world.storage.calls]
    assert steps.count("commit") == 1
    assert steps.index("commit") < steps.index("forget-state") == len(steps) - 1


def test_a_decision_whose_record_can_not_be_settled_stays(world: World) -> None:
    world.load(ACCOUNT, {"id": 1, "balance": 100}, {"id": 2, "balance": 100})
    for number in (1, 2):
        tx = world.begin(f"T{number}")
        tx.update(ACCOUNT, {"id": number}, {"balance": 1})
        assert tx.commit_until("commit")
        tx.crash()
    world.runtime.ms += 2 * DAY_MS
    world.storage.faults.append(Fault("commit", lambda: ReplyLostError("lost")))
    done = run(world, cleaning(world))
    assert (done.removed, done.failed) == (2, 1)
    (left,) = rows(world)
    assert done.problems == [f"{left}: lost"]
    done = run(world, cleaning(world))
    assert (done.removed, done.failed) == (1, 0)
    assert rows(world) == set()


def test_a_damaged_row_stays_and_is_named(world: World) -> None:
    old(world, "good")
    old(world, "bad", state=9)
    done = run(world, cleaning(world))
    assert rows(world) == {"bad"}
    assert (done.removed, done.failed) == (1, 1)
    assert done.problems[0].startswith("bad: the decision row of bad is damaged")


@pytest.mark.parametrize("error", [ReplyLostError, StorageUnavailableError])
def test_what_could_not_be_removed_is_removed_the_next_time(
    world: World, error: Callable[[str], Exception]
) -> None:
    old(world, "a", "b")
    world.storage.faults.append(Fault("forget-state", lambda: error("failed")))
    done = run(world, cleaning(world))
    assert (done.removed, done.failed) == (0, 2)
    assert run(world, cleaning(world)).removed == 2


def test_rows_go_many_at_a_time_and_each_is_its_own(world: World) -> None:
    """One that somebody else has removed does not keep the others."""
    old(world, *(f"t{number:03}" for number in range(30)))
    world.storage.faults.append(
        Fault("forget-state", None, action=lambda: world.erase_decision("t007"))
    )
    done = run(world, cleaning(world))
    assert rows(world) == set()
    assert done.failed == 0
    assert world.parts.coordinator.rows.removed == 29
    old(world, *(f"t{number:03}" for number in range(30)))
    world.storage.calls.clear()
    run(world, cleaning(world))
    assert [call.step for call in world.storage.calls].count("forget-state") == 1


def test_to_look_changes_nothing(world: World) -> None:
    old(world, "a", "b")
    world.storage.calls.clear()
    assert run(world, cleaning(world, only_look=True)).removed == 2
    assert rows(world) == {"a", "b"}
    assert {call.method for call in world.storage.calls} == {"scan"}


# Step by step.


def test_it_stops_before_the_step_that_it_may_not_take(world: World) -> None:
    old(world, *(f"t{number:04}" for number in range(3 * STEP)))
    first = run(world, cleaning(world), steps=1)
    assert first.removed == STEP
    assert len(rows(world)) == 2 * STEP
    assert run(world, cleaning(world), steps=0).removed == 0
    assert len(rows(world)) == 2 * STEP


def test_another_one_goes_on_behind_it(world: World) -> None:
    names = [f"t{number:04}" for number in range(3 * STEP)]
    old(world, *names, tx_write_set=None)  # they stay: how often is each looked at?
    first = run(world, cleaning(world), steps=1)
    assert first.looked_at == STEP
    assert first.after is not None
    second = run(world, cleaning(world, after=first.after))
    assert second.looked_at == 2 * STEP
    assert run(world, cleaning(world, after=second.after)).looked_at == 0


def test_no_more_are_removed_a_second_than_wanted(world: World) -> None:
    old(world, *(f"t{number:03}" for number in range(95)))
    began = world.runtime.now_ms()
    assert run(world, cleaning(world, rate=10)).removed == 95
    assert 9_400 <= world.runtime.now_ms() - began <= 9_600
    assert max(world.runtime.slept) <= 1.0, "in small steps, not all of it and then a pause"


def test_a_rate_below_one(world: World) -> None:
    old(world, "a", "b")
    began = world.runtime.now_ms()
    assert run(world, cleaning(world, rate=0.5)).removed == 2
    assert world.runtime.now_ms() - began == 4_000


# Older releases.


def traces(world: World) -> set[str]:
    table = world.run(world.parts.context.catalog.table(ACCOUNT))
    since = world.runtime.now_ms() - DAY_MS
    return world.run(traces_of_older_releases(world.parts.context, table, since_ms=since))


def test_what_this_library_leaves_is_no_trace(world: World) -> None:
    for number in range(ENOUGH):
        tx = world.begin(f"T{number}")
        tx.upsert(ACCOUNT, {"id": number, "balance": 1})
        tx.commit()
        again = world.begin(f"U{number}")
        again.update(ACCOUNT, {"id": number}, {"balance": 2})
        again.commit()
    assert traces(world) == set()


@pytest.mark.parametrize(
    "left",
    [
        {"tx_committed_at": 7},  # not when it was decided, as before 3.19
        {"before_tx_state": COMMITTED, "before_tx_version": 1},  # as before 3.16
    ],
)
def test_what_older_releases_leave_is(world: World, left: dict[str, int]) -> None:
    for number in range(ENOUGH):
        tx = world.begin(f"T{number}")
        tx.upsert(ACCOUNT, {"id": number, "balance": 1})
        tx.commit()
        if "tx_committed_at" in left:
            left["tx_committed_at"] = world.runtime.now_ms() + 5
        world.write(ACCOUNT, (number,), **left)
    assert traces(world) == {f"T{number}" for number in range(ENOUGH)}
    world.runtime.ms += 2 * DAY_MS
    assert traces(world) == set(), "long ago"

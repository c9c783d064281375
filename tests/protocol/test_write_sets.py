"""Which decisions tell what was written, and what becomes of a commit when they can't?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit import coordinator_state
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.consensus_commit.write_set import read_write_set
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    UnknownOutcomeError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Update
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.types import Value

ACCOUNT, EVENT = "bank.account", "shop.event"
ABORTED = 4
ONE_PHASE = (False, True)


def make(*, columns: bool = True, **options: bool) -> World:
    world = World(MemoryStorage(), write_sets=True, **options)
    table = coordinator_table("coordinator", write_sets=columns)
    world.run(world.storage.inner.admin.create_table(table))
    fill(world)
    return world


def fill(world: World) -> None:
    world.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    world.create_table(
        EVENT, TableSchema({"day": "DATE", "at": "TIME", "n": "INT"}, ["day"], ["at DESC"])
    )
    world.load(ACCOUNT, {"id": 1, "balance": 100}, {"id": 2, "balance": 100})


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = World(open_inner(request.param, tmp_path), write_sets=True)
    fill(made)  # its first use makes the coordinator's table, with the column
    yield made
    made.close()


def told(world: World, tx_id: str = "T") -> set[tuple[str, tuple[Value, ...]]] | None:
    """The records that a decision's row names; None: it does not tell."""
    row = world.decision_row(tx_id)
    assert row is not None
    groups = read_write_set(row.get("tx_write_set"))
    if groups is None:
        assert row.get("tx_write_set") is None
        return None
    assert all(group.child_id is None for group in groups)
    assert len(groups) <= 1
    return {
        (
            f"{entry.namespace}.{entry.table}",
            tuple(v for _, _, v in (*entry.partition_key, *(entry.clustering_key or ()))),
        )
        for group in groups
        for entry in group.entries
    }


@pytest.mark.parametrize("one_phase", ONE_PHASE)
def test_a_commit_names_every_record_it_writes(world: World, *, one_phase: bool) -> None:
    world.parts.context.options = replace(world.parts.context.options, one_phase_commit=one_phase)
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    tx.delete(ACCOUNT, {"id": 2})
    tx.insert(ACCOUNT, {"id": 3, "balance": 1})
    tx.upsert(EVENT, {"day": dt.date(2024, 2, 29), "at": dt.time(1, 2, 3, 4), "n": 1})
    tx.commit()
    assert told(world) == {
        (ACCOUNT, (1,)),
        (ACCOUNT, (2,)),
        (ACCOUNT, (3,)),
        (EVENT, (dt.date(2024, 2, 29), dt.time(1, 2, 3, 4))),
    }


def test_records_finished_with_the_decision_are_named_too() -> None:
    world = make(one_phase_commit=True)
    tx = world.begin("T")
    assert tx.get(ACCOUNT, {"id": 2}) is not None  # validated, so everything is prepared
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    tx.commit()
    assert "put commit-state x2" in world.storage.reached()
    assert told(world) == {(ACCOUNT, (1,))}


def test_an_abort_of_its_own_names_what_it_would_have_written(world: World) -> None:
    first, tx = world.begin("A"), world.begin("T")
    for one in (first, tx):
        one.update(ACCOUNT, {"id": 2}, {"balance": 1})
    tx.insert(ACCOUNT, {"id": 3, "balance": 1})
    first.commit()
    with pytest.raises(ConflictError):
        tx.commit()
    row = world.decision_row("T")
    assert row is not None
    assert row["tx_state"] == ABORTED
    assert told(world) == {(ACCOUNT, (2,)), (ACCOUNT, (3,))}


def test_a_commit_without_writes_tells_that_there_are_none() -> None:
    world = make(write_omission_on_read_only=False)
    tx = world.begin("T")
    assert tx.get(ACCOUNT, {"id": 1}) is not None
    tx.commit()
    assert told(world) == set()
    row = world.decision_row("T")
    assert row is not None
    assert row["tx_write_set"] == bytes.fromhex("08 01 12 00")


def test_an_abort_of_a_commit_that_was_sent_does_not_tell(world: World) -> None:
    """The COMMITTED may still come: nothing but this row holds it up, so it must stay."""
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    world.storage.faults.append(Fault("commit-state", lambda: ReplyLostError("lost"), times=None))
    with pytest.raises(ConflictError):
        tx.commit()
    row = world.decision_row("T")
    assert row is not None
    assert row["tx_state"] == ABORTED
    assert told(world) is None


@pytest.mark.parametrize("how", ["recover", "settle", "read"])
def test_an_abort_by_others_does_not_tell(world: World, how: str) -> None:
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    assert tx.commit_until("commit-state")
    world.runtime.ms += 16_000
    if how == "settle":
        assert world.settle("T") is TransactionState.ABORTED
    elif how == "recover":
        assert world.recover(ACCOUNT, {"id": 1}) is TransactionState.ABORTED
    else:
        reader = world.begin("R")
        assert reader.get(ACCOUNT, {"id": 1}) == {"id": 1, "balance": 100}
    assert told(world) is None
    with pytest.raises(ConflictError):
        tx.commit()
    assert told(world) is None


def test_a_part_of_a_transaction_does_not_tell() -> None:
    """It knows its own records only."""
    world = make()
    part = TwoPhaseSteps(world.parts.context, Isolation.SNAPSHOT, caller_id="T")
    world.run(part.mutate(Update(ACCOUNT, {"id": 1}, {"balance": 1})))
    world.run(part.prepare())
    world.run(part.commit())
    assert told(world) is None


def test_nothing_is_told_unless_it_is_switched_on() -> None:
    world = World(MemoryStorage())
    world.run(
        world.storage.inner.admin.create_table(coordinator_table("coordinator", write_sets=True))
    )
    fill(world)
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    tx.commit()
    assert told(world) is None


# No commit fails because of it.


@pytest.mark.parametrize("one_phase", ONE_PHASE)
def test_without_the_column_commits_go_on(
    caplog: pytest.LogCaptureFixture, *, one_phase: bool
) -> None:
    world = make(columns=False, one_phase_commit=one_phase)
    for number in range(3):
        tx = world.begin(f"T{number}")
        tx.update(ACCOUNT, {"id": 1}, {"balance": number})
        tx.commit()
    assert world.state("T2") == "COMMITTED"
    warnings = [one for one in caplog.records if "tx_write_set" in one.getMessage()]
    assert len(warnings) == 1


@pytest.mark.parametrize("error", [InvalidOperationError, SchemaError])
@pytest.mark.parametrize("one_phase", ONE_PHASE)
def test_where_the_storage_can_not_take_it_the_decision_is_made_without(
    error: Callable[[str], Exception], *, one_phase: bool
) -> None:
    world = make(one_phase_commit=one_phase)
    tx = world.begin("T")
    tx.update(ACCOUNT, {"id": 1}, {"balance": 1})
    world.storage.faults.append(Fault("commit-state", lambda: error("too large")))
    tx.commit()
    assert world.state("T") == "COMMITTED"
    assert told(world) is None
    assert world.parts.coordinator.rows.written == 2  # with that of the rows loaded


def test_a_list_that_is_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    monkeypatch.setattr(coordinator_state, "LONGEST_WRITE_SET", 60)
    for count, expected in ((1, True), (2, False)):
        tx = world.begin(f"T{count}")
        for number in range(count):
            tx.upsert(ACCOUNT, {"id": number, "balance": 1})
        tx.commit()
        assert (told(world, f"T{count}") is not None) is expected


# What may be sent twice.


def insert(world: World, number: int = 7) -> TransactionSteps:
    tx = world.begin("T")
    tx.insert(ACCOUNT, {"id": number, "balance": 1})
    return tx.steps


def sendings(world: World) -> int:
    return sum(call.step == "commit-state" for call in world.storage.calls)


@pytest.mark.parametrize("applied", [False, True])
def test_new_records_are_not_sent_twice_with_a_decision_that_can_be_removed(
    *, applied: bool
) -> None:
    """The first sending may come when decision and record are gone, and would make both anew."""
    world = make(one_phase_commit=True)
    steps = insert(world)
    world.storage.faults.append(
        Fault("commit-state", lambda: ReplyLostError("lost"), applied=applied)
    )
    if applied:
        world.run(steps.commit())
        assert world.state("T") == "COMMITTED"
    else:
        with pytest.raises(UnknownOutcomeError):
            world.run(steps.commit())
        assert world.state("T") == "ABORTED"
        assert told(world) is None, "it is what holds up the first sending"
    assert sendings(world) == 1


@pytest.mark.parametrize("others", ["an update", "no write sets"])
def test_what_can_not_land_twice_is_sent_again(others: str) -> None:
    world = make(one_phase_commit=True)
    if others == "no write sets":
        world.parts.coordinator._write_sets = False
    steps = insert(world)
    if others == "an update":
        world.run(steps.mutate(Update(ACCOUNT, {"id": 1}, {"balance": 0})))
    world.storage.faults.append(Fault("commit-state", lambda: ReplyLostError("lost")))
    world.run(steps.commit())
    assert world.state("T") == "COMMITTED"
    assert sendings(world) == 2

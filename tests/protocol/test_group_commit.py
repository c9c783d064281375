"""Transactions that commit at once share a decision row (Consensus Commit specification 6)."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import ConflictError, InvalidOperationError, SchemaError, TransactionState
from scalar_tx.consensus_commit.group_commit import GroupCommit
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.errors import ReplyLostError, StorageBusyError
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.virtual_time import WAITS
from tests.protocol.watched_storage import Fault
from tests.protocol.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.protocol.world import Tx

TABLE = "shop.item"
DECIDE = "commit-state"


@pytest.fixture
def world() -> World:
    return world_of(groups=3)


def world_of(*, groups: int, one_phase_commit: bool = False) -> World:
    storage = MemoryStorage(unit=AtomicityUnit.PARTITION)
    world = World(storage, groups=groups, one_phase_commit=one_phase_commit)
    world.create_table(TABLE, TableSchema({"id": "INT", "n": "INT"}, ["id"]))
    world.load(TABLE, {"id": 1, "n": 1}, {"id": 2, "n": 2})
    groups_of(world).written = groups_of(world).members = 0
    return world


def groups_of(world: World) -> GroupCommit:
    groups = world.parts.context.groups
    assert groups is not None
    return groups


def writing(world: World, name: str, number: int) -> Tx:
    """A transaction that makes a record; its id is the one that it takes."""
    tx = world.begin(name)
    tx.insert(TABLE, {"id": number, "n": number})
    return tx


def waiting(world: World, name: str, number: int) -> Tx:
    """One that is ready while somebody else writes."""
    tx = writing(world, name, number)
    assert tx.commit_until(WAITS)
    return tx


def waiting_together(world: World, *numbers: int) -> list[Tx]:
    """Some that prepare at the same time, and are all ready while somebody else writes."""
    several = [writing(world, f"t{number}", number) for number in numbers]
    for tx in several:
        assert tx.commit_until("prepare")
    for tx in several:
        assert tx.commit_until(WAITS)
    assert len({marks(tx.id).group for tx in several}) == 1
    return several


def group_row(world: World, tx: Tx) -> dict[str, object]:
    row = world.decision_row(str(marks(tx.id).group))
    return {} if row is None else {"state": row["tx_state"], "members": row["tx_child_ids"]}


def own_row(world: World, tx: Tx) -> dict[str, object]:
    row = world.decision_row(tx.id)
    return {} if row is None else {"state": row["tx_state"], "members": row["tx_child_ids"]}


def test_one_alone_waits_for_nobody_and_is_a_group(world: World) -> None:
    tx = writing(world, "a", 10)
    tx.commit()
    assert [call.step for call in world.storage.calls] == ["prepare", DECIDE, "commit"]
    assert len(tx.id) == 26
    assert tx.id[24:] == "$a"
    assert group_row(world, tx) == {"state": 3, "members": "a"}
    assert own_row(world, tx) == {}
    assert world.state(tx.id) == "COMMITTED"
    row = world.row(TABLE, 10)
    assert row is not None
    assert row["tx_id"] == tx.id
    assert not world.runtime.slept


def test_who_is_ready_while_one_writes_shares_the_next_row(world: World) -> None:
    first = writing(world, "a", 10)
    assert first.commit_until(DECIDE)
    second, third = waiting_together(world, 11, 12)
    world.storage.calls.clear()
    first.commit()
    third.commit_until(WAITS)  # the first in order is the one to write
    second.commit()
    third.commit()
    written = [call for call in world.storage.calls if call.step == DECIDE]
    assert len(written) == 2
    assert group_row(world, first)["members"] == "a"
    assert set(str(group_row(world, second)["members"]).split(",")) == {"t11", "t12"}
    for tx, number in ((second, 11), (third, 12)):
        assert world.state(tx.id) == "COMMITTED"
        row, decision = world.row(TABLE, number), world.decision_row(str(marks(tx.id).group))
        assert row is not None
        assert decision is not None
        assert row["tx_committed_at"] == decision["tx_created_at"]
    assert (groups_of(world).written, groups_of(world).members) == (2, 3)


def test_who_is_not_ready_when_its_group_is_written_has_its_own_row(world: World) -> None:
    first, second = writing(world, "a", 10), writing(world, "b", 11)
    assert marks(first.id).group == marks(second.id).group
    first.commit()
    second.commit()
    assert group_row(world, first) == {"state": 3, "members": "a"}
    assert own_row(world, second) == {"state": 3, "members": None}
    assert world.state(second.id) == "COMMITTED"


def test_a_group_holds_no_more_than_its_places(world: World) -> None:
    ids = [world.begin(name).id for name in "abcd"]
    assert len({marks(tx_id).group for tx_id in ids[:3]}) == 1
    assert marks(ids[3]).group != marks(ids[0]).group


def test_groups_that_are_due_are_written_together(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    several = [*waiting_together(world, 10, 11, 12), waiting(world, "d", 13)]
    first.commit()
    for tx in several:
        tx.commit()
        assert world.state(tx.id) == "COMMITTED"
    assert (groups_of(world).written, groups_of(world).members) == (3, 5)


def test_who_is_ready_waits_for_those_that_prepare(world: World) -> None:
    first, second = writing(world, "a", 10), writing(world, "b", 11)
    assert first.commit_until("prepare")
    assert second.commit_until("prepare")
    assert first.commit_until(WAITS)
    second.commit()
    first.commit()
    assert set(str(group_row(world, first)["members"]).split(",")) == {"a", "b"}
    assert groups_of(world).written == 1


def test_who_is_ready_waits_no_longer_than_it_takes_the_others_to_fail(world: World) -> None:
    first, loser = writing(world, "a", 10), writing(world, "b", 10)
    assert first.commit_until("prepare")
    assert loser.commit_until("prepare")
    assert first.commit_until(WAITS)
    with pytest.raises(ConflictError):
        loser.commit()
    first.commit()
    assert group_row(world, first) == {"state": 3, "members": "a"}
    assert own_row(world, loser) == {"state": 4, "members": None}


def test_who_is_ready_waits_no_longer_than_it_has_patience(world: World) -> None:
    first, slow = writing(world, "a", 10), writing(world, "b", 11)
    assert first.commit_until("prepare")
    assert slow.commit_until("prepare")
    assert first.commit_until(WAITS)
    world.runtime.ms += 1199
    assert first.commit_until(WAITS)
    world.runtime.ms += 1
    first.commit()
    slow.commit()
    assert group_row(world, first) == {"state": 3, "members": "a"}
    assert own_row(world, slow) == {"state": 3, "members": None}


def test_whoever_ends_otherwise_leaves_its_place(world: World) -> None:
    groups = groups_of(world)
    world.begin("a").rollback()
    reading = world.begin("b")
    reading.get(TABLE, {"id": 1})
    reading.commit()
    assert [group.is_empty for group in groups._groups.values()] == [True]


def test_those_that_left_leave_no_groups_behind(world: World) -> None:
    for _ in range(10):
        world.begin().rollback()
    assert len(groups_of(world)._groups) == 1


def test_a_blocked_group_dooms_only_the_one_that_was_aborted(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    doomed, other = waiting_together(world, 10, 11)
    assert world.settle(doomed.id) is TransactionState.ABORTED
    assert group_row(world, doomed) == {"state": 4, "members": None}
    first.commit()
    with pytest.raises(ConflictError):
        doomed.commit()
    other.commit()
    assert own_row(world, other) == {"state": 3, "members": None}
    assert world.state(other.id) == "COMMITTED"
    assert world.state(doomed.id) == "ABORTED"
    assert world.row(TABLE, 10) is None


@pytest.mark.parametrize("applied", [True, False])
def test_lost_reply_to_a_group_that_comes_no_further_is_settled_by_each(
    world: World, applied: bool
) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    members = waiting_together(world, 10, 11)
    first.commit()
    world.storage.faults.append(
        Fault(DECIDE, lambda: ReplyLostError("no answer"), applied=applied, times=1)
    )
    world.storage.faults.append(Fault(DECIDE, lambda: StorageBusyError("later"), times=None))
    for tx in members:
        if applied:
            tx.commit()
            assert tx.steps.outcome is TransactionState.COMMITTED
        else:
            with pytest.raises(ConflictError):
                tx.commit()
            assert own_row(world, tx) == {"state": 4, "members": None}
            assert group_row(world, tx) == {"state": 4, "members": None}
    states = {world.state(tx.id) for tx in members}
    assert states == {"COMMITTED" if applied else "ABORTED"}


def test_lost_reply_is_found_at_the_next_try(world: World) -> None:
    tx = writing(world, "a", 10)
    world.storage.faults.append(Fault(DECIDE, lambda: ReplyLostError("no answer"), applied=True))
    tx.commit()
    assert tx.steps.outcome is TransactionState.COMMITTED
    assert group_row(world, tx) == {"state": 3, "members": "a"}


def test_others_go_on_when_the_one_that_writes_is_killed(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    several = [*waiting_together(world, 10, 11), waiting(world, "b", 12)]
    first.crash()
    for tx in several:
        tx.commit()
        assert world.state(tx.id) == "COMMITTED"
    assert world.state(first.id) == "none"


def test_others_go_on_when_one_that_waits_is_killed(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    killed, other = waiting_together(world, 10, 11)
    killed.crash()
    first.commit()
    other.commit()
    assert group_row(world, other)["members"] == "t11"
    assert world.state(killed.id) == "none"


def test_others_go_on_when_the_one_that_is_to_write_is_killed(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    killed, other = waiting_together(world, 10, 11)
    first.commit()  # and lets the next one write
    killed.crash()
    other.commit()
    assert group_row(world, other)["members"] == "t11"


def test_who_was_in_a_write_that_is_broken_off_settles(world: World) -> None:
    first = writing(world, "z", 9)
    assert first.commit_until(DECIDE)
    killed, mate = waiting_together(world, 10, 11)
    first.commit()
    assert killed.commit_until(DECIDE)
    killed.crash()
    with pytest.raises(ConflictError):
        mate.commit()
    assert world.state(mate.id) == "ABORTED"


def test_a_table_that_lists_no_members_is_refused_before_anything_is_prepared() -> None:
    world = World(MemoryStorage(unit=AtomicityUnit.PARTITION))
    world.create_table(TABLE, TableSchema({"id": "INT", "n": "INT"}, ["id"]))
    context = world.parts.context
    context.groups = GroupCommit(world.parts.coordinator, world.runtime, capacity=2)
    tx = writing(world, "a", 10)
    with pytest.raises(InvalidOperationError, match="tx_child_ids") as refused:
        tx.commit()
    assert "repair_coordinator_tables" in str(refused.value)
    assert world.row(TABLE, 10) is None


def test_commits_in_one_write_take_no_place() -> None:
    world = World(MemoryStorage(), groups=3, one_phase_commit=True)
    world.create_table(TABLE, TableSchema({"id": "INT", "n": "INT"}, ["id"]))
    tx = world.begin()
    tx.insert(TABLE, {"id": 1, "n": 1})
    tx.commit()
    assert groups_of(world).written == 0
    assert own_row(world, tx) == {"state": 3, "members": None}


def test_a_callers_own_id_has_its_own_row(tmp_path: Path) -> None:
    with opened(tmp_path) as db:
        with db.transaction(id="mine") as tx:
            tx.insert(TABLE, {"id": 1, "n": 1})
        assert tx.id == "mine"
        assert db.state("mine") is TransactionState.COMMITTED


def opened(folder: Path) -> scalar_tx.TransactionManager:
    db = scalar_tx.connect(
        f"sqlite:///{folder / 'groups.db'}",
        consensus_commit_coordinator_group_commit_enabled=True,
        consensus_commit_one_phase_commit_enabled=False,
    )
    db.admin.create_table(
        TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"], if_not_exists=True
    )
    return db


def test_threads_share_rows_and_lose_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as db:
        barrier = threading.Barrier(8)
        ids: list[str] = []

        def work(number: int) -> None:
            barrier.wait()
            for round_ in range(25):
                with db.transaction() as tx:
                    tx.insert(TABLE, {"id": number * 100 + round_, "n": 1})
                ids.append(tx.id)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ids) == 200
        assert {db.state(tx_id) for tx_id in ids} == {TransactionState.COMMITTED}
        assert len(db.scan(TABLE, whole_table=True)) == 200
        counts = db.decision_counts
        assert counts.groups < counts.grouped == 200
        assert counts.mean_group_size == 200 / counts.groups
        assert counts.written >= counts.groups


def test_a_task_is_a_member_too(tmp_path: Path) -> None:
    with opened(tmp_path) as db:
        db.insert(TABLE, {"id": 1, "n": 1})

    async def work() -> None:
        async with scalar_tx.connect_async(
            f"sqlite:///{tmp_path / 'groups.db'}",
            consensus_commit_coordinator_group_commit_enabled=True,
            consensus_commit_one_phase_commit_enabled=False,
        ) as later:
            async with later.transaction() as tx:
                await tx.update(TABLE, {"id": 1}, {"n": 2})
            assert await later.state(tx.id) is TransactionState.COMMITTED
            counts = later.decision_counts
            assert (counts.written, counts.groups, counts.mean_group_size) == (1, 1, 1.0)
            assert marks(tx.id).group is not None

    asyncio.run(work())


def test_a_damaged_row_of_a_group_is_an_error_that_says_so(world: World) -> None:
    tx = writing(world, "a", 10)
    world.write_decision(str(marks(tx.id).group), 7, tx_child_ids="a")
    with pytest.raises(SchemaError, match="damaged"):
        read_decision(world, tx.id)


def read_decision(world: World, tx_id: str) -> None:
    world.run(world.parts.coordinator.read(tx_id))

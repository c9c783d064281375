"""Java's group commits and write sets: we find, follow and block them in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    DELETED,
    PREPARED,
    account,
    accounts,
    bank,
    expire,
    key,
    look,
)
from tests.compatibility.conftest import started
from tests.compatibility.java_peer import JavaError
from tests.compatibility.ours import COORDINATOR, ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.compatibility.java_peer import JavaPeer, JavaTransaction

GROUPS = {
    "coordinator.group_commit.enabled": "true",
    "coordinator.group_commit.group_size_fix_timeout_millis": "40",
    "coordinator.group_commit.delayed_slot_move_timeout_millis": "300",
}
WRITE_SETS = {"coordinator.write_set_logging.enabled": "true"}


def groups_of(members: int) -> dict[str, str]:
    """A group is closed by its last member, however long the machine takes to begin it."""
    return GROUPS | {
        "coordinator.group_commit.slot_capacity": str(members),
        "coordinator.group_commit.group_size_fix_timeout_millis": "2000",
        "coordinator.group_commit.delayed_slot_move_timeout_millis": "1000",
    }


def group_of(tx_id: str) -> str:
    assert tx_id[24] == "$"
    return tx_id[:24]


def forms(file: Path) -> dict[str, tuple[list[str] | None, int]]:
    """The decision rows: members in order, state."""
    return {
        row["tx_id"]: (
            None if row["tx_child_ids"] is None else sorted(row["tx_child_ids"].split(",")),
            row["tx_state"],
        )
        for row in look(file, COORDINATOR)
    }


def read(db: TransactionManager, number: int, level: str = "SERIALIZABLE") -> Any:
    with db.transaction(isolation=level) as tx:
        record = tx.get(ACCOUNT, key(number))
    return None if record is None else dict(record)


@pytest.mark.parametrize("write_sets", [False, True])
def test_a_group_that_died_after_its_decision_is_followed(file: Path, *, write_sets: bool) -> None:
    with started() as doomed:
        settings = groups_of(3) | (WRITE_SETS if write_sets else {})
        session = bank(doomed, file, watched=True, settings=settings)
        with session.transaction() as tx:
            tx.insert(ACCOUNT, account(2))
            tx.insert(ACCOUNT, account(3))
        pause = session.watch.pause("after", step="commit-state")
        members = [session.begin(f"child-{number}") for number in range(3)]
        members[0].insert(ACCOUNT, account(1))
        members[1].update(ACCOUNT, key(2), {"balance": 120})
        members[2].delete(ACCOUNT, key(3))
        for member in members:
            member.commit_later()
        pause.wait_paused()
        doomed.kill()
    (group,) = {group_of(member.id) for member in members}
    children = [f"child-{number}" for number in range(3)]
    assert forms(file)[group] == (children, COMMITTED)
    assert {row["tx_state"] for row in accounts(file).values()} == {PREPARED, DELETED}
    decisions = look(file, COORDINATOR)
    (decided_at,) = [row["tx_created_at"] for row in decisions if row["tx_id"] == group]
    if write_sets:
        assert all(row["tx_write_set"] for row in decisions)

    with ours(file) as db:
        assert [db.state(member.id) for member in members] == [TransactionState.COMMITTED] * 3
        assert [db.settle(member.id) for member in members] == [TransactionState.COMMITTED] * 3
        assert read(db, 1) == account(1)
        assert read(db, 2, "SNAPSHOT") == account(2, 120)
        assert read(db, 3) is None
        # Nothing is left to do if the background of that read was quicker.
        assert db.recover(ACCOUNT, key(2)) in (None, TransactionState.COMMITTED)
        assert db.recover(ACCOUNT, key(2)) is None
    assert {
        number: (row["tx_id"], row["tx_state"], row["tx_committed_at"], row["before_tx_id"])
        for number, row in accounts(file).items()
    } == {
        1: (members[0].id, COMMITTED, decided_at, None),
        2: (members[1].id, COMMITTED, decided_at, None),
    }
    assert look(file, COORDINATOR) == decisions, "nothing was added"


def test_a_delayed_member_that_died_after_its_decision_is_followed(file: Path) -> None:
    with started() as doomed:
        session = bank(doomed, file, watched=True, settings=groups_of(2))
        quick, slow = session.begin("quick"), session.begin("slow")
        assert group_of(quick.id) == group_of(slow.id)
        quick.insert(ACCOUNT, account(1))
        slow.insert(ACCOUNT, account(2))
        quick.commit()  # the slow one is moved out of the way
        pause = session.watch.pause("after", step="commit-state")
        slow.commit_later()
        pause.wait_paused()
        doomed.kill()
    assert forms(file) == {
        group_of(quick.id): (["quick"], COMMITTED),
        slow.id: (None, COMMITTED),
    }
    assert accounts(file)[2]["tx_state"] == PREPARED
    with ours(file) as db:
        assert db.state(slow.id) is TransactionState.COMMITTED
        assert db.state(f"{group_of(quick.id)}$nobody") is TransactionState.UNKNOWN
        assert read(db, 2) == account(2)
    assert accounts(file)[2]["tx_state"] == COMMITTED
    assert len(forms(file)) == 2


def by_reading(db: TransactionManager, _: str) -> None:
    assert read(db, 1) == account(1)


def by_settling(db: TransactionManager, tx_id: str) -> None:
    assert db.settle(tx_id) is TransactionState.ABORTED
    assert read(db, 1) == account(1)


@pytest.mark.parametrize("abort", [by_reading, by_settling])
def test_a_member_that_never_was_ready_is_aborted_on_both_keys_and_blocks_its_group(
    java: JavaPeer, file: Path, abort: Callable[[TransactionManager, str], None]
) -> None:
    session = bank(java, file, watched=True, settings=groups_of(2))
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
        tx.insert(ACCOUNT, account(2))
    before, decided = accounts(file), forms(file)

    pause = session.watch.pause("after", step="prepare")
    slow, sibling = session.begin("slow"), session.begin("sibling")
    group = group_of(slow.id)
    assert group == group_of(sibling.id)
    slow.update(ACCOUNT, key(1), {"balance": 1})
    sibling.update(ACCOUNT, key(2), {"balance": 2})
    slow_commit = slow.commit_later()
    pause.wait_paused()
    with ours(file) as db:
        with pytest.raises(ConflictError):
            read(db, 1)
        assert db.state(slow.id) is TransactionState.UNKNOWN
        expire(file, ACCOUNT)
        abort(db, slow.id)
        assert db.state(slow.id) is TransactionState.ABORTED
        # The group's key is only blocked: that says nothing about a sibling.
        assert db.state(sibling.id) is TransactionState.UNKNOWN
    assert forms(file) == decided | {group: (None, ABORTED), slow.id: (None, ABORTED)}
    assert accounts(file) == before

    def conflict(pending: Any) -> None:
        with pytest.raises(JavaError) as late:
            pending.result()
        assert late.value.kind == "CommitConflictException"

    conflict(sibling.commit_later())
    pause.release()
    conflict(slow_commit)
    assert session.state(sibling.id) == "UNKNOWN"
    session.close()
    assert accounts(file) == before
    assert forms(file) == decided | {group: (None, ABORTED), slow.id: (None, ABORTED)}


def test_a_member_left_out_of_its_groups_decision_is_aborted_alone(
    java: JavaPeer, file: Path
) -> None:
    """The group has committed without it: only its own key is still to be decided."""
    session = bank(java, file, watched=True, settings=groups_of(2))
    pause = session.watch.pause("after", step="prepare")
    slow, sibling = session.begin("slow"), session.begin("sibling")
    slow.insert(ACCOUNT, account(1))
    sibling.insert(ACCOUNT, account(2))
    slow_commit = slow.commit_later()
    pause.wait_paused()
    sibling.commit()
    group = {group_of(slow.id): (["sibling"], COMMITTED)}
    assert forms(file) == group
    expire(file, ACCOUNT)
    with ours(file) as db:
        assert read(db, 1) is None
        assert read(db, 2) == account(2)
        assert db.state(slow.id) is TransactionState.ABORTED
        assert db.state(sibling.id) is TransactionState.COMMITTED
    assert forms(file) == group | {slow.id: (None, ABORTED)}
    pause.release()
    with pytest.raises(JavaError) as late:
        slow_commit.result()
    assert late.value.kind == "CommitConflictException"
    session.close()
    assert accounts(file).keys() == {2}


def test_decisions_are_read_in_every_form_that_java_writes(java: JavaPeer, file: Path) -> None:
    expected: dict[str, TransactionState] = {}

    def commit(tx: JavaTransaction, number: int, state: TransactionState) -> None:
        tx.insert(ACCOUNT, account(number))
        try:
            tx.commit()
        except JavaError as error:
            if (state, error.kind) != (TransactionState.ABORTED, "CommitConflictException"):
                raise
        expected[tx.id] = state

    plain = bank(java, file)
    sets = bank(java, file, settings=WRITE_SETS)
    groups = bank(java, file, settings=GROUPS)
    both = bank(java, file, settings=GROUPS | WRITE_SETS)
    both.repair_coordinator()
    for number, session in enumerate((plain, sets, groups, both)):
        commit(session.begin(), number, TransactionState.COMMITTED)
        commit(session.begin(), number, TransactionState.ABORTED)  # by itself: it exists
        blocked = session.begin()
        assert session.rollback_by_id(blocked.id) == "ABORTED"
        expected[blocked.id] = TransactionState.ABORTED
        reader = session.begin(read_only=True)
        assert reader.get(ACCOUNT, key(number)) == account(number)
        reader.commit()
        expected[reader.id] = TransactionState.UNKNOWN  # leaves no row
    for session in (plain, sets, groups, both):
        with ours(file) as db:
            assert {tx_id: db.state(tx_id) for tx_id in expected} == expected
            assert {tx_id: TransactionState[session.state(tx_id)] for tx_id in expected} == expected
    rows = look(file, COORDINATOR)
    assert {row["tx_child_ids"] is None for row in rows} == {True, False}
    assert {row["tx_write_set"] is None for row in rows} == {True, False}
    assert len(rows) >= 14
    for session in (plain, sets, groups, both):
        session.close()
    with ours(file) as db:
        assert len(db.scan(ACCOUNT, whole_table=True)) == 4

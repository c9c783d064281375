"""How is a member of a group commit looked up, and how is it aborted?

Consensus Commit specification 6.4, 6.5: the group would commit under the parent's key, a delayed
member under its own; whoever aborts must win on both. Every pair of rows, and everything that can
happen between the two inserts.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.virtual_time import drive
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

PARENT = "aBcDeFgHiJkLmNoPqRsTuVwX"
FULL = f"{PARENT}$me"
# What the parent's row may be: its state and the members it lists.
PARENTS: dict[str, tuple[int, str | None] | None] = {
    "no parent": None,
    "committed with me": (3, "other,me"),
    "committed with me alone": (3, "me"),
    "committed without me": (3, "other,another"),
    "committed with one whose name contains mine": (3, "some,me2,name"),
    "blocked": (4, None),
}
FULLS: dict[str, int | None] = {"no row": None, "committed": 3, "aborted": 4}
STATES = {3: "COMMITTED", 4: "ABORTED", None: "none"}


def world_with(parent: str, full: str, *, child_ids: bool = True) -> World:
    world = World(MemoryStorage())
    table = coordinator_table("coordinator", group_commit=child_ids)
    drive(world.storage.inner.admin.create_table(table))
    found = PARENTS[parent]
    if found is not None:
        children = {"tx_child_ids": found[1]} if child_ids else {}
        world.write_decision(PARENT, found[0], **children)
    state = FULLS[full]
    if state is not None:
        world.write_decision(FULL, state)
    return world


def listed(parent: str) -> bool:
    found = PARENTS[parent]
    return found is not None and found[1] is not None and "me" in found[1].split(",")


def rows(world: World) -> tuple[object, object]:
    both = [world.decision_row(tx_id) for tx_id in (PARENT, FULL)]
    first, second = [None if row is None else row["tx_state"] for row in both]
    return first, second


@pytest.mark.parametrize("parent,full", list(product(PARENTS, FULLS)))
def test_lookup(parent: str, full: str) -> None:
    world = world_with(parent, full)
    expected = "COMMITTED" if listed(parent) else STATES[FULLS[full]]
    assert world.state(FULL) == expected
    reads = len(world.storage.calls)
    assert reads == (1 if listed(parent) else 2)  # the parent's row first
    assert world.state(f"{PARENT}$nobody") == "none"


@pytest.mark.parametrize("parent,full", list(product(PARENTS, FULLS)))
def test_abort(parent: str, full: str) -> None:
    world = world_with(parent, full)
    before = rows(world)
    decision = drive(world.parts.context.decisions.force_abort(FULL))
    committed = listed(parent) or FULLS[full] == 3
    wanted = TransactionState.COMMITTED if committed else TransactionState.ABORTED
    assert decision.state is wanted
    assert world.state(FULL) == wanted.value
    # The parent's key is taken now, whoever took it; the member's unless the group has it.
    assert rows(world) == (before[0] or 4, before[1] if listed(parent) else before[1] or 4)
    written = world.decision_row(PARENT)
    assert written is not None
    assert (written["tx_child_ids"] is None) is (PARENTS[parent] is None or parent == "blocked")


@pytest.mark.parametrize("parent,full", list(product(PARENTS, FULLS)))
@pytest.mark.parametrize("insert", [0, 1])
@pytest.mark.parametrize(
    "error,applied",
    [
        (ReplyLostError, True),
        (ReplyLostError, False),
        (StorageBusyError, False),
        (StorageUnavailableError, False),
    ],
)
def test_abort_when_an_insert_fails_once(  # the axes of the table
    parent: str, full: str, insert: int, error: type[Exception], applied: bool
) -> None:
    world = world_with(parent, full)
    world.storage.faults.append(
        Fault("abort-state", lambda: error("once"), applied=applied, skip=insert)
    )
    if applied and rows(world)[insert] is not None:
        return  # the insert is refused, so there is no reply of its success to be lost
    decision = drive(world.parts.context.decisions.force_abort(FULL))
    committed = listed(parent) or FULLS[full] == 3
    assert decision.state.value == ("COMMITTED" if committed else "ABORTED")
    assert world.state(FULL) == decision.state.value


def group_commits_me(world: World) -> None:
    insert(world, PARENT, 3, tx_child_ids="other,me")


def group_commits_others(world: World) -> None:
    insert(world, PARENT, 3, tx_child_ids="other")


def delayed_commit(world: World) -> None:
    insert(world, FULL, 3)


def self_abort(world: World) -> None:
    insert(world, FULL, 4)


def another_recovery(world: World) -> None:
    insert(world, PARENT, 4)
    insert(world, FULL, 4)


def insert(world: World, tx_id: str, state: int, **columns: str) -> None:
    """Insert-if-absent, as every writer of decisions does."""
    if world.decision_row(tx_id) is None:
        world.write_decision(tx_id, state, **columns)


# What happens before the n-th insert of the abort, and what must stand then.
RACES: list[tuple[int, Callable[[World], None], str]] = [
    (0, group_commits_me, "COMMITTED"),
    (0, group_commits_others, "ABORTED"),
    (0, delayed_commit, "COMMITTED"),
    (0, self_abort, "ABORTED"),
    (0, another_recovery, "ABORTED"),
    (1, group_commits_me, "ABORTED"),  # the parent's key is taken: it can't any more
    (1, group_commits_others, "ABORTED"),
    (1, delayed_commit, "COMMITTED"),
    (1, self_abort, "ABORTED"),
    (1, another_recovery, "ABORTED"),
]


@pytest.mark.parametrize("before,what,expected", RACES)
def test_abort_races(before: int, what: Callable[[World], None], expected: str) -> None:
    world = world_with("no parent", "no row")
    world.storage.faults.append(meanwhile("abort-state", lambda: what(world), skip=before))
    decision = drive(world.parts.context.decisions.force_abort(FULL))
    assert decision.state.value == expected
    assert world.state(FULL) == expected
    # Whatever comes later finds both keys taken: the answer given stays true.
    for late in (group_commits_me, delayed_commit):
        late(world)
    assert world.state(FULL) == expected


def test_the_parent_row_disappears_between_insert_and_look() -> None:
    """Cleaned up by others: whatever it was, the member's own key decides now."""
    world = world_with("committed without me", "no row")

    def erase() -> None:
        world.erase_decision(PARENT)

    world.storage.faults.append(meanwhile("read-state", erase))
    decision = drive(world.parts.context.decisions.force_abort(FULL))
    assert decision.state is TransactionState.ABORTED


@pytest.mark.parametrize("full", FULLS)
def test_a_table_without_the_column_lists_nobody(full: str) -> None:
    world = world_with("no parent", full, child_ids=False)
    assert world.state(FULL) == STATES[FULLS[full]]
    decision = drive(world.parts.context.decisions.force_abort(FULL))
    assert decision.state.value == ("COMMITTED" if full == "committed" else "ABORTED")


def test_a_member_is_not_committed_by_itself() -> None:
    world = world_with("no parent", "no row")
    with pytest.raises(InvalidOperationError):
        drive(world.parts.context.decisions.decide(FULL, 1))
    assert rows(world) == (None, None)


@pytest.mark.parametrize(
    "tx_id", ["plain", PARENT, PARENT[:23] + "$short", PARENT + "x$late", "$" * 24]
)
def test_other_ids_are_plain(tx_id: str) -> None:
    """Only a ``$`` at index 24 marks a member."""
    world = world_with("no parent", "no row")
    decision = drive(world.parts.context.decisions.force_abort(tx_id))
    assert decision.state is TransactionState.ABORTED
    assert [call.step for call in world.storage.calls] == ["abort-state"]

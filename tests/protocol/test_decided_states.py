"""What is remembered of decisions, and what is it good for? (Specification 5.6, 6.5, 12.3, 13.4)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit.decided_states import DecidedStates
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.virtual_time import START_MS, drive
from tests.protocol.watched_storage import meanwhile
from tests.protocol.world import World

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from tests.protocol.world import Tx

ACCOUNT = "bank.account"
SCHEMA = TableSchema({"shop": "INT", "no": "INT", "n": "INT"}, ["shop"], ["no"])
KEY = ("shop", "no")
LEVELS = [Isolation.SNAPSHOT, Isolation.SERIALIZABLE]
YOUNG, EXPIRED = 0, 16_000


def world_with(
    writers: list[str], *, unit: AtomicityUnit = AtomicityUnit.STORAGE, age: int = EXPIRED
) -> World:
    """One shop with a record for each, prepared by that writer over 100; "": committed."""
    world = World(MemoryStorage(unit=unit))
    world.create_table(ACCOUNT, SCHEMA)
    world.load(ACCOUNT, *({"shop": 1, "no": no, "n": 100} for no in range(len(writers))))
    for no, writer in enumerate(writers):
        row = rows(world, no)
        kept = {f"before_{name}": row[name] for name in ("n", "tx_id", "tx_state", "tx_version")}
        if writer:
            world.write(
                ACCOUNT,
                (1, no),
                **kept,
                n=200,
                tx_id=writer,
                tx_state=1,
                tx_version=2,
                tx_prepared_at=START_MS - age,
            )
    return world


def scanned(tx: Tx) -> list[Any]:
    return [row["n"] for row in tx.scan(ACCOUNT, {"shop": 1})]


def rows(world: World, no: int) -> dict[str, Any]:
    found = world.row(ACCOUNT, 1, no)
    assert found is not None
    return found


def calls(world: World) -> list[str]:
    return world.storage.reached()


def decision(number: int) -> Decision:
    return Decision(TransactionState.COMMITTED, number)


def test_it_holds_the_last_ones_and_no_more() -> None:
    known = DecidedStates(most=3)
    for number in range(100):
        known.keep(f"t{number}", decision(number))
        assert known.get(f"t{number}") == decision(number)
        assert len(known._new) + len(known._old) <= 6
    assert known.get("t99") == decision(99)
    assert known.get("t97") == decision(97)
    assert known.get("t50") is None


@pytest.mark.parametrize("isolation", LEVELS)
@pytest.mark.parametrize("state,roll,value", [(3, "commit", 200), (4, "rollback", 100)])
def test_a_scan_asks_for_a_writer_once_and_rolls_his_records_together(
    isolation: Isolation, state: int, roll: str, value: int
) -> None:
    world = world_with(["W"] * 5)
    world.write_decision("W", state)
    tx = world.begin(isolation=isolation)
    assert scanned(tx) == [value] * 5
    assert calls(world) == ["scan read x1", "get read-state x1", f"mutate {roll} x5"]
    tx.commit()
    assert [rows(world, no)["tx_state"] for no in range(5)] == [3] * 5


def test_writers_of_one_page_are_rolled_together_each_by_his_own_decision() -> None:
    world = world_with(["V", "W", "", "V", "W"])
    world.write_decision("V", 3)
    world.write_decision("W", 4)
    assert scanned(world.begin()) == [200, 100, 100, 200, 100]
    # The storage changes all of them at once, so they go together.
    assert [call.split(" ")[2] for call in calls(world) if "mutate" in call] == ["x4"]
    assert calls(world).count("get read-state x1") == 2
    assert [rows(world, no)["n"] for no in range(5)] == [200, 100, 100, 200, 100]


def test_a_dead_writer_is_aborted_once() -> None:
    world = world_with(["W"] * 3)
    assert scanned(world.begin()) == [100] * 3
    found = calls(world)
    assert found.count("put abort-state x1") == 1
    assert found.count("get read-state x1") == 1
    assert found[-1] == "mutate rollback x3"


def test_where_others_rolled_one_the_rest_is_rolled_singly() -> None:
    world = world_with(["W"] * 3)
    world.write_decision("W", 4)
    settled: Row = {"n": 100, "tx_id": "load-1", "tx_state": 3}
    world.storage.faults.append(
        meanwhile("rollback", lambda: world.write(ACCOUNT, (1, 1), **settled))
    )
    assert scanned(world.begin()) == [100] * 3
    assert [call for call in calls(world) if "mutate" in call] == [
        "mutate rollback x3 -> NoMutationException",
        "mutate rollback x1",
        "mutate rollback x1 -> NoMutationException",
        "mutate rollback x1",
    ]
    assert [rows(world, no)["tx_state"] for no in range(3)] == [3] * 3


def test_where_records_are_changed_singly_so_are_these() -> None:
    world = world_with(["W"] * 3, unit=AtomicityUnit.RECORD)
    world.write_decision("W", 3)
    assert scanned(world.begin()) == [200] * 3
    assert [call for call in calls(world) if "mutate" in call] == ["mutate commit x1"] * 3


def test_those_before_a_living_writer_are_rolled_although_the_scan_fails() -> None:
    world = world_with(["W", "living"], age=YOUNG)
    world.write_decision("W", 3)
    with pytest.raises(ConflictError, match="STX-1010"):
        scanned(world.begin())
    assert rows(world, 0)["tx_state"] == 3


def test_that_nothing_was_decided_is_not_remembered() -> None:
    world = world_with(["W"], age=YOUNG)
    for _ in range(2):
        with pytest.raises(ConflictError, match="STX-1010"):
            world.begin().get(ACCOUNT, {"shop": 1, "no": 0})
    assert calls(world).count("get read-state x1") == 2
    world.write_decision("W", 3)
    row = world.begin().get(ACCOUNT, {"shop": 1, "no": 0})
    assert row is not None
    assert row["n"] == 200


@pytest.mark.parametrize("state,value", [(3, 200), (4, 100)])
def test_a_decision_that_was_removed_since_still_holds(state: int, value: int) -> None:
    """It is removed when all of its records are settled: what looks prepared is a late page."""
    world = world_with(["W", "W"])
    world.write_decision("W", state)
    tx = world.begin()
    first = tx.get(ACCOUNT, {"shop": 1, "no": 0})
    world.erase_decision("W")
    second = tx.get(ACCOUNT, {"shop": 1, "no": 1})
    assert first is not None
    assert second is not None
    assert (first["n"], second["n"]) == (value, value)
    assert "put abort-state x1" not in calls(world)


def test_a_blocked_group_says_nothing_of_its_members() -> None:
    parent = "aBcDeFgHiJkLmNoPqRsTuVwX"
    world = World(MemoryStorage())
    drive(
        world.storage.inner.admin.create_table(coordinator_table("coordinator", group_commit=True))
    )
    world.create_table(ACCOUNT, SCHEMA)
    for no, member in enumerate(("in", "late")):
        world.write(
            ACCOUNT,
            (1, no),
            n=200,
            tx_id=f"{parent}${member}",
            tx_state=1,
            tx_version=1,
            tx_prepared_at=START_MS - EXPIRED,
        )
    world.write_decision(parent, 4)  # blocks the group
    world.write_decision(f"{parent}$in", 4)
    world.write_decision(f"{parent}$late", 3)  # committed by himself before that
    assert scanned(world.begin()) == [200]
    assert world.row(ACCOUNT, 1, 0) is None


# Rollback without reading again (13.3)


def test_what_was_refused_is_neither_read_nor_undone() -> None:
    world = world_with([""] * 2, unit=AtomicityUnit.RECORD)
    tx = world.begin("T")
    for no in (0, 1):
        tx.get(ACCOUNT, {"shop": 1, "no": no})
        tx.update(ACCOUNT, {"shop": 1, "no": no}, {"n": 7})
    other = world.begin("other")
    other.upsert(ACCOUNT, {"shop": 1, "no": 1, "n": 5})
    other.commit()
    before = world.row(ACCOUNT, 1, 0)
    world.storage.calls.clear()
    with pytest.raises(ConflictError, match="STX-1031"):
        tx.commit()
    assert calls(world) == [
        "mutate prepare x1",
        "mutate prepare x1 -> NoMutationException",
        "put abort-state x1",
        "mutate rollback x1",
    ]
    assert world.row(ACCOUNT, 1, 0) == before
    assert rows(world, 1)["n"] == 5


@pytest.mark.parametrize("work", ["update", "delete", "insert"])
def test_an_undone_record_is_what_it_was(work: str) -> None:
    """Whatever was done to it; also where it was imported, without a version."""
    world = world_with([""] * 2, unit=AtomicityUnit.RECORD)
    world.write(ACCOUNT, (1, 0), tx_id=None, tx_state=None, tx_version=None, tx_committed_at=None)
    tx = world.begin("T")
    for no in (0, 1):
        tx.get(ACCOUNT, {"shop": 1, "no": no})
    if work == "delete":
        tx.delete(ACCOUNT, {"shop": 1, "no": 0})
    else:
        tx.update(ACCOUNT, {"shop": 1, "no": 0}, {"n": 7})
    if work == "insert":
        tx.insert(ACCOUNT, {"shop": 1, "no": 9, "n": 9})
    tx.update(ACCOUNT, {"shop": 1, "no": 1}, {"n": 7})
    other = world.begin("other")
    other.upsert(ACCOUNT, {"shop": 1, "no": 1, "n": 5})
    other.commit()
    before = world.row(ACCOUNT, 1, 0)
    with pytest.raises(ConflictError):
        tx.commit()
    assert world.row(ACCOUNT, 1, 0) == before
    assert world.row(ACCOUNT, 1, 9) is None


def test_where_a_reader_has_undone_one_the_rest_is_undone_by_rows() -> None:
    world = world_with([""] * 3)
    tx = world.begin("T")
    for no in range(3):
        tx.get(ACCOUNT, {"shop": 1, "no": no})
        tx.update(ACCOUNT, {"shop": 1, "no": no}, {"n": 7})
    before = [rows(world, no) for no in range(3)]

    def aborted() -> None:
        world.write_decision("T", 4)
        world.write(ACCOUNT, (1, 1), **{n: v for n, v in before[1].items() if n not in KEY})

    world.storage.faults.append(meanwhile("commit-state", aborted))
    with pytest.raises(ConflictError):
        tx.commit()
    assert [rows(world, no) for no in range(3)] == before

"""What does a reader make of an uncommitted record, and what becomes of the record?

Consensus Commit specification 5.2, 5.3 and 1.4: what was prepared x what was decided x the writer's
age x isolation level, whole.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import ConflictError, StorageUnavailableError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.virtual_time import START_MS
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.model.types import Row

ACCOUNT = "bank.account"
SCHEMA = TableSchema(columns={"id": "INT", "balance": "INT", "name": "TEXT"}, partition_key=["id"])
KEY = {"id": 1}
RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE

COMMITTED: dict[str, Any] = {
    "balance": 100,
    "name": "a",
    "tx_id": "first",
    "tx_state": 3,
    "tx_version": 4,
    "tx_prepared_at": 900,
    "tx_committed_at": 910,
}
IMPORTED: dict[str, Any] = {"balance": 100, "name": "a"}


def before(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that keep a previous image, as the specification lists them."""
    kept = {f"before_{name}": value for name, value in row.items()}
    if "tx_version" not in row:
        kept["before_tx_version"] = 0
    return kept


# name -> (the row before, the prepared row's own columns, the row if committed)
Prepared = tuple[dict[str, Any] | None, dict[str, Any], dict[str, Any] | None]
AFTER = {"balance": 200, "name": None, "tx_id": "W", "tx_state": 3, "tx_version": 5}
STATES: dict[str, Prepared] = {
    "C, an update": (COMMITTED, {"balance": 200, "name": None, "tx_version": 5}, AFTER),
    "E, a delete": (COMMITTED, {"tx_version": 5, "tx_state": 2}, None),
    "A, an insert": (None, {"balance": 200, "tx_version": 1}, {**AFTER, "tx_version": 1}),
    "G, a delete of nothing": (None, {"tx_version": 1, "tx_state": 2}, None),
    "I, over an imported record": (
        IMPORTED,
        {"balance": 200, "name": None, "tx_version": 1},
        {**AFTER, "tx_version": 1},
    ),
    "a delete of an imported record": (IMPORTED, {"tx_version": 1, "tx_state": 2}, None),
}
DECISIONS = {"none": None, "committed": 3, "aborted": 4}
AGES = {"young": 15_000, "expired": 15_001}


def leave(world: World, state: str, writer: str = "W") -> None:
    """The row as its writer left it."""
    world.create_table(ACCOUNT, SCHEMA)
    previous, own, _ = STATES[state]
    row = {**(previous or {}), "tx_state": 1, "tx_prepared_at": START_MS, **own, "tx_id": writer}
    if previous is not None:
        row |= before(previous)
    world.write(ACCOUNT, (1,), **row)


def shown(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {n: v for n, v in row.items() if v is not None and n != "id"}


def values_of(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {"balance": row["balance"], "name": row.get("name")}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    "state,decision,age,isolation", list(product(STATES, DECISIONS, AGES, (RC, SI, SER)))
)
def test_reading(  # noqa: PLR0917  # the axes of the table
    state: str, decision: str, age: str, isolation: Isolation, storage: str, tmp_path: Path
) -> None:
    world = World(open_inner(storage, tmp_path))
    leave(world, state)
    decided = DECISIONS[decision]
    if decided is not None:
        world.write_decision("W", decided, at=START_MS + 7)
    left = world.row(ACCOUNT, 1)
    world.runtime.ms += AGES[age]
    previous, _, after = STATES[state]
    alive = decision == "none" and age == "young"
    tx = world.begin(isolation=isolation)
    if isolation is RC:
        found = tx.get(ACCOUNT, KEY)
        expected = values_of(previous)  # the before image, whatever was decided
    elif alive:
        with pytest.raises(ConflictError, match="STX-1010") as caught:
            tx.get(ACCOUNT, KEY)
        assert caught.value.other_transaction == "W"
        assert caught.value.retry_after == pytest.approx(0.001)
        found = expected = None
    else:
        found = tx.get(ACCOUNT, KEY)
        expected = values_of(after if decision == "committed" else previous)
    got = None if found is None else {n: found[n] for n in ("balance", "name")}
    assert got == expected
    # What the row became in the background.
    row = world.row(ACCOUNT, 1)
    if alive:
        assert row == left
        assert world.decision_row("W") is None
    elif decision == "committed":
        times = {"tx_prepared_at": START_MS, "tx_committed_at": START_MS + 7}
        whole = None if after is None else {**after, **times}
        assert shown(row) == shown(whole)
    else:
        assert shown(row) == shown(previous)
        assert world.state("W") == "ABORTED"
    world.close()


@pytest.mark.parametrize("isolation", [RC, SI, SER])
def test_a_read_only_reader_at_read_committed_settles_nothing(isolation: Isolation) -> None:
    world = World(MemoryStorage())
    leave(world, "C, an update")
    world.runtime.ms += 16_000
    left = world.row(ACCOUNT, 1)
    found = world.begin(isolation=isolation, read_only=True).get(ACCOUNT, KEY)
    assert found is not None
    assert found["balance"] == 100
    assert (world.row(ACCOUNT, 1) == left) is (isolation is RC)


@pytest.mark.parametrize("state,decision,age", list(product(STATES, DECISIONS, AGES)))
def test_recover(state: str, decision: str, age: str) -> None:
    """The explicit call: one record, to a definite result."""
    world = World(MemoryStorage())
    leave(world, state)
    decided = DECISIONS[decision]
    if decided is not None:
        world.write_decision("W", decided)
    world.runtime.ms += AGES[age]
    previous, _, after = STATES[state]
    if decision == "none" and age == "young":
        with pytest.raises(ConflictError, match="STX-1010"):
            world.recover(ACCOUNT, KEY)
        return
    settled = world.recover(ACCOUNT, KEY)
    assert settled is not None
    assert settled.value == ("COMMITTED" if decision == "committed" else "ABORTED")
    row = shown(world.row(ACCOUNT, 1))
    wanted = after if decision == "committed" else previous
    assert values_of(row) == values_of(wanted)
    assert not any(name.startswith("before_") for name in row or {})
    assert world.recover(ACCOUNT, KEY) is None


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("decision", ["committed", "aborted"])
@pytest.mark.parametrize("isolation", [SI, SER])
def test_writing_over_it(state: str, decision: str, isolation: Isolation) -> None:
    """Whoever writes the record waits for its settling, and prepares over the right image."""
    world = World(MemoryStorage())
    leave(world, state)
    world.write_decision("W", 3 if decision == "committed" else 4, at=START_MS + 7)
    world.runtime.hold_background = True
    previous, _, after = STATES[state]
    base = after if decision == "committed" else previous
    tx = world.begin("T", isolation)
    tx.upsert(ACCOUNT, {**KEY, "balance": 5})
    assert tx.commit_until("commit-state")
    row = world.row(ACCOUNT, 1)
    assert row is not None
    assert row["tx_version"] == (base.get("tx_version") or 0 if base else 0) + 1
    assert row["before_tx_id"] == (base.get("tx_id") if base else None)
    if base is not None:
        assert row["before_tx_state"] == base.get("tx_state")
        assert row["before_tx_version"] == base.get("tx_version", 0)
        assert row["before_balance"] == base["balance"]
    tx.commit()
    assert values_of(shown(world.row(ACCOUNT, 1))) == {
        "balance": 5,
        "name": base.get("name") if base else None,
    }


@pytest.mark.parametrize("times", [4, 5])
def test_a_coordinator_that_does_not_answer(times: int) -> None:
    """Five attempts with growing pauses; then nothing was done."""
    world = World(MemoryStorage())
    leave(world, "C, an update")
    world.runtime.ms += 16_000
    left = world.row(ACCOUNT, 1)
    world.storage.faults.append(
        Fault("read-state", lambda: StorageUnavailableError("gone"), times=times)
    )
    tx = world.begin(isolation=SI)
    if times == 5:
        with pytest.raises(StorageUnavailableError, match="STX-4002"):
            tx.get(ACCOUNT, KEY)
        assert world.row(ACCOUNT, 1) == left
    else:
        assert tx.get(ACCOUNT, KEY) is not None
    assert world.runtime.slept == [0.05, 0.1, 0.2, 0.4]


def test_a_record_that_changes_hands_again_and_again_is_a_conflict() -> None:
    world = World(MemoryStorage())
    leave(world, "C, an update")
    world.runtime.ms += 16_000
    writers = iter(range(100))

    def next_writer() -> None:
        world.write(ACCOUNT, (1,), tx_id=f"W{next(writers)}")

    # Each time the reader looks its writer up, another one has taken its place.
    world.storage.faults.append(meanwhile("read-state", next_writer, times=None))
    with pytest.raises(ConflictError, match="STX-1011"):
        world.begin(isolation=SI).get(ACCOUNT, KEY)

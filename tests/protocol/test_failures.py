"""What becomes of a commit when one of its storage calls fails, at each step, in each way?

Consensus Commit specification 4.8, as a table: step x what the storage says. Records lie in two
partitions, each an atomic write of its own, so that one may be prepared and the other not. After
each failure and the expiry of what is left, both records tell the same story, and it is the one the
caller was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConflictError,
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import World

if TYPE_CHECKING:
    from tests.protocol.world import Tx

ACCOUNT = "bank.account"
SCHEMA = TableSchema(columns={"id": "INT", "balance": "INT"}, partition_key=["id"])

BUSY = (StorageBusyError, False)
REFUSED = (WriteRefusedError, False)
UNAVAILABLE = (StorageUnavailableError, False)
LOST_BEFORE = (ReplyLostError, False)
LOST_AFTER = (ReplyLostError, True)

Failure = tuple[type[Exception], bool]
Told = type[ScalarTxError] | None

# step, which of its calls fails, how, what the caller is told (None: committed), what is decided
TABLE: list[tuple[str, int, Failure, Told, str]] = [
    *(
        ("prepare", call, failure, told, "ABORTED")
        for call in (0, 1)
        for failure, told in (
            (REFUSED, ConflictError),
            (BUSY, ConflictError),
            (UNAVAILABLE, StorageUnavailableError),
            (LOST_BEFORE, StorageUnavailableError),
            (LOST_AFTER, StorageUnavailableError),
        )
    ),
    # A decision that fails once is simply asked for again.
    *(
        ("commit-state", 0, failure, None, "COMMITTED")
        for failure in (BUSY, UNAVAILABLE, LOST_BEFORE, LOST_AFTER)
    ),
    ("commit-state", 0, REFUSED, ConflictError, "ABORTED"),
    *(
        ("commit", call, failure, None, "COMMITTED")
        for call in (0, 1)
        for failure in (REFUSED, BUSY, UNAVAILABLE, LOST_BEFORE, LOST_AFTER)
    ),
]


def bank() -> World:
    world = World(MemoryStorage(unit=AtomicityUnit.PARTITION))
    world.create_table(ACCOUNT, SCHEMA)
    world.load(ACCOUNT, {"id": 1, "balance": 100}, {"id": 2, "balance": 100})
    return world


def transfer(world: World, isolation: Isolation = Isolation.SERIALIZABLE) -> Tx:
    tx = world.begin("T", isolation)
    for number in (1, 2):
        tx.get(ACCOUNT, {"id": number})
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    return tx


def break_step(world: World, step: str, call: int, failure: Failure, times: int | None = 1) -> None:
    error, applied = failure
    world.storage.faults.append(
        Fault(step, lambda: error(f"{step} made to fail"), "T", applied, times, call)
    )


def told_by(tx: Tx) -> Told:
    try:
        tx.commit()
    except ScalarTxError as error:
        told = error
    else:
        return None
    assert told.transaction_id == "T"
    return type(told)


def read_when_expired(world: World) -> list[int]:
    """Both balances as a reader gets them after the writer's lifetime."""
    world.storage.faults.clear()
    world.runtime.ms += 16_000
    reader = world.begin()
    found = [reader.get(ACCOUNT, {"id": number}) for number in (1, 2)]
    reader.commit()
    balances = [record["balance"] for record in found if record is not None]
    assert [world.row(ACCOUNT, n)["tx_state"] for n in (1, 2)] == [3, 3]  # type: ignore[index]  # both there
    return [balance for balance in balances if isinstance(balance, int)]


@pytest.mark.parametrize("isolation", list(Isolation))
@pytest.mark.parametrize("step,call,failure,told,decision", TABLE)
def test_one_call_fails(  # noqa: PLR0917  # a row of the table
    step: str, call: int, failure: Failure, told: Told, decision: str, isolation: Isolation
) -> None:
    world = bank()
    tx = transfer(world, isolation)
    break_step(world, step, call, failure)
    assert told_by(tx) is told
    assert world.state("T") == decision
    expected = TransactionState.ABORTED if told else TransactionState.COMMITTED
    assert tx.steps.outcome is expected
    assert read_when_expired(world) == ([100, 100] if told else [200, 200])


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("failure", [BUSY, UNAVAILABLE, LOST_BEFORE, LOST_AFTER])
def test_every_attempt_at_the_decision_fails(call: int, failure: Failure) -> None:
    """From the first or the second attempt on: settled as soon as anything can be read."""
    world = bank()
    tx = transfer(world)
    if call:
        break_step(world, "commit-state", 0, LOST_AFTER)
    break_step(world, "commit-state", call, failure, None)
    landed = bool(call) or failure is LOST_AFTER
    assert told_by(tx) is (None if landed else ConflictError)
    assert world.state("T") == ("COMMITTED" if landed else "ABORTED")
    assert read_when_expired(world) == ([200, 200] if landed else [100, 100])


@pytest.mark.parametrize("landed", [False, True])
def test_the_coordinator_is_gone_after_the_decision_was_sent(landed: bool) -> None:
    world = bank()
    tx = transfer(world)
    break_step(world, "commit-state", 0, LOST_AFTER if landed else LOST_BEFORE)
    for step in ("commit-state", "abort-state", "read-state"):
        break_step(world, step, 0, UNAVAILABLE, None)
    assert told_by(tx) is UnknownOutcomeError
    assert tx.steps.outcome is TransactionState.UNKNOWN
    rows = [world.row(ACCOUNT, number) for number in (1, 2)]
    assert [row["tx_state"] for row in rows if row is not None] == [1, 1]  # nothing is rolled back
    world.storage.faults.clear()
    assert world.settle("T").value == ("COMMITTED" if landed else "ABORTED")
    assert read_when_expired(world) == ([200, 200] if landed else [100, 100])


@pytest.mark.parametrize("failure", [BUSY, UNAVAILABLE, LOST_BEFORE, LOST_AFTER])
@pytest.mark.parametrize("times", [1, None])
def test_the_abort_fails_too(failure: Failure, times: int | None) -> None:
    """COMMITTED was never sent: the caller is told the conflict, whatever could be noted down."""
    world = bank()
    tx = transfer(world)
    break_step(world, "prepare", 1, REFUSED)
    break_step(world, "abort-state", 0, failure, times)
    assert told_by(tx) is ConflictError
    assert tx.steps.outcome is TransactionState.ABORTED
    noted = times == 1 or failure is LOST_AFTER
    assert world.state("T") == ("ABORTED" if noted else "none")
    assert read_when_expired(world) == [100, 100]


@pytest.mark.parametrize("failure", [REFUSED, BUSY, UNAVAILABLE, LOST_BEFORE, LOST_AFTER])
@pytest.mark.parametrize("call", [0, 1])
def test_the_rollback_fails_too(failure: Failure, call: int) -> None:
    world = bank()
    tx = transfer(world)
    break_step(world, "prepare", 1, LOST_AFTER)
    break_step(world, "rollback", call, failure)
    assert told_by(tx) is StorageUnavailableError
    assert world.state("T") == "ABORTED"
    assert read_when_expired(world) == [100, 100]


@pytest.mark.parametrize("failure", [BUSY, UNAVAILABLE, LOST_BEFORE])
@pytest.mark.parametrize("when", ["in the transaction", "pre-read", "validation"])
def test_a_read_fails(when: str, failure: Failure) -> None:
    world = bank()
    tx = world.begin("T")
    if when == "validation":
        tx.get(ACCOUNT, {"id": 1})
        tx.insert(ACCOUNT, {"id": 3, "balance": 1})
    elif when == "pre-read":
        tx.upsert(ACCOUNT, {"id": 1, "balance": 200})
    break_step(world, "read", 0, failure)
    conflict = failure is BUSY
    expected = ConflictError if conflict else StorageUnavailableError
    if when == "in the transaction":
        with pytest.raises(expected):
            tx.get(ACCOUNT, {"id": 1})
        found = tx.get(ACCOUNT, {"id": 1})  # the transaction is still usable
        assert found is not None
        assert found["balance"] == 100
        tx.commit()
    else:
        assert told_by(tx) is expected
    assert world.state("T") == ("ABORTED" if when == "validation" else "none")
    assert world.row(ACCOUNT, 3) is None
    assert read_when_expired(world) == [100, 100]


def test_a_second_batch_conflicts_and_the_work_succeeds_when_repeated() -> None:
    """Scenario 14 of the specification, with two batches."""
    world = bank()
    tx = transfer(world)
    other = world.begin("other")
    other.upsert(ACCOUNT, {"id": 2, "balance": 50})
    other.commit()
    before = world.row(ACCOUNT, 1)
    assert told_by(tx) is ConflictError
    assert world.state("T") == "ABORTED"
    assert world.row(ACCOUNT, 1) == before
    assert [str(c) for c in world.storage.calls if c.actor == "T"][2:] == [
        "mutate prepare x1",
        "mutate prepare x1 -> NoMutationException",
        "put abort-state x1",
        "mutate rollback x1",
    ]
    again = world.begin("again")
    for number in (1, 2):
        again.upsert(ACCOUNT, {"id": number, "balance": 200})
    again.commit()
    assert read_when_expired(world) == [200, 200]


def test_all_batches_end_before_anything_is_rolled_back() -> None:
    """A rollback must never overtake a prepare that is still on its way."""
    world = bank()
    tx = transfer(world)
    break_step(world, "prepare", 0, REFUSED)
    assert told_by(tx) is ConflictError
    steps = [call.step for call in world.storage.calls if call.actor == "T" and call.step != "read"]
    assert steps == ["prepare", "prepare", "abort-state", "rollback"]


@pytest.mark.parametrize("isolation", list(Isolation))
@pytest.mark.parametrize("read_only", [False, True])
def test_a_transaction_without_writes_leaves_a_decision_if_it_must(
    isolation: Isolation, read_only: bool
) -> None:
    """Specification 4.7: with write omission off, read-only and aborted ones too."""
    for omission in (True, False):
        world = bank()
        world.parts.context.options = type(world.parts.context.options)(
            write_omission_on_read_only=omission, one_phase_commit=False
        )
        tx = world.begin("T", isolation, read_only=read_only)
        tx.get(ACCOUNT, {"id": 1})
        tx.commit()
        assert world.state("T") == ("none" if omission else "COMMITTED")
        late = world.begin("late", isolation, read_only=read_only)
        late.get(ACCOUNT, {"id": 1})
        other = world.begin("other")
        other.upsert(ACCOUNT, {"id": 1, "balance": 5})
        other.commit()
        if isolation is Isolation.SERIALIZABLE:
            with pytest.raises(ConflictError):
                late.commit()
            assert world.state("late") == ("none" if omission else "ABORTED")
        else:
            late.commit()

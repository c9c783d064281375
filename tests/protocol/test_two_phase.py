"""Two parts of one transaction: together or not at all, whatever happens between their steps.

Consensus Commit specification 7.1, and where this library goes further: a part that fails makes
sure that the others can't commit, and parts that touch the same records rest on the same versions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import AtomicityUnit, StorageMutation, Write
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import Tx, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.commit_hook import CommitEvent, HookAnswer

ACCOUNT = "bank.account"
ITEM = "shop.item"
SER, SI = Isolation.SERIALIZABLE, Isolation.SNAPSHOT
COMMITTED, ABORTED = TransactionState.COMMITTED, TransactionState.ABORTED
EXPIRED_S = 15.001


@pytest.fixture
def world() -> World:
    made = World(MemoryStorage(unit=AtomicityUnit.PARTITION))
    made.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    made.create_table(
        ITEM, TableSchema({"shop": "INT", "no": "INT", "price": "INT"}, ["shop"], ["no"])
    )
    made.load(ACCOUNT, {"id": 1, "balance": 10}, {"id": 2, "balance": 10})
    return made


class Part(Tx):
    """One part, with the face's method names."""

    steps: TwoPhaseSteps

    def prepare(self) -> None:
        self._run(self.steps.prepare())

    def validate(self) -> None:
        self._run(self.steps.validate())

    def commit(self, parts: int | None = None) -> None:
        self._run(self.steps.commit(parts))

    @property
    def outcome(self) -> TransactionState | None:
        return self.steps.outcome


def part(world: World, name: str, level: Isolation = SER, **how: Any) -> Part:
    """The part that begins a transaction."""
    world.runtime.next_id = name
    steps = TwoPhaseSteps(world.parts.context, level, **how)
    return Part(world, steps, steps.id)


def joined(world: World, name: str, level: Isolation = SER, **how: Any) -> Part:
    """A part that joins."""
    steps = TwoPhaseSteps(world.parts.context, level, caller_id=name, joined=True, **how)
    return Part(world, steps, name)


def transfer(world: World, level: Isolation = SER) -> tuple[Part, Part]:
    """One part takes from the first account, the other gives to the second."""
    payer, payee = part(world, "T", level), joined(world, "T", level)
    add(payer, 1, -3)
    add(payee, 2, 3)
    return payer, payee


def add(tx: Tx, number: int, amount: int) -> None:
    found = tx.get(ACCOUNT, {"id": number})
    assert found is not None
    balance = found["balance"]
    assert isinstance(balance, int)
    tx.update(ACCOUNT, {"id": number}, {"balance": balance + amount})


def pass_time(world: World, seconds: float) -> None:
    world.runtime.ms += int(seconds * 1000)


def unavailable() -> Exception:
    return StorageUnavailableError("out of order")


def balances(world: World) -> tuple[Any, Any]:
    reader = world.begin("reader")
    found = [reader.get(ACCOUNT, {"id": number}) for number in (1, 2)]
    reader.commit()
    assert found[0] is not None
    assert found[1] is not None
    return found[0]["balance"], found[1]["balance"]


def test_both_parts_commit_and_leave_one_decision(world: World) -> None:
    parts = transfer(world)
    for each in parts:
        each.prepare()
    assert world.decision_row("T") is None
    for each in parts:
        each.validate()
    pass_time(world, 0.5)
    for each in parts:
        each.commit()
        pass_time(world, 0.5)
    decision = world.decision_row("T")
    assert decision is not None
    rows = [world.row(ACCOUNT, number) for number in (1, 2)]
    for row in rows:
        assert row is not None
        assert (row["tx_id"], row["tx_state"]) == ("T", 3)
        assert row["tx_committed_at"] == decision["tx_created_at"]
    assert [each.outcome for each in parts] == [COMMITTED, COMMITTED]
    assert balances(world) == (7, 13)


def test_calls_are_those_of_the_specification(world: World) -> None:
    """12.2, shape 24: g P, v V, one C each, the loser one more read, g M."""
    first, second = part(world, "T"), joined(world, "T")
    for number in (1, 2):
        first.get(ACCOUNT, {"id": number})
    add(first, 1, 1)
    second.insert(ACCOUNT, {"id": 3, "balance": 1})
    second.insert(ACCOUNT, {"id": 4, "balance": 1})
    world.storage.calls.clear()
    for each in (first, second):
        each.prepare()
    for each in (first, second):
        each.validate()
    for each in (first, second):
        each.commit()
    assert [str(call) for call in world.storage.calls] == [
        "mutate prepare x1",
        "mutate prepare x1",
        "mutate prepare x1",
        "get read x1",
        "put commit-state x1",
        "mutate commit x1",
        "put commit-state x1 -> NoMutationException",
        "get read-state x1",
        "mutate commit x1",
        "mutate commit x1",
    ]


def test_a_part_without_writes_leaves_a_decision_too(world: World) -> None:
    reader = part(world, "T", read_only=True)
    reader.get(ACCOUNT, {"id": 1})
    reader.prepare()
    reader.validate()
    reader.commit()
    assert world.state("T") == "COMMITTED"


def test_a_part_that_can_not_prepare_aborts_all(world: World) -> None:
    payer, payee = transfer(world)
    payer.prepare()
    rival = world.begin("R")
    add(rival, 2, 1)
    rival.commit()
    with pytest.raises(ConflictError):
        payee.prepare()
    assert world.state("T") == "ABORTED"
    assert payee.outcome is ABORTED
    payee.rollback()  # harmless
    payer.validate()
    with pytest.raises(ConflictError):  # though it never heard of the failure
        payer.commit()
    assert payer.outcome is ABORTED
    assert balances(world) == (10, 11)


def test_a_part_whose_reads_have_changed_aborts_all(world: World) -> None:
    writer, reader = part(world, "T"), joined(world, "T")
    add(writer, 1, 1)
    reader.get(ACCOUNT, {"id": 2})
    for each in (writer, reader):
        each.prepare()
    rival = world.begin("R")
    add(rival, 2, 1)
    rival.commit()
    writer.validate()
    with pytest.raises(ConflictError):
        reader.validate()
    with pytest.raises(ConflictError):
        writer.commit()
    assert balances(world) == (10, 11)


@pytest.mark.parametrize("level", [SI, Isolation.READ_COMMITTED])
def test_below_serializable_nothing_needs_validation(world: World, level: Isolation) -> None:
    parts = transfer(world, level)
    for each in parts:
        each.prepare()
    parts[1].validate()  # may be called, asks nothing
    for each in parts:
        each.commit()
    assert balances(world) == (7, 13)


def test_rollback_undoes_what_was_prepared_everywhere(world: World) -> None:
    parts = transfer(world)
    for each in parts:
        each.prepare()
    for each in parts:
        each.rollback()
        each.rollback()  # once more is harmless
    assert world.state("T") == "ABORTED"
    for number in (1, 2):
        row = world.row(ACCOUNT, number)
        assert row is not None
        assert row["tx_state"] == 3
    assert balances(world) == (10, 10)


def test_rollback_before_prepare_writes_nothing(world: World) -> None:
    parts = transfer(world)
    world.storage.calls.clear()
    for each in parts:
        each.rollback()
        assert each.outcome is ABORTED
    assert world.storage.calls == []


def test_rollback_after_another_part_has_committed_finishes_instead(world: World) -> None:
    payer, payee = transfer(world)
    for each in (payer, payee):
        each.prepare()
    for each in (payer, payee):
        each.validate()
    payer.commit()
    with pytest.raises(InvalidOperationError) as refused:
        payee.rollback()
    assert refused.value.code == "STX-3054"
    assert payee.outcome is COMMITTED
    row = world.row(ACCOUNT, 2)
    assert row is not None
    assert row["tx_state"] == 3
    assert balances(world) == (7, 13)


def _prepare(each: Part) -> None:
    each.prepare()


def _validate(each: Part) -> None:
    each.validate()


def _commit(each: Part) -> None:
    each.commit()


def _read(each: Part) -> None:
    each.get(ACCOUNT, {"id": 2})


def _write(each: Part) -> None:
    each.insert(ACCOUNT, {"id": 9, "balance": 1})


Step = Callable[[Part], None]


@pytest.mark.parametrize(
    "done, wrong, level",
    [
        ((), _validate, SER),
        ((), _commit, SER),
        ((_prepare,), _prepare, SER),
        ((_prepare,), _read, SER),
        ((_prepare,), _write, SER),
        ((_prepare,), _commit, SER),
        ((_prepare, _validate), _validate, SER),
        ((_prepare, _validate), _read, SER),
        ((_prepare, _validate), _prepare, SI),
    ],
)
def test_a_step_out_of_turn_is_refused_and_harms_nothing(
    world: World, done: tuple[Step, ...], wrong: Step, level: Isolation
) -> None:
    only = part(world, "T", level)
    add(only, 1, 1)
    for step in done:
        step(only)
    with pytest.raises(InvalidOperationError) as refused:
        wrong(only)
    assert refused.value.code == "STX-3053"
    for step in (_prepare, _validate, _commit):
        if step not in done:
            step(only)
    assert balances(world) == (11, 10)


@pytest.mark.parametrize("step", [_prepare, _validate, _commit, _read])
def test_after_the_end_nothing_can_be_done(world: World, step: Step) -> None:
    only = part(world, "T")
    add(only, 1, 1)
    for each in (_prepare, _validate, _commit):
        each(only)
    with pytest.raises(InvalidOperationError) as refused:
        step(only)
    assert refused.value.code == "STX-3038"


def test_a_part_that_can_not_make_its_failure_known_says_so(world: World) -> None:
    """Another part may commit then; whoever settles it first has decided."""
    payer, payee = transfer(world)
    payer.prepare()
    world.storage.faults = [
        Fault("prepare", unavailable, times=1),
        Fault("abort-state", unavailable, times=None),
        Fault("read-state", unavailable, times=None),
    ]
    with pytest.raises(UnknownOutcomeError):
        payee.prepare()
    assert payee.outcome is TransactionState.UNKNOWN
    world.storage.faults = []
    assert world.settle("T") is ABORTED
    payer.validate()
    with pytest.raises(ConflictError):
        payer.commit()
    assert balances(world) == (10, 10)


def test_a_rollback_that_can_not_be_written_can_be_repeated(world: World) -> None:
    payer, payee = transfer(world)
    payer.prepare()
    world.storage.faults = [Fault("abort-state", unavailable, times=None)]
    with pytest.raises(UnknownOutcomeError):
        payer.rollback()
    assert payer.outcome is None
    world.storage.faults = []
    payer.rollback()
    assert payer.outcome is ABORTED
    payee.rollback()
    assert balances(world) == (10, 10)


@pytest.mark.parametrize("applied", [False, True])
def test_a_decision_whose_reply_is_lost_is_found_again(world: World, applied: bool) -> None:
    parts = transfer(world)
    for step in (_prepare, _validate):
        for each in parts:
            step(each)
    world.storage.faults = [Fault("commit-state", lambda: ReplyLostError("lost"), applied=applied)]
    for each in parts:
        each.commit()
    assert balances(world) == (7, 13)


def test_a_transaction_that_took_too_long_is_aborted_by_a_reader(world: World) -> None:
    parts = transfer(world)
    for step in (_prepare, _validate):
        for each in parts:
            step(each)
    pass_time(world, EXPIRED_S)
    assert balances(world) == (10, 10)
    for each in parts:
        with pytest.raises(ConflictError):
            each.commit()
        assert each.outcome is ABORTED
    assert balances(world) == (10, 10)


def test_own_records_tell_that_another_part_had_committed(world: World) -> None:
    """A decision that was obeyed and removed early, and an ABORTED of somebody late in its place.

    Consensus Commit specification 5.6.
    """
    payer, payee = transfer(world)
    for step in (_prepare, _validate):
        for each in (payer, payee):
            step(each)
    payer.commit()
    assert balances(world) == (7, 13)  # the reader has finished the other record
    world.erase_decision("T")
    world.write_decision("T", 4)
    payee.commit()
    assert payee.outcome is COMMITTED


def test_the_time_of_a_part_is_over_before_it_may_commit(world: World) -> None:
    late, other = part(world, "T", timeout=1.0), joined(world, "T")
    add(late, 1, 1)
    add(other, 2, 1)
    other.prepare()
    late.prepare()
    pass_time(world, 1.5)
    with pytest.raises(ConflictError) as told:
        late.validate()
    assert told.value.code == "STX-1040"
    other.validate()
    with pytest.raises(ConflictError):
        other.commit()
    assert balances(world) == (10, 10)


def test_an_id_that_was_used_is_refused_where_it_begins_not_where_it_joins(world: World) -> None:
    world.write_decision("used", 3)
    again = part(world, "other", caller_id="used")
    add(again, 1, 1)
    with pytest.raises(InvalidOperationError) as refused:
        again.prepare()
    assert refused.value.code == "STX-3036"
    again.rollback()
    assert world.state("used") == "COMMITTED"
    assert balances(world) == (10, 10)


# Parts that meet in the same records.


def test_a_record_that_one_part_read_and_the_other_wrote(world: World) -> None:
    reader, writer = part(world, "T"), joined(world, "T")
    reader.get(ACCOUNT, {"id": 1})
    add(writer, 1, 5)
    for step in (_prepare, _validate, _commit):
        for each in (reader, writer):
            step(each)
    assert balances(world) == (15, 10)


def test_parts_that_saw_two_versions_of_a_record_do_not_commit(world: World) -> None:
    reader, writer = part(world, "T"), joined(world, "T")
    reader.get(ACCOUNT, {"id": 1})
    rival = world.begin("R")
    add(rival, 1, 1)
    rival.commit()
    add(writer, 1, 5)
    for each in (reader, writer):
        each.prepare()
    writer.validate()
    with pytest.raises(ConflictError):
        reader.validate()
    with pytest.raises(ConflictError):
        writer.commit()
    assert balances(world) == (11, 10)


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("how", ["insert", "update", "delete"])
def test_a_scan_of_one_part_over_writes_of_the_other(world: World, how: str, stale: bool) -> None:
    """What the other part does is no obstacle, what somebody else did before it is."""
    world.load(ITEM, {"shop": 1, "no": 1, "price": 1}, {"shop": 1, "no": 3, "price": 3})
    reader, writer = part(world, "T"), joined(world, "T")
    assert len(reader.scan(ITEM, {"shop": 1})) == 2
    no = 2 if how == "insert" else 1
    if stale:
        rival = world.begin("R")
        rival.upsert(ITEM, {"shop": 1, "no": no, "price": 7})
        rival.commit()
        if how == "insert":
            how = "update"
    key = {"shop": 1, "no": no}
    if how == "insert":
        writer.insert(ITEM, {**key, "price": 2})
    elif how == "update":
        writer.get(ITEM, key)
        writer.update(ITEM, key, {"price": 9})
    else:
        writer.get(ITEM, key)
        writer.delete(ITEM, key)
    for each in (writer, reader):
        each.prepare()
    writer.validate()
    if stale:
        with pytest.raises(ConflictError):
            reader.validate()
        return
    reader.validate()
    for each in (reader, writer):
        each.commit()


def test_both_parts_can_not_write_one_record(world: World) -> None:
    first, second = part(world, "T"), joined(world, "T")
    add(first, 1, 1)
    add(second, 1, 2)
    first.prepare()
    with pytest.raises(ConflictError):
        second.prepare()
    first.validate()
    with pytest.raises(ConflictError):
        first.commit()
    assert balances(world) == (10, 10)


# Hooks.

LOG = Table("log.entry", TableSchema({"tx_id": "TEXT", "part": "INT"}, ["tx_id"], ["part"]))


def test_each_part_can_add_to_its_prepare_and_the_decision_knows_how_many(world: World) -> None:
    world.run(world.storage.inner.admin.create_table(LOG))
    prepared: list[CommitEvent] = []
    decided: list[CommitEvent] = []

    async def at_prepare(event: CommitEvent) -> Sequence[StorageMutation]:
        prepared.append(event)
        key = (event.transaction_id, len(prepared))
        return [Write(LOG, key, {}, if_not_exists)]

    async def at_decision(event: CommitEvent) -> HookAnswer | None:
        decided.append(event)
        return None

    world.parts.context.prepare_hooks.append(at_prepare)
    world.parts.context.commit_hooks.append(at_decision)
    payer, payee = transfer(world)
    for each in (payer, payee):
        each.prepare()
    assert decided == []
    entries = [world.run(world.storage.inner.get(LOG, ("T", number))) for number in (1, 2)]
    assert all(entries)
    for each in (payer, payee):
        each.validate()
    payer.commit(parts=2)
    payee.commit()
    assert [event.parts for event in decided] == [2, None]
    assert [[write.key for write in event.writes] for event in prepared] == [
        [{"id": 1}],
        [{"id": 2}],
    ]
    with world_transaction(world) as tx:
        add(tx, 1, 1)
    assert (len(prepared), decided[-1].parts) == (2, 1)


class world_transaction:  # noqa: N801  # reads as a with block
    """An ordinary transaction, committed at the end of the block."""

    def __init__(self, world: World) -> None:
        self.tx = world.begin("ordinary")

    def __enter__(self) -> Tx:
        return self.tx

    def __exit__(self, *_: object) -> None:
        self.tx.commit()


def test_a_hook_that_fails_at_the_decision_aborts_unless_another_part_has_decided(
    world: World,
) -> None:
    async def broken(event: CommitEvent) -> HookAnswer | None:
        raise RuntimeError(f"no log today for {event.transaction_id}")

    first, second = transfer(world)
    for step in (_prepare, _validate):
        for each in (first, second):
            step(each)
    world.parts.context.commit_hooks.append(broken)
    with pytest.raises(RuntimeError, match="no log today"):
        first.commit()
    assert (first.outcome, world.state("T")) == (ABORTED, "ABORTED")
    world.parts.context.commit_hooks.clear()
    with pytest.raises(ConflictError):
        second.commit()

    third, fourth = part(world, "U"), joined(world, "U")
    add(third, 1, 1)
    add(fourth, 2, 1)
    for step in (_prepare, _validate):
        for each in (third, fourth):
            step(each)
    third.commit()
    world.parts.context.commit_hooks.append(broken)
    fourth.commit()
    assert fourth.outcome is COMMITTED
    assert balances(world) == (11, 11)


@pytest.mark.parametrize("parts", [0, -1, True, "2", 1.0])
def test_a_wrong_number_of_parts_is_refused(world: World, parts: Any) -> None:
    only = part(world, "T")
    add(only, 1, 1)
    only.prepare()
    only.validate()
    with pytest.raises(InvalidOperationError):
        only.commit(parts)
    only.commit(1)
    assert balances(world) == (11, 10)

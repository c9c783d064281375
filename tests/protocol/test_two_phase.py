"""Two parts of one transaction: together or not at all, whatever happens between their steps.

Consensus Commit specification 7.1, and where this library goes further: a part that fails makes
sure that the others can't commit, and parts that touch the same records rest on the same versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ReplyLostError,
    UnknownOutcomeError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.protocol.two_parts import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    SER,
    SI,
    Step,
    add,
    balances,
    commit_it,
    joined,
    part,
    pass_time,
    prepare_it,
    read_it,
    rollback_it,
    transfer,
    two_part_world,
    unavailable,
    validate_it,
    write_it,
)
from tests.protocol.watched_storage import Fault

if TYPE_CHECKING:
    from tests.protocol.world import World

EXPIRED_S = 15.001


@pytest.fixture
def world() -> World:
    return two_part_world()


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


@pytest.mark.parametrize(
    "done, wrong, level",
    [
        ((), validate_it, SER),
        ((), commit_it, SER),
        ((prepare_it,), prepare_it, SER),
        ((prepare_it,), read_it, SER),
        ((prepare_it,), write_it, SER),
        ((prepare_it,), commit_it, SER),
        ((prepare_it, validate_it), validate_it, SER),
        ((prepare_it, validate_it), read_it, SER),
        ((prepare_it, validate_it), prepare_it, SI),
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
    for step in (prepare_it, validate_it, commit_it):
        if step not in done:
            step(only)
    assert balances(world) == (11, 10)


@pytest.mark.parametrize("step", [prepare_it, validate_it, commit_it, read_it])
def test_after_the_end_nothing_can_be_done(world: World, step: Step) -> None:
    only = part(world, "T")
    add(only, 1, 1)
    for each in (prepare_it, validate_it, commit_it):
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


def closed() -> Exception:
    return InvalidOperationError("the storage is closed", code="STX-3304")


@pytest.mark.parametrize("step", [validate_it, rollback_it])
def test_an_abort_that_was_refused_was_not_written(world: World, step: Step) -> None:
    """The other part may commit, so nobody is told that the transaction is aborted."""
    payer, payee = transfer(world)
    read_it(payer)
    for each in (payer, payee):
        each.prepare()
    if step is validate_it:
        world.storage.faults = [Fault("read", unavailable, times=1)]
    world.storage.faults.append(Fault("abort-state", closed, times=None))
    with pytest.raises(UnknownOutcomeError):
        step(payer)
    assert payer.outcome is not ABORTED
    world.storage.faults = []
    payee.validate()
    payee.commit()
    assert payee.outcome is COMMITTED


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
    for step in (prepare_it, validate_it):
        for each in parts:
            step(each)
    world.storage.faults = [Fault("commit-state", lambda: ReplyLostError("lost"), applied=applied)]
    for each in parts:
        each.commit()
    assert balances(world) == (7, 13)


def test_a_transaction_that_took_too_long_is_aborted_by_a_reader(world: World) -> None:
    parts = transfer(world)
    for step in (prepare_it, validate_it):
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
    for step in (prepare_it, validate_it):
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

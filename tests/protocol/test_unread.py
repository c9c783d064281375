"""What becomes of records that are written without being read?

The rows are those that a read before the write would have led to, and whatever is in the way of the
one write, the transaction ends as it would have with that read: Consensus Commit specification
13.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    ConflictError,
    ReplyLostError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import AtomicityUnit
from tests.protocol.counting import counted
from tests.protocol.unread_accounts import (
    ABSENT,
    ACCOUNT,
    BARE,
    IMPORTED,
    THERE,
    delete,
    every_step,
    key,
    opened,
    rows,
    steps_of,
    upsert,
)
from tests.protocol.watched_storage import Fault, meanwhile
from tests.protocol.world import STORAGES, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from tests.protocol.world import Tx

ALL = tuple(Isolation)
PLACES = (THERE, IMPORTED, BARE, ABSENT)
DEAD_MS = 60_000


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = opened(open_inner(request.param, tmp_path))
    yield made
    made.close()


@pytest.fixture
def by_record() -> World:
    """Where each record is a write of its own, and none shares one with the decision."""
    return opened(open_inner("memory", None, unit=AtomicityUnit.RECORD))  # type: ignore[arg-type]  # no folder is needed


def put(tx: Tx, number: int) -> None:
    tx.put(ACCOUNT, {**key(number), "owner": None}, implicit_pre_read=True)


def whole(tx: Tx, number: int) -> None:
    tx.delete(ACCOUNT, key(number))
    tx.upsert(ACCOUNT, {**key(number), "balance": 1})


WORKS = (upsert, delete, put, whole)
each_work = pytest.mark.parametrize("work", WORKS)
each_place = pytest.mark.parametrize("number", PLACES)
Work = "Callable[[Tx, int], None]"


def validating(world: World, work: Callable[[Tx, int], None], number: int) -> Tx:
    """A transaction that has a read to validate, so that it prepares what it writes."""
    tx = world.begin("T")
    assert tx.get(ACCOUNT, key(9)) is not None
    world.storage.calls.clear()
    work(tx, number)
    return tx


def prepare_and_end(
    world: World, work: Callable[[Tx, int], None], number: int, end: str
) -> list[Row | None]:
    """The row once it is prepared, and as it is left."""
    tx = validating(world, work, number)
    assert tx.commit_until("commit-state")
    found = [rows(world, number)]
    if end == "committed":
        tx.commit()
    elif end == "aborted":
        fault = Fault("commit-state", lambda: StorageUnavailableError("none"), "T", times=None)
        world.storage.faults.append(fault)
        with pytest.raises(ConflictError):
            tx.commit()
        world.storage.faults.clear()
    else:
        tx.crash()
        world.runtime.ms += DEAD_MS
        world.begin("reader").get(ACCOUNT, key(number))
        world.recover(ACCOUNT, key(number))
    return [*found, rows(world, number)]


def settled(row: Row | None) -> Row | None:
    """Without the times, which depend on how many calls were made."""
    if row is None:
        return None
    times = ("prepared_at", "committed_at")
    return {
        name: (value is not None if name.endswith(times) else value) for name, value in row.items()
    }


@each_work
@each_place
@pytest.mark.parametrize("end", ["committed", "aborted", "recovered"])
def test_rows_are_as_after_a_read(
    work: Callable[[Tx, int], None], number: int, end: str, tmp_path: Path
) -> None:
    found = []
    for kind in STORAGES:
        for unread in (True, False):
            world = opened(open_inner(kind, tmp_path, name=f"{kind}{unread}"))
            world.storage.overwrites = unread
            before = rows(world, number)
            row = prepare_and_end(world, work, number, end)
            assert (steps_of(world)[0] == "read") is not unread
            if end != "committed":
                assert row[1] == before
            found.append([settled(one) for one in row])
            world.close()
    assert found[1:] == found[:-1]


@each_work
@each_place
def test_with_the_decision_too(
    world: World, work: Callable[[Tx, int], None], number: int, tmp_path: Path
) -> None:
    twin = opened(open_inner("memory", tmp_path))
    twin.storage.overwrites = False
    for one in (world, twin):
        tx = one.begin("T")
        work(tx, number)
        one.storage.calls.clear()
        tx.commit()
    assert settled(rows(world, number)) == settled(rows(twin, number))
    if not (work is delete and number == ABSENT):
        assert steps_of(world) == ["commit-state"]
    assert world.state("T") == "COMMITTED"


def test_what_older_writers_left_of_a_previous_image_is_cleared(world: World) -> None:
    world.write(ACCOUNT, (1, THERE), before_tx_id="older", before_balance=1, before_tx_version=1)
    tx = world.begin("T")
    upsert(tx, THERE)
    tx.commit()
    found = rows(world, THERE)
    assert found is not None
    assert {value for name, value in found.items() if name.startswith("before_")} == {None}


@pytest.mark.parametrize("isolation", ALL)
def test_one_call_is_all_there_is(world: World, isolation: Isolation) -> None:
    def several(tx: Tx) -> None:
        for number in PLACES:
            upsert(tx, number)
        delete(tx, 9)

    counts = counted(world, several, lambda: world.begin("T", isolation))
    assert (counts.calls, counts.steps) == ("1C", 1)


# What may be in the way.


def leave(world: World, number: int, *, state: str = "undecided", writer: str = "W") -> None:
    """Somebody has prepared a record, and is dead if the clock goes on."""
    tx = world.begin(writer, Isolation.SNAPSHOT)
    tx.get(ACCOUNT, key(number))
    options, world.parts.context.options = world.parts.context.options, every_step(world)
    tx.upsert(ACCOUNT, {**key(number), "balance": 66})
    assert tx.commit_until("commit-state")
    tx.crash()
    world.parts.context.options = options
    if state != "undecided":
        world.write_decision(writer, 3 if state == "COMMITTED" else 4)
    world.storage.calls.clear()


@pytest.mark.parametrize("isolation", ALL)
@pytest.mark.parametrize("with_decision", [True, False])
@pytest.mark.parametrize("state", ["undecided", "COMMITTED", "ABORTED"])
@pytest.mark.parametrize("number", [THERE, ABSENT])
def test_the_remains_of_a_dead_writer_are_settled_and_written_over(
    world: World, number: int, state: str, with_decision: bool, isolation: Isolation
) -> None:
    leave(world, number, state=state)
    world.runtime.ms += DEAD_MS
    tx = world.begin("T", isolation)
    if not with_decision:
        world.parts.context.decisions.home = lambda: None  # type: ignore[method-assign]  # elsewhere
        delete(tx, BARE)  # nor does the record alone tell of the commit
    tx.put(ACCOUNT, {**key(number), "owner": "new"}, implicit_pre_read=True)
    if isolation is Isolation.READ_COMMITTED and state == "COMMITTED":
        # It reads what was before the other one, who is finished meanwhile.
        with pytest.raises(ConflictError):
            tx.commit()
        tx = world.begin("T2", isolation)
        tx.put(ACCOUNT, {**key(number), "owner": "new"}, implicit_pre_read=True)
    tx.commit()
    found = rows(world, number)
    assert found is not None
    wanted = 66 if state == "COMMITTED" else (100 if number == THERE else None)
    version = 1 + (state == "COMMITTED") + (number == THERE)
    assert (found["owner"], found["balance"], found["tx_version"]) == ("new", wanted, version)
    assert found["tx_id"] == tx.id
    assert found["before_tx_id"] is None


@pytest.mark.parametrize("work", [upsert, delete])
@pytest.mark.parametrize("prepared", [True, False])
def test_a_living_writer_is_a_conflict_as_it_is_for_a_read(
    world: World, work: Callable[[Tx, int], None], prepared: bool
) -> None:
    leave(world, THERE)
    tx = validating(world, work, THERE) if prepared else world.begin("T")
    if not prepared:
        work(tx, THERE)
    with pytest.raises(ConflictError) as told:
        tx.commit()
    assert (told.value.code, told.value.other_transaction) == ("STX-1010", "W")
    assert told.value.retry_after is not None
    assert world.state("T") == "none"
    found = rows(world, THERE)
    assert found is not None
    assert found["tx_id"] == "W"
    world.runtime.ms += DEAD_MS
    again = world.begin("again")
    work(again, THERE)
    again.commit()


def test_an_absence_that_ends_meanwhile_is_a_conflict(world: World) -> None:
    tx = world.begin("T")
    delete(tx, ABSENT)
    other = world.begin("other", Isolation.SNAPSHOT)
    other.insert(ACCOUNT, {**key(ABSENT), "balance": 1})
    world.storage.faults.append(meanwhile("prepare", other.commit))
    with pytest.raises(ConflictError):
        tx.commit()
    assert rows(world, ABSENT) is not None


def test_an_absence_is_proved_beside_other_writes(world: World) -> None:
    tx = world.begin("T")
    upsert(tx, THERE)
    delete(tx, ABSENT)
    delete(tx, BARE)
    world.storage.calls.clear()
    tx.commit()
    assert steps_of(world) == [
        *("commit-state", "read-state"),  # its id is known
        *("read", "read", "read", "prepare", "commit-state", "commit"),
    ]
    assert [rows(world, number) is None for number in (THERE, ABSENT, BARE)] == [False, True, True]


def test_of_several_writes_only_what_was_refused_is_read(by_record: World) -> None:
    world = by_record
    leave(world, THERE)
    world.runtime.ms += DEAD_MS
    tx = world.begin("T")
    for number in (THERE, BARE):
        upsert(tx, number)
    for number in (ABSENT, IMPORTED):
        delete(tx, number)
    world.storage.calls.clear()
    asked, get = set(), world.storage.get

    async def noted(table: Table, key: tuple[Value, ...]) -> Row | None:
        if table.name == ACCOUNT:
            asked.add(key)
        return await get(table, key)

    world.storage.get = noted  # type: ignore[method-assign]
    tx.commit()
    assert steps_of(world)[:4] == ["prepare"] * 4
    assert asked == {(1, ABSENT), (1, THERE)}
    assert "abort-state" in steps_of(world), "of the dead one"
    assert world.state("W") == "ABORTED"
    assert world.state("T") == "COMMITTED"
    left = {number: rows(world, number) for number in PLACES}
    assert left[ABSENT] is left[IMPORTED] is None
    for number, version in ((THERE, 2), (BARE, 2)):
        found = left[number]
        assert found is not None
        assert (found["balance"], found["tx_version"], found["tx_state"]) == (200, version, 3)


def test_what_was_prepared_beside_a_living_writer_is_undone_from_the_rows(by_record: World) -> None:
    world = by_record
    leave(world, THERE)
    before = {number: rows(world, number) for number in PLACES}
    tx = world.begin("T")
    for number in PLACES:
        upsert(tx, number)
    with pytest.raises(ConflictError):
        tx.commit()
    assert {number: rows(world, number) for number in PLACES} == before
    assert world.state("T") == "ABORTED"


@pytest.mark.parametrize(
    "error,applied",
    [(ReplyLostError, True), (ReplyLostError, False), (StorageUnavailableError, False)],
)
def test_a_prepare_of_unknown_outcome_is_undone(
    world: World, error: type[Exception], applied: bool
) -> None:
    before = {number: rows(world, number) for number in PLACES}
    tx = validating(world, upsert, THERE)
    for number in (IMPORTED, BARE, ABSENT):
        upsert(tx, number)
    world.storage.faults.append(Fault("prepare", lambda: error("made to fail"), "T", applied))
    with pytest.raises(StorageUnavailableError):
        tx.commit()
    assert {number: rows(world, number) for number in PLACES} == before


def test_what_would_have_been_written_over_is_not_what_was_in_the_way(by_record: World) -> None:
    """One write is refused, another one fails: nothing is tried again."""
    world = by_record
    tx = world.begin("T", Isolation.SNAPSHOT)
    for number in (THERE, BARE):
        upsert(tx, number)
    for error in (WriteRefusedError, StorageUnavailableError):
        fault = Fault("prepare", lambda error=error: error("made to fail"), "T")  # type: ignore[misc]  # bound now
        world.storage.faults.append(fault)
    with pytest.raises(ConflictError) as told:
        tx.commit()
    assert (told.value.code, told.value.retryable) == ("STX-1031", True)


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_of_the_one_write_is_settled(world: World, applied: bool) -> None:
    tx = world.begin("T")
    for number in PLACES:
        upsert(tx, number)
    world.storage.faults.append(
        Fault("commit-state", lambda: ReplyLostError("made to fail"), "T", applied)
    )
    tx.commit()
    versions = [(rows(world, number) or {})["tx_version"] for number in PLACES]
    assert versions == [2, 1, 2, 1]


def test_a_refusal_that_stays_is_a_conflict(world: World) -> None:
    tx = world.begin("T")
    upsert(tx, THERE)
    fault = Fault("commit-state", lambda: WriteRefusedError("made to fail"), "T", times=None)
    world.storage.faults.append(fault)
    with pytest.raises(ConflictError) as told:
        tx.commit()
    assert told.value.retryable
    assert fault.hits == 2

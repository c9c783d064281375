"""What a dead process of ours left behind, in every state, is settled by Java; 15 s are 15 s."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import ABORTED, account, key
from tests.compatibility.conftest import started
from tests.compatibility.java_peer import NEWEST, JavaError
from tests.compatibility.ours import ours
from tests.compatibility.unfinished import (
    BANK,
    DECIDED,
    KEYS,
    POINTS,
    TABLES,
    UNDECIDED,
    Left,
    Point,
    decisions,
    left_by_java,
    left_by_us,
    rows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compatibility.conftest import JavaShelf
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer, JavaTransaction
    from tests.compatibility.java_session import Isolation

STRICT: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT")
LEVELS: tuple[Isolation, ...] = (*STRICT, "READ_COMMITTED")
EXPIRY_SECONDS = 15.0


@pytest.fixture(scope="module")
def left(java_shelf: JavaShelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    folder = tmp_path_factory.mktemp("left")
    return left_by_us(java_shelf.peer(NEWEST), folder, POINTS)


def read(tx: JavaTransaction) -> dict[tuple[str, int], Row]:
    found = {name: tx.get(name[0], key(name[1])) for name in KEYS}
    return {name: record for name, record in found.items() if record is not None}


def test_our_writers_ended_where_they_should(left: dict[str, Left]) -> None:
    for state in left.values():
        found = rows(state.file)
        prepared = {name[0] for name, row in found.items() if row["tx_id"] == state.writer}
        assert len(prepared) == state.point.tables_prepared
        unsettled = {table for table, _ in state.uncommitted()}
        assert len(unsettled) == state.point.tables_prepared - state.point.tables_finished
        assert (state.writer in decisions(state.file)) == state.point.decided
    assert len(left["prepared"].uncommitted()) == 12
    assert left["finished"].committed() == rows(left["finished"].file)


@pytest.mark.parametrize("point", UNDECIDED, ids=str)
def test_java_leaves_a_writer_of_ours_alone_that_may_be_alive(
    left: dict[str, Left], java: JavaPeer, point: Point, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=5)
    found, decided = rows(state.file), decisions(state.file)
    session = java.open_sqlite(state.file)
    for level in STRICT:
        for table, number in state.uncommitted():
            tx = session.begin(isolation=level)
            with pytest.raises(JavaError) as conflict:
                tx.get(table, key(number))
            assert conflict.value.kind == "UncommittedRecordException"
            tx.rollback()
    with session.transaction(isolation="READ_COMMITTED", read_only=True) as tx:
        assert read(tx) == state.values(after=False)
    session.close()
    assert rows(state.file) == found
    assert decisions(state.file) == decided


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_java_settles_what_we_left(
    left: dict[str, Left], java: JavaPeer, point: Point, level: Isolation, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    expected = state.committed() if point.decided else state.before
    values = state.values(after=point.decided)
    if level == "READ_COMMITTED" and point.decided:
        earlier = state.values(after=False)
        values |= {name: earlier[name] for name in state.uncommitted() if name in earlier}
        values = {
            name: row
            for name, row in values.items()
            if name in earlier or name not in state.uncommitted()
        }
    session = java.open_sqlite(state.file)
    with session.transaction(isolation=level) as tx:
        assert read(tx) == values
    for table, number in KEYS:  # waits for what the reader began in the background
        session.recover(table, key(number))
    if not point.decided:
        assert decisions(state.file)[state.writer][0] == ABORTED
    assert session.state(state.writer) == ("COMMITTED" if point.decided else "ABORTED")
    session.close()
    assert rows(state.file) == expected
    with ours(state.file) as db:
        wanted = TransactionState.COMMITTED if point.decided else TransactionState.ABORTED
        assert db.state(state.writer) == wanted


@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_java_writes_over_what_we_left(
    left: dict[str, Left], java: JavaPeer, point: Point, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    values = state.values(after=point.decided)
    session = java.open_sqlite(state.file)
    with session.transaction(isolation="SERIALIZABLE") as tx:
        for table, number in KEYS:
            record = tx.get(table, key(number))
            assert record == values.get((table, number))
            tx.upsert(table, account(number, number * 1000, "next"))
    session.close()
    with ours(state.file) as db:
        for table in TABLES:
            found = db.scan(table, whole_table=True, order_by=["id"])
            assert [dict(record) for record in found] == [
                account(number, number * 1000, "next") for number in range(1, 7)
            ]
    assert {row["tx_state"] for row in rows(state.file).values()} == {3}


def test_a_writer_expires_15_seconds_after_its_prepare_on_both_sides(
    java: JavaPeer, tmp_path: Path
) -> None:
    """Nothing in these files is made older by hand."""
    prepared = [point for point in POINTS if str(point) == "prepared"]
    with started() as doomed:
        (theirs,) = left_by_java(doomed, tmp_path, prepared).values()
    (own,) = left_by_us(java, tmp_path, prepared).values()

    def prepared_at(left: Left) -> float:
        return float(rows(left.file)[BANK, 1]["tx_prepared_at"]) / 1000

    def sleep_until(at: float) -> None:
        time.sleep(max(0.0, at - time.time()))

    session = java.open_sqlite(own.file)
    with ours(theirs.file) as db:
        assert prepared_at(theirs) <= prepared_at(own)
        sleep_until(prepared_at(theirs) + EXPIRY_SECONDS - 1.5)
        with pytest.raises(ConflictError) as early, db.transaction() as tx:
            tx.get(BANK, key(2))
        assert early.value.retry_after is not None
        assert 0 < early.value.retry_after <= 1.6
        with pytest.raises(JavaError) as refused, session.transaction() as java_tx:
            java_tx.get(BANK, key(2))
        assert refused.value.kind == "UncommittedRecordException"
        assert theirs.writer not in decisions(theirs.file)
        assert own.writer not in decisions(own.file)

        sleep_until(prepared_at(own) + EXPIRY_SECONDS + 0.2)
        with db.transaction(isolation="SERIALIZABLE") as tx:
            found = {(table, number): tx.get(table, key(number)) for table, number in KEYS}
        with session.transaction(isolation="SERIALIZABLE") as java_tx:
            assert read(java_tx) == own.values(after=False)
        for table, number in KEYS:
            session.recover(table, key(number))
    session.close()
    assert {name: dict(record) for name, record in found.items() if record} == theirs.values(
        after=False
    )
    for left in (theirs, own):
        assert rows(left.file) == left.before
        assert decisions(left.file)[left.writer][0] == ABORTED

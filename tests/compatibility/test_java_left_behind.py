"""What a dead Java writer left behind, in every state, is settled by us as Java would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import ABORTED, account, key
from tests.compatibility.conftest import started
from tests.compatibility.ours import ours, watch
from tests.compatibility.unfinished import (
    DECIDED,
    KEYS,
    POINTS,
    SHOP,
    TABLES,
    UNDECIDED,
    Left,
    Point,
    decisions,
    left_by_java,
    rows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx import Transaction
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer

STRICT = ("SERIALIZABLE", "SNAPSHOT")
LEVELS = (*STRICT, "READ_COMMITTED")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    with started() as java:
        return left_by_java(java, tmp_path_factory.mktemp("left"), POINTS)


def read(tx: Transaction) -> dict[tuple[str, int], Row]:
    found = {name: tx.get(name[0], key(name[1])) for name in KEYS}
    return {name: dict(record) for name, record in found.items() if record is not None}


def test_the_writers_ended_where_they_should(left: dict[str, Left]) -> None:
    for state in left.values():
        found = rows(state.file)
        prepared = {name[0] for name, row in found.items() if row["tx_id"] == state.writer}
        assert len(prepared) == state.point.tables_prepared
        unsettled = {table for table, _ in state.uncommitted()}
        assert len(unsettled) == state.point.tables_prepared - state.point.tables_finished
        assert (state.writer in decisions(state.file)) == state.point.decided
    assert len(left["prepared"].uncommitted()) == 12
    assert left["nothing-prepared"].before == rows(left["nothing-prepared"].file)


@pytest.mark.parametrize("point", UNDECIDED, ids=str)
def test_a_writer_that_may_be_alive_is_left_alone(
    left: dict[str, Left], point: Point, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=5)
    found, decided = rows(state.file), decisions(state.file)
    with ours(state.file) as db:
        for level in STRICT:
            for table, number in state.uncommitted():
                with (
                    pytest.raises(ConflictError) as conflict,
                    db.transaction(isolation=level) as tx,
                ):
                    tx.get(table, key(number))
                assert conflict.value.other_transaction == state.writer
                assert conflict.value.retry_after == pytest.approx(10, abs=5)
                with pytest.raises(ConflictError), db.transaction(isolation=level) as tx:
                    tx.scan(table, {"id": number})
                with pytest.raises(ConflictError), db.transaction(isolation=level) as tx:
                    tx.upsert(table, account(number, 1))
        for table, number in state.uncommitted():
            with pytest.raises(ConflictError):
                db.recover(table, key(number))
        with db.transaction(isolation="READ_COMMITTED") as tx:
            assert read(tx) == state.values(after=False)
    assert rows(state.file) == found
    assert decisions(state.file) == decided


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", UNDECIDED, ids=str)
def test_an_expired_writer_is_aborted_and_then_undone(
    left: dict[str, Left], point: Point, level: str, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    with ours(state.file) as db:
        calls = watch(db)
        with db.transaction(isolation=level) as tx:
            assert read(tx) == state.values(after=False)
    assert decisions(state.file)[state.writer][0] == ABORTED
    assert rows(state.file) == state.before
    assert calls.steps.count("abort-state") == 1
    assert calls.steps.index("abort-state") < calls.steps.index("finish")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("age", [1, 16])
@pytest.mark.parametrize("point", DECIDED, ids=str)
def test_a_committed_writer_is_followed(
    left: dict[str, Left], point: Point, age: int, level: str, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=age)
    expected, decided = state.committed(), decisions(state.file)
    after = state.values(after=True)
    if level == "READ_COMMITTED":  # the previous value of whatever isn't finished
        before = state.values(after=False)
        unsettled = state.uncommitted()
        after = {name: row for name, row in after.items() if name not in unsettled}
        after |= {name: row for name, row in before.items() if name in unsettled}
    with ours(state.file) as db:
        calls = watch(db)
        with db.transaction(isolation=level) as tx:
            assert read(tx) == after
    assert rows(state.file) == expected
    assert decisions(state.file) == decided
    assert "abort-state" not in calls.steps


@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_one_record_is_settled_on_request(
    left: dict[str, Left], point: Point, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    unsettled = set(state.uncommitted())
    expected = state.committed() if point.decided else state.before
    wanted = TransactionState.COMMITTED if point.decided else TransactionState.ABORTED
    with ours(state.file) as db:
        for table, number in KEYS:
            settled = db.recover(table, key(number))
            assert settled == (wanted if (table, number) in unsettled else None)
            assert rows(state.file).get((table, number)) == expected.get((table, number))
        assert db.state(state.writer) == wanted
    assert rows(state.file) == expected


def test_a_read_only_reader_of_committed_values_settles_nothing(
    left: dict[str, Left], tmp_path: Path
) -> None:
    state = left["half-prepared"].copy(tmp_path, age=16)
    found = rows(state.file)
    with ours(state.file) as db, db.transaction(isolation="READ_COMMITTED", read_only=True) as tx:
        assert read(tx) == state.values(after=False)
    assert rows(state.file) == found
    assert state.writer not in decisions(state.file)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_the_next_transaction_writes_over_what_was_left(
    left: dict[str, Left], java: JavaPeer, point: Point, level: str, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    values = state.values(after=point.decided)
    with ours(state.file) as db:

        def add_one(tx: Transaction) -> None:
            for table, number in KEYS:
                record = tx.get(table, key(number))
                old = 0 if record is None else record["balance"] or 0
                tx.upsert(table, account(number, int(str(old)) + 1, "next"))

        db.run(add_one, isolation=level)
    session = java.open_sqlite(state.file)
    with session.transaction(isolation="SERIALIZABLE") as tx:
        for table, number in KEYS:
            old = values.get((table, number), account(number, 0))["balance"] or 0
            assert tx.get(table, key(number)) == account(number, int(str(old)) + 1, "next")
    session.close()
    assert {row["tx_state"] for row in rows(state.file).values()} == {3}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_a_scan_settles_what_it_meets(
    left: dict[str, Left], point: Point, level: str, tmp_path: Path
) -> None:
    state = left[str(point)].copy(tmp_path, age=16)
    values = state.values(after=point.decided)
    if level == "READ_COMMITTED" and point.decided:
        return_of = state.values(after=False)
        for name in state.uncommitted():
            values.pop(name, None)
            if name in return_of:
                values[name] = return_of[name]
    with ours(state.file) as db, db.transaction(isolation=level) as tx:
        found = {
            (table, int(str(record["id"]))): dict(record)
            for table in {name[0] for name in KEYS}
            for record in tx.scan(table, whole_table=True)
        }
        assert found == values
        limited = [one["id"] for one in tx.scan(SHOP, whole_table=True, order_by=["id"], limit=2)]
        # What the first scan met is finished meanwhile, at READ_COMMITTED for all to see.
        seen = [values] + [state.values(after=True)] * (level == "READ_COMMITTED" and point.decided)
        assert limited in [
            sorted(number for table, number in each if table == SHOP)[:2] for each in seen
        ]
    assert rows(state.file) == (state.committed() if point.decided else state.before)


@pytest.mark.parametrize("level", LEVELS)
def test_an_insert_finds_its_way_past_a_dead_insert_of_java(
    tmp_path_factory: pytest.TempPathFactory, left: dict[str, Left], level: str
) -> None:
    """Who only inserts or upserts never reads the key, and yet the dead record must not stay."""
    for point in (*UNDECIDED, *DECIDED):
        state = left[str(point)].copy(tmp_path_factory.mktemp("insert"), age=16)
        with ours(state.file) as db:
            for table in TABLES:
                if not point.decided:
                    db.run(lambda tx, t=table: tx.insert(t, account(1, 7)), isolation=level)
                db.run(lambda tx, t=table: tx.insert(t, account(4, 7)), isolation=level)
                db.run(lambda tx, t=table: tx.upsert(t, account(1, 8)), isolation=level)
            with db.transaction() as tx:
                for table in TABLES:
                    assert dict(tx.get(table, key(1)) or {}) == account(1, 8)
                    assert dict(tx.get(table, key(4)) or {}) == account(4, 7)

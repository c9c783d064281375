"""Release 3.15.9 beside us: it keeps stale images, compares versions, prepares row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, InvalidOperationError, TransactionState, column
from tests.compatibility.bank import (
    ACCOUNT,
    COLUMNS,
    COMMITTED,
    account,
    images,
    key,
    look,
)
from tests.compatibility.conftest import started
from tests.compatibility.java_peer import OLDER, JavaError
from tests.compatibility.our_transfers import MONEY, Load
from tests.compatibility.ours import COORDINATOR, ours, quick_java
from tests.compatibility.unfinished import (
    DECIDED,
    KEYS,
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
    from typing import Any

    from scalar_tx import TransactionManager
    from scalar_tx.model.conditions import Condition
    from tests.compatibility.java_peer import JavaPeer, JavaSession

LEVELS = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")
EXTRA_READ = {
    "scalar.db.consensus_commit.isolation_level": "SERIALIZABLE",
    "scalar.db.consensus_commit.serializable_strategy": "EXTRA_READ",
}


def make(java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"], ["balance"])
    session.create_coordinator()
    session.close()


def put(session: JavaSession, number: int, balance: int | None, name: str = "a") -> str:
    """Write a record as a program of that time did: read it, then put it."""
    with session.transaction() as tx:
        tx.get(ACCOUNT, key(number))
        tx.put(ACCOUNT, {**key(number), "balance": balance, "name": name})
    return tx.id


# Row D'


@pytest.fixture
def stale(java: JavaPeer, older_java: JavaPeer, file: Path) -> Path:
    """Three rows whose before images say 100 and "a" although they hold 120 and "b"."""
    make(java, file)
    older = older_java.open_sqlite(file)
    for number in (1, 2, 3):
        put(older, number, 100, "a")
        put(older, number, 120, "b")
    older.close()
    for row in look(file, ACCOUNT):
        present, before = images(row)
        assert (present[0], present[1], present[3]) == (120, "b", COMMITTED)
        assert (before[0], before[1], before[3]) == (100, "a", COMMITTED)
    return file


@pytest.mark.parametrize("level", LEVELS)
def test_a_stale_before_image_is_no_record(stale: Path, level: str) -> None:
    balance, name = column("balance"), column("name")
    only_stale: list[Condition] = [
        balance == 100,
        balance < 110,
        name == "a",
        name.like("a%"),
        (balance == 100) & (column("id") == 1),
        (balance == 999) | (name == "a"),
        (balance == 120) & (name == "a"),
    ]
    with ours(stale) as db, db.transaction(isolation=level) as tx:
        for where in only_stale:
            assert tx.scan(ACCOUNT, whole_table=True, where=where) == []
            assert tx.scan(ACCOUNT, {"id": 1}, where=where) == []
            assert tx.get(ACCOUNT, key(1), where=where) is None
        assert tx.scan(ACCOUNT, index={"balance": 100}) == []
        found = tx.scan(ACCOUNT, whole_table=True, where=balance == 120, order_by=["id"], limit=2)
        assert [record["id"] for record in found] == [1, 2]
        assert len(tx.scan(ACCOUNT, index={"balance": 120})) == 3
        # Counts as read: a validation that took the stale image for a write would object.
        tx.update(ACCOUNT, key(3), {"name": "c"})
    row = look(stale, ACCOUNT)[2]
    present, before = images(row)
    assert present[:2] == (120, "c")
    assert set(before) == {None, False}
    assert row["tx_version"] == 3


def test_an_index_without_its_twin_is_refused_where_it_could_lie(
    older_java: JavaPeer, file: Path
) -> None:
    make(older_java, file)
    older = older_java.open_sqlite(file)
    put(older, 1, 100)
    older.close()
    with ours(file) as db:
        with pytest.raises(InvalidOperationError), db.transaction() as tx:
            tx.scan(ACCOUNT, index={"balance": 100})
        with db.transaction(isolation="SNAPSHOT") as tx:
            assert len(tx.scan(ACCOUNT, index={"balance": 100})) == 1
        db.admin.repair_table(ACCOUNT, db.admin.table(ACCOUNT))
        with db.transaction() as tx:
            assert len(tx.scan(ACCOUNT, index={"balance": 100})) == 1


# In turn


@pytest.mark.parametrize("level", LEVELS)
def test_both_write_a_record_in_turn_and_no_version_is_ever_wrong(
    java: JavaPeer, older_java: JavaPeer, file: Path, level: str
) -> None:
    make(java, file)
    older = older_java.open_sqlite(file, properties=EXTRA_READ)
    newer = java.open_sqlite(file)
    newer.storage_put(ACCOUNT, account(1, 0))  # as imported: its version is NULL
    with ours(file) as db:
        for turn in range(12):
            if turn % 2:
                with older.transaction() as tx:
                    assert tx.get(ACCOUNT, key(1)) == account(1, turn)
                    tx.put(ACCOUNT, {**key(1), "balance": turn + 1})
            else:
                with db.transaction(isolation=level) as tx_of_ours:
                    assert dict(tx_of_ours.get(ACCOUNT, key(1)) or {}) == account(1, turn)
                    tx_of_ours.update(ACCOUNT, key(1), {"balance": turn + 1})
            (row,) = look(file, ACCOUNT)
            assert (row["tx_version"], row["balance"]) == (turn + 1, turn + 1)

        # Removed by one and made again by the other, each in its turn.
        for turn in range(4):
            with db.transaction(isolation=level) as tx_of_ours:
                tx_of_ours.delete(ACCOUNT, key(1))
            assert look(file, ACCOUNT) == []
            put(older, 1, turn)
            with older.transaction() as tx:
                assert tx.get(ACCOUNT, key(1)) == account(1, turn)
                tx.delete(ACCOUNT, key(1))
            assert look(file, ACCOUNT) == []
            with db.transaction(isolation=level) as tx_of_ours:
                tx_of_ours.upsert(ACCOUNT, account(1, turn))
    older.close()
    newer.close()


def test_both_move_money_at_once(java: JavaPeer, older_java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_table(MONEY, {"id": "INT", "balance": "BIGINT"}, ["id"])
    session.create_coordinator()
    with session.transaction() as tx:
        for number in range(8):
            tx.insert(MONEY, {"id": number, "balance": 1000})
    session.close()
    older = older_java.open_sqlite(file, properties=quick_java(file) | EXTRA_READ)
    with ours(file, quick=True) as db:
        load = Load(db, 8, LEVELS)
        pending = older.transfer_load_later(MONEY, accounts=8, threads=2, seconds=5)
        with load.running():
            report = older.report(pending)
    older.close()
    expected = [1000] * 8
    for transfer in (*report.acknowledged, *load.acknowledged):
        expected[transfer.source] -= transfer.amount
        expected[transfer.target] += transfer.amount
    assert [row["balance"] for row in look(file, MONEY, "id")] == expected
    assert {row["tx_state"] for row in look(file, MONEY)} == {COMMITTED}
    assert not report.unknown
    assert not load.unknown
    assert min(report.committed, len(load.acknowledged)) >= 10
    assert min(report.conflicts, load.conflicts) >= 5


# What each left behind

# It prepares and finishes each of the twelve records by itself.
OLDER_POINTS = (
    Point("one-prepared", "after", "prepare", 1, 1, 0, decided=False),
    Point("eleven-prepared", "before", "prepare", 12, 2, 0, decided=False),
    Point("before-the-decision", "before", "commit-state", 1, 2, 0, decided=False),
    Point("decided", "after", "commit-state", 1, 2, 0, decided=True),
    Point("one-finished", "after", "commit", 1, 2, 0, decided=True),
    Point("eleven-finished", "before", "commit", 12, 2, 0, decided=True),
)
LEFT = {
    "one-prepared": 1,
    "eleven-prepared": 11,
    "before-the-decision": 12,
    "decided": 12,
    "one-finished": 11,
    "eleven-finished": 1,
}


@pytest.fixture(scope="module")
def left_by_older(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    with started(OLDER) as older:
        return left_by_java(older, tmp_path_factory.mktemp("older"), OLDER_POINTS)


def read(db: TransactionManager, level: str) -> dict[tuple[str, int], dict[str, Any]]:
    with db.transaction(isolation=level) as tx:
        found = {name: tx.get(name[0], key(name[1])) for name in KEYS}
    return {name: dict(record) for name, record in found.items() if record is not None}


@pytest.mark.parametrize("level", ["SERIALIZABLE", "SNAPSHOT"])
@pytest.mark.parametrize("point", OLDER_POINTS, ids=str)
def test_we_settle_what_a_dead_writer_of_3_15_left(
    left_by_older: dict[str, Left], point: Point, level: str, tmp_path: Path
) -> None:
    state = left_by_older[str(point)].copy(tmp_path, age=16)
    unsettled, found = state.uncommitted(), rows(state.file)
    assert len(unsettled) == LEFT[str(point)]
    with ours(state.file) as db:
        assert read(db, level) == state.values(after=point.decided)
        wanted = TransactionState.COMMITTED if point.decided else TransactionState.ABORTED
        assert db.state(state.writer) is wanted
    if point.decided:
        # What it finished itself stays as it left it, with stale before images.
        expected = {name: row for name, row in found.items() if name not in unsettled}
        expected |= {name: row for name, row in state.committed().items() if name in unsettled}
    else:
        expected = state.before
    assert rows(state.file) == expected


@pytest.mark.parametrize("point", OLDER_POINTS[:3], ids=str)
def test_we_leave_a_young_writer_of_3_15_alone(
    left_by_older: dict[str, Left], point: Point, tmp_path: Path
) -> None:
    state = left_by_older[str(point)].copy(tmp_path, age=5)
    found = rows(state.file)
    with ours(state.file) as db:
        for table, number in state.uncommitted():
            with pytest.raises(ConflictError), db.transaction() as tx:
                tx.get(table, key(number))
    assert rows(state.file) == found
    assert state.writer not in decisions(state.file)


@pytest.fixture(scope="module")
def left_by_ours(
    older_java_for_module: JavaPeer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Left]:
    points = [*UNDECIDED, *DECIDED]
    return left_by_us(older_java_for_module, tmp_path_factory.mktemp("ours"), points)


@pytest.fixture(scope="module")
def older_java_for_module(java_shelf: Any) -> JavaPeer:
    peer: JavaPeer = java_shelf.peer(OLDER)
    return peer


@pytest.mark.parametrize("point", [*UNDECIDED, *DECIDED], ids=str)
def test_3_15_settles_what_a_dead_process_of_ours_left(
    left_by_ours: dict[str, Left], older_java: JavaPeer, point: Point, tmp_path: Path
) -> None:
    state = left_by_ours[str(point)].copy(tmp_path, age=16)
    values = state.values(after=point.decided)
    expected = state.committed() if point.decided else state.before
    unsettled = state.uncommitted()
    older = older_java.open_sqlite(state.file, properties=EXTRA_READ)
    refused = 0
    for table, number in KEYS:
        for _ in range(3):  # its first read of such a row settles it and fails
            tx = older.begin()
            try:
                found = tx.get(table, key(number))
            except JavaError as error:
                assert_uncommitted(error)
                refused += 1
                tx.rollback()
                continue
            tx.commit()
            break
        assert found == values.get((table, number))
    older.close()
    assert refused == len(unsettled)

    def shape(stored: dict[str, Any]) -> dict[str, Any]:
        """Without what that release leaves stale, and its own time of settling."""
        return {
            name: cell
            for name, cell in stored.items()
            if not name.startswith("before_") and name != "tx_committed_at"
        }

    settled = rows(state.file)
    assert {name: shape(row) for name, row in settled.items()} == {
        name: shape(row) for name, row in expected.items()
    }
    with ours(state.file) as db:
        assert read(db, "SERIALIZABLE") == values
    assert decisions(state.file)[state.writer][0] == (3 if point.decided else 4)


def assert_uncommitted(error: JavaError) -> None:
    assert error.kind == "UncommittedRecordException", error


def test_a_reader_of_3_15_writes_a_decision_that_we_can_read(
    java: JavaPeer, older_java: JavaPeer, file: Path
) -> None:
    make(java, file)
    older = older_java.open_sqlite(file)
    with older.transaction() as tx:
        assert tx.get(ACCOUNT, key(1)) is None
    older.close()
    assert [row["tx_id"] for row in look(file, COORDINATOR)] == [tx.id]
    with ours(file) as db:
        assert db.state(tx.id) is TransactionState.COMMITTED

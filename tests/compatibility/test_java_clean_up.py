"""Java's finishTransaction removes decisions while we hold rows whose writers they were about."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError
from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    PREPARED,
    account,
    accounts,
    bank,
    expire,
    key,
    look,
)
from tests.compatibility.ours import COORDINATOR, ours, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.compatibility.java_peer import JavaPeer, JavaSession
    from tests.compatibility.java_session import Isolation

STRICT: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT")
WRITE_SETS = {"coordinator.write_set_logging.enabled": "true"}
GROUPS = WRITE_SETS | {"coordinator.group_commit.enabled": "true"}


@pytest.fixture(params=[WRITE_SETS, GROUPS], ids=["plain", "group"])
def session(java: JavaPeer, file: Path, request: pytest.FixtureRequest) -> Iterator[JavaSession]:
    opened = bank(java, file, watched=True, settings=request.param)
    with opened.transaction() as tx:
        tx.insert(ACCOUNT, account(2))
        tx.insert(ACCOUNT, account(3))
    assert opened.finish(tx.id)
    yield opened
    opened.close()


class Writer:
    """A Java writer that is held before its decision, or before it finishes its records."""

    def __init__(self, session: JavaSession, file: Path, *, decided: bool) -> None:
        self._session = session
        self._file = file
        step = "commit" if decided else "commit-state"
        self._pause = session.watch.pause("before", step=step)
        tx = session.begin()
        tx.insert(ACCOUNT, account(1))
        tx.update(ACCOUNT, key(2), {"balance": 120})
        tx.delete(ACCOUNT, key(3))
        self.id = tx.id
        self._pending = tx.commit_later()
        self._pause.wait_paused()
        assert accounts(file)[2]["tx_state"] == PREPARED
        expire(file, ACCOUNT)

    def clean_up(self) -> None:
        """Settle its records and remove its decision, whether the writer has come so far or not."""
        if self._session.state(self.id) != "COMMITTED":
            self._pause.release()
            self._pending.result()
        assert self._session.finish(self.id)
        assert look(self._file, COORDINATOR) == []
        found = accounts(self._file)
        assert {number: row["balance"] for number, row in found.items()} == {1: 100, 2: 120}

    def end(self) -> None:
        self._pause.release()
        self._pending.result()


EXPECTED = {1: account(1), 2: account(2, 120), 3: None}


def read(db: TransactionManager, number: int, level: str) -> dict[str, Any] | None:
    with db.transaction(isolation=level) as tx:
        record = tx.get(ACCOUNT, key(number))
    return None if record is None else dict(record)


@pytest.mark.parametrize("level", STRICT)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_reader_with_an_old_row_in_hand_finds_the_decision_gone(
    session: JavaSession, file: Path, number: int, level: Isolation
) -> None:
    """No decision does not mean undecided: the record is looked at again before any abort."""
    writer = Writer(session, file, decided=True)
    with ours(file) as db:
        calls = watch(db)
        stop = calls.at("after", "read", writer.clean_up)
        assert read(db, number, level) == EXPECTED[number]
        assert stop.hits >= 2, "read, cleaned up, and read again"
    assert "abort-state" not in calls.steps
    writer.end()
    assert look(file, COORDINATOR) == []


@pytest.mark.parametrize("level", STRICT)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_decision_that_comes_and_goes_before_our_abort_is_not_overruled(
    session: JavaSession, file: Path, number: int, level: Isolation
) -> None:
    """Our abort then stands alone, and still the record tells that its writer has committed."""
    writer = Writer(session, file, decided=False)
    with ours(file) as db:
        stop = watch(db).at("before", "abort-state", writer.clean_up)
        assert read(db, number, level) == EXPECTED[number]
        assert stop.hits >= 1
        for other in (1, 2, 3):
            assert read(db, other, level) == EXPECTED[other]
    assert {row["tx_state"] for row in look(file, COORDINATOR)} == {ABORTED}
    assert {row["tx_state"] for row in accounts(file).values()} == {COMMITTED}


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_settling_a_record_on_request_meets_a_clean_up(
    session: JavaSession, file: Path, number: int, *, decided: bool
) -> None:
    writer = Writer(session, file, decided=decided)
    with ours(file) as db:
        calls = watch(db)
        if decided:
            calls.at("after", "read", writer.clean_up)
        else:
            calls.at("before", "abort-state", writer.clean_up)
        assert db.recover(ACCOUNT, key(number)) is None, "there was nothing left to settle"
        assert read(db, number, "SERIALIZABLE") == EXPECTED[number]
    if decided:
        writer.end()


def test_the_background_work_of_a_reader_of_committed_values_meets_a_clean_up(
    session: JavaSession, file: Path
) -> None:
    writer = Writer(session, file, decided=True)
    with ours(file) as db:
        calls = watch(db)
        calls.at("before", "read-state", writer.clean_up)
        assert read(db, 2, "READ_COMMITTED") == account(2)
    assert "abort-state" not in calls.steps
    writer.end()
    assert {number: row["balance"] for number, row in accounts(file).items()} == {1: 100, 2: 120}


def test_a_row_that_was_cleaned_up_and_taken_by_another_writer_is_the_others(
    session: JavaSession, file: Path
) -> None:
    writer = Writer(session, file, decided=True)
    held: list[Any] = []

    def clean_up_and_go_on() -> None:
        writer.clean_up()
        pause = session.watch.pause("before", step="commit-state")
        next_one = session.begin()
        next_one.update(ACCOUNT, key(2), {"balance": 130})
        held.append((pause, next_one.id, next_one.commit_later()))
        pause.wait_paused()

    with ours(file) as db:
        watch(db).at("after", "read", clean_up_and_go_on)
        with pytest.raises(ConflictError) as conflict:
            read(db, 2, "SERIALIZABLE")
        ((pause, next_id, pending),) = held
        assert conflict.value.other_transaction == next_id
        pause.release()
        pending.result()
        assert read(db, 2, "SERIALIZABLE") == account(2, 130)
    writer.end()


def test_java_does_not_clean_up_what_carries_no_write_set(session: JavaSession, file: Path) -> None:
    """Neither our commits nor our aborts of others do: their rows stay for ever."""
    pause = session.watch.pause("before", step="commit-state")
    slow = session.begin()
    slow.update(ACCOUNT, key(2), {"balance": 1})
    slow.commit_later()
    pause.wait_paused()
    with ours(file) as db:
        db.settle(slow.id)
        with db.transaction() as tx:
            tx.upsert(ACCOUNT, account(5))
    decided = look(file, COORDINATOR)
    assert {row["tx_state"] for row in decided} == {ABORTED, COMMITTED}
    assert not session.finish(tx.id)
    assert not session.finish(slow.id)
    assert look(file, COORDINATOR) == decided
    session.watch.clear()


def test_readers_see_whole_transfers_while_decisions_vanish_at_once(
    session: JavaSession, file: Path
) -> None:
    """Each transaction is cleaned up as soon as it is committed."""
    over = threading.Event()
    errors: list[BaseException] = []
    seen: list[int] = []

    def add_up(db: TransactionManager) -> Callable[[], None]:
        def run() -> None:
            while not over.is_set():
                try:
                    with db.transaction(read_only=True) as tx:
                        found = tx.scan(ACCOUNT, whole_table=True)
                except ConflictError:
                    continue
                except BaseException as error:  # noqa: BLE001  raised again below
                    errors.append(error)
                    return
                seen.append(sum(int(str(record["balance"])) for record in found))

        return run

    with ours(file) as db:
        threads = [threading.Thread(target=add_up(db)) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(100):
                source, target = (2, 3) if turn % 2 else (3, 2)
                with session.transaction() as tx:
                    for number, sign in ((source, -1), (target, 1)):
                        record = tx.get(ACCOUNT, key(number))
                        assert record is not None
                        balance = int(str(record["balance"])) + sign * (turn % 7)
                        tx.update(ACCOUNT, key(number), {"balance": balance})
                assert session.finish(tx.id)
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
    assert errors == []
    assert len(seen) >= 50
    assert set(seen) == {200}
    assert look(file, COORDINATOR) == []

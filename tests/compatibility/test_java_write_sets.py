"""Decisions that tell what was written: each side reads the other's, and finishes them."""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError
from scalar_tx.cli.coordinator_clean import traces
from scalar_tx.connection import parts_of
from scalar_tx.consensus_commit.older_release import ENOUGH
from scalar_tx.consensus_commit.write_set import Entry, EntryGroup, read_write_set, write_set_bytes
from scalar_tx.model.types import DataType
from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COLUMNS,
    COMMITTED,
    PREPARED,
    account,
    accounts,
    bank,
    key,
    look,
)
from tests.compatibility.java_peer import JavaError
from tests.compatibility.ours import COORDINATOR, EVERY_STEP_TAKEN, ours, watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.compatibility.java_peer import JavaPeer, JavaSession

WRITE_SETS = {"coordinator.write_set_logging.enabled": "true"}
GROUPS = WRITE_SETS | {"coordinator.group_commit.enabled": "true"}
OURS: dict[str, Any] = {"consensus_commit_coordinator_write_set_logging_enabled": "true"}
ONE_PHASE: dict[str, Any] = {"consensus_commit_one_phase_commit_enabled": "true"}
AFTER = {1: 100, 2: 120}
BEFORE = {2: 100, 3: 100}
DAY_MS = 86_400_000


@pytest.fixture(params=[WRITE_SETS, GROUPS], ids=["plain", "group"])
def session(java: JavaPeer, file: Path, request: pytest.FixtureRequest) -> Iterator[JavaSession]:
    opened = filled(java, file, request.param)
    yield opened
    opened.close()


@pytest.fixture
def plain(java: JavaPeer, file: Path) -> Iterator[JavaSession]:
    opened = filled(java, file, WRITE_SETS)
    yield opened
    opened.close()


def filled(java: JavaPeer, file: Path, settings: dict[str, str]) -> JavaSession:
    opened = bank(java, file, watched=True, settings=settings)
    with opened.transaction() as tx:
        tx.insert(ACCOUNT, account(2))
        tx.insert(ACCOUNT, account(3))
    assert opened.finish(tx.id)
    return opened


def change(tx: Any) -> None:
    """An insert, an update and a delete; the same on both sides."""
    tx.get(ACCOUNT, key(2))
    tx.get(ACCOUNT, key(3))
    tx.insert(ACCOUNT, account(1))
    tx.update(ACCOUNT, key(2), {"balance": 120})
    tx.delete(ACCOUNT, key(3))


def told(row: dict[str, Any]) -> set[tuple[str, int, str | None]] | None:
    """Table, id and child of what a decision's row tells."""
    groups = read_write_set(row["tx_write_set"])
    if groups is None:
        return None
    found = set()
    for group in groups:
        for entry in group.entries:
            ((name, data_type, number),) = entry.partition_key
            assert (name, data_type) == ("id", DataType.INT)
            assert entry.clustering_key == (("kind", DataType.INT, 1),)
            assert isinstance(number, int)
            found.add((f"{entry.namespace}.{entry.table}", number, group.child_id))
    return found


def balances(file: Path) -> dict[int, int]:
    return {number: row["balance"] for number, row in accounts(file).items()}


def settled(file: Path) -> bool:
    return {row["tx_state"] for row in accounts(file).values()} == {COMMITTED}


# Java's, read and finished by us.


def test_we_read_what_java_has_written(session: JavaSession, file: Path) -> None:
    tx = session.begin()
    change(tx)
    tx.commit()
    (row,) = look(file, COORDINATOR)
    _, _, child = tx.id.partition("$")
    assert told(row) == {(ACCOUNT, number, child or None) for number in (1, 2, 3)}
    groups = read_write_set(row["tx_write_set"])
    assert groups is not None
    assert write_set_bytes(groups) == row["tx_write_set"]


def test_we_finish_a_java_writer_that_has_decided(session: JavaSession, file: Path) -> None:
    pause = session.watch.pause("before", step="commit")
    tx = session.begin()
    change(tx)
    pending = tx.commit_later()
    pause.wait_paused()
    assert not settled(file)
    with ours(file) as db:
        assert db.finish(tx.id) is True
        assert look(file, COORDINATOR) == []
        assert balances(file) == AFTER
        assert settled(file)
        pause.release()
        pending.result()
        assert db.finish(tx.id) is True
    assert balances(file) == AFTER


def test_we_finish_a_java_writer_that_has_aborted_itself(session: JavaSession, file: Path) -> None:
    pause = session.watch.pause("before", step="rollback")
    tx = session.begin(isolation="SERIALIZABLE")
    tx.get(ACCOUNT, key(3))
    tx.get(ACCOUNT, key(2))
    tx.update(ACCOUNT, key(2), {"balance": 120})
    with session.transaction() as other:
        other.update(ACCOUNT, key(3), {"balance": 100})
    assert session.finish(other.id)
    pending = tx.commit_later()
    pause.wait_paused()
    (row,) = look(file, COORDINATOR)
    assert row["tx_state"] == ABORTED
    assert {number for _, number, _ in told(row) or ()} == {2}
    with ours(file) as db:
        assert db.finish(tx.id) is True
    assert look(file, COORDINATOR) == []
    assert balances(file) == BEFORE
    assert settled(file)
    pause.release()
    with pytest.raises(JavaError):
        pending.result()


# Ours, read and finished by Java.


class HaltedError(Exception):
    """Our writer goes no further."""


def halted() -> None:
    raise HaltedError


@pytest.mark.parametrize("one_phase", [False, True])
def test_java_finishes_ours(plain: JavaSession, file: Path, *, one_phase: bool) -> None:
    with ours(file, **OURS, **(ONE_PHASE if one_phase else EVERY_STEP_TAKEN)) as db:
        calls = watch(db)
        calls.at("before", "finish", halted)
        with db.transaction() as tx:
            change(tx)
        (row,) = look(file, COORDINATOR)
        assert told(row) == {(ACCOUNT, number, None) for number in (1, 2, 3)}
        assert settled(file) is one_phase
        assert plain.finish(tx.id) is True
        assert look(file, COORDINATOR) == []
        assert balances(file) == AFTER
        assert settled(file)


def test_java_finishes_our_own_abort(plain: JavaSession, file: Path) -> None:
    with ours(file, **OURS) as db:
        tx = db.begin()
        tx.get(ACCOUNT, key(3))
        tx.update(ACCOUNT, key(2), {"balance": 120})
        with plain.transaction() as other:
            other.update(ACCOUNT, key(3), {"balance": 100})
        assert plain.finish(other.id)
        calls = watch(db)
        context = parts_of(db).context
        steps: Any = tx._steps
        steps._context = context
        calls.at("before", "finish", halted)
        with pytest.raises(ConflictError):
            tx.commit()
        (row,) = look(file, COORDINATOR)
        assert row["tx_state"] == ABORTED
        assert told(row) == {(ACCOUNT, 2, None)}
        assert accounts(file)[2]["tx_state"] == PREPARED
    assert plain.finish(tx.id) is True
    assert look(file, COORDINATOR) == []
    assert balances(file) == BEFORE


def test_java_leaves_what_we_do_not_tell(plain: JavaSession, file: Path) -> None:
    with ours(file, **OURS) as db:
        assert db.settle("never begun").value == "ABORTED"
        part = db.two_phase.begin()
        part.upsert(ACCOUNT, account(9))
        part.prepare()
        part.validate()
        part.commit()
    before = look(file, COORDINATOR)
    assert [told(row) for row in before] == [None, None]
    assert plain.finish("never begun") is False
    assert plain.finish(part.id) is False
    assert look(file, COORDINATOR) == before


# Rows by hand.


def test_an_entry_of_a_participant_is_left_alone(plain: JavaSession, file: Path) -> None:
    data = write_set_bytes(
        [
            EntryGroup(
                (
                    Entry(
                        "bank",
                        "account",
                        (("id", DataType.INT, 2),),
                        (("kind", DataType.INT, 1),),
                        "p",
                    ),
                )
            )
        ]
    )
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            'INSERT INTO "coordinator$state" (tx_id, tx_state, tx_created_at, tx_write_set) '
            "VALUES ('by-parts', 3, 1, ?)",
            (data,),
        )
    with ours(file) as db:
        assert db.finish("by-parts") is False
    assert [row["tx_id"] for row in look(file, COORDINATOR)] == ["by-parts"]
    assert plain.finish("by-parts") is True, "Java looks for it in the tables that it knows"


# Both at once.


def test_transfers_of_both_while_each_removes_the_others_decisions(
    session: JavaSession, file: Path
) -> None:
    over = threading.Event()
    errors: list[BaseException] = []
    ids: list[str] = []  # of Java's, for us to finish

    def work(db: TransactionManager) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            try:
                with db.transaction() as tx:
                    for number, sign in ((2, 1), (3, -1)):
                        found = tx.get(ACCOUNT, key(number))
                        assert found is not None
                        balance = int(str(found["balance"])) + sign * (turn % 5)
                        tx.update(ACCOUNT, key(number), {"balance": balance})
            except ConflictError:
                continue
            except BaseException as error:  # noqa: BLE001  raised again below
                errors.append(error)
                return
            ours_done.append(tx.id)
            over.wait(0.05)  # our commits are quick: without a pause Java's would always conflict
            if ids:
                assert db.finish(ids.pop()) in (True, False)

    ours_done: list[str] = []
    finished, begun_at = 0, time.monotonic()
    with ours(file, quick=True, **OURS) as db:
        thread = threading.Thread(target=work, args=(db,))
        thread.start()
        try:
            for turn in itertools.count():
                # On a busy machine most of Java's first forty may meet conflicts.
                if turn >= 40 and (finished >= 5 or time.monotonic() > begun_at + 60):
                    break
                source, target = (2, 3) if turn % 2 else (3, 2)
                tx = session.begin(isolation="SERIALIZABLE")
                try:
                    for number, sign in ((source, -1), (target, 1)):
                        record = tx.get(ACCOUNT, key(number))
                        assert record is not None
                        balance = int(str(record["balance"])) + sign * (turn % 7)
                        tx.update(ACCOUNT, key(number), {"balance": balance})
                    tx.commit()
                except Exception:  # noqa: BLE001  a conflict; Java's errors are many
                    continue
                ids.append(tx.id)
                for _ in range(min(3, len(ours_done))):  # there are always more by then
                    finished += session.finish(ours_done.pop())
        finally:
            over.set()
            thread.join(30)
    assert errors == []
    assert sum(balances(file).values()) == 200
    assert settled(file)
    assert finished >= 5


# Which releases are here?


def test_the_newest_java_release_leaves_no_trace_of_an_older_one(
    session: JavaSession, file: Path
) -> None:
    for number in range(4, 8):
        with session.transaction() as tx:
            tx.insert(ACCOUNT, account(number))
    with ours(file) as db:
        assert traces(parts_of(db), parts_of(db).runtime.now_ms() - DAY_MS) == set()


def test_an_older_java_release_gives_itself_away(
    java: JavaPeer, older_java: JavaPeer, file: Path
) -> None:
    session = java.open_sqlite(file)
    session.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"], ["balance"])
    session.create_coordinator()
    session.close()
    older = older_java.open_sqlite(file)
    ids = set()
    for number in range(40):  # some within a millisecond, which gives nothing away
        with older.transaction() as tx:
            tx.get(ACCOUNT, key(number))
            tx.put(ACCOUNT, account(number))
        ids.add(tx.id)
    older.close()
    with ours(file) as db:
        found = traces(parts_of(db), parts_of(db).runtime.now_ms() - DAY_MS)
    assert found <= ids
    assert len(found) >= ENOUGH

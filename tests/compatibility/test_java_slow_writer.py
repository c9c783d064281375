"""A writer that is slow but alive loses to whoever aborts it, or wins; never half of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    DELETED,
    PREPARED,
    account,
    accounts,
    bank,
    expire,
    key,
    look,
)
from tests.compatibility.java_peer import JavaError
from tests.compatibility.ours import COORDINATOR, EVERY_STEP_TAKEN, ours, watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx import Transaction
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer, JavaSession, JavaTransaction
    from tests.compatibility.java_session import Isolation

LEVELS: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")
BEFORE = {2: account(2), 3: account(3)}
AFTER = {1: account(1), 2: account(2, 120), 4: account(4)}


@pytest.fixture
def session(java: JavaPeer, file: Path) -> Iterator[JavaSession]:
    opened = bank(java, file, watched=True)
    with opened.transaction() as tx:
        tx.insert(ACCOUNT, account(2))
        tx.insert(ACCOUNT, account(3))
    yield opened
    opened.close()


def work(tx: Transaction | JavaTransaction) -> None:
    tx.insert(ACCOUNT, account(1))
    tx.update(ACCOUNT, key(2), {"balance": 120})
    tx.delete(ACCOUNT, key(3))
    tx.upsert(ACCOUNT, account(4))


def states(file: Path) -> dict[int, int]:
    return {number: row["tx_state"] for number, row in accounts(file).items()}


def decision(file: Path, tx_id: str) -> int | None:
    return {row["tx_id"]: row["tx_state"] for row in look(file, COORDINATOR)}.get(tx_id)


def values(file: Path) -> dict[int, dict[str, object]]:
    found = accounts(file)
    assert {row["tx_state"] for row in found.values()} == {COMMITTED}
    return {number: {name: row[name] for name in account(number)} for number, row in found.items()}


HALF_UNDONE = {1: PREPARED, 2: COMMITTED, 3: DELETED, 4: PREPARED}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("by_id", [False, True])
def test_a_slow_java_writer_loses_to_a_reader_of_ours(
    session: JavaSession, file: Path, level: Isolation, *, by_id: bool
) -> None:
    before = accounts(file)
    pause = session.watch.pause("before", step="commit-state")
    writer = session.begin(isolation=level)
    work(writer)
    pending = writer.commit_later()
    pause.wait_paused()
    with ours(file, **EVERY_STEP_TAKEN) as db:
        with pytest.raises(ConflictError), db.transaction() as tx:
            tx.get(ACCOUNT, key(2))
        if by_id:
            assert db.settle(writer.id) is TransactionState.ABORTED
        else:
            expire(file, ACCOUNT)
            with db.transaction(isolation=level) as tx:
                assert dict(tx.get(ACCOUNT, key(2)) or {}) == account(2)
    assert decision(file, writer.id) == ABORTED
    if not by_id:
        assert states(file) == HALF_UNDONE, "only what was read was undone"
    pause.release()
    with pytest.raises(JavaError) as late:
        pending.result()
    assert late.value.kind == "CommitConflictException"
    assert accounts(file) == before, "the writer has undone the rest"
    assert decision(file, writer.id) == ABORTED


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("by_id", [False, True])
def test_our_slow_writer_loses_to_a_reader_of_java(
    session: JavaSession, file: Path, level: Isolation, *, by_id: bool
) -> None:
    before = accounts(file)
    seen: list[Row | None] = []
    with ours(file, **EVERY_STEP_TAKEN) as db:

        def overtake() -> None:
            assert set(states(file).values()) == {PREPARED, DELETED}
            if by_id:
                assert session.rollback_by_id(writer.id) == "ABORTED"
            else:
                expire(file, ACCOUNT)
                with session.transaction(isolation="SERIALIZABLE") as tx:
                    seen.append(tx.get(ACCOUNT, key(2)))
                session.recover(ACCOUNT, key(2))
                assert states(file) == HALF_UNDONE

        stop = watch(db).at("before", "commit-state", overtake)
        writer = db.begin(isolation=level)
        work(writer)
        with pytest.raises(ConflictError) as late:
            writer.commit()
        assert stop.hits == 1
        assert late.value.transaction_id == writer.id
        assert writer.outcome is TransactionState.ABORTED
    assert seen == ([] if by_id else [account(2)])
    assert accounts(file) == before
    assert decision(file, writer.id) == ABORTED


def test_our_reader_follows_a_java_writer_that_wins_at_the_last_moment(
    session: JavaSession, file: Path
) -> None:
    pause = session.watch.pause("before", step="commit-state")
    writer = session.begin()
    work(writer)
    pending = writer.commit_later()
    pause.wait_paused()
    expire(file, ACCOUNT)

    def wins() -> None:
        pause.release()
        pending.result()

    with ours(file, **EVERY_STEP_TAKEN) as db:
        stop = watch(db).at("before", "abort-state", wins)
        with db.transaction() as tx:
            assert dict(tx.get(ACCOUNT, key(2)) or {}) == account(2, 120)
            assert tx.get(ACCOUNT, key(3)) is None
        assert stop.hits == 1
    assert values(file) == AFTER
    assert decision(file, writer.id) == COMMITTED


@pytest.mark.parametrize("step", ["abort-state", "read-state"])
def test_a_java_reader_follows_our_writer_that_wins_at_the_last_moment(
    session: JavaSession, file: Path, step: str
) -> None:
    """Java is held when it has found us expired: before it asks for our decision or aborts us."""
    pause = session.watch.pause("before", step=step)
    reader = session.begin(isolation="SERIALIZABLE")
    reading = []

    def be_read() -> None:
        expire(file, ACCOUNT)
        reading.append(reader.get_later(ACCOUNT, key(2)))
        pause.wait_paused()

    with ours(file, **EVERY_STEP_TAKEN) as db:
        stop = watch(db).at("before", "commit-state", be_read)
        with db.transaction() as tx:
            work(tx)
        assert stop.hits == 1
    pause.release()
    found = reading[0].result()
    assert found["balance"] == ["INT", 120]
    reader.commit()
    assert values(file) == AFTER
    assert decision(file, tx.id) == COMMITTED


def test_a_record_of_ours_that_a_java_reader_undid_is_not_written_again(
    session: JavaSession, file: Path
) -> None:
    """Undone, then written by Java, while our writer still believes to be about to commit."""
    with ours(file, **EVERY_STEP_TAKEN) as db:

        def overtake() -> None:
            expire(file, ACCOUNT)
            with session.transaction() as tx:
                tx.update(ACCOUNT, key(2), {"balance": 7})

        watch(db).at("before", "commit-state", overtake)
        with pytest.raises(ConflictError), db.transaction() as tx:
            work(tx)
    assert values(file) == BEFORE | {2: account(2, 7)}

"""On servers: what either side's dead writers left, in every state, is settled by the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import ABORTED, COMMITTED, account
from tests.compatibility.held_writers import (
    HOLDS,
    Held,
    held_in_java,
    held_in_ours,
    prepare_partitions,
)
from tests.compatibility.java_peer import JavaError
from tests.compatibility.places import PLACES, at

if TYPE_CHECKING:
    from scalar_tx import Transaction
    from tests.compatibility.java_peer import JavaTransaction
    from tests.compatibility.places import Place
    from tests.compatibility.unfinished import Values

STRICT = ("SERIALIZABLE", "SNAPSHOT")
# Readers meet the first four, the next writers the others.
HELD = (*HOLDS, *(hold for hold in HOLDS if hold.step == "commit-state"))
READ, WRITTEN = slice(0, len(HOLDS)), slice(len(HOLDS), None)


@pytest.fixture(scope="module")
def tables(place: Place) -> tuple[str, str]:
    tables = (f"{place.first}.held", f"{place.second}.held")
    prepare_partitions(place, tables, range(2 * len(HELD)))
    return tables


@pytest.fixture(scope="module")
def javas(place: Place, tables: tuple[str, str]) -> list[Held]:
    """What Java writers left."""
    return held_in_java(place, tables, dict(enumerate(HELD)))


@pytest.fixture(scope="module")
def own(place: Place, tables: tuple[str, str]) -> list[Held]:
    """What writers of ours left."""
    return held_in_ours(place, tables, dict(enumerate(HELD, start=len(HELD))))


def read(tx: Transaction | JavaTransaction, held: Held) -> Values:
    found: Values = {}
    for table, number in held.keys:
        record = tx.get(table, held.key(number))
        if record is not None:
            found[table, number] = dict(record)
    return found


def scanned(tx: Transaction | JavaTransaction, held: Held) -> Values:
    found: Values = {}
    for table in held.tables:
        for record in tx.scan(table, {"id": held.id}):
            found[table, int(str(record["kind"]))] = dict(record)
    return found


def check_left(writers: list[Held]) -> None:
    """Each was held where it should have been; nothing else would be worth settling."""
    for held in writers:
        batches = 2 if "cassandra" in held.place.name else 1
        batch = len(held.keys) // batches
        written = {name for name, row in held.rows().items() if row["tx_id"] == held.writer}
        decided = held.place.decisions().get(held.writer)
        if held.hold.decided:
            finished = batch if held.hold.step == "commit" else 0
            assert len(held.uncommitted()) == len(held.keys) - finished
            assert decided is not None
            assert decided[0] == COMMITTED
        else:
            prepared = batch if held.hold.step == "prepare" else len(held.keys)
            assert len(held.uncommitted()) == prepared
            assert written == set(held.uncommitted())
            assert decided is None


@at(*PLACES)
def test_we_settle_what_java_left(place: Place, javas: list[Held]) -> None:
    check_left(javas)
    db = place.ours
    for held in javas[READ]:
        held.age(5)
        found, uncommitted = held.rows(), held.uncommitted()
        if not held.hold.decided:
            for level in STRICT:
                for table, number in uncommitted[:2]:
                    with pytest.raises(ConflictError) as conflict, db.begin(isolation=level) as tx:
                        tx.get(table, held.key(number))
                    assert conflict.value.other_transaction == held.writer
            with db.transaction(isolation="READ_COMMITTED", read_only=True) as tx:
                assert read(tx, held) == held.values(after=False)
            assert held.rows() == found
            assert held.writer not in place.decisions()
        held.age(16)
        expected = held.expected()
        with db.transaction(isolation="SERIALIZABLE") as tx:
            reading = scanned if held.id % 2 else read
            assert reading(tx, held) == held.values(after=held.hold.decided)
        assert held.rows() == expected
        check_state(held)


@at(*PLACES)
def test_java_settles_what_we_left(place: Place, own: list[Held]) -> None:
    check_left(own)
    session = place.java
    for held in own[READ]:
        held.age(5)
        found, uncommitted = held.rows(), held.uncommitted()
        if not held.hold.decided:
            for table, number in uncommitted[:2]:
                refused = session.begin(isolation="SERIALIZABLE")
                with pytest.raises(JavaError) as conflict:
                    refused.get(table, held.key(number))
                assert conflict.value.kind == "UncommittedRecordException"
                refused.rollback()
            with session.transaction(isolation="READ_COMMITTED", read_only=True) as tx:
                assert read(tx, held) == held.values(after=False)
            assert held.rows() == found
            assert held.writer not in place.decisions()
        held.age(16)
        expected = held.expected()
        with session.transaction(isolation="SERIALIZABLE") as tx:
            reading = scanned if held.id % 2 else read
            assert reading(tx, held) == held.values(after=held.hold.decided)
        for table, number in held.keys:  # waits for what the reader began in the background
            session.recover(table, held.key(number))
        assert held.rows() == expected
        check_state(held)


def check_state(held: Held) -> None:
    """Both sides say the same of a writer that is settled."""
    state = held.place.decisions()[held.writer][0]
    assert state == (COMMITTED if held.hold.decided else ABORTED)
    word = "COMMITTED" if held.hold.decided else "ABORTED"
    assert held.place.ours.state(held.writer) is TransactionState[word]
    assert held.place.java.state(held.writer) == word


@at(*PLACES)
def test_each_writes_over_what_the_other_left(
    place: Place, javas: list[Held], own: list[Held]
) -> None:
    for held in javas[WRITTEN]:
        held.age(16)

        def write(tx: Transaction, held: Held = held) -> None:
            assert read(tx, held) == held.values(after=held.hold.decided)
            for table, number in held.keys:
                tx.upsert(table, account(number, number * 1000, "next") | held.key(number))

        place.ours.run(write)
    for held in own[WRITTEN]:
        held.age(16)
        with place.java.transaction(isolation="SERIALIZABLE") as tx:
            assert read(tx, held) == held.values(after=held.hold.decided)
            for table, number in held.keys:
                tx.upsert(table, account(number, number * 1000, "next") | held.key(number))
    for held in [*javas[WRITTEN], *own[WRITTEN]]:
        wanted = {
            (table, number): account(number, number * 1000, "next") | held.key(number)
            for table, number in held.keys
        }
        with place.ours.transaction() as reader, place.java.transaction() as java_reader:
            assert read(reader, held) == scanned(java_reader, held) == wanted
        assert {row["tx_state"] for row in held.rows().values()} == {COMMITTED}

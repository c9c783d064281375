"""On servers: one transaction of two phases, a part of it Java's and a part of it ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError, TransactionState
from tests.compatibility.bank import ABORTED, COMMITTED, PREPARED
from tests.compatibility.java_peer import NEWEST, JavaError
from tests.compatibility.places import PLACES, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import Record
    from scalar_tx.two_phase import TwoPhaseTransaction
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaSession
    from tests.compatibility.java_transaction import JavaPart
    from tests.compatibility.places import Place

    Part = JavaPart | TwoPhaseTransaction

STRICT = {"scalar.db.consensus_commit.isolation_level": "SERIALIZABLE"}
BEGINNERS = ("java", "ours")
both_ways = pytest.mark.parametrize("beginner", BEGINNERS)


@pytest.fixture(scope="module")
def session(place: Place) -> Iterator[JavaSession]:
    """Two tables, Java's part in the first and ours in the second, each with accounts 1 and 2."""
    place.create_coordinator()
    for table in tables(place):
        place.create_table(table, {"id": "INT", "balance": "INT"}, ["id"])
    opened = place.session(place.shelf.peer(NEWEST), further=STRICT)
    yield opened
    opened.close()


@pytest.fixture
def parts(
    place: Place, session: JavaSession, beginner: str
) -> tuple[JavaPart, TwoPhaseTransaction]:
    """Java's part and ours of a transaction that one of them has begun."""
    with place.ours.transaction() as tx:
        for table in tables(place):
            for number in (1, 2):
                tx.upsert(table, {"id": number, "balance": 100})
    if beginner == "java":
        theirs = session.two_phase_begin()
        return theirs, place.ours.two_phase.join(theirs.id)
    own = place.ours.two_phase.begin()
    return session.two_phase_join(own.id), own


def tables(place: Place) -> tuple[str, str]:
    return f"{place.first}.java_part", f"{place.second}.our_part"


def stored(place: Place) -> dict[tuple[str, object], Row]:
    return {(table, row["id"]): row for table in tables(place) for row in place.rows(table)}


def balances(place: Place) -> list[object]:
    """Of accounts 1 and 2 in each table, as we read them."""

    def balance(record: Record | None) -> object:
        return record and record["balance"]

    found = [(table, number) for table in tables(place) for number in (1, 2)]
    with place.ours.transaction() as tx:
        return [balance(tx.get(table, {"id": number})) for table, number in found]


def move(place: Place, theirs: JavaPart, own: TwoPhaseTransaction) -> None:
    """Java's part pays from its table, ours receives in its table."""
    java_table, our_table = tables(place)
    assert theirs.get(java_table, {"id": 1}) == {"id": 1, "balance": 100}
    theirs.update(java_table, {"id": 1}, {"balance": 70})
    record = own.get(our_table, {"id": 1})
    assert record == {"id": 1, "balance": 100}
    own.update(our_table, {"id": 1}, {"balance": 130})


@both_ways
@at(*PLACES)
def test_both_parts_commit(
    place: Place, beginner: str, parts: tuple[JavaPart, TwoPhaseTransaction]
) -> None:
    theirs, own = parts
    move(place, theirs, own)
    in_order: tuple[Part, Part] = (theirs, own) if beginner == "java" else (own, theirs)
    for part in in_order:
        part.prepare()
    written = [row for row in stored(place).values() if row["tx_id"] == own.id]
    assert [row["tx_state"] for row in written] == [PREPARED, PREPARED]
    for part in in_order:
        part.validate()
    assert own.id not in place.decisions()
    for part in in_order:
        part.commit()
    assert place.decisions()[own.id][0] == COMMITTED
    assert {row["tx_state"] for row in stored(place).values()} == {COMMITTED}
    assert balances(place) == [70, 100, 130, 100]
    assert place.ours.state(own.id) is TransactionState.COMMITTED
    assert place.java.state(own.id) == "COMMITTED"


@both_ways
@at(*PLACES)
def test_neither_part_commits_if_one_has_read_what_holds_no_more(
    place: Place, beginner: str, parts: tuple[JavaPart, TwoPhaseTransaction]
) -> None:
    theirs, own = parts
    java_table, our_table = tables(place)
    # The beginner's part is in order; the other's has read account 2, which changes.
    if beginner == "java":
        assert own.get(our_table, {"id": 2}) is not None
    else:
        assert theirs.get(java_table, {"id": 2}) is not None
    move(place, theirs, own)
    for table in tables(place):
        place.ours.update(table, {"id": 2}, {"balance": 5})
    theirs.prepare()
    own.prepare()
    if beginner == "java":
        theirs.validate()
        with pytest.raises(ConflictError):
            own.validate()
    else:
        own.validate()
        with pytest.raises(JavaError) as conflict:
            theirs.validate()
        assert conflict.value.kind == "ValidationConflictException"
    theirs.rollback()
    own.rollback()
    assert place.decisions()[own.id][0] == ABORTED
    assert {row["tx_state"] for row in stored(place).values()} == {COMMITTED}
    assert balances(place) == [100, 5, 100, 5]

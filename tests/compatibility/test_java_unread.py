"""What we prepared without reading it is settled by Java to the byte, whatever became of us."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx import TransactionState
from tests.compatibility.bank import ABORTED, COMMITTED, key
from tests.compatibility.held_writers import Held, Hold, held_in_ours, prepare_partitions
from tests.compatibility.java_peer import NEWEST
from tests.compatibility.ours import ours
from tests.compatibility.places import at
from tests.compatibility.unfinished import KEYS, Left, Point, decisions, left_by_us, rows

if TYPE_CHECKING:
    from tests.compatibility.conftest import JavaShelf
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer
    from tests.compatibility.places import Place

# Decided with the records of one storage, which are finished in that write.
POINTS = (
    Point("prepared", "before", "commit-state", 1, 2, 0, decided=False),
    Point("half-finished", "after", "commit-state", 1, 2, 1, decided=True),
)
HELD = Hold("prepared", "before", "commit-state", decided=False)
READ_OURS, SETTLED_OURS, COMMITTED_OURS = 1, 2, 3


@pytest.fixture(scope="module")
def left(java_shelf: JavaShelf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    folder = tmp_path_factory.mktemp("unread")
    return left_by_us(java_shelf.peer(NEWEST), folder, POINTS, unread=True)


@pytest.mark.parametrize("by_java", [True, False])
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_on_sqlite(
    left: dict[str, Left],
    java: JavaPeer,
    point: Point,
    by_java: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    state = left[str(point)].copy(tmp_path_factory.mktemp("copy"), age=16)
    prepared = 2 - point.tables_finished
    assert len(state.uncommitted()) == 5 * prepared
    expected = state.committed() if point.decided else state.before
    if by_java:
        session = java.open_sqlite(state.file)
        with session.transaction(isolation="SERIALIZABLE") as tx:
            found = {name: tx.get(name[0], key(name[1])) for name in KEYS}
        values = state.values(after=point.decided)
        assert {name: record for name, record in found.items() if record is not None} == values
        for table, number in KEYS:
            session.recover(table, key(number))
        session.close()
    else:
        with ours(state.file) as db:
            for table, number in KEYS:
                db.recover(table, key(number))
    assert rows(state.file) == expected
    if not point.decided:
        assert decisions(state.file)[state.writer][0] == ABORTED


@at("dynamodb", "postgresql", "mysql")
def test_on_servers(place: Place) -> None:
    tables = (f"{place.first}.unread", f"{place.second}.unread")
    ids = (READ_OURS, SETTLED_OURS, COMMITTED_OURS)
    # DynamoDB keeps no value in an indexed column.
    index = () if place.name == "dynamodb" else ("balance",)
    prepare_partitions(place, tables, ids, index=index)
    found = {
        held.id: held for held in held_in_ours(place, tables, dict.fromkeys(ids, HELD), unread=True)
    }
    for held in found.values():
        assert len(held.uncommitted()) == 5 * len(tables)
        held.age(16)
    decided = replace(found[COMMITTED_OURS], hold=replace(HELD, decided=True))
    decision: Row = {
        "tx_id": decided.writer,
        "tx_state": COMMITTED,
        "tx_created_at": 1_700_000_000_000,
    }
    place.java.storage_put(place.coordinator, decision)
    for held, by_java in (
        (found[READ_OURS], True),
        (found[SETTLED_OURS], False),
        (decided, True),
    ):
        expected = held.expected()
        settle(place, held, by_java=by_java)
        assert held.rows() == expected
        state = TransactionState.COMMITTED if held.hold.decided else TransactionState.ABORTED
        assert place.ours.state(held.writer) is state


def settle(place: Place, held: Held, *, by_java: bool) -> None:
    """Read as a program does, then wait until nothing is left to be settled."""
    if by_java:
        with place.java.transaction(isolation="SERIALIZABLE") as tx:
            found = {name: tx.get(name[0], held.key(name[1])) for name in held.keys}
        values = held.values(after=held.hold.decided)
        assert {name: dict(record) for name, record in found.items() if record} == values
    for table, number in held.keys:
        (place.java if by_java else place.ours).recover(table, held.key(number))

"""Index reads meet records that the other side has prepared: the old value, the new, neither."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import ConflictError, column
from tests.compatibility.bank import ACCOUNT, account, bank, key
from tests.compatibility.conftest import started
from tests.compatibility.java_peer import NEWEST, Expression, JavaError
from tests.compatibility.ours import EVERY_STEP_TAKEN, ours, watch
from tests.compatibility.unfinished import (
    BANK,
    POINTS,
    Left,
    Point,
    left_by_java,
    left_by_us,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.compatibility.conftest import JavaShelf
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer, JavaSession
    from tests.compatibility.java_session import Isolation

STRICT: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT")
LEVELS: tuple[Isolation, ...] = (*STRICT, "READ_COMMITTED")
NAMES = ("prepared", "decided", "half-finished")
CHOSEN = [point for point in POINTS if str(point) in NAMES]
# Left by an update of record 2 and taken by the insert of record 1; new; deleted; as imported.
VALUES = (100, 120, 0, 70)
READS = ("index", "filter")


@pytest.fixture(scope="module", params=["java", "ours"])
def left(
    request: pytest.FixtureRequest, java_shelf: JavaShelf, tmp_path_factory: Any
) -> dict[str, Left]:
    """What Java left, then what we left: each is read by both."""
    folder = tmp_path_factory.mktemp("left")
    if request.param == "ours":
        return left_by_us(java_shelf.peer(NEWEST), folder, CHOSEN)
    with started() as doomed:
        return left_by_java(doomed, folder, CHOSEN)


Copies = Callable[[float], Left]


@pytest.fixture
def copies(left: dict[str, Left], point: Point, tmp_path: Path) -> Copies:
    """A fresh copy of the file at each call, of the given age."""
    numbers = itertools.count()

    def copy(age: float) -> Left:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return left[str(point)].copy(folder, age=age)

    return copy


def read_by_us(file: Path, level: Isolation, how: str, value: int) -> list[Row]:
    """ConflictError becomes LookupError: an undecided writer is in the way."""
    with ours(file) as db:
        try:
            with db.transaction(isolation=level) as tx:
                found = (
                    tx.scan(BANK, index={"balance": value})
                    if how == "index"
                    else tx.scan(BANK, whole_table=True, where=column("balance") == value)
                )
        except ConflictError as conflict:
            raise LookupError from conflict
    return by_id([dict(record) for record in found])


def read_by_java(session: JavaSession, level: Isolation, how: str, value: int) -> list[Row]:
    tx = session.begin(isolation=level)
    try:
        found = (
            tx.scan(BANK, index={"balance": value})
            if how == "index"
            else tx.scan(BANK, where=[[Expression("balance", "EQ", value)]])
        )
        tx.commit()
    except JavaError as error:
        if error.kind != "UncommittedRecordException":
            raise
        tx.rollback()
        raise LookupError from error
    return by_id(found)


def close(session: JavaSession) -> None:
    """Close a session when what its reads began in the background is done."""
    for number in range(1, 7):
        try:
            session.recover(BANK, key(number))
        except JavaError as error:
            if error.kind != "UncommittedRecordException":
                raise
    session.close()


def by_id(found: list[Row]) -> list[Row]:
    return sorted(found, key=lambda row: int(str(row["id"])))


def expected(state: Left, value: int, *, after: bool) -> list[Row]:
    return [
        row
        for (table, _), row in sorted(state.values(after=after).items())
        if table == BANK and row["balance"] == value
    ]


@pytest.mark.parametrize("point", CHOSEN, ids=str)
class TestWhoeverReads:
    """The same file is read by both, each time as the writer left it."""

    @pytest.mark.parametrize("how", READS)
    @pytest.mark.parametrize("level", STRICT)
    def test_an_index_read_finds_what_is_committed(
        self, copies: Copies, java: JavaPeer, level: Isolation, how: str
    ) -> None:
        for value in VALUES:
            state = copies(16)
            wanted = expected(state, value, after=state.point.decided)
            assert read_by_us(state.file, level, how, value) == wanted
            session = java.open_sqlite(copies(16).file)
            assert read_by_java(session, level, how, value) == wanted
            close(session)
        found = [expected(state, value, after=state.point.decided) for value in VALUES]
        assert {len(each) for each in found} == {0, 1}

    @pytest.mark.parametrize("age", [5, 16])
    def test_at_read_committed_an_index_read_misses_the_same_for_both(
        self, copies: Copies, java: JavaPeer, age: int
    ) -> None:
        """What is found by its new value shows the previous one, so it is left out.

        What is found by its previous value Java shows as it was, and we as its writer has decided.
        """
        for value in VALUES:
            state = copies(age)
            session = java.open_sqlite(state.file)
            found: list[list[Row] | str] = []
            for read in (
                partial(read_by_us, copies(age).file, "READ_COMMITTED", "index", value),
                partial(read_by_java, session, "READ_COMMITTED", "index", value),
            ):
                try:
                    found.append(read())
                except LookupError:
                    found.append("undecided")
            close(session)
            committed = expected(state, value, after=state.point.decided)
            assert found[0] in (found[1], committed), value

    @pytest.mark.parametrize("age", [5, 16])
    def test_at_read_committed_a_filter_is_judged_on_previous_values(
        self, copies: Copies, age: int
    ) -> None:
        for value in VALUES:
            state = copies(age)
            unsettled = state.uncommitted()
            wanted = [
                row
                for after in (False, True)
                for row in expected(state, value, after=after)
                if ((BANK, row["id"]) in unsettled) != after
            ]
            found = read_by_us(state.file, "READ_COMMITTED", "filter", value)
            assert found == by_id(wanted), value


@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize("level", STRICT)
def test_an_index_read_refuses_to_guess_what_an_undecided_writer_will_do(
    left: dict[str, Left], java: JavaPeer, level: Isolation, how: str, tmp_path: Path
) -> None:
    state = left["prepared"].copy(tmp_path, age=5)
    before = rows(state.file)
    session = java.open_sqlite(state.file)
    for value in VALUES:
        with pytest.raises(LookupError):
            read_by_us(state.file, level, how, value)
        with pytest.raises(LookupError):
            read_by_java(session, level, how, value)
    assert read_by_us(state.file, level, how, 999) == []
    assert read_by_java(session, level, how, 999) == []
    session.close()
    assert rows(state.file) == before


# Validation: the other side writes between an index read and its commit.


@pytest.fixture
def session(java: JavaPeer, file: Path) -> Iterator[JavaSession]:
    opened = bank(java, file, watched=True)
    with opened.transaction() as tx:
        for number in (1, 2, 3):
            tx.insert(ACCOUNT, account(number, number * 100))
    yield opened
    opened.close()


def leave(tx: Any) -> None:
    """Record 1 leaves the index value 100."""
    tx.update(ACCOUNT, key(1), {"balance": 150})


def enter(tx: Any) -> None:
    """Record 2 comes to the index value 100."""
    tx.update(ACCOUNT, key(2), {"balance": 100})


def appear(tx: Any) -> None:
    """A new record has it."""
    tx.insert(ACCOUNT, account(9, 100))


def vanish(tx: Any) -> None:
    """The record with it is gone."""
    tx.delete(ACCOUNT, key(1))


CHANGES = (leave, enter, appear, vanish)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_our_index_read_does_not_outlive_a_change_by_java(
    session: JavaSession, file: Path, change: Callable[[Any], None], *, committed: bool
) -> None:
    pause = None if committed else session.watch.pause("after", step="prepare")
    with ours(file) as db:
        tx = db.begin(isolation="SERIALIZABLE")
        assert len(tx.scan(ACCOUNT, index={"balance": 100})) == 1
        tx.update(ACCOUNT, key(3), {"name": "I saw one"})
        writer = session.begin()
        change(writer)
        pending = writer.commit_later()
        if pause is None:
            pending.result()
        else:
            pause.wait_paused()
        with pytest.raises(ConflictError):
            tx.commit()
        with db.transaction(isolation="SNAPSHOT") as reader:
            assert dict(reader.get(ACCOUNT, key(3)) or {}) == account(3, 300)
    if pause is not None:
        pause.release()
        pending.result()


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_an_index_read_of_java_does_not_outlive_a_change_by_us(
    session: JavaSession, file: Path, change: Callable[[Any], None], *, committed: bool
) -> None:
    reader = session.begin(isolation="SERIALIZABLE")
    assert len(reader.scan(ACCOUNT, index={"balance": 100})) == 1
    reader.update(ACCOUNT, key(3), {"name": "I saw one"})
    refused: list[str] = []

    def commit_reader() -> None:
        with pytest.raises(JavaError) as conflict:
            reader.commit()
        refused.append(conflict.value.kind)

    with ours(file, **EVERY_STEP_TAKEN) as db:
        stop = watch(db).at("after", "finish" if committed else "prepare", commit_reader)
        with db.transaction() as tx:
            change(tx)
        assert stop.hits == 1
        assert refused == ["CommitConflictException"]
        assert dict(db.get(ACCOUNT, key(3)) or {}) == account(3, 300)


def test_what_came_to_an_index_value_and_is_about_to_leave_it_is_noticed_by_us(
    session: JavaSession, file: Path
) -> None:
    """Only its previous image shows at validation that the record was there."""
    with ours(file) as db:
        tx = db.begin(isolation="SERIALIZABLE")
        assert len(tx.scan(ACCOUNT, index={"balance": 100})) == 1
        tx.update(ACCOUNT, key(3), {"name": "I saw one"})
        with session.transaction() as first:
            enter(first)
        pause = session.watch.pause("after", step="prepare")
        second = session.begin()
        second.update(ACCOUNT, key(2), {"balance": 150})
        pending = second.commit_later()
        pause.wait_paused()
        with pytest.raises(ConflictError):
            tx.commit()
    pause.release()
    pending.result()


def test_what_came_to_an_index_value_and_is_about_to_leave_it_is_noticed_by_java(
    session: JavaSession, file: Path
) -> None:
    reader = session.begin(isolation="SERIALIZABLE")
    assert len(reader.scan(ACCOUNT, index={"balance": 100})) == 1
    reader.update(ACCOUNT, key(3), {"name": "I saw one"})

    def commit_reader() -> None:
        with pytest.raises(JavaError) as conflict:
            reader.commit()
        assert conflict.value.kind == "CommitConflictException"

    with ours(file, **EVERY_STEP_TAKEN) as db:
        with db.transaction() as first:
            enter(first)
        stop = watch(db).at("after", "prepare", commit_reader)
        with db.transaction() as second:
            second.update(ACCOUNT, key(2), {"balance": 150})
        assert stop.hits == 1

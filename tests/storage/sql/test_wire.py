"""Statements on the way to PostgreSQL: prepared, grouped, refused at the very end."""

from __future__ import annotations

import datetime as dt
import enum
import threading
import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import ScanRequest, WholeTableSource, Write
from scalar_tx.storage.postgresql import wire
from tests.servers.kinds import KINDS as SERVERS
from tests.storage.sql.stage import all_rows, mutate, opened, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

NOTES = Table("wire.notes", TableSchema({"id": "INT", "t": "TEXT"}, ["id"]))
OFTEN = 12  # more than it takes until a statement is prepared


@pytest.fixture
def notes(postgresql: ServerStorage) -> Iterator[ServerStorage]:
    run(postgresql.admin.drop_table(NOTES.name, if_exists=True))
    run(postgresql.admin.create_table(NOTES))
    yield postgresql
    run(postgresql.admin.drop_table(NOTES.name))


def test_a_prepared_statement_outlives_a_change_of_its_table(notes: ServerStorage) -> None:
    mutate(notes, Write(NOTES, (1,), {"t": "x"}))
    for turn in range(OFTEN):
        assert run(notes.get(NOTES, (1,))) == {"id": 1, "t": "x"}, turn
    notes.pool.write("ALTER TABLE wire.notes ALTER t TYPE VARCHAR(10485760)")
    assert run(notes.get(NOTES, (1,))) == {"id": 1, "t": "x"}
    assert notes.pool.open_connections == 1


def test_what_fails_as_it_is_committed_has_failed(notes: ServerStorage) -> None:
    notes.pool.write(
        "ALTER TABLE wire.notes ADD CONSTRAINT one UNIQUE (t) DEFERRABLE INITIALLY DEFERRED"
    )
    mutate(notes, Write(NOTES, (0,), {"t": "same"}))
    for turn in range(OFTEN):
        with pytest.raises(WriteRefusedError):
            mutate(notes, Write(NOTES, (1,), {"t": "same"}))
        with pytest.raises(WriteRefusedError):
            mutate(notes, Write(NOTES, (2,), {"t": "b"}), Write(NOTES, (3,), {"t": "same"}))
        assert len(all_rows(notes, ScanRequest(NOTES, WholeTableSource()))) == 1, turn


def test_a_group_may_be_large(notes: ServerStorage) -> None:
    text = "x" * 2000
    mutate(notes, *(Write(NOTES, (i,), {"t": text}, if_not_exists) for i in range(3000)))
    assert notes.pool.read("SELECT count(*), sum(length(t)) FROM wire.notes") == [(3000, 6000000)]
    with pytest.raises(WriteRefusedError, match="2999"):
        mutate(
            notes,
            *(Write(NOTES, (i,), {"t": "y"}, column("t") == text) for i in range(2999)),
            Write(NOTES, (2999,), {"t": "y"}, column("t") == "other"),
        )
    assert notes.pool.read("SELECT count(*) FROM wire.notes WHERE t='y'") == [(0,)]


def test_an_error_amid_a_group_leaves_the_connection_sound(notes: ServerStorage) -> None:
    notes.pool.write("ALTER TABLE wire.notes ADD CHECK (t <> 'bad')")
    for turn in range(OFTEN):
        with pytest.raises(InvalidOperationError):
            mutate(
                notes,
                Write(NOTES, (1,), {"t": "good"}),
                Write(NOTES, (2,), {"t": "bad"}),
                Write(NOTES, (3,), {"t": "good"}),
            )
        mutate(notes, Write(NOTES, (4,), {"t": "a"}), Write(NOTES, (5,), {"t": f"{turn}"}))
    found = all_rows(notes, ScanRequest(NOTES, WholeTableSource()))
    assert [row["id"] for row in found] == [4, 5]


def test_no_more_statements_are_kept_than_there_is_room_for(notes: ServerStorage) -> None:
    for n in range(650):
        assert notes.pool.read(f"SELECT {n} + %s", (1,)) == [(n + 1,)]
        if n % 100 == 0:
            for _ in range(OFTEN):
                notes.pool.read(f"SELECT %s::int + {n}", (n,))
    ((kept,),) = notes.pool.read("SELECT count(*) FROM pg_prepared_statements")
    assert 1 <= kept <= 2, "of the seven that were prepared"


def test_statements_are_not_forgotten_amid_a_group(notes: ServerStorage) -> None:
    often = ("UPDATE wire.notes SET t='x' WHERE id=%s", (1,))
    for _ in range(OFTEN):
        notes.pool.write(*often)
    for n in range(wire._STATEMENTS_KEPT):
        new = [(f"UPDATE wire.notes SET t='{n}.{i}' WHERE id=%s", (1,)) for i in range(2)]
        counts = notes.pool.transaction(lambda one, new=new: one.counts([often, *new]))  # type: ignore[misc]
        assert counts == [0, 0, 0], n


def test_two_connections_name_their_statements_differently(notes: ServerStorage) -> None:
    held = [notes.pool.moment(), notes.pool.moment()]
    for one in held:
        for _ in range(OFTEN):
            one.read("SELECT 1")
    names = [{name for (name,) in one.read("SELECT name FROM pg_prepared_statements")}
             for one in held]  # fmt: skip
    for one in held:
        one.close()
    assert all(names)
    assert not names[0] & names[1]


def test_why_the_server_hung_up_amid_a_group_is_told(notes: ServerStorage) -> None:
    ends = ("SELECT pg_terminate_backend(pg_backend_pid())", ())
    with pytest.raises(StorageUnavailableError, match="57P01"):
        notes.pool.transaction(lambda one: one.counts([ends, ("SELECT 1", ()), ("SELECT 2", ())]))
    assert notes.pool.open_connections == 0


def test_a_time_that_python_has_no_value_for_is_an_unreadable_cell(notes: ServerStorage) -> None:
    table = Table("wire.times", TableSchema({"id": "INT", "t": "TIME"}, ["id"]))
    run(notes.admin.drop_table(table.name, if_exists=True))
    run(notes.admin.create_table(table))
    notes.pool.write("INSERT INTO wire.times VALUES (1, '24:00')")
    with pytest.raises(SchemaError) as caught:
        run(notes.get(table, (1,)))
    assert caught.value.code == "STX-3301"
    run(notes.admin.drop_table(table.name))


class Name(enum.StrEnum):
    NOTES = "wire.notes"


class Number(enum.IntEnum):
    ONE = 1


class Degrees(float):
    def __repr__(self) -> str:
        return f"{float(self)} degrees"


class Moment(dt.datetime):
    pass


def test_values_of_subclasses_are_sent_as_their_own(notes: ServerStorage) -> None:
    assert run(notes.admin.table(Name.NOTES)) == NOTES
    moment = Moment(2024, 1, 2, 3, 4, 5)
    given = [Name.NOTES, Number.ONE, True, Degrees(1.5), moment]
    text = "SELECT %s::text, %s, %s, %s, %s::timestamp"
    assert notes.pool.read(text, given) == [("wire.notes", 1, True, 1.5, moment)]


def test_a_value_that_can_not_be_sent_is_refused(notes: ServerStorage) -> None:
    with pytest.raises(InvalidOperationError, match="complex"):
        notes.pool.read("SELECT %s", (1j,))
    assert notes.pool.read("SELECT 1") == [(1,)]


@pytest.mark.servers("postgresql")
def test_a_commit_that_no_standby_has_is_in_doubt_whatever_the_server_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "_NOT_REPLICATED", "not in these words")
    with SERVERS["postgresql"](settings={"synchronous_standby_names": "nobody"}) as server:  # type: ignore[call-arg]  # of this kind
        owner = opened("postgresql", server.properties())
        owner.pool.write("SET synchronous_commit TO local")  # its only connection
        run(owner.admin.create_table(NOTES))
        storage = opened("postgresql", server.properties())
        for written in (
            [Write(NOTES, (1,), {"t": "x"})],
            [Write(NOTES, (2,), {"t": "x"}), Write(NOTES, (3,), {"t": "x"})],
        ):
            ends = threading.Thread(target=end_the_wait, args=(owner,))
            ends.start()
            with pytest.raises(ReplyLostError):
                mutate(storage, *written)
            ends.join(60)
        assert owner.pool.open_connections == 1
        run(storage.close())
        run(owner.close())


def end_the_wait(owner: ServerStorage) -> None:
    """Cancel whoever waits for the standby."""
    text = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event='SyncRep'"
    deadline = time.monotonic() + 30
    while not owner.pool.read(text) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_text_with_a_sign_that_can_not_be_is_refused_before_it_is_sent(
    notes: ServerStorage,
) -> None:
    with pytest.raises(InvalidOperationError):
        notes.pool.read("SELECT * FROM wire.notes WHERE t=%s", ("a\x00b",))
    assert notes.pool.read("SELECT 1") == [(1,)]


@pytest.mark.parametrize("threshold", ["0", "1"])
def test_statements_that_are_never_or_always_prepared(
    postgresql_server: Cluster, notes: ServerStorage, threshold: str
) -> None:
    properties = postgresql_server.properties()
    properties["scalar.db.contact_points"] += f"?prepareThreshold={threshold}"
    storage = opened("postgresql", properties)
    for n in range(3):
        mutate(storage, Write(NOTES, (n,), {"t": None}))
        mutate(storage, Write(NOTES, (n,), {"t": "x"}, column("t").is_null()))
        assert run(storage.get(NOTES, (n,))) == {"id": n, "t": "x"}
    assert bool(storage.pool.read("SELECT * FROM pg_prepared_statements")) is (threshold == "1")
    run(storage.close())

"""Which of several records does one statement read, and what is bound to it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra
from scalar_tx.storage.cassandra.reads_together import (
    MOST_TOGETHER,
    PartitionStatements,
    together,
)
from scalar_tx.storage.cassandra.session import Session
from scalar_tx.storage.cassandra.statements import RecordStatements
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from scalar_tx.storage.cassandra.wire import Cells
    from tests.servers import Cluster

LIST = Table(
    "together.list",
    TableSchema({"v": "INT", "c": "TEXT", "p": "INT"}, ["p"], ["c"]),
)
TWO = Table(
    "together.two",
    TableSchema({"p": "INT", "a": "INT", "b": "TEXT", "v": "INT"}, ["p"], ["a DESC", "b"]),
)
ALONE = Table("together.alone", TableSchema({"p": "INT", "v": "INT"}, ["p"]))


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def sized(value: bytes) -> bytes:
    return number(len(value)) + value


def key(*cells: int | str) -> Cells:
    return tuple(number(cell) if isinstance(cell, int) else cell.encode() for cell in cells)


def test_a_statement_lists_the_places_in_the_partition() -> None:
    found = PartitionStatements(RecordStatements(LIST)).get_several([key(7, "x"), key(7, "yz")])
    assert found.text == "SELECT p, c, v FROM together.list WHERE p=? AND c IN ?"
    assert found.values == (number(7), number(2) + sized(b"x") + sized(b"yz"))
    assert not found.conditional


def test_a_place_of_several_columns_is_a_tuple() -> None:
    found = PartitionStatements(RecordStatements(TWO)).get_several([key(7, 1, "x"), key(7, 2, "")])
    assert found.text.endswith(" WHERE p=? AND (a, b) IN ?")
    first, second = sized(number(1)) + sized(b"x"), sized(number(2)) + sized(b"")
    assert found.values == (number(7), number(2) + sized(first) + sized(second))


def test_a_row_is_found_by_its_place() -> None:
    statements = PartitionStatements(RecordStatements(TWO))
    columns = dict(zip(("p", "a", "b", "v"), key(7, 1, "x", 5), strict=True))
    row = tuple(columns[name] for name in TWO.columns)
    assert statements.clustering_of(row) == statements.clustering_in(key(7, 1, "x"))


def test_what_lies_apart_is_read_apart() -> None:
    wanted = [
        (LIST, key(1, "a")),
        (ALONE, key(1)),
        (LIST, key(2, "a")),
        (TWO, key(1, 5, "a")),
        (LIST, key(1, "b")),
        (ALONE, key(1)),  # again, and nothing lies beside it
    ]
    groups = [(one.table.name, one.numbers) for one in together(wanted)]
    assert groups == [
        ("together.list", [0, 4]),
        ("together.alone", [1]),
        ("together.list", [2]),
        ("together.two", [3]),
        ("together.alone", [5]),
    ]


def test_a_statement_reads_a_bounded_number() -> None:
    wanted = [(LIST, key(1, str(one))) for one in range(2 * MOST_TOGETHER + 1)]
    groups = together(wanted)
    assert [len(one.keys) for one in groups] == [MOST_TOGETHER, MOST_TOGETHER, 1]
    assert [one for group in groups for one in group.numbers] == list(range(len(wanted)))


@pytest.mark.servers("cassandra")
def test_a_hundred_of_a_partition_are_four_requests(
    cassandra_server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_cassandra(load(cassandra_server.properties()).storage)
    try:
        run_blocking(storage.admin.create_table(LIST, if_not_exists=True))
        run_blocking(storage.admin.truncate_table(LIST.name))
        run_blocking(
            storage.mutate([Write(LIST, (1, f"{one:03}"), {"v": one}) for one in range(99)])
        )
        asked: list[str] = []
        sent = Session._sent

        def noted(self: Session, session: object, statement: object, *more: object) -> object:
            asked.append(type(statement).__name__)
            return sent(self, session, statement, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(Session, "_sent", noted)
        wanted = [(LIST, (1, f"{one:03}")) for one in reversed(range(100))]
        found = run_blocking(storage.get_many(wanted))
    finally:
        run_blocking(storage.close())
    assert asked == ["BoundStatement"] * 4
    assert found[0] is None
    assert found[1:] == [{"p": 1, "c": f"{one:03}", "v": one} for one in reversed(range(99))]

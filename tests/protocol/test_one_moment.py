"""On SQLite validation sees one moment: what was absent was so together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import ConflictError
from scalar_tx.connection import parts_of
from scalar_tx.storage.sql.storage import SqlStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.sql.connections import Reader


SEAT, HALL = "room.seat", "hall.seat"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(f"sqlite:///{tmp_path / 'seats.db'}") as manager:
        for table in (SEAT, HALL):
            manager.admin.create_table(
                table,
                columns={"seat": "INT", "row": "INT"},
                partition_key=["seat"],
                secondary_index=["row"],
            )
        yield manager


@pytest.mark.parametrize("tables", [(SEAT, SEAT), (SEAT, HALL)], ids=["one table", "two tables"])
def test_a_guest_who_changes_seats_is_never_nowhere(
    db: scalar_tx.TransactionManager, monkeypatch: pytest.MonkeyPatch, tables: tuple[str, str]
) -> None:
    one, other = ((table, {"seat": number}) for number, table in enumerate(tables, 1))

    def move(start: tuple[str, dict[str, int]], goal: tuple[str, dict[str, int]]) -> None:
        with db.transaction() as tx:
            tx.delete(*start)
            tx.insert(goal[0], {**goal[1], "row": 7})

    db.insert(other[0], {**other[1], "row": 7})
    tx = db.begin()
    assert tx.get(*one) is None
    move(other, one)
    assert tx.get(*other) is None
    move(one, other)
    read = SqlStorage.read_together
    looked_at: list[list[tuple[Value, ...]]] = []

    def read_and_move(
        self: SqlStorage, table: Table, keys: list[tuple[Value, ...]], by: Reader
    ) -> list[Row]:
        rows = list(read(self, table, keys, by))
        if not looked_at:
            looked_at.append(keys)
            move(other, one)  # away from the seat that would be looked at next
        else:
            looked_at.append(keys)
        return rows

    monkeypatch.setattr(SqlStorage, "read_together", read_and_move)
    with pytest.raises(ConflictError):
        tx.commit()
    assert looked_at == ([[(1,), (2,)]] if one[0] == other[0] else [[(1,)], [(2,)]])


def test_a_moment_is_given_back(db: scalar_tx.TransactionManager) -> None:
    db.insert("room.seat", {"seat": 2, "row": 7})
    for _ in range(30):  # more often than connections are kept
        with db.transaction() as tx:
            assert tx.scan("room.seat", index={"row": 7}, limit=5)
            assert tx.get("room.seat", {"seat": 9}) is None
    assert len(parts_of(db).storage.connections._idle) <= 2  # type: ignore[attr-defined]  # SQLite's


def test_a_conflict_gives_it_back_too(db: scalar_tx.TransactionManager) -> None:
    db.insert("room.seat", {"seat": 2, "row": 7})
    for number in range(10, 13):
        tx = db.begin()
        assert tx.get("room.seat", {"seat": number}) is None
        assert tx.get("room.seat", {"seat": 2}) is not None
        db.insert("room.seat", {"seat": number, "row": 1})
        with pytest.raises(ConflictError):
            tx.commit()
    # A view that stays open would keep the WAL from being folded in.
    assert parts_of(db).storage.connections.read("PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]  # type: ignore[attr-defined]  # SQLite's

"""On SQLite validation sees one moment: what was absent was so together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import ConflictError
from scalar_tx.storage.sql.storage import SqlMoment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value


@pytest.fixture
def db(tmp_path: Path) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(f"sqlite:///{tmp_path / 'seats.db'}") as manager:
        manager.admin.create_table(
            "room.seat",
            columns={"seat": "INT", "row": "INT"},
            partition_key=["seat"],
            secondary_index=["row"],
        )
        manager.insert("room.seat", {"seat": 2, "row": 7})
        yield manager


def move(db: scalar_tx.TransactionManager, start: int, goal: int) -> None:
    with db.transaction() as tx:
        tx.delete("room.seat", {"seat": start})
        tx.insert("room.seat", {"seat": goal, "row": 7})


def test_a_guest_who_changes_seats_is_never_nowhere(
    db: scalar_tx.TransactionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = db.begin()
    assert tx.get("room.seat", {"seat": 1}) is None
    move(db, 2, 1)
    assert tx.get("room.seat", {"seat": 2}) is None
    move(db, 1, 2)
    get = SqlMoment.get
    looked_at: list[Value] = []

    async def get_and_move(moment: SqlMoment, table: Table, key: tuple[Value, ...]) -> Row | None:
        row = await get(moment, table, key)
        if not looked_at:
            move(db, 2, 1)  # away from the seat that will be looked at next
        looked_at.append(key[0])
        return row

    monkeypatch.setattr(SqlMoment, "get", get_and_move)
    with pytest.raises(ConflictError):
        tx.commit()
    assert looked_at == [1, 2]


def test_a_moment_is_given_back(db: scalar_tx.TransactionManager) -> None:
    for _ in range(30):  # more often than connections are kept
        with db.transaction() as tx:
            assert tx.scan("room.seat", index={"row": 7}, limit=5)
            assert tx.get("room.seat", {"seat": 9}) is None
    assert len(db._parts.storage.connections._idle) <= 2  # type: ignore[attr-defined]  # SQLite's


def test_a_conflict_gives_it_back_too(db: scalar_tx.TransactionManager) -> None:
    for number in range(10, 13):
        tx = db.begin()
        assert tx.get("room.seat", {"seat": number}) is None
        assert tx.get("room.seat", {"seat": 2}) is not None
        db.insert("room.seat", {"seat": number, "row": 1})
        with pytest.raises(ConflictError):
            tx.commit()
    # A view that stays open would keep the WAL from being folded in.
    assert db._parts.storage.connections.read("PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]  # type: ignore[attr-defined]  # SQLite's

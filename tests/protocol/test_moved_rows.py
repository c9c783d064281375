"""A scan ordered by values finds a row whose undecided or dead writer moved it elsewhere."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, Isolation
from scalar_tx.connection import parts_of

if TYPE_CHECKING:
    from pathlib import Path


class Killed(BaseException):
    """The process is gone."""


async def killed(_: object) -> None:
    raise Killed


def leave_prepared(db: scalar_tx.TransactionManager, number: int, rank: int) -> None:
    """Die after the prepare of one update."""
    hooks = parts_of(db).context.commit_hooks
    hooks.append(killed)  # type: ignore[arg-type]  # it never answers
    with pytest.raises(Killed), db.transaction(isolation=Isolation.SNAPSHOT) as tx:
        tx.update("race.runner", {"id": number}, {"rank": rank})
    hooks.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "race.db"


@pytest.fixture
def db(file: Path) -> scalar_tx.TransactionManager:
    # Every record is prepared: their rows are what is looked at here.
    manager = scalar_tx.connect(
        f"sqlite:///{file}", scan_fetch_size=2, consensus_commit_one_phase_commit_enabled=False
    )
    manager.admin.create_table(
        "race.runner", columns={"id": "INT", "rank": "INT"}, partition_key=["id"]
    )
    manager.load("race.runner", [{"id": n, "rank": n} for n in range(1, 9)])
    return manager


def expire(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute('UPDATE "race$runner" SET tx_prepared_at = 1 WHERE tx_state = 1')
    connection.commit()
    connection.close()


@pytest.mark.parametrize("how", [{"limit": 2}, {"limit": 2, "where": scalar_tx.column("rank") < 9}])
def test_within_a_limit(db: scalar_tx.TransactionManager, file: Path, how: dict[str, Any]) -> None:
    leave_prepared(db, 1, 50)
    with pytest.raises(ConflictError):
        db.run(
            lambda tx: tx.scan("race.runner", whole_table=True, order_by=["rank"], **how), retry=0
        )
    expire(file)
    rows = db.scan("race.runner", whole_table=True, order_by=["rank"], **how)
    assert [row["id"] for row in rows] == [1, 2]


def test_behind_a_page(db: scalar_tx.TransactionManager, file: Path) -> None:
    with (
        db.transaction() as tx,
        tx.scanner("race.runner", whole_table=True, order_by=["rank"], limit=4) as scanner,
    ):
        assert [row["id"] for row in scanner] == [1, 2, 3, 4]
        token = scanner.page_token
    leave_prepared(db, 7, -1)
    expire(file)
    rows = db.scan("race.runner", whole_table=True, order_by=["rank"], after=token)
    assert [row["id"] for row in rows] == [5, 6, 7, 8]


def test_at_read_committed_the_old_place_counts(db: scalar_tx.TransactionManager) -> None:
    leave_prepared(db, 8, 0)
    with db.transaction(isolation=Isolation.READ_COMMITTED, read_only=True) as tx:
        rows = tx.scan("race.runner", whole_table=True, order_by=["-rank"], limit=3)
    assert [row["id"] for row in rows] == [8, 7, 6]

"""How many durable writes does a transaction on SQLite take, alone and beside others?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from tests.costs import shapes
from tests.storage.sqlite.callers import lined_up, overhear, writing

if TYPE_CHECKING:
    from pathlib import Path

ONE_PHASE = "scalar.db.consensus_commit.one_phase_commit.enabled"
SYNCED = ("COMMIT", "INSERT INTO", "UPDATE")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return overhear(monkeypatch)


def connected(folder: Path, *, one_phase: bool) -> scalar_tx.TransactionManager:
    return scalar_tx.connect(
        {
            "scalar.db.storage": "jdbc",
            "scalar.db.contact_points": f"jdbc:sqlite:{folder}/costs.db?journal_mode=WAL",
            ONE_PHASE: str(one_phase).lower(),
        }
    )


@pytest.mark.parametrize("one_phase, statements", [
    (False, ["SELECT", "UPDATE", "INSERT INTO", "UPDATE"]),
    (True, ["SELECT", "BEGIN IMMEDIATE", "INSERT INTO", "UPDATE", "COMMIT"]),
])  # fmt: skip
def test_a_transaction_alone(
    tmp_path: Path,
    said: list[str],  # the fixture
    one_phase: bool,
    statements: list[str],
) -> None:
    with connected(tmp_path, one_phase=one_phase) as db:
        shapes.prepare(db)
        shapes.run(db, "reads one, updates it", "SERIALIZABLE")
        said.clear()
        shapes.run(db, "reads one, updates it", "SERIALIZABLE")
        assert said == statements


@pytest.mark.parametrize("one_phase", [False, True])
def test_transactions_beside_each_other(
    tmp_path: Path,
    said: list[str],  # the fixture
    one_phase: bool,
) -> None:
    """Four that come to their commit together: what one durable write costs is shared by all."""
    with connected(tmp_path, one_phase=one_phase) as db:
        shapes.prepare(db)
        storage: Any = parts_of(db).storage

        def change(number: int) -> None:
            with db.transaction() as tx:
                key = {"p": number, "c": 1}
                assert tx.get(shapes.TABLE, key) is not None
                tx.update(shapes.TABLE, key, {"n": number})

        with writing(storage):
            said.clear()
            callers = lined_up(storage, [lambda n=n: change(n) for n in shapes.FOUR])  # type: ignore[misc]
        assert [caller.ended() for caller in callers] == [None] * 4
    alone = 0
    together = False
    for text in said:
        together = text == "BEGIN IMMEDIATE" or (together and text != "COMMIT")
        alone += not together and text in SYNCED
    # One of all four, and as many as there were if nobody met anybody again.
    assert alone <= 1 + (0 if one_phase else 2 * 4)
    group = said[said.index("BEGIN IMMEDIATE") :]
    first = group[: group.index("COMMIT")]
    assert first.count("UPDATE") == 4
    assert first.count("INSERT INTO") == (4 if one_phase else 0)

"""An observer sees each transaction begin and end, and can harm none of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import TransactionState
from scalar_tx.connection import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.consensus_commit.transaction import TransactionSteps


@pytest.fixture(params=["memory", "sqlite"])
def db(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[scalar_tx.TransactionManager]:
    folder = tmp_path_factory.mktemp("observer")
    target = "memory://" if request.param == "memory" else f"sqlite:///{folder}/observer.db"
    with scalar_tx.connect(target) as manager:
        manager.admin.create_table(
            "bank.account", columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        yield manager


class Witness:
    """Keeps what it is told, and raises where it is told to."""

    def __init__(self, failing: str = "") -> None:
        self.told: list[tuple[str, TransactionState | None]] = []
        self._failing = failing

    def began(self, transaction: TransactionSteps) -> None:
        self._tell("began", transaction)

    def ended(self, transaction: TransactionSteps) -> None:
        self._tell("ended", transaction)

    def _tell(self, what: str, transaction: TransactionSteps) -> None:
        self.told.append((what, transaction.outcome))
        if what == self._failing:
            raise RuntimeError("of the observer")


def test_each_end_is_told_once(db: scalar_tx.TransactionManager) -> None:
    before = db.begin()
    witness = Witness()
    parts_of(db).context.observers.append(witness)
    before.commit()
    assert witness.told == [], "it does not know of the beginning"
    tx = db.begin()
    tx.upsert("bank.account", {"id": 1, "balance": 1})
    tx.commit()
    tx = db.begin()
    tx.rollback()
    tx.rollback()
    began = ("began", None)
    assert witness.told == [
        began,
        ("ended", TransactionState.COMMITTED),
        began,
        ("ended", TransactionState.ABORTED),
    ]


@pytest.mark.parametrize("failing", ["began", "ended"])
def test_one_that_fails_is_logged_and_called_no_more(
    db: scalar_tx.TransactionManager, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    broken, sound = Witness(failing), Witness()
    parts_of(db).context.observers.extend([broken, sound])
    early = db.begin()
    for number in range(3):
        db.insert("bank.account", {"id": number, "balance": 1})
    early.commit()
    assert len(db.scan("bank.account", whole_table=True)) == 3
    assert [line.name for line in caplog.records] == ["scalar_tx.observer"]
    assert broken.told.count(("began", None)) == (1 if failing == "began" else 2)
    assert sum(what == "ended" for what, _ in broken.told) == (failing == "ended")
    assert sum(what == "ended" for what, _ in sound.told) == 5
    assert parts_of(db).context.observers == [sound]

"""What does a transaction say of itself when Ctrl-C comes in the middle of its commit?

Python delivers it where a function is entered or a built-in one returns; each such place of a
commit is tried. Whatever the transaction says then is what the coordinator says, or UNKNOWN; where
it still is open it can be rolled back; and records of both kinds tell one story.
"""

from __future__ import annotations

import gc
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import Isolation, TransactionState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ACCOUNT = "bank.account"
OURS = str(Path(scalar_tx.__file__).parent)


class Interrupt(KeyboardInterrupt):
    """Ctrl-C, of this test."""


class AtPlace:
    """Interrupts at the place of that number, within the library."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(OURS):
            self._left -= 1
            if self._left == 0:
                sys.setprofile(None)
                raise Interrupt

    def __enter__(self) -> None:
        sys.setprofile(self)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


@pytest.fixture
def db() -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect("memory://") as manager:
        manager.admin.create_table(
            ACCOUNT, columns={"id": "INT", "balance": "INT"}, partition_key=["id"]
        )
        for number in (1, 2):
            manager.upsert(ACCOUNT, {"id": number, "balance": 0})
        yield manager


def interrupted(db: scalar_tx.TransactionManager, place: int) -> scalar_tx.Transaction | None:
    """Move one unit, interrupted at a place of the commit; None: it ended before that place."""
    tx = db.begin(isolation=Isolation.SERIALIZABLE)
    assert tx.id
    assert len(tx.scan(ACCOUNT, whole_table=True)) == 2  # to be validated
    assert tx.get(ACCOUNT, {"id": 3}) is None
    for number, change in ((1, 1), (2, -1)):
        record = tx.get(ACCOUNT, {"id": number})
        assert record is not None
        tx.update(ACCOUNT, {"id": number}, {"balance": int(str(record["balance"])) + change})
    try:
        with AtPlace(place):
            tx.commit()
    except Interrupt:
        return tx
    return None


def test_at_every_place_of_a_commit(db: scalar_tx.TransactionManager) -> None:
    committed = 0
    seen = set()
    place = 0
    # Whatever is held when Ctrl-C comes is let go: another thread asks what became of it.
    with ThreadPoolExecutor(1) as elsewhere, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # coroutines that never began
        while True:
            place += 1
            tx = interrupted(db, place)
            if tx is None:
                break
            seen.add(tx.outcome)
            if tx.outcome is None:
                tx.rollback()
                assert tx.outcome is TransactionState.ABORTED
            (standing,) = elsewhere.map(db.settle, [tx.id], timeout=20)
            assert tx.outcome in (standing, TransactionState.UNKNOWN), place
            committed += standing is TransactionState.COMMITTED
            records = db.scan(ACCOUNT, whole_table=True)
            assert [record["balance"] for record in records] == [committed, -committed], place
        gc.collect()
    assert place > 100
    assert seen == {None, *TransactionState}

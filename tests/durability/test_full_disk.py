"""Real limits, met by Python's own driver: a file that can't grow, and SQLite's own limit."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

import pytest

from tests.durability.clock import READING_MS, WRITING_MS, connect
from tests.durability.judge import judge
from tests.durability.ledger import SET_UP, Teller, set_up
from tests.durability.tape import Tape, Told
from tests.storage.sqlite.files import in_child

if TYPE_CHECKING:
    from pathlib import Path

    import scalar_tx

SEED: Final = 1
WORKS: Final = 24
NO_ROOM: Final = ("STX-4113", "STX-4003", "STX-4004")


def fill(db: scalar_tx.TransactionManager) -> Teller:
    """Run transactions until the disk is full, and more."""
    teller = Teller(Tape(), SEED)
    teller.run(db, 1, WORKS)
    assert Told.DONE in teller.known.values()
    refused = [error for error in teller.errors if error.code in NO_ROOM]
    assert len(refused) >= 3, teller.errors
    assert all(error.code.startswith("STX-") and error.advice for error in teller.errors)
    return teller


def check(file: Path, teller: Teller) -> None:
    assert not teller.unknown
    assert judge(file, {SET_UP: Told.DONE, **teller.known}, SEED).lines() == []


@pytest.mark.parametrize("journal, room", [("wal", 60_000), ("delete", 8_000)])
def test_a_file_that_can_not_grow(tmp_path: Path, journal: str, room: int) -> None:
    file = tmp_path / "ledger.db"

    def child() -> None:
        with connect(file, f"journal_mode={journal}", WRITING_MS, "one") as db:
            set_up(db)
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            grown = max(one.stat().st_size for one in tmp_path.iterdir())
            resource.setrlimit(resource.RLIMIT_FSIZE, (grown + room, most))
            teller = fill(db)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            teller.settle(db)
            db.insert("ledger.marker", {"book": 2, "id": 1, "by": "the same manager"})
        check(file, teller)

    in_child(child)


def test_the_limit_of_pages(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with connect(file, "journal_mode=wal", WRITING_MS, "one") as db:
        set_up(db)
    pages = file.stat().st_size // 4096 + 4
    with connect(file, f"max_page_count={pages}", WRITING_MS, "two") as db:
        teller = fill(db)
    with connect(file, "", READING_MS, "three") as db:
        teller.settle(db)
    check(file, teller)

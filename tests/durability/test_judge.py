"""Does the judge notice what it is there for?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from tests.durability.clock import WRITING_MS, connect
from tests.durability.judge import judge
from tests.durability.ledger import SET_UP, Teller, Work, set_up
from tests.durability.tape import Tape, Told

if TYPE_CHECKING:
    from pathlib import Path

SEED: Final = 1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def known(file: Path) -> dict[int, Told]:
    """What was told about a file in which nothing is wrong."""
    teller = Teller(Tape(), SEED)
    with connect(file, "synchronous=OFF", WRITING_MS, "writer") as db:
        set_up(db)
        teller.run(db, 1, 6)
    return {SET_UP: Told.DONE, **teller.known}


def by_hand(file: Path, text: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        assert connection.execute(text).rowcount > 0


def test_a_sound_file(file: Path, known: dict[int, Told]) -> None:
    assert known[4] is Told.FAILED
    assert judge(file, known, SEED).lines() == []


def test_a_lost_commit(file: Path, known: dict[int, Told]) -> None:
    verdict = judge(file, {**known, 7: Told.DONE}, SEED)
    assert (verdict.lost, verdict.problems) == ([7], [])


def test_a_commit_that_was_told_as_failed(file: Path, known: dict[int, Told]) -> None:
    verdict = judge(file, {**known, 3: Told.FAILED}, SEED)
    assert verdict.problems == ["told as failed and there: 3"]


def test_a_commit_that_nobody_began(file: Path, known: dict[int, Told]) -> None:
    del known[5]
    assert judge(file, known, SEED).problems == ["never begun and there: 5"]


@pytest.mark.parametrize("what", [Told.BEGUN, Told.UNKNOWN])
def test_what_is_in_doubt_may_be_there_or_not(
    file: Path, known: dict[int, Told], what: Told
) -> None:
    assert judge(file, {**known, 6: what, 7: what}, SEED).good


def test_half_a_transaction(file: Path, known: dict[int, Told]) -> None:
    by_hand(file, 'UPDATE "ledger$account" SET "balance"="balance"+1 WHERE "id"=3')
    (line,) = judge(file, known, SEED).problems
    assert line.startswith("balances after [1, 2, 3, 5, 6]")


def test_a_note_that_is_gone(file: Path, known: dict[int, Told]) -> None:
    by_hand(file, 'DELETE FROM "ledger$note"')
    (line,) = judge(file, known, SEED).problems
    assert line.startswith("notes after")


def test_a_gap(file: Path, known: dict[int, Told]) -> None:
    by_hand(file, 'DELETE FROM "ledger$marker" WHERE "id"=2')
    verdict = judge(file, known, SEED)
    assert verdict.lost == [2]
    assert "later than a lost one and there: 6" in verdict.problems


def test_a_record_that_nobody_settles(file: Path, known: dict[int, Told]) -> None:
    by_hand(file, 'UPDATE "ledger$marker" SET "tx_state"=1, "tx_id"=\'lost\' WHERE "id"=6')
    verdict = judge(file, known, SEED)
    assert verdict.settled == 1
    assert verdict.lost == [6], "undecided and expired: it is undone"


def test_a_damaged_file(file: Path, known: dict[int, Told]) -> None:
    data = bytearray(file.read_bytes())
    data[4096 * 2 : 4096 * 3] = bytes(4096)
    file.write_bytes(data)
    assert judge(file, known, SEED).damaged


def test_the_works_are_of_every_kind() -> None:
    works = [Work.numbered(SEED, number) for number in range(1, 25)]
    assert {work.ending for work in works} == {"commit", "roll back", "lose"}
    assert {work.isolation for work in works} == {"SERIALIZABLE", "SNAPSHOT"}
    assert any(work.text is None for work in works)
    assert any(work.text and len(work.text) > 4096 for work in works)

"""Is anything that was acknowledged lost, or anything damaged, when the power fails?

Files are recorded while real transactions run; a simulated disk says what of them a power failure
leaves, at every step. Lossy settings are tested too: they must lose something, or the disk is no
test of the others.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite.storage import open_sqlite
from tests.durability.power import (
    FILE,
    Figures,
    Setting,
    cut_power,
    positions_of,
    recorded,
    workload,
)
from tests.durability.tape import Opened, Tape, Told, Written

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SEED: Final = 1
WORKS: Final = 24
ALL: Final = 1_000_000
JOURNALS: Final = ("wal", "delete", "truncate", "persist")
ROWS: Final = Table("raw.row", TableSchema({"id": "INT", "value": "INT"}, ["id"]))


def without_power(
    folder: Path, setting: Setting, most: int, *, seed: int = SEED, works: int = WORKS
) -> Figures:
    tape = workload(folder, setting, seed, works)
    return cut_power(folder, tape, positions_of(tape, most, seed), seed)


def check_floors(figures: Figures, setting: Setting) -> None:
    """Were commits on their way, and was much taken?"""
    positions = figures.positions
    assert figures.in_doubt > 0.5 * positions
    assert figures.settled > 0.5 * positions or not setting.every_step
    assert figures.taken["writes lost"] > 0.8 * positions
    assert figures.taken["writes torn"] > 0.2 * positions
    if setting.journal == "delete":
        assert figures.taken["changes of the directory undone"] > 0.1 * positions


def write_singly(folder: Path, setting: Setting) -> tuple[int, Counter[str]]:
    """Single writes of a storage, without transactions: at how many steps is what is lost?"""
    tape = Tape()
    with recorded(tape):
        storage = open_sqlite(f"jdbc:sqlite:{folder / FILE}?{setting.parameters()}")
        run_blocking(storage.admin.create_table(ROWS))
        tape.tell(0, Told.DONE)
        for number in range(1, 13):
            run_blocking(storage.mutate([Write(ROWS, (number,), {"value": number})]))
            tape.tell(number, Told.DONE)
        run_blocking(storage.close())
    lost: Counter[str] = Counter()
    for position, disk in tape.play(random.Random(SEED)):
        left = folder / f"{position}"
        left.mkdir()
        for name, data in disk.remains(random.Random(position)).items():
            (left / name).write_bytes(data)
        rows = rows_in(left / FILE)
        for number in tape.known_at(position):
            if rows is None:
                lost["table"] += 1
            elif number and number not in rows:
                lost["row"] += 1
    return len(tape.steps) + 1, lost


def rows_in(file: Path) -> set[int] | None:
    """The rows in the file, or None if it has no table."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name='raw$row'").fetchall():
            return None
        return {row[0] for row in connection.execute('SELECT "id" FROM "raw$row"')}


@pytest.mark.parametrize(
    "setting",
    [*map(Setting, JOURNALS), Setting("wal", every_step=False)],
    ids=lambda one: one.options,
)
def test_nothing_is_lost_where_the_power_fails(tmp_path: Path, setting: Setting) -> None:
    figures = without_power(tmp_path, setting, 60)
    assert figures.lines(setting.command(SEED, WORKS)) == []
    assert figures.positions == 60
    check_floors(figures, setting)


@pytest.mark.slow
@pytest.mark.parametrize(
    "journal, most", [("wal", ALL), ("delete", 600), ("truncate", 200), ("persist", 200)]
)
def test_nothing_is_lost_wherever_the_power_fails(tmp_path: Path, journal: str, most: int) -> None:
    setting = Setting(journal)
    works = 42 if journal == "wal" else WORKS
    figures = without_power(tmp_path, setting, most, seed=2, works=works)
    assert figures.lines(setting.command(2, works)) == []
    assert figures.positions >= min(most, 1000)
    check_floors(figures, setting)


def test_normal_in_wal_loses_the_last_commits_and_nothing_else(tmp_path: Path) -> None:
    figures = without_power(tmp_path, Setting("wal", "normal"), 150)
    assert len(figures.lossy) > 30
    assert figures.wrong == {}


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_off_loses_commits_and_damages_the_file(tmp_path: Path, journal: str) -> None:
    figures = without_power(tmp_path, Setting(journal, "off"), 100)
    assert len(figures.lossy) > 10
    assert any(verdict.damaged for verdict in figures.wrong.values())


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_single_write_is_lost(tmp_path: Path, journal: str) -> None:
    positions, lost = write_singly(tmp_path, Setting(journal))
    assert positions > 70
    assert lost == Counter()


def test_full_is_not_enough_where_the_journal_is_deleted(tmp_path: Path) -> None:
    """Why the library opens files with EXTRA: the deleted journal comes back and undoes."""
    _, lost = write_singly(tmp_path, Setting("delete", "full"))
    assert lost["row"] > 0
    assert lost["table"] > 0


def test_a_workload_meets_checkpoints_and_is_the_same_each_time(tmp_path: Path) -> None:
    shapes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tape = workload(tmp_path / name, Setting("wal"), SEED, WORKS)
        shapes.append([(type(step), getattr(step, "offset", None)) for step in tape.steps])
        assert sum(what is Told.DONE for _, _, what in tape.told) > WORKS / 2
        assert sum(what is Told.FAILED for _, _, what in tape.told) >= 4
    assert shapes[0] == shapes[1]
    databases = {s.file for s in tape.steps if isinstance(s, Opened) and s.name == FILE}
    assert sum(isinstance(s, Written) and s.file in databases for s in tape.steps) > 50

"""Does a failing disk end in clear errors, true answers and nothing lost?"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.durability.faults import EVER, NAMES, Figures, Stage
from tests.durability.power import Setting
from tests.durability.vfs import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.slow

SEED: Final = 1


def under(stage: Stage, faults: Iterable[Fault]) -> Figures:
    figures = Figures()
    for fault in faults:
        stage.run(fault, figures)
    return figures


def check_floors(figures: Figures) -> None:
    """Every fault struck, and callers met each kind of answer."""
    assert figures.hit == figures.runs
    assert figures.errors["StorageUnavailableError"] > 0.3 * figures.runs
    assert figures.errors["UnknownOutcomeError"] > 0
    assert sum(figures.settled.values()) == figures.errors["UnknownOutcomeError"]
    assert figures.dropped > 0


@pytest.mark.parametrize("journal,every_step", [("wal", True), ("delete", True), ("wal", False)])
def test_faults_end_in_clear_errors_and_true_answers(
    tmp_path: Path, journal: str, every_step: bool
) -> None:
    stage = Stage(tmp_path, Setting(journal, every_step=every_step), SEED)
    figures = under(stage, random.Random(SEED).sample(list(stage.faults()), 25))
    assert figures.lines(stage.setting, SEED) == []
    check_floors(figures)


@pytest.mark.slow
@pytest.mark.parametrize("journal,nth", [("wal", 3), ("delete", 4)])
def test_faults_at_every_few_operations(tmp_path: Path, journal: str, nth: int) -> None:
    stage = Stage(tmp_path, Setting(journal), SEED)
    figures = under(stage, list(stage.faults())[::nth])
    assert figures.lines(stage.setting, SEED) == []
    check_floors(figures)
    needless = {"truncate error"} if journal == "delete" else {"delete error"}
    assert {name for name in NAMES if not stage.operations[name]} <= needless
    assert figures.runs > 100
    if journal == "wal":
        assert figures.failed_checkpoints > 5, "a commit stands whatever becomes of its checkpoint"


def test_a_commit_whose_sync_failed_is_never_believed(tmp_path: Path) -> None:
    """The disk fails for good just as a decision is synced; the commit must not be told.

    A connection opened after the last one was closed would find the decision in the WAL, where the
    system goes on showing it although it was never kept.
    """
    stage = Stage(tmp_path, Setting("wal"), SEED)
    syncs = range(stage.operations["sync error"])
    figures = under(stage, (Fault("sync error", first, EVER) for first in syncs))
    assert figures.lines(stage.setting, SEED) == []
    assert figures.runs > 10
    assert figures.dropped > 50

"""Time and chance of a manager under test: the same in every run, and no wait takes any time."""

from __future__ import annotations

import random
import uuid
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking

if TYPE_CHECKING:
    from pathlib import Path

WRITING_MS: Final = 1_800_000_000_000
READING_MS: Final = WRITING_MS + 3_600_000  # whoever was undecided then is long expired


class SteadyRuntime(BlockingRuntime):
    """Ids by seed; a clock that goes on by a millisecond a look; no thread in the background."""

    def __init__(self, start_ms: int, seed: str, workers: int) -> None:
        super().__init__(workers)
        self._dice = random.Random(seed)
        self._now = start_ms

    async def sleep(self, seconds: float) -> None:
        self._now += round(seconds * 1000)

    def now_ms(self) -> int:
        self._now += 1
        return self._now

    def elapsed(self) -> float:
        return self._now / 1000

    def chance(self) -> float:
        return self._dice.random()

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def _has_thread(self) -> bool:
        return False  # what would be handed over is done at once


def connect(
    file: Path, parameters: str, start_ms: int, seed: str, *, every_step: bool = True
) -> scalar_tx.TransactionManager:
    """A manager on the file; ``parameters`` as in a JDBC URL, ``every_step``: of each commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "scalar_tx.connection.BlockingRuntime", partial(SteadyRuntime, start_ms, seed)
        )
        return scalar_tx.connect(
            f"jdbc:sqlite:{file}?{parameters}" if parameters else f"jdbc:sqlite:{file}",
            consensus_commit_one_phase_commit_enabled=not every_step,
        )


def let_pass(db: scalar_tx.TransactionManager, seconds: float) -> None:
    """Let time pass for a manager."""
    runtime = parts_of(db).runtime
    assert isinstance(runtime, SteadyRuntime)
    run_blocking(runtime.sleep(seconds))

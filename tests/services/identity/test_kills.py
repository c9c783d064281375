"""Can a deletion be resumed wherever its process was killed? (Services specification 4)"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.services.identity.test_invariants import found
from tests.services.identity.test_leaving import full_life, rows_that_name
from tests.services.identity.world import ADA, World

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kill

ROWS = 24  # of sets, and of groups
LIVES = 2


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_deletion_goes_on_wherever_its_process_was_killed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    target = f"sqlite:///{tmp_path / 'x.db'}"
    with World(target) as world:
        full_life(world, sets=ROWS, groups=ROWS)
        kills = 0
        while not finished(target, dice):
            kills += 1
            left = rows_that_name(world)
            assert found(world) == []
            # The account is what goes last: it tells that there is something left.
            there = world.stage.get("identity.user", user_email=ADA)
            assert (there is None) == (left == {})
        assert rows_that_name(world) == {}
        assert found(world) == []
        assert kills >= 4


def finished(target: str, dice: random.Random) -> bool:
    """Let a process at it, and kill it behind some of its transactions, in the middle of one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.services.identity.leaving_process", target, ADA],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        assert process.stdout is not None
        for _ in range(dice.randint(1, 8)):
            process.stdout.readline()
        time.sleep(dice.uniform(0, 0.004))
        process.kill()
    return process.returncode == 0

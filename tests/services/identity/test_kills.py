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

ROWS = 40  # of sets, and of groups
LIVES = 3


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_deletion_goes_on_wherever_its_process_was_killed(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    target = f"sqlite:///{tmp_path / 'x.db'}"
    with World(target) as world:
        full_life(world, sets=ROWS, groups=ROWS)
        everything, kills, left = sum(rows_that_name(world).values()), 0, []
        while True:
            process = begun(target)
            try:
                process.wait(dice.uniform(0.0, 0.6))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
                kills += 1
            assert process.stdout is not None
            process.stdout.close()
            if process.returncode == 0:
                break
            left.append(sum(rows_that_name(world).values()))
            assert found(world) == []
            # The account is what goes last: it tells that there is something left.
            there = world.stage.get("identity.user", user_email=ADA)
            assert (there is None) == (left[-1] == 0)
        assert rows_that_name(world) == {}
        assert found(world) == []
        assert kills >= 1
        assert any(0 < some < everything for some in left)  # a kill did fall among the steps


def begun(target: str) -> subprocess.Popen[bytes]:
    """The process, once it is at work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.services.identity.leaving_process", target, ADA],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begins\n"
    time.sleep(0.05)
    return process

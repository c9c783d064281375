"""Does the protocol hold under seeded trouble, and would the simulator notice if it did not?

``make simulate SEEDS=n`` runs more of the same. What a seed has found stays as its shortest
interleaving in test_found.py.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from tests.simulation.__main__ import main
from tests.simulation.floors import FLOORS, below_floor
from tests.simulation.many import Summary, run_some
from tests.simulation.network import NO_FAULTS
from tests.simulation.planted import PLANTED
from tests.simulation.processes import SAFE
from tests.simulation.schedule import run_seed
from tests.simulation.world import Plan

if TYPE_CHECKING:
    import random

SEEDS = range(300)

# Planted bugs that random worlds meet seldom: where one is met soon.
WHERE_TO_LOOK = {
    "validation before prepare": ("list-append", 45),
    "absent decision trusted": ("list-append", 0),
    "prepared records not compared with scans": ("list-append", 90),
    "index read without previous values": ("rooms", 320),
}
PATIENCE = 1500  # schedules


def test_indexes_hold_too() -> None:
    assert run_some(range(100), "rooms").failed == []


@pytest.fixture(scope="module")
def schedules() -> Summary:
    return run_some(SEEDS)


def test_nothing_goes_wrong(schedules: Summary) -> None:
    assert schedules.failed == []


def test_the_run_met_what_it_is_there_to_meet(schedules: Summary) -> None:
    assert schedules.schedules == len(SEEDS)
    assert schedules.vacuous() == []


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str) -> None:
    workload, first = WHERE_TO_LOOK.get(bug, (None, 0))
    for seed in range(first, first + PATIENCE):
        for _, wrong in run_some([seed], workload, bug).failed:
            assert not any("broke off" in line for line in wrong), "noticed by mere accident"
            return
    pytest.fail(f"{bug}: not noticed in {PATIENCE} schedules")


def test_a_run_without_trouble_is_not_believed() -> None:
    draw = Plan.draw

    def calm(dice: random.Random) -> Plan:
        return dataclasses.replace(draw(dice), rates=NO_FAULTS, hazards=SAFE)

    with patch.object(Plan, "draw", calm):
        summary = run_some(range(100))
    assert summary.failed == []
    missed = {line.partition(":")[0] for line in summary.vacuous()}
    assert missed >= {"lost_after", "late", "busy", "crash", "pause", "told UNKNOWN"}


def test_a_single_missing_fault_is_noticed() -> None:
    counts = Counter({what: round(least * 1000) for what, least in FLOORS.items()})
    assert below_floor(counts, 1000) == []
    for what in FLOORS:
        assert len(below_floor(counts - Counter({what: counts[what]}), 1000)) == 1


def test_the_same_trace_twice_is_noticed() -> None:
    summary = run_some([1, 1])
    assert "only 1 distinct traces in 2 schedules" in summary.vacuous()


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    first = run_seed(seed, trace=True)
    second = run_seed(seed, trace=True)
    assert first.lines
    assert first.lines == second.lines
    assert run_seed(seed).digest == first.digest
    assert run_seed(seed + 100).digest != first.digest


def test_the_trace_does_not_depend_on_the_process() -> None:
    code = "from tests.simulation.schedule import run_seed; print(run_seed(6).digest)"
    path = os.pathsep.join(sys.path)
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert digests == {f"{run_seed(6).digest}\n"}


def test_a_failure_is_shown_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    bug = "no compare-and-set in prepare"
    assert main(["--seeds", "25", "--plant", bug]) == 1
    shown = capsys.readouterr().out
    assert "BEGINS #1" in shown
    assert "PREPARED" in shown
    command = next(line for line in shown.splitlines() if line.startswith("to see this again"))
    seed = command.split("--replay ")[1].split()[0]
    assert main(["--replay", seed, "--plant", bug]) == 1
    again = capsys.readouterr().out
    assert again.splitlines()[-1] == command
    assert again in shown


def test_a_replay_of_a_good_seed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "1"]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")

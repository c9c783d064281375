"""Is the replicated register one register under trouble, and would the simulator notice if not?

``python -m tests.simulation.register --seeds n`` runs more of the same.
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

from scalar_tx.histories import Outcome
from tests.simulation.parts.many import Summary, run_many, run_some
from tests.simulation.parts.messages import NO_LOSSES
from tests.simulation.parts.processes import SAFE
from tests.simulation.parts.report import BROKE_OFF
from tests.simulation.parts.shrink import shrink
from tests.simulation.register.__main__ import main
from tests.simulation.register.bugs import PLANTED
from tests.simulation.register.client import Client
from tests.simulation.register.floors import FLOORS
from tests.simulation.register.history import LINEARIZABLE, LIVENESS, History
from tests.simulation.register.plan import TROUBLES, Plan
from tests.simulation.register.schedule import Schedules

if TYPE_CHECKING:
    from typing import Any

SEEDS = range(300)
MORE_SEEDS = range(300, 1800)
SOUND = Schedules()

# Where each planted bug is met first, and so many schedules from there on at most.
WHERE_TO_LOOK = {
    "acknowledged before the sync": 206,
    "own unfinished write forgotten": 454,
    "torn record left in place": 1865,
    "read without write-back": 33,
    "tag without the client": 16,
    "older tag taken": 22,
}
PATIENCE = 40
ENDS = (Outcome.FAIL.value, Outcome.INFO.value)


@pytest.fixture(scope="module")
def schedules() -> Summary:
    return run_some(SOUND, SEEDS)


def caught(bug: str) -> tuple[int, set[str]]:
    """The first seed that notices it, and the checks that do."""
    first = WHERE_TO_LOOK.get(bug, 0)
    for seed in range(first, first + PATIENCE):
        report = Schedules(bug).seed(seed)
        if report.wrong:
            return seed, report.checks
    pytest.fail(f"{bug}: not noticed in {PATIENCE} schedules from {first} on")


def test_every_history_is_that_of_one_register(schedules: Summary) -> None:
    assert schedules.failed == []


def test_the_run_met_what_it_is_there_to_meet(schedules: Summary) -> None:
    assert schedules.schedules == len(SEEDS)
    assert schedules.vacuous(FLOORS) == []
    assert {name for name in TROUBLES if schedules.counts[f"schedules of {name}"]} == set(TROUBLES)


@pytest.mark.slow
def test_every_history_is_that_of_one_register_in_many_schedules() -> None:
    summary = run_many(SOUND, MORE_SEEDS, progress=lambda *_: None)
    assert summary.failed == []
    assert summary.schedules == len(MORE_SEEDS)
    assert summary.vacuous(FLOORS) == []


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str) -> None:
    seed, checks = caught(bug)
    assert BROKE_OFF not in checks, "noticed by mere accident"
    assert checks <= {LINEARIZABLE, LIVENESS}
    assert SOUND.seed(seed).wrong == [], "it is not the bug that was noticed"


@pytest.mark.parametrize("bug", ["torn record believed", "one is a majority"])
def test_what_a_bug_needs_is_found(bug: str) -> None:
    seed, checks = caught(bug)
    found = shrink(Schedules(bug), seed, most_runs=150, progress=lambda *_: None)
    assert found.report.checks <= checks
    assert found.report.checks
    assert found.report.lines
    assert found.numbers < found.numbers_before / 2


def test_nobody_answering_after_healing_is_noticed() -> None:
    async def silence(self: Client, *given: Any) -> list[object]:
        return []

    with patch.object(Client, "_ask", silence):
        report = SOUND.seed(1)
    assert report.checks == {LIVENESS}


def test_a_calm_world_gets_everything_done() -> None:
    draw = Plan.draw

    def calm(*given: Any) -> Plan:
        return dataclasses.replace(
            draw(*given),
            rates=NO_LOSSES,
            nodes_hazards=SAFE,
            clients_hazards=SAFE,
            blackouts=(),
            failing_syncs=(),
            patience=2.0,
        )

    with patch.object(Plan, "draw", calm):
        summary = run_some(SOUND, range(100))
    assert summary.failed == []
    assert not any(summary.counts[f"{kind} {end}"] for kind in ("reads", "writes") for end in ENDS)
    missed = {line.partition(":")[0] for line in summary.vacuous(FLOORS)}
    assert missed >= {"crash", "writes info", "writes torn", "late", "partitions", "failed syncs"}


def test_a_single_missing_trouble_is_noticed() -> None:
    counts = Counter({what: round(least * 1000) for what, least in FLOORS.rates.items()})
    digests = set(range(1000))
    assert Summary(1000, counts, digests).vacuous(FLOORS) == []
    for what in FLOORS.rates:
        less = counts - Counter({what: counts[what]})
        assert any(line.startswith(what) for line in Summary(1000, less, digests).vacuous(FLOORS))


def test_an_unknown_write_may_be_read_and_a_failed_one_may_not() -> None:
    def checks(outcome: Outcome) -> set[str]:
        history = History()
        write = history.begin("a", "w", 0, 1)
        read = history.begin("b", "r", 0, None)
        read.value = 1
        history.end(read, Outcome.OK)
        history.end(write, outcome)
        return {one.check for one in history.judge()}

    assert checks(Outcome.OK) == set()
    assert checks(Outcome.INFO) == set()
    assert checks(Outcome.FAIL) == {LINEARIZABLE}


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    first = SOUND.seed(seed, trace=True)
    second = SOUND.seed(seed, trace=True)
    assert first.lines
    assert first.lines == second.lines
    assert first.history == second.history
    assert SOUND.seed(seed).digest == first.digest
    assert SOUND.seed(seed + 100).digest != first.digest


def test_the_trace_does_not_depend_on_the_process() -> None:
    module = "tests.simulation.register.schedule"
    code = f"from {module} import Schedules; print(Schedules().seed(6).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert digests == {f"{SOUND.seed(6).digest}\n"}


def test_a_seed_is_replayed_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "3"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    bug = "one is a majority"
    seed, _ = caught(bug)
    assert main(["--replay", str(seed), "--plant", bug, "--whole"]) == 1
    printed = capsys.readouterr().out
    assert LINEARIZABLE in printed
    assert f"--replay {seed} --plant '{bug}'" in printed

"""Does the script of a failing seed do what the run did, and does it show the mistake?"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConflictError
from tests.scenarios.script import Case, ScriptError, read_cases
from tests.scenarios.stepped_player import SteppedPlayer
from tests.simulation.as_script import DivergedError, Script, written
from tests.simulation.logged import Answered, Ended
from tests.simulation.parts.dice import Chance
from tests.simulation.parts.log import Kind
from tests.simulation.parts.shrink import Shrunk, shrink
from tests.simulation.planted import plant
from tests.simulation.schedule import Schedules, quiet
from tests.simulation.switches import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.parts.log import Log
    from tests.simulation.parts.report import Report

# Bugs, and from which seed on each is soon noticed.
SEEDS = {
    "no compare-and-set in prepare": 2,
    "rollback from a stale previous image": 0,
    "commit stops after the first storage": 15,
    "scans not validated": 85,
    "decision not if-absent": 71,
    "delete finished as an update": 1,
    "later read replaces the first": 5,
    "lagging index believed": 6,
    "recovery ignores expiry": 3,
}
PATIENCE = 300  # seeds
MOST_LINES = 25
# The language of scripts knows all steps, each of one transaction and one record.
PLAIN = Schedules(switched=dict.fromkeys(NAMES, 0))


@functools.cache
def _shrunk(bug: str) -> Shrunk:
    schedules = Schedules(bug=bug)
    first = SEEDS[bug]
    seed = next(n for n in range(first, first + PATIENCE) if schedules.seed(n).wrong)
    return shrink(schedules, seed, progress=lambda runs, left: None)


@functools.cache
def _told(bug: str) -> tuple[Script, Case]:
    report = _shrunk(bug).report
    with plant(bug), quiet():
        script = written(_log(report), "a run", report.wrong)
    (case,) = read_cases("a run", script.text)
    return script, case


def _log(report: Report) -> Log:
    assert report.log is not None
    return report.log


def _played(case: Case, *, check: bool) -> SteppedPlayer:
    assert case.world is not None
    player = SteppedPlayer(case.world, case.levels[0])
    with quiet():
        player.play(case, check=check)
    return player


@pytest.mark.parametrize("bug", SEEDS)
def test_a_script_leads_where_its_run_led(bug: str) -> None:
    _, case = _told(bug)
    with plant(bug):
        player = _played(case, check=True)
    events = _log(_shrunk(bug).report).events
    ended = next(event.what for event in reversed(events) if isinstance(event.what, Ended))
    for table, rows in ended.rows.items():
        played = player.memories[player.place(table)].admin.contents(table).rows
        changed = {key: row for key, row in rows.items() if row["tx_id"] != "initial"}
        assert {key: _stored(row) for key, row in changed.items()} == {
            key: _stored(row) for key, row in played.items() if row["tx_id"] != "seed"
        }


def _stored(row: Mapping[str, object]) -> dict[str, object]:
    """What is stored but for ids and times."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and not name.endswith(("_at", "tx_id"))
    }


@pytest.mark.parametrize("bug", SEEDS)
def test_a_script_answers_otherwise_without_the_mistake(bug: str) -> None:
    _, case = _told(bug)
    _played(case, check=False)
    with pytest.raises(ScriptError, match="answered"):
        _played(case, check=True)


@pytest.mark.parametrize("bug", SEEDS)
def test_a_script_is_short(bug: str) -> None:
    script, case = _told(bug)
    assert script.lines <= MOST_LINES
    begun = {c for line in case.lines for c in line.commands if c.startswith("begin")}
    assert 1 <= len(begun) <= 3


def test_a_script_says_what_is_wrong_with_its_own_names() -> None:
    script, _ = _told("later read replaces the first")
    head = [line for line in script.text.splitlines() if line.startswith("#")]
    assert any("WRONG" in line for line in head)
    assert not re.search(r"p\d[a-d]-\d", script.text)


@pytest.mark.parametrize("seed", range(15))
def test_a_run_without_mistake_can_be_told_too(seed: int) -> None:
    report = PLAIN.seed(seed, trace=True)
    with quiet():
        script = written(_log(report), "a run", [], whole=True)
    (case,) = read_cases("a run", script.text)
    _played(case, check=True)


def test_what_the_script_can_not_follow_is_noticed() -> None:
    bug = "no compare-and-set in prepare"
    report = _shrunk(bug).report
    with quiet(), pytest.raises(DivergedError, match="is at"):
        written(_log(report), "without the bug", report.wrong)


def test_calls_that_are_missing_are_noticed() -> None:
    log = _log(PLAIN.seed(3, trace=True))
    calls = [at for at, event in enumerate(log.events) if event.kind is Kind.CALLED]
    del log.events[calls[5]]
    with quiet(), pytest.raises(DivergedError):
        written(log, "a call less", [], whole=True)


def test_another_answer_is_noticed() -> None:
    log = _log(PLAIN.seed(3, trace=True))
    at = next(at for at, event in enumerate(log.events) if isinstance(event.what, Answered))
    event = log.events[at]
    log.events[at] = event._replace(what=event.what._replace(error=ConflictError("made up")))
    with quiet(), pytest.raises(DivergedError, match="was answered"):
        written(log, "another answer", [], whole=True)


@pytest.mark.parametrize("seed", range(5))
def test_being_listened_to_changes_nothing(seed: int) -> None:
    schedules = Schedules()
    heard, unheard = schedules(Chance(seed), trace=True), schedules(Chance(seed))
    assert heard.digest == unheard.digest
    assert heard.counts == unheard.counts
    assert unheard.log is None

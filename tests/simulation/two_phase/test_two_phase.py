"""Does the protocol hold where a transaction has parts in several processes?

``make simulate WORKLOAD=two-phase SEEDS=n`` runs more of the same.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from scalar_tx.model.isolation import Isolation
from tests.simulation.bugs.two_phase import BUGS
from tests.simulation.floors import IN_PARTS
from tests.simulation.history import Attempt
from tests.simulation.parts.many import Summary, run_many, run_some
from tests.simulation.parts.messages import NO_LOSSES
from tests.simulation.schedule import Schedules
from tests.simulation.two_phase import run
from tests.simulation.two_phase.merged import as_checked, contested
from tests.simulation.two_phase.routed import NotedByPart

if TYPE_CHECKING:
    from typing import Any

EVERYTHING = Schedules("two-phase")
SEEDS = range(150)
SEEDS_IN_CI = range(150, 950)


@pytest.fixture(scope="module")
def schedules() -> Summary:
    return run_some(EVERYTHING, SEEDS)


def test_nothing_goes_wrong(schedules: Summary) -> None:
    assert schedules.failed == []


def test_the_run_met_what_it_is_there_to_meet(schedules: Summary) -> None:
    assert schedules.schedules == len(SEEDS)
    assert schedules.vacuous(IN_PARTS) == []


@pytest.mark.slow
def test_nothing_goes_wrong_in_many_schedules() -> None:
    summary = run_many(EVERYTHING, SEEDS_IN_CI, progress=lambda *_: None)
    assert summary.failed == []
    assert summary.schedules == len(SEEDS_IN_CI)
    assert summary.vacuous(IN_PARTS) == []


@pytest.mark.parametrize("level", Isolation)
def test_one_level_may_be_chosen(level: Isolation) -> None:
    report = Schedules("two-phase", levels=(level,)).seed(1)
    assert f" {level.value}," in report.about
    assert report.wrong == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_mistake_in_several_parts_chooses_its_runs(bug: str) -> None:
    assert Schedules(bug=bug).seed(0).kind.startswith("two-phase")


def test_a_run_whose_messages_all_arrive_is_not_believed() -> None:
    def no_losses(**rates: Any) -> object:
        del rates
        return NO_LOSSES

    with patch.object(run, "MessageRates", no_losses):
        summary = run_some(EVERYTHING, range(100))
    assert summary.failed == []
    missed = {line.partition(":")[0] for line in summary.vacuous(IN_PARTS)}
    assert missed >= {"messages lost", "messages late", "messages twice"}


def test_a_single_missing_thing_is_noticed() -> None:
    counts = Counter({what: round(least * 1000) for what, least in IN_PARTS.rates.items()})
    digests = set(range(1000))
    assert Summary(1000, counts, digests).vacuous(IN_PARTS) == []
    for what in IN_PARTS.rates:
        less = counts - Counter({what: counts[what]})
        found = Summary(1000, less, digests).vacuous(IN_PARTS)
        assert [line.partition(": ")[0] for line in found] == [what.partition(": ")[0]]


@pytest.mark.parametrize("seed", [3, 4])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    first = EVERYTHING.seed(seed, trace=True)
    assert first.lines
    assert first.lines == EVERYTHING.seed(seed, trace=True).lines
    assert EVERYTHING.seed(seed).digest == first.digest


# How the checker is told of several parts.


def _attempt(level: Isolation, *done: tuple[int, str, int, Any]) -> Attempt:
    noted = NotedByPart()
    for part, kind, key, value in done:
        noted.now = part
        noted.append((kind, key, value))
    steps: Any = None
    attempt = Attempt(7, "a program", "p0a", level, 0, steps, operations=noted)
    attempt.appends = [(key, value) for _, kind, key, value in done if kind == "append"]
    return attempt


def test_what_a_part_read_of_the_records_of_others_comes_before_all_writes() -> None:
    attempt = _attempt(
        Isolation.SERIALIZABLE,
        (0, "r", 1, (10,)),
        (0, "append", 1, 11),
        (1, "r", 1, (10,)),
        (0, "r", 1, (10, 11)),
        (1, "append", 2, 20),
    )
    (one,) = as_checked(attempt)
    assert one.operations == [
        ("r", 1, (10,)),
        ("r", 1, (10,)),
        ("append", 1, 11),
        ("r", 1, (10, 11)),
        ("append", 2, 20),
    ]
    assert one.number == attempt.number
    assert contested(attempt) == set()


def test_two_writers_of_one_list_are_told_as_one_of_them() -> None:
    attempt = _attempt(
        Isolation.SERIALIZABLE,
        (1, "append", 1, 11),
        (0, "append", 1, 12),
        (0, "r", 1, (12,)),
    )
    (one,) = as_checked(attempt)
    assert one.operations == [("append", 1, 11)]
    assert contested(attempt) == {1}


def test_below_serializable_each_part_is_judged_by_itself() -> None:
    attempt = _attempt(
        Isolation.SNAPSHOT,
        (0, "r", 1, ()),
        (1, "scanned", 1, (9,)),
        (0, "append", 1, 11),
    )
    first, second = as_checked(attempt)
    assert first.operations == [("r", 1, ()), ("append", 1, 11)]
    assert first.appends == [(1, 11)]
    assert second.operations == [("scanned", 1, (9,))]
    assert second.appends == []
    assert first.number != second.number


def test_an_attempt_of_one_part_stays_as_it_is() -> None:
    attempt = dataclasses.replace(_attempt(Isolation.SNAPSHOT), operations=[("r", 1, ())])
    assert as_checked(attempt) == [attempt]

"""Is what is left of a failing run as small as it can be, and does it still fail?"""

from __future__ import annotations

import pytest

from tests.simulation.parts.dice import WANTED, Chance, Recorded, Replayed
from tests.simulation.parts.report import Report, Wrong
from tests.simulation.parts.shrink import shrink
from tests.simulation.schedule import Schedules


def _silent(runs: int, left: int) -> None:
    assert runs >= 0
    assert left >= 0


def _two_large_numbers(chance: Chance, *, trace: bool = False) -> Report:
    """Wrong if the second and the fourth of many numbers are large, whatever the others are."""
    dice = chance.dice("numbers")
    drawn = [dice.random() for _ in range(40)]
    wrong = [Wrong("large", "two")] if drawn[1] > 0.05 and drawn[3] > 0.05 else []
    return Report("numbers", wrong=wrong, lines=[str(drawn)] if trace else [])


def test_only_the_numbers_that_matter_are_left() -> None:
    seed = next(seed for seed in range(100) if _two_large_numbers(Chance(seed)).wrong)
    found = shrink(_two_large_numbers, seed, progress=_silent)
    kept = found.tape["numbers"]
    assert found.report.checks == {"large"}
    assert [bool(number) for number in kept] == [False, True, False, True]
    assert found.numbers_before == 40
    assert found.numbers == 2


def _lazy(chance: Chance, *, trace: bool = False) -> Report:
    """Wrong if the seventh piece of work is done."""
    wanted = chance.wanted("work")
    done = [number for number in range(20) if wanted()]
    return Report("work", wrong=[Wrong("seven", str(done))] if 7 in done else [])


def test_work_that_does_not_matter_is_left_out() -> None:
    found = shrink(_lazy, 1, progress=_silent)
    assert found.report.wrong == [Wrong("seven", "[7]")]
    assert found.tape["work"] == [0.0] * 7 + [WANTED]


def test_all_work_is_wanted_until_a_tape_leaves_it_out() -> None:
    assert all(Chance(1).wanted("work")() for _ in range(5))
    recorded = Recorded(1)
    ask = recorded.wanted("work")
    assert [ask(), ask()] == [True, True]
    again = Replayed(recorded.tape).wanted("work")
    assert [again(), again(), again()] == [True, True, False]


def test_another_failure_is_not_taken_for_this_one() -> None:
    def run(chance: Chance, *, trace: bool = False) -> Report:
        large = chance.dice("numbers").random() > 0.01
        return Report("either", wrong=[Wrong("large" if large else "small", "")])

    found = shrink(run, 1, progress=_silent)
    assert found.report.checks == {"large"}


def test_it_ends_when_it_has_taken_long_enough() -> None:
    seed = next(seed for seed in range(100) if _two_large_numbers(Chance(seed)).wrong)
    found = shrink(_two_large_numbers, seed, most_runs=7, progress=_silent)
    assert found.runs <= 7
    assert found.report.wrong


def test_a_seed_that_does_not_fail_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fail"):
        shrink(Schedules(), 1, progress=_silent)


def test_a_lost_update_needs_two_transactions() -> None:
    schedules = Schedules(bug="no compare-and-set in prepare")
    seed = next(seed for seed in range(2, 100) if schedules.seed(seed).wrong)
    found = shrink(schedules, seed, progress=_silent)
    assert found.report.counts["transactions"] == 2
    assert found.numbers < found.numbers_before / 10

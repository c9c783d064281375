"""Does kill -9 of writer processes lose anything, or leave anything half done?

``make chaos`` is the long run with its table; here are a shorter one, one of three kills, and the
proof that the campaign notices what it is there for.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.chaos import planted
from tests.chaos.campaign import Campaign, Result
from tests.chaos.figures import floors_of_kills
from tests.chaos.fleet import Crew, draw_moment
from tests.chaos.judge import FALSELY_FAILED, LOST, STATE
from tests.chaos.moments import Moment
from tests.chaos.places import FilePlace

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

KILLS = 30
BATCH = 30

# fault -> the finding that names it
GIVEN_AWAY_BY = {
    "acknowledge-early": LOST,
    "false-conflict": FALSELY_FAILED,
    "ignore-decisions": STATE,
}


@pytest.mark.kill
def test_nothing_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    result = Campaign(tmp_path, FilePlace(tmp_path / "chaos.db"), seed=1).kill(KILLS, BATCH)
    assert result.verdict.lines() == []
    assert result.figures.too_little(floors_of_kills(KILLS)) == []


@pytest.mark.kill
def test_nothing_is_lost_by_three_kills(tmp_path: Path) -> None:
    """One writer dies undecided, one decided and unfinished, one anywhere."""
    draws: list[Callable[[random.Random], Moment | None]]
    draws = [undecided, decided_unfinished, draw_moment]
    moments = iter(draws)

    def next_moment(dice: random.Random) -> Moment | None:
        return next(moments)(dice)

    place = FilePlace(tmp_path / "chaos.db")
    result = Campaign(tmp_path, place, seed=2, crew=Crew(writers=1), draw=next_moment).kill(3, 3)
    assert result.verdict.lines() == []
    figures = result.figures
    assert len(figures.kills) == 3
    assert figures.rolled_forward > 0
    assert figures.rolled_back > 0
    assert figures.committed > 10
    assert figures.readers_totals > 0


def undecided(dice: random.Random) -> Moment:
    return Moment("before", "decide", dice.randint(1, 5), waits=True)


def decided_unfinished(dice: random.Random) -> Moment:
    return Moment("after", "decide", dice.randint(1, 5), waits=True)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """A campaign with each fault; all at once, since each of them mostly waits."""
    results: dict[str, Result] = {}

    def run(fault: str) -> None:
        folder = tmp_path_factory.mktemp(fault)
        campaign = Campaign(
            folder,
            FilePlace(folder / "chaos.db"),
            seed=3,
            crew=Crew(writers=1),
            draw=decided_unfinished if fault in planted.SETTLERS else draw_moment,
            writer_fault=fault if fault in planted.WRITERS else "none",
            settler_fault=fault if fault in planted.SETTLERS else "none",
        )
        results[fault] = campaign.kill(8, 8)

    threads = [threading.Thread(target=run, args=(fault,)) for fault in planted.FAULTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.kill
@pytest.mark.parametrize("fault", planted.FAULTS)
def test_a_planted_fault_is_noticed(faulty: dict[str, Result], fault: str) -> None:
    verdict = faulty[fault].verdict
    assert verdict.count(GIVEN_AWAY_BY[fault]) > 0, verdict.lines()

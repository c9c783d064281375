"""Does the page about a node say what was measured, and no more?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from bench.beside import results
from bench.beside.in_words import NOT_MEASURED
from bench.beside.places import SQLITE
from bench.beside.turns import median, ratios
from bench.node import report
from bench.node.figures import (
    AGAINST_EMBEDDED,
    FIGURES,
    FLOORS,
    GOALS,
    ONE_SHOT,
    OTHER,
    OURS,
    SERVERS,
    STARTS,
    Clients,
    Floor,
    Goal,
)
from tests.bench.small import MOMENT
from tests.bench.test_page import MACHINE, found, line_of, side

if TYPE_CHECKING:
    from pathlib import Path

GOAL = Goal(SQLITE, Clients(ONE_SHOT))


def goal_result(rate: int, *, aborted: float = 0.0) -> dict[str, Any]:
    turns = {OURS: [side(rate, 20.0), side(rate, 20.0)]}
    middle = median(turns[OURS])
    return {
        "turns": turns,
        "median": {OURS: middle},
        "figures": {
            "rate": middle["rate"],
            "p99": middle["p99"],
            "committed": 1.0,
            "aborted": aborted,
        },
    }


def match_result(ours: list[int], others: list[int]) -> dict[str, Any]:
    turns = {
        OTHER: [side(rate, 20.0) for rate in others],
        OURS: [side(rate, 0.5) for rate in ours],
    }
    return {
        "turns": turns,
        "ratios": ratios(turns[OURS], turns[OTHER]),
        "median": {name: median(turns[name]) for name in turns},
    }


@pytest.mark.parametrize(
    "rate, aborted, verdict",
    [
        (2500, 0.0, "reached, stretch too"),
        (1000, 0.0, "reached"),
        (999, 0.0, "**missed**: ≥ 1,000 a second"),
        (999, 0.001, "**missed**: ≥ 1,000 a second, aborted < 0.1 %"),
    ],
)
def test_each_goal_is_judged(rate: int, aborted: float, verdict: str) -> None:
    page = report.page(found({GOAL.name: goal_result(rate, aborted=aborted)}), {})
    line = line_of(page, "| sqlite | one-shot | threads |")
    assert line.endswith(f" {verdict} |")
    assert f"| {rate:,} (" in line
    assert f"| 100.000% | {aborted:.3%} |" in line


def test_a_goal_stands_beside_the_floor_of_the_same_clients() -> None:
    [floor] = [
        one
        for one in FLOORS
        if (one.clients.way, one.clients.processes, one.clients.tasks)
        == ("echo one-shot", 1, False)
    ]
    figures = {GOAL.name: goal_result(1000), floor.name: goal_result(4000)}
    page = report.page(found(figures), {})
    assert "| 25% |" in line_of(page, "| sqlite | one-shot | threads |")
    without = report.page(found({GOAL.name: goal_result(1000)}), {})
    assert f"| {NOT_MEASURED} |" in line_of(without, "| sqlite | one-shot | threads |")


def test_a_ratio_is_judged_by_its_median() -> None:
    [one_shot, _] = AGAINST_EMBEDDED
    figures = {
        one_shot.name: match_result([30, 40, 90], [100, 100, 100]),
        SERVERS[0].name: match_result([60, 60, 90], [100, 100, 100]),
        STARTS[0].name: {"values": [2.0, 4.0, 3.5], "value": 3.5},
    }
    page = report.page(found(figures), {})
    line = line_of(page, "| one-shot | embedded | 32 threads |")
    assert "0.4x (0.3, 0.9)" in line
    assert line.endswith("| ≥ 0.3x | ≥ 0.5x | reached |")
    assert line_of(page, "| sqlite | 16 | 1 |").endswith("| ≥ 0.7x | ≥ 1x | **missed** |")
    assert "3.50 s (2.00, 4.00) | ≤ 3 s | **missed** |" in page


def test_what_was_not_measured_is_said_to_be_so() -> None:
    page = report.page({}, {})
    assert page.count(NOT_MEASURED) == len(FIGURES)
    assert "Nothing was measured yet" in page
    assert "$" not in re.sub(r"`[^`]*`", "", page)


def test_every_row_has_as_many_cells_as_its_head() -> None:
    every: tuple[Goal | Floor, ...] = (*GOALS, *FLOORS)
    figures = {one.name: goal_result(1000) for one in every}
    for page in (report.page({}, {}), report.page(found(figures), {})):
        for block in page.split("\n\n"):
            lines = [line for line in block.splitlines() if line.startswith("|")]
            assert len({line.count("|") for line in lines}) <= 1, block


def test_results_become_a_page_with_its_plots(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, page = tmp_path / "figures", tmp_path / "performance-node.md"
    results.keep(source, GOAL, MOMENT, MACHINE, goal_result(1000))
    assert report.main(["--from", str(source), "--page", str(page)]) == 0
    capsys.readouterr()
    there = {path.name for path in (tmp_path / "performance-node").glob("*")}
    assert there == {"rates.svg", "latencies.svg"}
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert {f"performance-node/{name}" for name in there} == set(named)
    with pytest.raises(SystemExit):
        report.main(["--from", str(tmp_path / "nothing"), "--page", str(page)])

"""Does the page say what was measured, and no more?"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from bench.beside import report, results
from bench.beside.contest import JAVA, OURS
from bench.beside.figures import CONTESTS, COSTS, FIGURES, FLOORS, Bound, Contest, Cost
from bench.beside.in_words import NOT_MEASURED, verdict
from bench.beside.latency import bucket
from bench.beside.tally import Tally
from bench.beside.turns import SERVER, median, ratios, turn_of
from tests.bench.small import MOMENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MACHINE = {
    "date": "2001-02-03", "cpu": "A Processor", "cores": 2, "memory_gib": 4.0, "system": "Linux 6",
    "load": 0.25, "python": "3.12.1", "sqlite": "3.45.0", "scalar_tx": "0.1.0",
    "scalardb": "3.19.0",
}  # fmt: skip


def side(done: int, milliseconds: float) -> dict[str, Any]:
    """A turn in which all but one transaction took so long, and that one half of it."""
    slow = bucket(int(1e6 * milliseconds))
    latencies = Counter({slow: done - 1, slow - 70: 1})
    return turn_of(Tally(done, done, 3, 2, 1, 0.5, latencies), 1.0, {SERVER: 0.25})


def contest_result(java: list[int], ours: list[int]) -> dict[str, Any]:
    turns = {
        JAVA: [side(rate, 20.0) for rate in java],
        OURS: [side(rate, 0.5) for rate in ours],
    }
    return {
        "turns": turns,
        "ratios": ratios(turns[OURS], turns[JAVA]),
        "median": {name: median(turns[name]) for name in turns},
    }


F1 = Contest("ycsb-f-1", "sqlite", 32)


def found(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: {"machine": MACHINE, "effort": MOMENT.stored(), **one}
        for name, one in figures.items()
    }


def line_of(page: str, *words: str) -> str:
    [line] = [one for one in page.splitlines() if all(word in one for word in words)]
    return line


def test_a_turn_is_in_seconds_milliseconds_and_microseconds() -> None:
    turn = side(200, 20.0)
    assert turn["rate"] == 200
    assert turn["p99"] == pytest.approx(20, rel=0.01)
    assert (turn["client_cpu"], turn["server_cpu"]) == (2500, 1250)


def test_the_page_has_medians_and_both_ends() -> None:
    page = report.page(found({F1.name: contest_result([100, 200, 100], [600, 1000, 700])}), {})
    line = line_of(page, "`ycsb-f-1` | sqlite | 32 | defaults", "≥ 5x")
    assert "| 100 (" in line
    assert "| 700 (" in line
    assert "6x (5, 7)" in line
    assert "p99 ≤ 1/20x" in line
    assert line.endswith("| reached |")
    assert "A Processor, 2 cores, 4.0 GiB" in page
    assert "load before a figure was 0.25 to 0.25" in page


def test_what_was_not_measured_is_said_to_be_so() -> None:
    page = report.page(found({F1.name: contest_result([100], [600])}), {})
    missing = page.count(NOT_MEASURED)
    assert missing == len(CONTESTS) + len(FLOORS) + len(COSTS) - 1
    assert "$" not in re.sub(r"`[^`]*`", "", page)


def test_of_what_was_missed_the_page_says_what_the_machine_allows() -> None:
    floor = next(one for one in FLOORS if one.name == "floor_ycsb-f-1_sqlite_1_fused")
    figures = {
        F1.name: contest_result([100], [400]),
        floor.name: {"median": {OURS: side(450, 2.0)}},
    }
    page = report.page(found(figures), {})
    [line] = [one for one in page.splitlines() if one.endswith("| 1,067 |")]
    # 5 times Java's; two processors, of which one transaction takes 1,250 + 625 microseconds.
    assert line.startswith("| `ycsb-f-1` | sqlite | 32 | defaults | 500 | 400 | 450 (by 1) |")
    assert "1,250 + 625 µs" in line
    reached = report.page(found({F1.name: contest_result([100], [600])}), {})
    assert "with all processors full" in reached
    assert "| 500 | 600 |" not in reached


@pytest.mark.parametrize(
    "rates, said",
    [
        ([4.0, 4.9, 9.0], "**missed**"),
        ([1.0, 5.1, 9.0], "reached"),
        ([1.0, 7.5, 8.0], "reached, stretch too"),
    ],
)
def test_the_verdict_is_of_the_median(rates: list[float], said: str) -> None:
    bounds = (Bound("rate", 5, 7), Bound("p99", 1 / 20))
    assert verdict(bounds, {"rate": rates, "p99": [0.04]}) == said
    assert verdict(bounds, {"rate": rates, "p99": [0.06]}) == "**missed**"
    assert verdict((), {"rate": rates}) == ""


@pytest.mark.parametrize(
    "value, said", [(0.2, "**missed**"), (0.1, "reached"), (0.05, "reached, stretch too")]
)
def test_a_cost_is_met_from_below(value: float, said: str) -> None:
    cost = FIGURES["cost_dynamodb-request"]
    assert isinstance(cost, Cost)
    result = {"value": value, "values": [value, value], "pairs_us": [[10.0, 10.0 / value]]}
    assert report.met(cost, result) == said
    page = report.page(found({cost.name: result}), {})
    line = line_of(page, "boto3")
    assert "≤ 1/8 | ≤ 1/12" in line
    assert f"10 of {10 / value:,.0f} µs" in line


def test_results_become_a_page_with_its_plots(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer = Contest("ycsb-f-1", "sqlite", 32, "java one-phase")
    source, page = tmp_path / "figures", tmp_path / "performance.md"
    for contest in (F1, peer):
        result = contest_result([100, 120], [600, 620])
        results.keep(source, contest, MOMENT, MACHINE, result)
    for _ in range(2):  # what was drawn before is drawn over, and no byte of it changes
        before = {path: path.read_bytes() for path in (tmp_path / "performance").glob("*")}
        assert report.main(["--from", str(source), "--page", str(page)]) == 0
    capsys.readouterr()
    after = {path.name: path.read_bytes() for path in (tmp_path / "performance").glob("*")}
    assert {path.name: content for path, content in before.items()} == after
    assert set(after) == {"ratios.svg", "clients.svg", "latencies.svg"}
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert {f"performance/{name}" for name in after} == set(named)
    assert b"Java, one-phase" in after["clients.svg"]


def test_no_results_are_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "performance.md"
    with pytest.raises(SystemExit):
        report.main(["--from", str(tmp_path), "--page", str(page)])
    assert "nothing was measured" in capsys.readouterr().err
    assert not page.exists()

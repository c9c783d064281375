"""Is every figure that is to be measured named once, and can it be?"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.beside import costs, results, run, tpcc, ycsb
from bench.beside.costs import MEASURES
from bench.beside.figures import CONTESTS, COSTS, FIGURES, FLOORS, PROFILES, Bound, Contest, Cost
from bench.beside.floors import WAYS
from bench.beside.modes import MODES
from bench.beside.places import AS_FOUND, PLACES, SQLITE
from scalar_tx.settings.keys import KEYS, PREFIX
from tests.bench.small import MOMENT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.beside.figures import Measure


def test_names_are_different_and_fit_files() -> None:
    every = [one.name for one in (*CONTESTS, *FLOORS, *COSTS, *PROFILES)]
    assert [name for name, count in Counter(every).items() if count > 1] == []
    assert [name for name in every if not re.fullmatch(r"[a-z0-9+_-]+", name)] == []
    assert set(every) == set(FIGURES)


def test_every_part_of_a_figure_is_known() -> None:
    workloads = {*ycsb.KINDS, *tpcc.MIXES}
    for one in (*CONTESTS, *FLOORS, *PROFILES):
        assert one.workload in workloads
        assert one.place in PLACES
    assert {one.mode for one in CONTESTS} == set(MODES)
    assert {one.way for one in FLOORS} <= set(WAYS)
    assert {one.measure for one in COSTS} == set(MEASURES)
    assert {one.workload for one in CONTESTS} == workloads
    assert {one.place for one in CONTESTS} == set(PLACES)


def test_a_bare_floor_is_on_sqlite_with_statements_that_it_has() -> None:
    for one in FLOORS:
        if one.bare:
            assert one.place == SQLITE
            assert one.way != "full"


def test_modes_name_properties_that_are_there() -> None:
    named = {name for mode in MODES.values() for side in (mode.java, mode.ours) for name in side}
    assert {name.removeprefix(PREFIX) for name in named} <= set(KEYS)


@pytest.mark.parametrize(
    "contest, bounds",
    [
        (Contest("ycsb-f-1", SQLITE, 32), [("rate", 5, 7), ("p99", 1 / 20, None)]),
        (Contest("ycsb-f-1", SQLITE, 32, "java one-phase"), [("rate", 1, 1.3)]),
        (Contest("ycsb-f-1", SQLITE, 1), [("rate", 1.3, 1.8)]),
        (Contest("ycsb-f-1", SQLITE, 1, "java one-phase"), [("rate", 0.6, 0.9)]),
        (Contest("ycsb-c-2", SQLITE, 8), [("rate", 0.5, None)]),
        (Contest("ycsb-c-2", SQLITE, 8, processes=2), [("rate", 1.2, None)]),
        (Contest("ycsb-f-1", AS_FOUND, 32), [("rate", 15, None)]),
        (Contest("ycsb-f-1", SQLITE, 64, "group commit"), [("rate", 2, None)]),
        (Contest("ycsb-f-1", "postgresql", 16, processes=2), [("rate", 1.6, 2)]),
        (Contest("ycsb-f-1", "cassandra", 16, processes=2), [("rate", 2.5, 3)]),
        (Contest("ycsb-f-1", "dynamodb", 16, processes=2), [("rate", 2.5, 3)]),
        (Contest("multi-f-1", "cassandra+dynamodb", 8, processes=2), [("rate", 1.2, 1.6)]),
        (Contest("multi-f-1", "postgresql+sqlite", 8, processes=2), [("rate", 1.5, 2)]),
    ],
)
def test_what_must_be_reached(
    contest: Contest, bounds: list[tuple[Measure, float, float | None]]
) -> None:
    figure = FIGURES[contest.name]
    assert isinstance(figure, Contest)
    assert [(one.measure, one.must, one.stretch) for one in figure.bounds] == bounds


def test_rates_must_be_high_and_latencies_low() -> None:
    assert Bound("rate", 2).reached(2.1, 2)
    assert not Bound("rate", 2).reached(1.9, 2)
    assert Bound("p99", 0.05).reached(0.04, 0.05)
    assert not Bound("p99", 0.05).reached(0.06, 0.05)


FDATASYNC = FIGURES["cost_fdatasync"]


def test_a_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    screen = Console(record=True, width=200)
    for _ in range(2):
        assert run.BESIDE.all_of([FDATASYNC], MOMENT, tmp_path, screen, again=False) == 0
    said = screen.export_text().splitlines()
    assert re.search(r"cost_fdatasync: [\d.e+]+ µs", said[0])
    assert said[1].strip().endswith("cost_fdatasync: is there")
    result = results.read(tmp_path, FDATASYNC.name)
    assert result is not None
    assert result["value"] > 0
    assert result["machine"]["cores"] >= 1


def test_another_effort_is_another_question(tmp_path: Path) -> None:
    results.keep(tmp_path, FDATASYNC, MOMENT, {}, {"value": 1})
    assert results.kept(tmp_path, FDATASYNC, MOMENT)
    assert results.kept(tmp_path, FDATASYNC, replace(MOMENT, folder=tmp_path))
    assert not results.kept(tmp_path, FDATASYNC, replace(MOMENT, seconds=9.0))
    assert not results.kept(tmp_path, CONTESTS[0], MOMENT)


def test_a_figure_that_fails_keeps_no_other_back(tmp_path: Path) -> None:
    broken = Cost("no such measure", "", "µs")
    screen = Console(record=True, width=200)
    assert run.BESIDE.all_of([broken, FDATASYNC], MOMENT, tmp_path, screen, again=False) == 1
    said = screen.export_text()
    assert "KeyError" in said
    assert broken.name in said.splitlines()[-1]
    assert results.read(tmp_path, broken.name) is None
    assert results.read(tmp_path, FDATASYNC.name) is not None


def test_a_profile_names_the_costliest_functions() -> None:
    profile = next(one for one in PROFILES if one.place == SQLITE)
    result = run.measured(profile, MOMENT)
    assert result["transactions"] > 10
    own = [one["micros"] for one in result["functions"]]
    assert own == sorted(own, reverse=True)
    assert 0 < sum(own) < result["micros"]
    assert any("execute" in one["name"] for one in result["functions"])


def test_names_choose_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.name for one in run.BESIDE.matching(["cost_*"])] == [one.name for one in COSTS]
    assert len(run.BESIDE.matching(None)) == len(FIGURES)
    assert run.BESIDE.main(["--list", "--only", "ycsb-c-2_sqlite_*"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    with pytest.raises(SystemExit):
        run.BESIDE.main(["--only", "nothing like it"])
    assert "see --list" in capsys.readouterr().err


def test_open_transactions_take_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = FIGURES["cost_open-transactions"]
    assert isinstance(cost, Cost)
    assert (costs.OPEN, cost.must) == (10_000, 200)
    monkeypatch.setattr(costs, "OPEN", 500)
    assert 0.5 < MEASURES[cost.measure](MOMENT, None)["value"] < 50

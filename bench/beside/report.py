"""``python -m bench report``: results become docs/performance.md and its plots.

What was not measured is said to be so; nothing is taken from elsewhere.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from bench.beside import missed, results
from bench.beside.contest import JAVA, OURS
from bench.beside.figures import CONTESTS, COSTS, FLOORS, PROFILES, Contest, Cost, Floor
from bench.beside.floors import WAYS
from bench.beside.modes import MODES
from bench.import_time import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.beside.figures import Bound

    Result = Mapping[str, Any]

PAGE: Final = ROOT / "docs" / "performance.md"
TEMPLATE: Final = Path(__file__).with_name("page.md")
NOT_MEASURED: Final = "not measured"


def main(arguments: Sequence[str]) -> int:
    """Write the page and its plots."""
    parser = argparse.ArgumentParser(prog="python -m bench report", description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, default=results.FOLDER)
    parser.add_argument("--page", type=Path, default=PAGE)
    wanted = parser.parse_args(arguments)
    found = {
        figure.name: result
        for figure in (*COSTS, *FLOORS, *PROFILES, *CONTESTS)
        if (result := results.read(wanted.source, figure.name)) is not None
    }
    if not found:
        parser.error(f"nothing was measured yet in {wanted.source}: run python -m bench figures")
    from bench.beside.plots import drawn  # matplotlib is of developers only

    plots = drawn(found, wanted.page.with_suffix(""))
    wanted.page.write_text(page(found, plots), encoding="utf-8")
    print(f"{wanted.page}, from {len(found)} figures")
    return 0


def page(found: Mapping[str, Result], plots: Mapping[str, str]) -> str:
    """The page; ``plots`` are titles and files beside it."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        surroundings=_surroundings(found.values()),
        modes=_table(("mode", ""), [(name, mode.words) for name, mode in MODES.items()]),
        contests=_contests(found),
        plots="\n\n".join(f"![{title}]({file})" for title, file in plots.items()),
        expenses=_expenses(found),
        floors=_floors(found),
        missed=_table(missed.HEAD, missed.rows(found)),
        profiles="\n\n".join(
            f"{title} of one client under the profiler.\n\n{_table(head, rows)}"
            for title, head, rows in missed.profiles(found)
        ),
        costs=_costs(found),
    )


def _surroundings(every: Iterable[Result]) -> str:
    """Machines and efforts, each said once."""
    machines: dict[str, None] = {}
    efforts: dict[str, None] = {}
    dates, loads = set(), []
    for one in every:
        machine, effort = one["machine"], one["effort"]
        dates.add(machine["date"])
        loads.append(machine["load"])
        machines[
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}, Python {machine['python']}, SQLite {machine['sqlite']}, "
            f"scalar_tx {machine['scalar_tx']}, ScalarDB {machine['scalardb']}"
        ] = None
        efforts[
            f"{effort['pairs']} pairs of turns of {effort['seconds']:g} s, each after "
            f"{effort['warm_up']:g} s of warm-up, {effort['isolation']}"
        ] = None
    measured = (
        f"Measured {' to '.join(sorted({min(dates), max(dates)}))}; servers and clients on one "
        f"machine, whose load before a figure was {min(loads):g} to {max(loads):g}"
    )
    return "\n".join(f"- {one}." for one in (measured, *machines, *efforts))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _workload(contest: Contest | Floor) -> str:
    words = f"`{contest.workload}`"
    if isinstance(contest, Contest) and contest.gathered:
        words += ", gathered"
    return words


def _clients(contest: Contest | Floor) -> str:
    more = f" (ours in {contest.processes} processes)" if contest.processes > 1 else ""
    return f"{contest.clients}{more}"


def _contests(found: Mapping[str, Result]) -> str:
    head = (
        "workload", "at", "clients", "mode", "Java a second (p50, p99)", "ours", "ours / Java",
        "must", "stretch", "",
    )  # fmt: skip
    rows = []
    for contest in CONTESTS:
        result = found.get(contest.name)
        names = [_workload(contest), contest.place, _clients(contest), contest.mode]
        bounds = [_wanted(bound, bound.must) for bound in contest.bounds]
        stretches = [
            _wanted(bound, bound.stretch) for bound in contest.bounds if bound.stretch is not None
        ]
        if result is None:
            figures, said = [NOT_MEASURED, "", ""], ""
        else:
            figures = [_speed(result, JAVA), _speed(result, OURS), _ratios(contest, result)]
            said = verdict(contest.bounds, result["ratios"])
        rows.append([*names, *figures, "; ".join(bounds), "; ".join(stretches), said])
    return _table(head, rows)


def _wanted(bound: Bound, value: float) -> str:
    number = f"1/{1 / value:.0f}" if value <= 0.2 else f"{value:.2f}".rstrip("0").rstrip(".")
    return f"≥ {number}x" if bound.measure == "rate" else f"{bound.measure} ≤ {number}x"


def _speed(result: Result, side: str) -> str:
    median = result["median"][side]
    return f"{median['rate']:,.0f} ({_short(median['p50'])}, {_short(median['p99'])})"


def _short(number: float) -> str:
    """Three digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _ratios(contest: Contest, result: Result) -> str:
    measures = dict.fromkeys(["rate", *(bound.measure for bound in contest.bounds)])
    texts = []
    for measure in measures:
        ratios = result["ratios"][measure]
        text = (
            f"{_short(statistics.median(ratios))}x ({_short(min(ratios))}, {_short(max(ratios))})"
        )
        texts.append(text if measure == "rate" else f"{measure} {text}")
    return "; ".join(texts)


def verdict(bounds: Sequence[Bound], ratios: Mapping[str, Sequence[float]]) -> str:
    """How the medians stand to what they must be."""
    if not bounds:
        return ""
    medians = {bound: statistics.median(ratios[bound.measure]) for bound in bounds}
    if not all(bound.reached(median, bound.must) for bound, median in medians.items()):
        return "**missed**"
    wanted = [bound for bound in bounds if bound.stretch is not None]
    beyond = bool(wanted) and all(
        bound.reached(medians[bound], bound.stretch) for bound in wanted if bound.stretch
    )
    return "reached, stretch too" if beyond else "reached"


def _expenses(found: Mapping[str, Result]) -> str:
    head = (
        "workload",
        "at",
        "clients",
        "mode",
        "CPU: Java",
        "ours",
        "again, refused, unknown: Java",
        "ours",
    )
    rows = []
    for contest in CONTESTS:
        if (result := found.get(contest.name)) is None:
            continue
        sides = [result["median"][side] for side in (JAVA, OURS)]
        cpu = [f"{one['client_cpu']:,.0f} + {one['server_cpu']:,.0f}" for one in sides]
        ends = [f"{one['conflicts']:,}, {one['refused']:,}, {one['unknown']:,}" for one in sides]
        names = [_workload(contest), contest.place, _clients(contest), contest.mode]
        rows.append([*names, *cpu, *ends])
    return _table(head, rows)


def _floors(found: Mapping[str, Result]) -> str:
    rows = []
    for floor in FLOORS:
        result = found.get(floor.name)
        by = "`sqlite3`" if floor.bare else "our storage layer"
        names = [_workload(floor), floor.place, _clients(floor), WAYS[floor.way], by]
        rows.append([*names, NOT_MEASURED if result is None else _speed(result, OURS)])
    return _table(("workload", "at", "clients", "writes", "said to", "a second (p50, p99)"), rows)


def _costs(found: Mapping[str, Result]) -> str:
    rows = []
    for cost in COSTS:
        result = found.get(cost.name)
        said = [NOT_MEASURED, ""] if result is None else [_cost(cost, result), met(cost, result)]
        limits = [
            "" if one is None else _limit(one, cost.unit) for one in (cost.must, cost.stretch)
        ]
        rows.append([cost.words, said[0], *limits, said[1]])
    return _table(("", "median (least, most)", "must", "stretch", ""), rows)


def _limit(value: float, unit: str) -> str:
    if unit != "x":
        return f"≤ {value:g} {unit}"
    return f"≤ 1/{1 / value:.0f}" if value <= 0.5 else f"≤ {value:g}x"


def _cost(cost: Cost, result: Result) -> str:
    values = result["values"]
    unit = "x" if cost.unit == "x" else f" {cost.unit}"
    said = f"{_short(result['value'])}{unit}"
    if len(values) > 1:
        said += f" ({_short(min(values))}, {_short(max(values))})"
    if pairs := result.get("pairs_us"):
        ours, others = (statistics.median(column) for column in zip(*pairs, strict=True))
        said += f": {ours:,.0f} of {others:,.0f} µs"
    return said


def met(cost: Cost, result: Result) -> str:
    """How a cost stands to what it may be."""
    if cost.must is None:
        return ""
    if result["value"] > cost.must:
        return "**missed**"
    beyond = cost.stretch is not None and result["value"] <= cost.stretch
    return "reached, stretch too" if beyond else "reached"

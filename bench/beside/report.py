"""``python -m bench report``: results become docs/performance.md and its plots.

What was not measured is said to be so; nothing is taken from elsewhere.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from bench.beside import missed
from bench.beside.contest import JAVA, OURS
from bench.beside.figures import CONTESTS, COSTS, FLOORS, PROFILES, Contest, Cost, Floor
from bench.beside.floors import WAYS
from bench.beside.in_words import NOT_MEASURED, short, speed, surroundings, table, verdict, wanted
from bench.beside.modes import MODES
from bench.beside.pages import Page, images
from bench.import_time import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Result = Mapping[str, Any]

PAGE: Final = ROOT / "docs" / "performance.md"
TEMPLATE: Final = Path(__file__).with_name("page.md")


def main(arguments: Sequence[str]) -> int:
    """Write the page and its plots."""
    from bench.beside.plots import drawn  # matplotlib is of developers only

    figures = (*COSTS, *FLOORS, *PROFILES, *CONTESTS)
    program, measured_by = "python -m bench report", "python -m bench figures"
    return Page(program, str(__doc__), measured_by, figures, PAGE, page, drawn).main(arguments)


def page(found: Mapping[str, Result], plots: Mapping[str, str]) -> str:
    """The page; ``plots`` are titles and files beside it."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        surroundings=surroundings(found.values()),
        modes=table(("mode", ""), [(name, mode.words) for name, mode in MODES.items()]),
        contests=_contests(found),
        plots=images(plots),
        expenses=_expenses(found),
        floors=_floors(found),
        missed=table(missed.HEAD, missed.rows(found)),
        profiles="\n\n".join(
            f"{title} of one client under the profiler.\n\n{table(head, rows)}"
            for title, head, rows in missed.profiles(found)
        ),
        costs=_costs(found),
    )


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
        bounds = [wanted(bound, bound.must) for bound in contest.bounds]
        stretches = [
            wanted(bound, bound.stretch) for bound in contest.bounds if bound.stretch is not None
        ]
        if result is None:
            figures, said = [NOT_MEASURED, "", ""], ""
        else:
            figures = [speed(result, JAVA), speed(result, OURS), _ratios(contest, result)]
            said = verdict(contest.bounds, result["ratios"])
        rows.append([*names, *figures, "; ".join(bounds), "; ".join(stretches), said])
    return table(head, rows)


def _ratios(contest: Contest, result: Result) -> str:
    measures = dict.fromkeys(["rate", *(bound.measure for bound in contest.bounds)])
    texts = []
    for measure in measures:
        ratios = result["ratios"][measure]
        text = f"{short(statistics.median(ratios))}x ({short(min(ratios))}, {short(max(ratios))})"
        texts.append(text if measure == "rate" else f"{measure} {text}")
    return "; ".join(texts)


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
    return table(head, rows)


def _floors(found: Mapping[str, Result]) -> str:
    rows = []
    for floor in FLOORS:
        result = found.get(floor.name)
        by = "`sqlite3`" if floor.bare else "our storage layer"
        names = [_workload(floor), floor.place, _clients(floor), WAYS[floor.way], by]
        rows.append([*names, NOT_MEASURED if result is None else speed(result, OURS)])
    return table(("workload", "at", "clients", "writes", "said to", "a second (p50, p99)"), rows)


def _costs(found: Mapping[str, Result]) -> str:
    rows = []
    for cost in COSTS:
        result = found.get(cost.name)
        said = [NOT_MEASURED, ""] if result is None else [_cost(cost, result), met(cost, result)]
        limits = [
            "" if one is None else _limit(one, cost.unit) for one in (cost.must, cost.stretch)
        ]
        rows.append([cost.words, said[0], *limits, said[1]])
    return table(("", "median (least, most)", "must", "stretch", ""), rows)


def _limit(value: float, unit: str) -> str:
    if unit != "x":
        return f"≤ {value:g} {unit}"
    return f"≤ 1/{1 / value:.0f}" if value <= 0.5 else f"≤ {value:g}x"


def _cost(cost: Cost, result: Result) -> str:
    values = result["values"]
    unit = "x" if cost.unit == "x" else f" {cost.unit}"
    said = f"{short(result['value'])}{unit}"
    if len(values) > 1:
        said += f" ({short(min(values))}, {short(max(values))})"
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

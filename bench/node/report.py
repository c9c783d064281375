"""``python -m bench node-report``: results become docs/performance-node.md and its plots.

What was not measured is said to be so; nothing is taken from elsewhere.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from bench.beside.in_words import NOT_MEASURED, short, speed, surroundings, table, verdict, wanted
from bench.beside.pages import Page, images
from bench.beside.turns import SERVER
from bench.import_time import ROOT
from bench.node.figures import (
    AGAINST_EMBEDDED,
    ECHO_ONE_SHOT,
    ECHO_STREAM,
    ECHOES,
    FIGURES,
    FLOORS,
    GOALS,
    LIMITS,
    ONE_BY_FOUR,
    OTHER,
    OURS,
    SERVERS,
    STARTS,
    STREAM,
    Clients,
    Floor,
)
from bench.node.running import NODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.node.figures import Match

    Result = Mapping[str, Any]
    Found = Mapping[str, Result]

PAGE: Final = ROOT / "docs" / "performance-node.md"
TEMPLATE: Final = Path(__file__).with_name("page.md")


def main(arguments: Sequence[str]) -> int:
    """Write the page and its plots."""
    from bench.node.plots import drawn  # matplotlib is of developers only

    program, measured_by = "python -m bench node-report", "python -m bench node"
    figures = FIGURES.values()
    return Page(program, str(__doc__), measured_by, figures, PAGE, page, drawn).main(arguments)


def page(found: Found, plots: Mapping[str, str]) -> str:
    """The page; ``plots`` are titles and files beside it."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        surroundings=surroundings(found.values()),
        limits=", ".join(one.words for one in LIMITS),
        goals=_goals(found),
        plots=images(plots),
        floors=_floors(found),
        one_by_four=_matches(found, ONE_BY_FOUR),
        embedded=_matches(found, AGAINST_EMBEDDED),
        servers=_servers(found),
        starts=_starts(found),
    )


def _goals(found: Found) -> str:
    head = (
        "at", "way", "32 clients", "a second (p50, p99)", "committed", "aborted",
        "CPU: clients + node + database", "of gRPC alone", "",
    )  # fmt: skip
    rows = []
    for goal in GOALS:
        names = [goal.place, goal.clients.way, goal.clients.form]
        result = found.get(goal.name)
        if result is None:
            rows.append([*names, NOT_MEASURED, *[""] * (len(head) - len(names) - 1)])
            continue
        figures = result["figures"]
        rows.append(
            [
                *names,
                speed(result, OURS),
                f"{figures['committed']:.3%}",
                f"{figures['aborted']:.3%}",
                _cpu(result, OURS),
                _of_floor(result, goal.clients, found),
                _judged(figures),
            ]
        )
    return table(head, rows)


def _judged(figures: Mapping[str, float]) -> str:
    """How all of the goals are met, and which are not."""
    missed = [one for one in LIMITS if not one.reached(figures[one.measure], one.must)]
    if missed:
        return f"**missed**: {', '.join(one.words for one in missed)}"
    stretched = [one for one in LIMITS if one.stretch is not None]
    beyond = all(one.reached(figures[one.measure], one.stretch or 0) for one in stretched)
    return "reached, stretch too" if beyond else "reached"


def _cpu(result: Result, side: str) -> str:
    median = result["median"][side]
    every = ("client_cpu", NODE, SERVER)
    return " + ".join(f"{median[whose]:,.0f}" for whose in every if median.get(whose)) + " µs"


def _of_floor(result: Result, clients: Clients, found: Found) -> str:
    """Which share it is of what gRPC alone allows the same clients."""
    echo = ECHO_STREAM if clients.way == STREAM else ECHO_ONE_SHOT
    same = Floor(Clients(echo, clients.count, clients.processes, clients.tasks))
    floor = found.get(same.name)
    if floor is None:
        return NOT_MEASURED
    share = result["median"][OURS]["rate"] / floor["median"][OURS]["rate"]
    return f"{share:.0%}"


def _floors(found: Found) -> str:
    rows = []
    for floor in FLOORS:
        result = found.get(floor.name)
        said = [NOT_MEASURED, ""] if result is None else [speed(result, OURS), _cpu(result, OURS)]
        rows.append([ECHOES[floor.clients.way], floor.clients.form, *said])
    return table(("messages", "32 clients", "a second (p50, p99)", "CPU: clients + server"), rows)


def _matches(found: Found, matches: Iterable[Match]) -> str:
    head = (
        "at", "ours", "beside", "clients", "ours a second (p50, p99)", "the other's", "ratio",
        "CPU: ours", "the other's", "must", "stretch", "",
    )  # fmt: skip
    rows = []
    for one in matches:
        names = [one.place, one.ours.way, one.other.way, one.ours.words]
        rows.append(_row(names, one.bounds, found.get(one.name)))
    return table(head, rows)


def _servers(found: Found) -> str:
    head = (
        "at", "clients", "connections", "our node a second (p50, p99)", "ScalarDB Server",
        "ours / Java's", "CPU: ours", "Java's", "must", "stretch", "",
    )  # fmt: skip
    rows = []
    for one in SERVERS:
        names = [one.place, f"{one.clients}", f"{one.connections}"]
        rows.append(_row(names, one.bounds, found.get(one.name)))
    return table(head, rows)


def _row(names: list[str], bounds: Any, result: Result | None) -> list[str]:
    limits = [
        "; ".join(wanted(bound, bound.must) for bound in bounds),
        "; ".join(wanted(bound, bound.stretch) for bound in bounds if bound.stretch is not None),
    ]
    if result is None:
        return [*names, NOT_MEASURED, "", "", "", "", *limits, ""]
    rates = result["ratios"]["rate"]
    ratio = f"{short(statistics.median(rates))}x ({short(min(rates))}, {short(max(rates))})"
    said = verdict(bounds, result["ratios"])
    speeds = [speed(result, side) for side in (OURS, OTHER)]
    return [*names, *speeds, ratio, *(_cpu(result, side) for side in (OURS, OTHER)), *limits, said]


def _starts(found: Found) -> str:
    rows = []
    for start in STARTS:
        result = found.get(start.name)
        said = [NOT_MEASURED, f"≤ {start.must:g} s", ""]
        if result is not None:
            values = result["values"]
            said[0] = f"{result['value']:.2f} s ({min(values):.2f}, {max(values):.2f})"
            said[2] = "reached" if result["value"] <= start.must else "**missed**"
        rows.append([f"{start.workers} workers, SQLite", *said])
    return table(("", "median (least, most)", "must", ""), rows)

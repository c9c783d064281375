"""How do the figures look? Three plots as SVG files, whose text can be searched and compared."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.beside.contest import JAVA, OURS
from bench.beside.figures import CONTESTS
from bench.beside.latency import from_json, middle_ns
from bench.beside.places import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Found = Mapping[str, Mapping[str, Any]]

_F1: Final = "ycsb-f-1"
_PEER: Final = "java one-phase"
_DISTRIBUTION_CLIENTS: Final = 32
# The same text and ids in every run: a plot changes when its figures do.
_STYLE: Final = {"svg.fonttype": "none", "svg.hashsalt": "scalar_tx", "font.size": 9}
_COLOURS: Final = {"Java": "#888888", "Java, one-phase": "#d08020", "ours": "#2060b0"}


def drawn(found: Found, folder: Path) -> dict[str, str]:
    """Draw what was measured: title -> file, as seen from beside the folder."""
    return saved(
        found,
        folder,
        {
            "ratios.svg": ("Ours over Java's, median with least and most", _ratios),
            "clients.svg": ("ycsb-f-1 on SQLite, by the number of clients", _by_clients),
            "latencies.svg": (
                "ycsb-f-1 on SQLite at 32 clients: how many took longer",
                _distribution,
            ),
        },
    )


def saved(
    found: Found, folder: Path, plots: Mapping[str, tuple[str, Callable[[Found], Any]]]
) -> dict[str, str]:
    """Draw each of the plots that there is something for, and take the others away."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {}
    with mpl.rc_context(_STYLE):
        for name, (title, draw) in plots.items():
            figure = draw(found)
            path = folder / name
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
            there[title] = f"{folder.name}/{name}"
    return there


def _ratios(found: Found) -> Any:
    rows = [
        (one, found[one.name]["ratios"]["rate"])
        for one in CONTESTS
        if one.name in found and not one.against_ours
    ]
    if not rows:
        return None
    figure = Figure(figsize=(8, 1 + 0.22 * len(rows)))
    axes = figure.subplots()
    for place, (contest, ratios) in enumerate(reversed(rows)):
        median = statistics.median(ratios)
        axes.plot([min(ratios), max(ratios)], [place, place], color=_COLOURS["ours"], linewidth=1)
        axes.plot([median], [place], "o", color=_COLOURS["ours"], markersize=4)
        for bound in contest.bounds:
            if bound.measure == "rate":
                axes.plot([bound.must], [place], "|", color="black", markersize=9, zorder=3)
    axes.set_yticks(
        range(len(rows)),
        [
            f"{one.workload}, {one.place}, {one.clients}, {one.mode}"
            + (f", {one.processes} processes" if one.processes > 1 else "")
            + (", gathered" if one.gathered else "")
            for one, _ in reversed(rows)
        ],
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(1, color="#bbbbbb", linewidth=0.8)
    axes.set_xlabel("ours over Java's, transactions a second; a bar stands where it must reach")
    return figure


def _by_clients(found: Found) -> Any:
    lines: dict[str, list[tuple[int, float]]] = {name: [] for name in _COLOURS}
    for contest in CONTESTS:
        plain = (contest.workload, contest.place, contest.processes) == (_F1, SQLITE, 1)
        if not plain or contest.name not in found:
            continue
        median = found[contest.name]["median"]
        if contest.mode == "defaults":
            lines["Java"].append((contest.clients, median[JAVA]["rate"]))
            lines["ours"].append((contest.clients, median[OURS]["rate"]))
        elif contest.mode == _PEER:
            lines["Java, one-phase"].append((contest.clients, median[JAVA]["rate"]))
    if not any(lines.values()):
        return None
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    for name, points in lines.items():
        if points:
            clients, rates = zip(*sorted(points), strict=True)
            axes.plot(clients, rates, "o-", label=name, color=_COLOURS[name], markersize=4)
    axes.set_xscale("log", base=2)
    axes.set_xticks([1, 8, 16, 32, 64], ["1", "8", "16", "32", "64"])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("clients")
    axes.set_ylabel("transactions a second")
    axes.legend()
    return figure


def _distribution(found: Found) -> Any:
    sides = {
        ("defaults", JAVA): "Java",
        (_PEER, JAVA): "Java, one-phase",
        ("defaults", OURS): "ours",
    }
    lines = {
        label: (_COLOURS[label], found[one.name]["turns"][side])
        for (mode, side), label in sides.items()
        for one in CONTESTS
        if (one.workload, one.place, one.clients, one.mode)
        == (_F1, SQLITE, _DISTRIBUTION_CLIENTS, mode)
        and one.name in found
    }
    return took_longer(lines)


def took_longer(lines: Mapping[str, tuple[str, list[dict[str, Any]]]]) -> Any:
    """Which share took longer than so many milliseconds; label -> colour and turns."""
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    drew = False
    for label, (colour, turns) in lines.items():
        longer, milliseconds = _longer([one["latencies"] for one in turns])
        if not longer:  # all took the same
            continue
        axes.step(milliseconds, longer, where="post", label=label, color=colour)
        drew = True
    if not drew:
        return None
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("share that took longer")
    axes.legend()
    return figure


def _longer(turns: list[dict[str, int]]) -> tuple[list[float], list[float]]:
    """For each latency that occurred, which share took longer; none took longer than the last."""
    every = sum((from_json(one) for one in turns), from_json({}))
    total, left = every.total(), every.total()
    shares, milliseconds = [], []
    for number in sorted(every):
        left -= every[number]
        if left:
            shares.append(left / total)
            milliseconds.append(middle_ns(number) / 1e6)
    return shares, milliseconds

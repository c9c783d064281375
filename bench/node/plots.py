"""How do the figures of a node look?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

from bench.beside.places import SQLITE
from bench.beside.plots import saved, took_longer
from bench.node.figures import (
    FLOORS,
    GOALS,
    LIMITS,
    ONE_SHOT,
    OURS,
    POSTGRESQL,
    STREAM,
    Clients,
    Floor,
    Goal,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bench.beside.plots import Found

_COLOURS: Final = {
    (SQLITE, STREAM): "#2060b0",
    (SQLITE, ONE_SHOT): "#60a0e0",
    (POSTGRESQL, STREAM): "#d08020",
    (POSTGRESQL, ONE_SHOT): "#e0b060",
}
_GREY: Final = "#888888"


def drawn(found: Found, folder: Path) -> dict[str, str]:
    """Draw what was measured: title -> file, as seen from beside the folder."""
    return saved(
        found,
        folder,
        {
            "rates.svg": ("ycsb-f-1 through a node, transactions a second", _rates),
            "latencies.svg": ("ycsb-f-1 through a node: how many took longer", _latencies),
        },
    )


def _rates(found: Found) -> Any:
    every: tuple[Goal | Floor, ...] = (*GOALS, *FLOORS)
    rows = [(one, found[one.name]["median"][OURS]["rate"]) for one in every if one.name in found]
    if not rows:
        return None
    figure = Figure(figsize=(8, 1 + 0.25 * len(rows)))
    axes = figure.subplots()
    rows.reverse()
    colours = [
        _COLOURS[one.place, one.clients.way] if isinstance(one, Goal) else _GREY for one, _ in rows
    ]
    axes.barh(range(len(rows)), [rate for _, rate in rows], color=colours)
    axes.set_yticks(range(len(rows)), [_label(one) for one, _ in rows])
    [must] = [limit.must for limit in LIMITS if limit.measure == "rate"]
    axes.axvline(must, color="black", linewidth=0.8)
    axes.set_xlabel("transactions a second; the line is what must be reached")
    return figure


def _label(one: Goal | Floor) -> str:
    place = one.place if isinstance(one, Goal) else "gRPC alone"
    way = one.clients.way.removeprefix("echo ")
    return f"{place}, {way}, {one.clients.form}"


def _latencies(found: Found) -> Any:
    lines = {}
    for (place, way), colour in _COLOURS.items():
        name = Goal(place, Clients(way)).name
        if name in found:
            lines[f"{place}, {way}"] = (colour, found[name]["turns"][OURS])
    return took_longer(lines)

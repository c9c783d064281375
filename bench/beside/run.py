"""``python -m bench figures``: measure one figure after the other, and go on where a run ended.

Nothing else should run on the machine. Needs Java and Maven; servers are started by themselves.
"""

from __future__ import annotations

import argparse
import fnmatch
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.beside import results
from bench.beside.contest import Effort, ground, held
from bench.beside.costs import MEASURES
from bench.beside.figures import FIGURES, Contest, Cost, Floor, Profile
from bench.beside.machine import described
from bench.beside.places import default_folder
from bench.beside.profile import measured_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.beside.figures import Figure
    from tests.servers.node import Cluster


def main(arguments: Sequence[str]) -> int:
    """Measure; 1 if a figure could not be."""
    parser = argparse.ArgumentParser(prog="python -m bench figures", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="PATTERN",
        help="names as --list has them, * for any text; several times for several",
    )
    parser.add_argument("--list", action="store_true", help="say the names, and which are there")
    parser.add_argument("--again", action="store_true", help="measure what is there once more")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a turn")
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds before each turn")
    parser.add_argument("--isolation", choices=["SERIALIZABLE", "SNAPSHOT"], default="SERIALIZABLE")
    parser.add_argument("--into", type=Path, default=results.FOLDER, help="folder of the results")
    parser.add_argument("--files", type=Path, help="folder of SQLite files: where is the disk?")
    wanted = parser.parse_args(arguments)
    if wanted.pairs < 1 or wanted.seconds <= 0:
        parser.error("give at least one pair, and some seconds")
    effort = Effort(
        pairs=wanted.pairs,
        seconds=wanted.seconds,
        warm_up=wanted.warm_up,
        isolation=wanted.isolation,
        folder=wanted.files or default_folder(),
    )
    chosen = matching(wanted.only)
    if not chosen:
        parser.error(f"no figure is called {wanted.only}: see --list")
    screen = Console(highlight=False)
    if wanted.list:
        for figure in chosen:
            there = "there" if results.kept(wanted.into, figure, effort) else ""
            screen.print(f"{figure.name:60} {there}", soft_wrap=True)
        return 0
    return all_of(chosen, effort, wanted.into, screen, again=wanted.again)


def matching(patterns: Sequence[str] | None) -> list[Figure]:
    """The figures of these names, in their order."""
    return [
        figure
        for name, figure in FIGURES.items()
        if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    ]


def all_of(
    figures: Sequence[Figure], effort: Effort, into: Path, screen: Console, *, again: bool
) -> int:
    """Measure what is not there yet; a figure that fails does not keep the others back."""
    failed = []
    for number, figure in enumerate(figures, 1):
        head = f"[{number}/{len(figures)}] {figure.name}"
        if not again and results.kept(into, figure, effort):
            screen.print(f"{head}: is there", markup=False, style="dim")
            continue
        begun = time.monotonic()
        machine = described()
        try:
            result = measured(figure, effort)
        except Exception as error:  # noqa: BLE001  # the next figure may do better
            failed.append(figure.name)
            screen.print(f"{head}: {type(error).__name__}: {error}", markup=False, style="red")
            continue
        results.keep(into, figure, effort, machine, result)
        took = time.monotonic() - begun
        screen.print(f"{head}: {in_short(figure, result)} ({took:.0f} s)", markup=False)
    if failed:
        screen.print(f"{len(failed)} could not be measured: {', '.join(failed)}", markup=False)
    return 1 if failed else 0


def measured(
    figure: Figure, effort: Effort, running: Mapping[str, Cluster] | None = None
) -> dict[str, Any]:
    """One figure. ``running`` servers are used instead of new ones."""
    match figure:
        case Contest():
            return held(figure, effort, running)
        case Floor():
            return ground(figure, effort, running)
        case Cost():
            return MEASURES[figure.measure](effort, running)
        case Profile():
            return measured_profile(figure, effort, running)


def in_short(figure: Figure, result: Mapping[str, Any]) -> str:
    """A line for whoever watches."""
    if isinstance(figure, Cost):
        return f"{result['value']:.3g} {figure.unit}"
    if isinstance(figure, Profile):
        return f"{result['micros']:.0f} µs a transaction, profiled"
    rates = {side: one["rate"] for side, one in result["median"].items()}
    said = ", ".join(f"{side} {rate:,.0f}" for side, rate in rates.items())
    if isinstance(figure, Floor):
        return f"{said} a second"
    return f"{said} a second, {statistics.median(result['ratios']['rate']):.2f}x"

"""How are measured figures said on a page?"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.beside.figures import Bound

    Result = Mapping[str, Any]

NOT_MEASURED: Final = "not measured"


def surroundings(every: Iterable[Result]) -> str:
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
    if not dates:
        return "- Nothing was measured yet."
    measured = (
        f"Measured {' to '.join(sorted({min(dates), max(dates)}))}; servers and clients on one "
        f"machine, whose load before a figure was {min(loads):g} to {max(loads):g}"
    )
    return "\n".join(f"- {one}." for one in (measured, *machines, *efforts))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wanted(bound: Bound, value: float) -> str:
    """What a ratio must be."""
    number = f"1/{1 / value:.0f}" if value <= 0.2 else f"{value:.2f}".rstrip("0").rstrip(".")
    return f"≥ {number}x" if bound.measure == "rate" else f"{bound.measure} ≤ {number}x"


def speed(result: Result, side: str) -> str:
    """Transactions a second, and their latencies."""
    median = result["median"][side]
    return f"{median['rate']:,.0f} ({short(median['p50'])}, {short(median['p99'])})"


def short(number: float) -> str:
    """Three digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def verdict(bounds: Sequence[Bound], ratios: Mapping[str, Sequence[float]]) -> str:
    """How the medians stand to what they must be."""
    if not bounds:
        return ""
    medians = {bound: statistics.median(ratios[bound.measure]) for bound in bounds}
    if not all(bound.reached(median, bound.must) for bound, median in medians.items()):
        return "**missed**"
    stretched = [bound for bound in bounds if bound.stretch is not None]
    beyond = bool(stretched) and all(
        bound.reached(medians[bound], bound.stretch) for bound in stretched if bound.stretch
    )
    return "reached, stretch too" if beyond else "reached"

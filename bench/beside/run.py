"""``python -m bench figures``: measure one figure after the other, and go on where a run ended.

Nothing else should run on the machine. Needs Java and Maven; servers are started by themselves.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from bench.beside.contest import ground, held
from bench.beside.costs import MEASURES
from bench.beside.figures import FIGURES, Contest, Cost, Floor, Profile
from bench.beside.one_by_one import Campaign
from bench.beside.profile import measured_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.beside.figures import Figure
    from bench.beside.turns import Effort
    from tests.servers.node import Cluster


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


BESIDE: Final = Campaign("python -m bench figures", __doc__, FIGURES, measured, in_short)

"""``python -m bench node``: measure one figure of a node after the other, going on where it ended.

Nothing else should run on the machine. Needs Java and Maven; servers are started by themselves.
"""

from __future__ import annotations

import statistics
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from bench.beside.one_by_one import Campaign
from bench.beside.turns import Effort
from bench.node.figures import FIGURES, Floor, Goal, Start
from bench.node.measured import Measuring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.node.figures import Figure

# All of it in less than half an hour.
EFFORT: Final = Effort(pairs=3, seconds=3.0, warm_up=1.0)


def campaign(measuring: Measuring) -> Campaign[Figure]:
    """The figures, measured so."""
    return Campaign(
        "python -m bench node", str(__doc__), FIGURES, measuring.measured, in_short, EFFORT
    )


def main(arguments: Sequence[str]) -> int:
    """Measure; 1 if a figure could not be."""
    with closing(Measuring()) as measuring:
        return campaign(measuring).main(arguments)


def in_short(figure: Figure, result: Mapping[str, Any]) -> str:
    """A line for whoever watches."""
    if isinstance(figure, Start):
        return f"{result['value']:.2f} s"
    said = ", ".join(f"{side} {one['rate']:,.0f}" for side, one in result["median"].items())
    if isinstance(figure, Goal):
        found = result["figures"]
        return f"{said} a second, p99 {found['p99']:.1f} ms, aborted {found['aborted']:.3%}"
    if isinstance(figure, Floor):
        return f"{said} a second"
    return f"{said} a second, {statistics.median(result['ratios']['rate']):.2f}x"

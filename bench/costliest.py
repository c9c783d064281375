"""Which functions take a transaction's time?"""

from __future__ import annotations

import pstats
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.import_time import ROOT

if TYPE_CHECKING:
    import cProfile


class Function(NamedTuple):
    """A function's own microseconds and its calls in one transaction."""

    micros: float
    calls: float
    name: str


def costliest(
    profile: cProfile.Profile, transactions: int, functions: int | None
) -> list[Function]:
    """So many of the costliest by their own time; None: all."""
    stats: Any = pstats.Stats(profile)
    every = sorted(stats.stats.items(), key=lambda item: item[1][2], reverse=True)
    found = []
    for (file, line, function), (_, calls, own, *_) in every[:functions]:
        path = Path(file)
        place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        place = place.rpartition("site-packages/")[2]
        name = function if file == "~" else f"{place}:{line} {function}"
        found.append(Function(1e6 * own / transactions, calls / transactions, name))
    return found

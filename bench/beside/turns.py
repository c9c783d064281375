"""How do sides run in turns? A B, then B A, and so on; the ratio of each pair counts.

Each warms up before every turn; before the first pair each has a turn that does not count. CPU is
told with whose it is: the clients' own, and that of whatever serves them.
"""

from __future__ import annotations

import os
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.beside.latency import added, from_json, percentile_ns
from bench.beside.tpcc_tables import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.beside.tally import Tally

SHARES: Final = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
MEASURES: Final = ("rate", *SHARES)
SERVER: Final = "server_cpu"
NO_SERVER: Final = {SERVER: 0.0}

Turn = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """How long and how often, and at which isolation. Seconds are of one turn."""

    pairs: int = 5
    seconds: float = 10.0
    warm_up: float = 3.0
    isolation: str = "SERIALIZABLE"
    scale: Scale = field(default_factory=Scale)
    folder: Path | None = None  # of SQLite files

    def stored(self) -> dict[str, Any]:
        """As the results keep it: without what is of one machine only."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}


@dataclass
class Side:
    """Who has turns, and what came of all of them.

    ``spent``: the CPU seconds that what serves this side has taken so far, by whose they are.
    """

    turn: Callable[[Effort], Tally]
    spent: Callable[[], Mapping[str, float]] = NO_SERVER.copy
    tallies: list[Tally] = field(default_factory=list)

    def take(self, effort: Effort) -> Tally:
        """Have a turn."""
        self.tallies.append(self.turn(effort))
        return self.tallies[-1]


def turn_of(tally: Tally, seconds: float, spent: Mapping[str, float]) -> Turn:
    """A turn in figures: rates a second, latencies in milliseconds, CPU in µs a transaction."""
    if not tally.done:
        raise RuntimeError("nothing was done in time: give it more seconds")
    ended = max(tally.all_done, 1)
    return {
        "rate": tally.done / seconds,
        **{name: percentile_ns(tally.latencies, share) / 1e6 for name, share in SHARES.items()},
        "done": tally.done,
        "all_done": tally.all_done,
        "conflicts": tally.conflicts,
        "refused": tally.refused,
        "unknown": tally.unknown,
        "client_cpu": 1e6 * tally.cpu_seconds / ended,
        **{whose: 1e6 * taken / ended for whose, taken in spent.items()},
        "latencies": {str(number): tally.latencies[number] for number in sorted(tally.latencies)},
    }


def taken(
    sides: Mapping[str, Side], effort: Effort, *, uncounted: int = 1
) -> dict[str, list[Turn]]:
    """Let the sides have their turns; the first pairs only warm up."""
    turns: dict[str, list[Turn]] = {side: [] for side in sides}
    order = list(sides)
    for pair in range(uncounted + effort.pairs):
        for side in order:
            before = sides[side].spent()
            tally = sides[side].take(effort)
            if pair >= uncounted:
                after = sides[side].spent()
                spent = {whose: after[whose] - before[whose] for whose in before}
                turns[side].append(turn_of(tally, effort.seconds, spent))
        order.reverse()
    return turns


def ratios(ours: list[Turn], others: list[Turn]) -> dict[str, list[float]]:
    """One side over the other, pair by pair."""
    return {
        measure: [one[measure] / other[measure] for one, other in zip(ours, others, strict=True)]
        for measure in MEASURES
    }


def median(turns: list[Turn]) -> dict[str, float]:
    """Of all turns of a side; percentiles are of all their latencies together."""
    every = added(from_json(one["latencies"]) for one in turns)
    middle = ("rate", *(name for name in turns[0] if name.endswith("_cpu")))
    return {
        **{name: statistics.median(one[name] for one in turns) for name in middle},
        **{name: percentile_ns(every, share) / 1e6 for name, share in SHARES.items()},
        **{name: sum(one[name] for one in turns) for name in ("conflicts", "refused", "unknown")},
    }


def cpu_seconds(processes: Iterable[int]) -> float:
    """CPU that processes have taken so far, with their children that have ended."""
    ticks = 0
    for pid in processes:
        # Behind the program's name, which may hold spaces: fields 14 to 17 of proc(5), the latter
        # two of children that have ended, as PostgreSQL's connections are.
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended, and its parent counts it from now on
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")

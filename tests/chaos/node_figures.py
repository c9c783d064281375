"""What happened in a campaign of kills of nodes, and was it enough to mean something?"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos.judge import ANOMALY, FALSELY_FAILED, LOST, TOTAL, Verdict
from tests.chaos.node_fleet import WHOLE, WORKER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.chaos.node_clients import Told
    from tests.chaos.node_fleet import NodeFleet
    from tests.chaos.node_rates import Rate

MIXED: Final = "mixed"
WIDE: Final = "wide"
HOT: Final = "hot"
EXPIRED: Final = "hot, once the dead are recovered"
JUDGED: Final = (MIXED, WIDE, EXPIRED)
PAUSING: Final = "while being paused"
IN_IT: Final = "while paused"
UNPAUSING: Final = "while being unpaused"
MOMENTS: Final = (PAUSING, IN_IT, UNPAUSING)


@dataclass
class NodeFigures:
    """Counts of all runs."""

    workers_killed: int = 0
    nodes_killed: int = 0
    kills_under_load: int = 0
    commits: int = 0
    conflicts: int = 0
    nodes_lost: int = 0  # transactions that were told so
    unknown: int = 0
    unknown_committed: int = 0
    longest_doubt: float = 0.0
    scripts: int = 0
    scripts_settled: int = 0
    settled_commits: int = 0
    appends: int = 0
    pauses: int = 0
    refused_in_pause: int = 0
    longest_drain: float = 0.0
    pauses_that_failed: int = 0  # and said so: somebody was killed
    came_back_paused: int = 0  # workers
    killed_in_pauses: Counter[tuple[str, str]] = field(default_factory=Counter)  # who, and when
    rates: dict[str, list[Rate]] = field(default_factory=lambda: defaultdict(list))
    gaps: list[float] = field(default_factory=list)  # seconds without a commit behind a kill

    def add(
        self, told: Told, fleet: NodeFleet, took: Mapping[str, float], states: Mapping[str, str]
    ) -> None:
        """Count what one run has told."""
        self.workers_killed += sum(hit.node == WORKER for hit in fleet.hits)
        self.nodes_killed += sum(hit.node == WHOLE for hit in fleet.hits)
        self.kills_under_load += sum(hit.in_flight(told.entries) > 0 for hit in fleet.hits)
        for entry in told.entries:
            self.commits += entry.outcome == "committed"
            self.unknown += entry.outcome == "unknown"
            if entry.outcome == "committed":
                self.appends += sum(kind == "append" for kind, *_ in entry.done or ())
            elif entry.outcome == "aborted":
                self.nodes_lost += entry.why.startswith("STX-5065")
                self.conflicts += entry.why.startswith(("STX-1", "rerun"))
        self.unknown_committed += sum(state == "COMMITTED" for state in states.values())
        self.longest_doubt = max(self.longest_doubt, *took.values(), 0.0)
        self.scripts += told.scripts
        self.scripts_settled += told.scripts_settled
        self.settled_commits += fleet.settled_commits()
        self.refused_in_pause += told.refused_in_pause

    @property
    def kills(self) -> int:
        """All of them; a node with its workers is one."""
        return self.workers_killed + self.nodes_killed

    def full_again(self, keys: str) -> int:
        """After how many kills of one of three nodes the rate was full within five seconds."""
        return sum(one.full for one in self.rates[keys])

    def killed_in_pause(self, **how: str) -> int:
        """How many were killed in pauses: of that kind (``who``), or at that ``moment``."""
        return sum(
            times
            for (who, moment), times in self.killed_in_pauses.items()
            if how.get("who", who) == who and how.get("moment", moment) == moment
        )

    def too_little(self, floors: Mapping[str, int]) -> list[str]:
        """What happened too seldom for the campaign to show anything; floors by their words."""
        found = {
            "kills": self.kills,
            "whole nodes killed": self.nodes_killed,
            "kills with transactions in flight": self.kills_under_load,
            "commits": self.commits,
            "conflicts": self.conflicts,
            "transactions whose node was lost": self.nodes_lost,
            "unknown outcomes": self.unknown,
            "commits settled by another process": self.settled_commits,
            "scripts": self.scripts,
            "appends": self.appends,
            "pauses": self.pauses,
            "refused while paused": self.refused_in_pause,
            **{
                f"times at full rate, {one}": self.full_again(one) for one in (MIXED, WIDE, EXPIRED)
            },
            "workers killed in pauses": self.killed_in_pause(who=WORKER),
            "nodes killed in pauses": self.killed_in_pause(who=WHOLE),
            **{f"killed {one}": self.killed_in_pause(moment=one) for one in MOMENTS},
            "workers that came back paused": self.came_back_paused,
        }
        return [
            f"{what}: {found[what]}, at least {floor} are wanted"
            for what, floor in floors.items()
            if found[what] < floor
        ]

    def _of_pauses(self) -> str:
        return f"{self.pauses_that_failed}, {self.came_back_paused}"

    def table(self, verdict: Verdict) -> list[tuple[str, str]]:
        """The summary, a line a row."""
        known = (LOST, FALSELY_FAILED, TOTAL, ANOMALY)
        others = sum(len(found) for kind, found in verdict.findings.items() if kind not in known)
        return [
            ("workers killed, whole nodes", f"{self.workers_killed}, {self.nodes_killed}"),
            ("  of them with transactions in flight", f"{self.kills_under_load}"),
            ("commits", f"{self.commits}"),
            ("  of them scripts, settled scripts", f"{self.scripts}, {self.scripts_settled}"),
            ("conflicts", f"{self.conflicts}"),
            ("told that the node was lost", f"{self.nodes_lost}"),
            ("unknown, committed of them", f"{self.unknown}, {self.unknown_committed}"),
            ("longest in doubt, seconds", f"{self.longest_doubt:.1f}"),
            ("commits settled by another process", f"{self.settled_commits}"),
            ("appends to lists", f"{self.appends}"),
            *((f"one of three, {keys}", _shares(rates)) for keys, rates in self.rates.items()),
            ("  longest time without a commit", f"{max(self.gaps, default=0.0):.1f}"),
            ("pauses, longest drain in seconds", f"{self.pauses}, {self.longest_drain:.2f}"),
            *(
                (f"  {who}s killed {moment}", f"{times}")
                for (who, moment), times in sorted(self.killed_in_pauses.items())
            ),
            ("  failed by that, workers back paused", self._of_pauses()),
            ("refused while paused", f"{self.refused_in_pause}"),
            ("lost acknowledged commits", f"{verdict.count(LOST)}"),
            ("reported failed but present", f"{verdict.count(FALSELY_FAILED)}"),
            ("wrong totals", f"{verdict.count(TOTAL)}"),
            ("anomalies", f"{verdict.count(ANOMALY)}"),
            ("anything else wrong", f"{others}"),
        ]


def hot_kills(kills: int) -> int:
    """How many kills of one of three nodes are on few records: each takes half a minute."""
    return max(1, kills // 100)


def pauses_with_kills(pauses: int) -> tuple[int, int]:
    """How many more pauses there are in which somebody may be killed, and in how many."""
    return pauses // 8, pauses // 16


def floors_of(kills: int, pauses: int, *, slow: bool = False) -> dict[str, int]:
    """What so many kills and pauses must bring about; ``slow``: on databases that are."""
    work = 1 if slow else 4
    of_three = max(1, kills // 20)
    more, deaths = pauses_with_kills(pauses)
    return {
        "workers killed in pauses": deaths // 2,
        "nodes killed in pauses": deaths // 6,
        # It takes milliseconds: many a kill that was meant for it comes when it is over.
        "killed while being paused": deaths // 10,
        "killed while paused": deaths // 6,
        "killed while being unpaused": deaths // 12,
        "workers that came back paused": deaths // 4,
        # A second's commits scatter, whatever they are counted by.
        f"times at full rate, {MIXED}": of_three * 9 // 10,
        f"times at full rate, {WIDE}": of_three * 9 // 10,
        f"times at full rate, {EXPIRED}": hot_kills(kills) // 2,
        "kills": kills,
        "whole nodes killed": kills // 12,
        "kills with transactions in flight": kills * 4 // 5,
        "commits": 5 * work * kills,
        "conflicts": kills * work // 4,
        "transactions whose node was lost": kills // 10,
        "unknown outcomes": kills // 60,
        "commits settled by another process": kills // 20,
        "scripts": work * kills,
        "appends": work * kills,
        "pauses": pauses + more // 2,
        "refused while paused": pauses // 2,
    }


def _shares(rates: Sequence[Rate]) -> str:
    shares = sorted(one.share for one in rates)
    full = sum(one.full for one in rates)
    middle = statistics.median(shares)
    return f"{full} of {len(rates)} at full rate; {shares[0]:.0%} at least, {middle:.0%} mostly"


@dataclass
class NodeResult:
    """A campaign's end: what was wrong, and what happened."""

    verdict: Verdict = field(default_factory=Verdict)
    figures: NodeFigures = field(default_factory=NodeFigures)

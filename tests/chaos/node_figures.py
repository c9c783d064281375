"""What happened in a campaign of kills of nodes, and was it enough to mean something?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos.judge import ANOMALY, FALSELY_FAILED, LOST, TOTAL, Verdict
from tests.chaos.node_fleet import WHOLE, WORKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.chaos.node_clients import Told
    from tests.chaos.node_fleet import NodeFleet

FULL_RATE: Final = 0.8  # of the rate before: a second's commits scatter by more than a tenth


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
    rates: list[tuple[float, float]] = field(default_factory=list)  # before a kill, behind it
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

    @property
    def full_again(self) -> int:
        """After how many kills of one of three nodes the rate was full within five seconds."""
        return sum(after >= FULL_RATE * before for before, after in self.rates)

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
            "times at full rate within 5 s": self.full_again,
        }
        return [
            f"{what}: {found[what]}, at least {floor} are wanted"
            for what, floor in floors.items()
            if found[what] < floor
        ]

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
            ("one of three: full rate within 5 s", f"{self.full_again} of {len(self.rates)}"),
            ("  longest time without a commit", f"{max(self.gaps, default=0.0):.1f}"),
            ("pauses, longest drain in seconds", f"{self.pauses}, {self.longest_drain:.2f}"),
            ("refused while paused", f"{self.refused_in_pause}"),
            ("lost acknowledged commits", f"{verdict.count(LOST)}"),
            ("reported failed but present", f"{verdict.count(FALSELY_FAILED)}"),
            ("wrong totals", f"{verdict.count(TOTAL)}"),
            ("anomalies", f"{verdict.count(ANOMALY)}"),
            ("anything else wrong", f"{others}"),
        ]


def floors_of(kills: int, pauses: int) -> dict[str, int]:
    """What so many kills and pauses must bring about."""
    return {
        "kills": kills,
        "whole nodes killed": kills // 12,
        "kills with transactions in flight": kills * 4 // 5,
        "commits": 20 * kills,
        "conflicts": kills,
        "transactions whose node was lost": kills // 10,
        "unknown outcomes": kills // 60,
        "commits settled by another process": kills // 20,
        "scripts": 4 * kills,
        "appends": 4 * kills,
        # The machine has others to serve, too: of some kills the rate shows nothing.
        "times at full rate within 5 s": kills // 10 * 3 // 5,
        "pauses": pauses,
        "refused while paused": pauses // 2,
    }


@dataclass
class NodeResult:
    """A campaign's end: what was wrong, and what happened."""

    verdict: Verdict = field(default_factory=Verdict)
    figures: NodeFigures = field(default_factory=NodeFigures)

"""What happened in a campaign, and was it enough to mean something?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.judge import ANOMALY, FALSELY_FAILED, LOST, TOTAL
from tests.chaos.stored import COMMITTED
from tests.chaos.trouble import PAUSE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.chaos.journal import Entry
    from tests.chaos.judge import Verdict
    from tests.chaos.stored import Unsettled
    from tests.chaos.trouble import Hit


@dataclass(frozen=True)
class Kill:
    """One writer's death: at which moment, and what it is known to have left unsettled."""

    moment: str  # "at random", or the step it was caught at
    left: tuple[Unsettled, ...]


@dataclass
class Figures:
    """Counts of one campaign."""

    kills: list[Kill] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    left: list[Unsettled] = field(default_factory=list)  # by those who died at the end of a batch
    transactions: int = 0
    committed: int = 0
    aborted: int = 0
    conflicts: int = 0
    outages: int = 0
    rerun: int = 0
    unknown: int = 0
    unknown_committed: int = 0
    untold: int = 0
    untold_committed: int = 0
    rolled_forward: int = 0
    rolled_back: int = 0
    replies_lost: int = 0
    hits_under_load: int = 0
    committed_in_trouble: int = 0
    readers_totals: int = 0
    readers_conflicts: int = 0
    dependencies: int = 0
    seconds: float = 0.0

    def tell_of(self, entries: Collection[Entry], decisions: Mapping[str, int]) -> None:
        """Count what the journals say, now that everything is decided."""
        for entry in entries:
            self.transactions += 1
            self.rerun += entry.rerun
            committed = decisions.get(entry.tx_id) == COMMITTED
            match entry.outcome:
                case "committed":
                    self.committed += 1
                case "aborted":
                    self.aborted += 1
                    # A conflict is another transaction's doing, a rerun of the library follows one.
                    self.conflicts += entry.why.startswith(("STX-1", "rerun"))
                    self.outages += entry.why.startswith("STX-4")
                case "unknown":
                    self.unknown += 1
                    self.unknown_committed += committed
                case _:
                    self.untold += 1
                    self.untold_committed += committed
        for record in (*(one for kill in self.kills for one in kill.left), *self.left):
            if decisions.get(record.tx_id) == COMMITTED:
                self.rolled_forward += 1
            else:
                self.rolled_back += 1
        self.hits_under_load = sum(hit.in_flight(entries) > 0 for hit in self.hits)
        self.committed_in_trouble = sum(hit.committed_meanwhile(entries) for hit in self.hits)

    @property
    def kills_in_window(self) -> int:
        """Kills that left records prepared: after the first prepare, before the last finish."""
        return sum(1 for kill in self.kills if kill.left)

    @property
    def servers_killed(self) -> int:
        """How often a server was killed, rather than frozen."""
        return sum(hit.kind != PAUSE for hit in self.hits)

    def moments(self) -> Counter[str]:
        """How often which moment was hit."""
        return Counter(kill.moment for kill in self.kills)

    def troubles(self) -> Counter[str]:
        """How often which server had which trouble."""
        return Counter(f"{hit.node} {hit.kind}" for hit in self.hits)

    def too_little(self, floors: Mapping[str, int]) -> list[str]:
        """What happened too seldom for the campaign to show anything; floors by their words."""
        found = {
            "kills": len(self.kills),
            "kills between prepare and finish": self.kills_in_window,
            "commits": self.committed,
            "conflicts": self.conflicts,
            "recovered records": self.rolled_forward + self.rolled_back,
            "records rolled forward": self.rolled_forward,
            "records rolled back": self.rolled_back,
            "totals added up by readers": self.readers_totals,
            "servers killed": self.servers_killed,
            "servers hit with transactions in flight": self.hits_under_load,
            "commits while a server was away": self.committed_in_trouble,
            "replies lost": self.replies_lost,
            "unknown outcomes": self.unknown,
            "unknown outcomes and deaths before the end": self.unknown + self.untold,
            "dependencies between transactions": self.dependencies,
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
        # A file is looked into at each kill, servers only at the end.
        where = (
            [
                ("servers killed, frozen", f"{self.servers_killed}, {self._frozen}"),
                ("  of them with transactions in flight", f"{self.hits_under_load}"),
            ]
            if self.hits
            else [("  of them between prepare and finish", f"{self.kills_in_window}")]
        )
        return [
            ("writers killed", f"{len(self.kills)}"),
            *where,
            ("transactions attempted", f"{self.transactions}"),
            ("commits", f"{self.committed}"),
            ("  of them while a server was away", f"{self.committed_in_trouble}"),
            ("conflicts", f"{self.conflicts}"),
            ("nothing done, a server was away", f"{self.outages}"),
            ("retried", f"{self.rerun}"),
            ("replies of writes lost", f"{self.replies_lost}"),
            ("unknown, committed of them", f"{self.unknown}, {self.unknown_committed}"),
            ("died untold, committed of them", f"{self.untold}, {self.untold_committed}"),
            ("recovered: records forward, back", f"{self.rolled_forward}, {self.rolled_back}"),
            (
                "totals added up by readers, conflicts",
                f"{self.readers_totals}, {self.readers_conflicts}",
            ),
            ("dependencies that the checkers saw", f"{self.dependencies}"),
            ("lost acknowledged commits", f"{verdict.count(LOST)}"),
            ("reported failed but present", f"{verdict.count(FALSELY_FAILED)}"),
            ("wrong totals", f"{verdict.count(TOTAL)}"),
            ("anomalies", f"{verdict.count(ANOMALY)}"),
            ("anything else wrong", f"{others}"),
            ("seconds", f"{self.seconds:.0f}"),
        ]

    @property
    def _frozen(self) -> int:
        return len(self.hits) - self.servers_killed


def floors_of_kills(kills: int) -> dict[str, int]:
    """What so many kills on one file must bring about."""
    return {
        "kills": kills,
        "commits": 5 * kills,
        "conflicts": kills // 2,
        "records rolled forward": kills // 6,
        "records rolled back": kills // 6,
        "kills between prepare and finish": kills // 4,
        "totals added up by readers": kills,
        "dependencies between transactions": 5 * kills,
    }

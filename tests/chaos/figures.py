"""What happened in a campaign, and was it enough to mean something?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.judge import FALSELY_FAILED, LOST
from tests.chaos.raw_file import COMMITTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.chaos.journal import Entry
    from tests.chaos.judge import Verdict
    from tests.chaos.raw_file import Unsettled


@dataclass(frozen=True)
class Kill:
    """One writer's death: at which moment, with what in hand, and what it left unsettled."""

    moment: str  # "at random", or the step it was caught at
    tx_id: str | None
    left: tuple[Unsettled, ...]


@dataclass
class Figures:
    """Counts of one campaign."""

    kills: list[Kill] = field(default_factory=list)
    transactions: int = 0
    committed: int = 0
    aborted: int = 0
    conflicts: int = 0
    rerun: int = 0
    unknown: int = 0
    untold: int = 0
    untold_committed: int = 0
    rolled_forward: int = 0
    rolled_back: int = 0
    readers_totals: int = 0
    readers_conflicts: int = 0
    seconds: float = 0.0

    def tell_of(self, entries: Iterable[Entry], decisions: Mapping[str, int]) -> None:
        """Count what the journals say, now that everything is decided."""
        for entry in entries:
            self.transactions += 1
            self.rerun += entry.rerun
            match entry.outcome:
                case "committed":
                    self.committed += 1
                case "aborted":
                    self.aborted += 1
                    # A conflict is another transaction's doing, a rerun of the library follows one.
                    self.conflicts += entry.why.startswith(("STX-1", "rerun"))
                case "unknown":
                    self.unknown += 1
                case _:
                    self.untold += 1
                    self.untold_committed += decisions.get(entry.tx_id) == COMMITTED
        for kill in self.kills:
            for record in kill.left:
                if decisions.get(record.tx_id) == COMMITTED:
                    self.rolled_forward += 1
                else:
                    self.rolled_back += 1

    @property
    def kills_in_window(self) -> int:
        """Kills that left records prepared: after the first prepare, before the last finish."""
        return sum(1 for kill in self.kills if kill.left)

    def moments(self) -> Counter[str]:
        """How often which moment was hit."""
        return Counter(kill.moment for kill in self.kills)

    def too_little(self, wanted_kills: int) -> list[str]:
        """What happened too seldom for the campaign to show anything."""
        floors = {
            "kills": (len(self.kills), wanted_kills),
            "commits": (self.committed, 5 * wanted_kills),
            "conflicts": (self.conflicts, wanted_kills // 2),
            "records rolled forward": (self.rolled_forward, wanted_kills // 6),
            "records rolled back": (self.rolled_back, wanted_kills // 6),
            "kills between prepare and finish": (self.kills_in_window, wanted_kills // 4),
            "totals added up by readers": (self.readers_totals, wanted_kills),
        }
        return [
            f"{what}: {found}, at least {floor} are wanted"
            for what, (found, floor) in floors.items()
            if found < floor
        ]

    def table(self, verdict: Verdict) -> list[tuple[str, str]]:
        """The summary, a line a row."""
        return [
            ("kills", f"{len(self.kills)}"),
            ("  of them between prepare and finish", f"{self.kills_in_window}"),
            ("transactions", f"{self.transactions}"),
            ("commits", f"{self.committed}"),
            ("conflicts", f"{self.conflicts}"),
            ("retried", f"{self.rerun}"),
            ("unknown", f"{self.unknown}"),
            ("died untold, committed of them", f"{self.untold}, {self.untold_committed}"),
            ("recovered: records rolled forward, back", self._recovered()),
            ("totals added up by readers, conflicts", self._readers()),
            ("lost acknowledged commits", f"{verdict.count(LOST)}"),
            ("reported failed but present", f"{verdict.count(FALSELY_FAILED)}"),
            ("anything else wrong", f"{self._others(verdict)}"),
            ("seconds", f"{self.seconds:.0f}"),
        ]

    def _recovered(self) -> str:
        return f"{self.rolled_forward}, {self.rolled_back}"

    def _readers(self) -> str:
        return f"{self.readers_totals}, {self.readers_conflicts}"

    @staticmethod
    def _others(verdict: Verdict) -> int:
        known = (LOST, FALSELY_FAILED)
        return sum(len(found) for kind, found in verdict.findings.items() if kind not in known)

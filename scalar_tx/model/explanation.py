"""What will it cost to commit a transaction, and what does its level leave open?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalar_tx.model.isolation import Isolation


@dataclass(frozen=True, slots=True)
class Explanation:
    """The commit of a transaction as it stands; ``print`` it.

    Requests are calls of a storage, without what a conflict or a recovery would add. Those that go
    out together are one round trip, those that go out behind an asynchronous commit none. A record
    that was not read is taken to be there.
    ``write_units``: what the requests that write take of a table's capacity where it is bought
    (DynamoDB), for records of up to 1 KB; None: nowhere.
    """

    isolation: Isolation
    path: str  # full, fused, record-only; none: nothing is written
    why: str
    records: int  # that are written
    unread: int  # of these, that are written without being read
    pre_reads: int  # to read others before they are written
    prepares: int
    validations: int  # reads that are done again
    decisions: int
    finishes: int
    round_trips: int
    write_units: int | None
    still_possible: tuple[str, ...]  # anomalies of this level

    @property
    def conditional_writes(self) -> int:
        """Requests that write."""
        return self.prepares + self.decisions + self.finishes

    @property
    def requests(self) -> int:
        """All requests."""
        return self.pre_reads + self.validations + self.conditional_writes

    def __str__(self) -> str:
        steps = (
            (self.pre_reads, "to read what is written"),
            (self.prepares, "to prepare"),
            (self.validations, "to validate"),
            (self.decisions, "to decide"),
            (self.finishes, "to write the records" if self.path == "record-only" else "to finish"),
        )
        told = ", ".join(f"{number} {what}" for number, what in steps if number) or "none"
        unread = f", {self.unread} of them unread" if self.unread else ""
        lines = [
            f"{self.records} records{unread}, commit path: {self.path} ({self.why})",
            f"requests: {told}; {self.round_trips} round trips",
        ]
        if self.write_units is not None:
            lines.append(f"write units: {self.write_units} for records of up to 1 KB")
        lines.append(
            f"{self.isolation.value} leaves possible: {', '.join(self.still_possible) or 'nothing'}"
        )
        return "\n".join(lines)

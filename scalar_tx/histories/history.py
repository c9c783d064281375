"""What is a history made of, and what is said about it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from scalar_tx.model.isolation import Isolation

Operation = tuple[str, "Hashable", Any]


class Outcome(Enum):
    """How a transaction ended, as far as its caller knows."""

    OK = "ok"  # committed
    FAIL = "fail"  # certainly not committed
    INFO = "info"  # unknown


@dataclass(slots=True)
class Transaction:
    """What one transaction did, in the order in which it did it.

    ``operations`` are ``("append", key, element)`` and ``("r", key, list)``, or ``("w", key,
    value)`` and ``("r", key, value)``. A read of None found nothing; where the outcome is not OK it
    is not known. ``invoked`` and ``completed`` may be any numbers that grow with time; without them
    real time says nothing about the transaction. ``completed`` of None: it never answered.
    ``level`` is what it ran at; None is the level the history is checked for.
    """

    number: int  # unique; shown as T12
    operations: Sequence[Operation]
    outcome: Outcome = Outcome.OK
    process: Hashable = None
    invoked: float | None = None
    completed: float | None = None
    level: Isolation | None = None
    name: str = ""  # how people know it: its id

    def __str__(self) -> str:
        return f"T{self.number}"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that happened and must not have: its name, who took part, and why, in words."""

    name: str
    transactions: tuple[int, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(slots=True)
class Verdict:
    """What a history shows about a level.

    ``anomalies`` are those that the level forbids, at most ten of a name; ``left_out`` counts what
    is beyond. A valid history is no proof of anything unless transactions depended on one another:
    see ``proves_nothing``.
    """

    level: str
    anomalies: list[Anomaly] = field(default_factory=list)
    left_out: int = 0
    transactions: int = 0
    committed: int = 0
    reads_with_value: int = 0
    dependencies: int = 0

    @property
    def valid(self) -> bool:
        """Was nothing found that the level forbids?"""
        return not self.anomalies

    @property
    def names(self) -> list[str]:
        """The names of what was found, each once."""
        return list(dict.fromkeys(anomaly.name for anomaly in self.anomalies))

    @property
    def proves_nothing(self) -> str | None:
        """Why a valid verdict says nothing about the database, or None if it does say something."""
        if not self.transactions:
            return "the history is empty"
        if not self.committed:
            return "no transaction committed"
        if not self.reads_with_value:
            return "no read returned a value"
        if not self.dependencies:
            return "no transaction depends on another"
        return None

    def __str__(self) -> str:
        if self.valid:
            reason = self.proves_nothing
            doubt = f", but proves nothing: {reason}" if reason else ""
            return f"nothing that {self.level} forbids in {self.transactions} transactions{doubt}"
        return "\n".join(map(str, self.anomalies))

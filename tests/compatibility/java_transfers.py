"""What did a load of transfers do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Transfer:
    """Money that moved, or may have; `outcome` is "committed" or "unknown"."""

    id: str
    source: int
    target: int
    amount: int
    outcome: str


@dataclass(frozen=True)
class TransferReport:
    """What a load did."""

    committed: int
    conflicts: int
    storage_errors: int
    acknowledged: tuple[Transfer, ...]
    unknown: tuple[Transfer, ...]

    @classmethod
    def read(cls, report: dict[str, Any]) -> TransferReport:
        """The report as the Java program sends it."""
        return cls(
            committed=report["committed"],
            conflicts=report["conflicts"],
            storage_errors=report["storage_errors"],
            acknowledged=tuple(Transfer(**each) for each in report["acknowledged"]),
            unknown=tuple(Transfer(**each) for each in report["unknown"]),
        )

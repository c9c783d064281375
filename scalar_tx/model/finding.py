"""What does an examination of a storage report?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings


class Verdict(Enum):
    """What a finding means for whoever runs the system."""

    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice`` says what to do where something is to be done."""

    subject: str
    verdict: Verdict
    text: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """What an adapter finds out about its storage without changing it.

    ``exists`` False: the database is not there and would be made by its first use.
    ``looking``: settings that open the storage without changing it, where its own might change it.
    ``clock_ahead_ms``: how far the storage's clock is ahead of this process's; None: it has none.
    """

    findings: tuple[Finding, ...]
    exists: bool = True
    looking: StorageSettings | None = None
    clock_ahead_ms: float | None = None

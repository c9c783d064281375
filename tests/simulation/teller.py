"""What has a script said of a transaction so far, and what has it still to say?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.parts.processes import Process


@dataclass
class Teller:
    """A transaction of the run and what the script has to say about it."""

    name: str
    process: Process
    began: str
    program: str
    pending: list[str] = field(default_factory=list)  # commands that no call was made for yet
    calls_left: int = 0
    doomed: bool = False  # its process has crashed
    has_begun: bool = False
    late: list[object] = field(default_factory=list)  # calls whose effect waits

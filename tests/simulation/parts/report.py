"""What does a run say when it is over?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from tests.simulation.parts.dice import Chance
    from tests.simulation.parts.log import Log

BROKE_OFF: Final = "broke off"  # the run did not get to its end


class Wrong(NamedTuple):
    """One finding. ``check`` names the kind of check, ``text`` is for a reader."""

    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"


@dataclass(slots=True)
class Report:
    """How a run went. ``digest`` differs where the order of its steps does."""

    kind: str  # of run: counted separately
    about: str = ""  # the world it ran in
    wrong: list[Wrong] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: int = 0
    lines: list[str] = field(default_factory=list)  # of the trace, if one was asked for
    history: list[str] = field(default_factory=list)
    log: Log | None = None  # if a trace was asked for

    @property
    def checks(self) -> set[str]:
        """The kinds of checks that failed."""
        return {one.check for one in self.wrong}


class Run(Protocol):
    """One run of some protocol by what chance says; it can be sent to another process."""

    def __call__(self, chance: Chance, *, trace: bool = False) -> Report:
        """Run and judge; never raises."""
        ...

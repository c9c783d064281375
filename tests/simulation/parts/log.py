"""What happened in a run, for those who want to tell it in other words?

Tasks, calls and processes say what becomes of them; whoever simulates something adds events of his
own. Kept only where somebody asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.simulation.parts.network import Call, Fault
    from tests.simulation.parts.scheduler import Task


class Kind(Enum):
    """What an event is about: who, and what of it."""

    STARTED = "a process and how wrong its clock is, in milliseconds"
    CRASHED = "a process"
    JUMPED = "a process and by how many milliseconds"
    SPAWNED = "a task, or None, and the task that it began"
    WENT_ON = "a task"
    CALLED = "a task and what became of its call"
    ARRIVED = "a task, dead or alive, and what became of its call that was late"
    OTHER = "a task and whatever is simulated"


class Event(NamedTuple):
    """One event, in the order of effects. ``now`` is virtual time in seconds."""

    now: float
    kind: Kind
    who: Any
    what: Any


@dataclass(frozen=True, slots=True)
class Called:
    """A call when it took effect, or would have."""

    call: Call
    fault: Fault | None
    refused: Exception | None


class Log:
    """The events of one run. ``current`` is the task that makes a step."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.current: Task | None = None
        self.now = 0.0

    def add(self, kind: Kind, who: object, what: object = None) -> None:
        """One more event."""
        self.events.append(Event(self.now, kind, who, what))

    def goes_on(self, task: Task, now: float) -> None:
        """A task begins a step."""
        self.current = task
        self.now = now
        self.add(Kind.WENT_ON, task)

    def steps_end(self, now: float) -> None:
        """Nobody makes a step."""
        self.current = None
        self.now = now

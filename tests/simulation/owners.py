"""Whose are the calls of a run? Tasks serve one transaction after the other, and beget tasks."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.simulation.logged import Answered, Asked, Began, Healed, Settles
from tests.simulation.parts.log import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from tests.simulation.parts.log import Event
    from tests.simulation.parts.scheduler import Task

# A transaction, and 0 for its own work or the number of the event that began to settle it.
Owner = tuple["TransactionSteps", int]


class Owners:
    """What can be known before the events are gone through one by one."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.of_event: dict[int, Owner] = {}
        self.workers: dict[int, Task] = {}  # by event of a call: who was asked for what it is for
        self.own_calls: Counter[TransactionSteps] = Counter()  # made by the process it began in
        self._went_on: defaultdict[Owner, list[tuple[int, float]]] = defaultdict(list)
        self._needless: set[Owner] = set()
        self._go_through(events)

    def matters(self, owner: Owner) -> bool:
        """Has it done anything that others can see, or did it happen before the world healed?"""
        return owner not in self._needless

    def goes_on_after(self, number: int, owner: Owner) -> float | None:
        """When any task of an owner made its next step after an event; None: it never did."""
        steps = self._went_on[owner]
        at = bisect_right(steps, (number, float("inf")))
        return steps[at][1] if at < len(steps) else None

    def _go_through(self, events: Sequence[Event]) -> None:
        owner: dict[Task, Owner] = {}
        worker: dict[Task, Task] = {}
        process: dict[TransactionSteps, object] = {}
        sent: dict[object, tuple[Owner, Task]] = {}
        healed = False
        for number, (now, kind, who, what) in enumerate(events):
            if kind is Kind.WENT_ON and who in owner:
                self._went_on[owner[who]].append((number, now))
            elif kind is Kind.SPAWNED and who in owner:
                owner[what] = owner[who]
                worker[what] = worker[who]
            elif kind is Kind.CALLED and who in owner:
                self._called(number, owner[who], worker[who], str(what.call))
                sent[what.call] = owner[who], worker[who]
                self.own_calls[owner[who][0]] += who.process is process[owner[who][0]]
            elif kind is Kind.ARRIVED and what.call in sent:
                self._called(number, *sent[what.call], str(what.call))
            elif isinstance(what, Healed):
                healed = True
            elif isinstance(what, Began):
                process[what.steps] = what.process
                if healed and what.program == "look":
                    self._needless.add((what.steps, 0))
            elif isinstance(what, Asked | Settles) and who is not None:
                of = what.steps, 0 if isinstance(what, Asked) else number
                owner[who], worker[who] = of, who
                self.of_event[number] = of
                if healed and of[1]:
                    self._needless.add(of)
            elif isinstance(what, Answered) and what.error is not None:
                self._needless.discard((what.steps, 0))

    def _called(self, number: int, owner: Owner, worker: Task, call: str) -> None:
        self.of_event[number] = owner
        self.workers[number] = worker
        if call.startswith(("write", "erase")):
            self._needless.discard(owner)

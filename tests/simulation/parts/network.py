"""What becomes of a call on its way to a storage or a peer, and of the answer?

A call is a request, an effect and a reply; between them anybody else may go on. By seed it is
applied and answered, lost before or after its effect, late (the caller is told that the reply is
lost, the effect comes when nobody expects it), or turned away. A call is not part of the process
that sent it: it arrives although its sender is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.parts.log import Called, Kind

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.scheduler import Scheduler, Task


class Fault(Enum):
    """What can happen to a call."""

    LOST_BEFORE = "lost before its effect"
    LOST_AFTER = "applied, reply lost"
    LATE = "reply lost, the effect comes later"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Outage:
    """A time, in seconds, in which no call that concerns a place is answered.

    Or no call that writes: a store that has lost its quorum for writes may still read.
    """

    place: str  # the name of a table; "": all
    begin: float
    end: float
    writes_only: bool = False


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How likely each fault is, for one call that writes; reads are only turned away."""

    lost_before: float = 0.0
    lost_after: float = 0.0
    late: float = 0.0
    busy: float = 0.0
    unavailable: float = 0.0
    outages: tuple[Outage, ...] = ()


NO_FAULTS: Final = FaultRates()

# Seconds until a late effect: soon, about when others settle what was left, and long after.
DELAYS: Final = ((0.0, 0.02), (0.0, 1.0), (1.0, 16.0), (14.0, 60.0), (60.0, 150.0))


class Network:
    """Carries calls. ``errors`` makes the caller's error for a fault."""

    def __init__(
        self,
        scheduler: Scheduler,
        dice: Dice,
        rates: FaultRates,
        errors: Mapping[Fault, Callable[[], Exception]],
        counts: Counter[str],
    ) -> None:
        self.scheduler = scheduler
        self.dice = dice
        self.rates = rates
        self.errors = errors
        self.counts = counts
        self.calls = 0
        self._writes = self._cuts(rates)
        self._reads = ((rates.busy, Fault.BUSY), (rates.unavailable, Fault.UNAVAILABLE))

    @staticmethod
    def _cuts(rates: FaultRates) -> tuple[tuple[float, Fault], ...]:
        return (
            (rates.lost_before, Fault.LOST_BEFORE),
            (rates.lost_after, Fault.LOST_AFTER),
            (rates.late, Fault.LATE),
            (rates.busy, Fault.BUSY),
            (rates.unavailable, Fault.UNAVAILABLE),
        )

    def heal(self) -> None:
        """No faults from now on; what is late still comes."""
        self.rates = NO_FAULTS

    def draw(self, place: str, *, writes: bool) -> Fault | None:
        """What happens to this call?"""
        self.calls += 1
        rates = self.rates
        if rates is NO_FAULTS:
            return None
        dice = self.dice
        fault = None
        drawn = 1.0 - dice.random()
        for rate, candidate in self._writes if writes else self._reads:
            if drawn < rate:
                fault = candidate
                break
            drawn -= rate
        for outage in rates.outages:
            concerned = outage.place in {"", place} and (writes or not outage.writes_only)
            if concerned and outage.begin <= self.scheduler.now < outage.end:
                fault = dice.pick(list(Fault)) if writes else Fault.UNAVAILABLE
                self.counts["outage"] += 1
        if fault is not None:
            self.counts[fault.name.lower()] += 1
        return fault


class Call:
    """One call on its way: a request for the task that awaits it."""

    __slots__ = ("_effect", "_fault", "_network", "_task", "_what", "number")

    def __init__(
        self,
        network: Network,
        effect: Callable[[], Any],
        what: Callable[[], str],
        place: str,
        *,
        writes: bool,
    ) -> None:
        self._network = network
        self._effect = effect
        self._what = what
        self._fault = network.draw(place, writes=writes)
        self._task: Task | None = None
        self.number = network.scheduler.next_number()

    def begin(self, task: Task) -> None:
        """The request is on its way."""
        self._task = task
        task.scheduler.ready.append(self)

    def step(self) -> None:
        """The request arrives; the reply is on its way, or what the caller takes for one."""
        task = self._task
        assert task is not None
        fault = self._fault
        if fault is None:
            try:
                task.answer = self._effect()
            except Exception as error:  # noqa: BLE001  # it is the answer
                task.obstacle = error
            if self._network.scheduler.log is not None:
                self._log(Kind.CALLED, task.obstacle)
            self._note(task, "")
        else:
            if fault is Fault.LOST_AFTER:
                self._apply_unseen()
            elif fault is Fault.LATE:
                dice = self._network.dice
                seconds = dice.uniform(*dice.pick(DELAYS))
                self._network.scheduler.call_later(seconds, self._arrive_late)
            if self._network.scheduler.log is not None:
                self._log(Kind.CALLED)
            self._note(task, fault.value)
            task.obstacle = self._network.errors[fault]()
        task.scheduler.ready.append(task)

    def _arrive_late(self) -> None:
        refused = self._apply_unseen()
        task = self._task
        assert task is not None
        if refused is None:
            self._network.counts["late effects"] += 1
        scheduler = self._network.scheduler
        if scheduler.log is not None:
            self._log(Kind.ARRIVED, refused)
        if scheduler.lines is not None:
            ended = "applied" if refused is None else type(refused).__name__
            scheduler.note(task.name, f"  LATE: {self._what()}: {ended}")

    def _apply_unseen(self) -> Exception | None:
        try:
            self._effect()
        except Exception as error:  # noqa: BLE001  # nobody hears of it
            return error
        return None

    def __str__(self) -> str:
        return self._what()

    def _log(self, kind: Kind, refused: Exception | None = None) -> None:
        log = self._network.scheduler.log
        if log is not None:
            log.add(kind, self._task, Called(self, self._fault, refused))

    def _note(self, task: Task, fault: str) -> None:
        scheduler = self._network.scheduler
        if scheduler.lines is None:
            return
        if fault:
            ended = fault.upper()
        elif task.obstacle is not None:
            ended = type(task.obstacle).__name__
        else:
            ended = "done" if task.answer is None else str(task.answer)
        scheduler.note(task.name, f"{self._what()}: {ended}")

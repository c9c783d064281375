"""What is run for a seed? A world and a workload, drawn by it or chosen, and its judgement."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tests.simulation.bank import Bank
from tests.simulation.judgement import BROKE_OFF, Wrong
from tests.simulation.list_append import ListAppend
from tests.simulation.logged import Ended
from tests.simulation.parts.dice import Chance, Dice
from tests.simulation.parts.report import Report
from tests.simulation.plan import Plan
from tests.simulation.planted import MET_IN, plant
from tests.simulation.rooms import Rooms
from tests.simulation.run import Run
from tests.simulation.seats import Seats
from tests.simulation.switches import switched
from tests.simulation.two_phase.run import TwoPhaseRun
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_tx.model.isolation import Isolation
    from tests.simulation.workload import Workload

WORKLOADS: Final[Mapping[str, Callable[[Dice], Workload]]] = {
    "bank": Bank,
    "list-append": ListAppend,
    "seats": Seats,
    "rooms": Rooms,
}
# Of these a seed draws one.
DRAWN: Final = tuple(WORKLOADS)
# Runs of their own kind, over one of these workloads; a seed draws them only where they are chosen.
IN_PARTS: Final = ("bank", "list-append", "seats")
CHOICES: Final = (*WORKLOADS, "two-phase")
_LOG: Final = logging.getLogger("scalar_tx")


@dataclass(frozen=True, slots=True)
class Schedules:
    """Runs of the protocol: by default of every workload, at every level, without a planted bug."""

    workload: str | None = None
    levels: tuple[Isolation, ...] = ()
    bug: str | None = None
    switched: Mapping[str, int] = field(default_factory=dict)  # what no seed shall draw

    def __str__(self) -> str:
        words = [f"--workload {self.workload}"] if self.workload else []
        words += [f"--level {level.value}" for level in self.levels]
        words += [f"--plant '{self.bug}'"] if self.bug else []
        words += [f"--switch {name}={value}" for name, value in self.switched.items()]
        return " ".join(words)

    def __call__(self, chance: Chance, *, trace: bool = False) -> Report:
        """One run by what chance says, and its judgement."""
        with plant(self.bug), quiet():
            return self._run(chance, trace=trace)

    def seed(self, seed: int, *, trace: bool = False) -> Report:
        """The run of a seed; the same seed gives the same run."""
        return self(Chance(seed), trace=trace)

    def _run(self, chance: Chance, *, trace: bool) -> Report:
        dice = chance.dice("world")
        drawn = dice.pick(DRAWN)
        chosen = self.workload or MET_IN.get(self.bug)
        name = chosen or drawn
        plan = Plan.draw(dice, self.levels)
        plan = switched(
            plan, chance, bug=self.bug, chosen=self.switched, in_parts=name == "two-phase"
        )
        if name == "rooms" and not chosen and not plan.index_lag_s:
            # Without moments the rooms meet a known gap (test_known_gaps.py) about once in ten
            # thousand schedules.
            plan = replace(plan, moments=True)
        programs = chance.dice("programs")
        world = World(plan, chance, trace=trace)
        if name == "two-phase":
            over = programs.pick(IN_PARTS)
            name = f"{name} {over}"
            run: Run = TwoPhaseRun(world, WORKLOADS[over](programs), programs, chance)
        else:
            run = Run(world, WORKLOADS[name](programs), programs, chance)
        wrong: list[Wrong] = []
        try:
            run.play()
            wrong = run.judge()
        except Exception as error:  # noqa: BLE001  # whatever it is, the seed has failed
            wrong = [Wrong(BROKE_OFF, f"{type(error).__name__}: {error}"), *run.broken]
        if trace:
            world.tell(Ended(world.all_rows()))
        return Report(
            kind=name,
            about=str(plan),
            wrong=wrong,
            counts=run.summed(),
            digest=world.scheduler.digest,
            lines=world.scheduler.lines or [],
            history=list(map(str, run.history)) if wrong or trace else [],
            log=run.log,
        )


EVERYTHING: Final = Schedules()


@contextmanager
def quiet() -> Iterator[None]:
    """Thousands of expected warnings are not logged."""
    before = _LOG.level
    _LOG.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        _LOG.setLevel(before)

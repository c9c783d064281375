"""What happens in one seeded run whose transactions have parts in several processes?

Every process also joins the transactions of the others. Besides, they work as in any run, and so
meet what such transactions have left behind.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from tests.simulation.parts.messages import MessageRates, Post
from tests.simulation.run import Run
from tests.simulation.two_phase.course import Course, Whims
from tests.simulation.two_phase.ends import Ends
from tests.simulation.two_phase.orders import Orders
from tests.simulation.two_phase.participant import Participant
from tests.simulation.two_phase.routed import Routed

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.model.isolation import Isolation
    from tests.simulation.history import Attempt, Program
    from tests.simulation.judgement import Wrong
    from tests.simulation.parts.dice import Chance, Dice
    from tests.simulation.parts.log import Log
    from tests.simulation.parts.processes import Process
    from tests.simulation.workload import Workload
    from tests.simulation.world import World

STRENGTHS: Final = {0.0: 35, 0.04: 40, 0.15: 25}
PATIENCES: Final = (3.0, 0.5, 30.0)  # seconds for an order
PARTS_PATIENCES: Final = (None, None, 3.0, 16.0, 40.0)  # seconds of silence; None: for ever


class TwoPhaseRun(Run):
    """A run of a workload, most of whose transactions have two parts or three."""

    def __init__(self, world: World, workload: Workload, programs: Dice, chance: Chance) -> None:
        super().__init__(world, workload, programs, chance)
        self._dice = dice = chance.dice("two-phase")
        strength = dice.weighted(STRENGTHS)
        rates = MessageRates(
            lost=strength * dice.random(),
            late=strength * dice.random(),
            twice=strength * dice.random(),
        )
        self._messages: Counter[str] = Counter()
        self._post = Post(world.scheduler, chance.dice("messages"), rates, self._messages)
        self._share = dice.pick((0.7, 1.0))
        self._mixed = dice.pick((0.0, 0.3, 1.0))
        self._slots: dict[Process, int] = {}
        self._own_ids = itertools.count(1)
        self._ends = Ends(world)

    @property
    def log(self) -> Log | None:
        """Nothing: the scripts have no words for several parts."""
        return None

    def heal(self) -> None:
        """Messages arrive from now on, too."""
        super().heal()
        self._post.heal()

    def process_started(self, number: int, process: Process, context: Context) -> None:
        """It joins whatever it is asked to."""
        self._slots[process] = number
        participant = Participant(
            _address(number),
            process,
            context,
            self._post,
            self._ends,
            patience=self._dice.pick(PARTS_PATIENCES),
        )
        process.spawn(participant.live(), f"{process.name} joins")

    async def _attempt(
        self, program: Program, context: Context, process: Process, isolation: Isolation
    ) -> Attempt:
        dice = self._dice
        if process not in self._slots or not dice.chance(self._share):
            return await super()._attempt(program, context, process, isolation)
        callers_id = f"{process.name}-own-{next(self._own_ids)}" if dice.chance(0.2) else None
        steps = TwoPhaseSteps(context, isolation, read_only=program.read_only, caller_id=callers_id)
        attempt = self.attempted(program, process, steps)
        attempt.notes["in parts"] = True
        self._ends.began(attempt, steps, process)
        plan = self.world.plan
        others = [_address(n) for n in range(plan.processes) if n != self._slots[process]]
        if len(others) > 1 and dice.chance(0.5):
            others = [dice.pick(others)]
        orders = Orders(
            steps,
            process,
            self._post,
            others,
            patience=dice.pick(PATIENCES),
            ends=self._ends,
        )
        tables = self.workload.tables()
        course = Course(
            orders,
            Routed(orders, attempt, tables, dice, self._mixed),
            attempt,
            Whims.draw(dice, crashes=plan.hazards.crash > 0),
            self.world.counts,
        )
        await self.end_of(attempt, course.run(program))
        return attempt

    def judge(self) -> list[Wrong]:
        """What is wrong with any run, and what the parts were told."""
        trouble = bool(self._messages["lost"] + self._messages["late"])
        return super().judge() + self._ends.judge(trouble=trouble)

    def summed(self) -> Counter[str]:
        """What was met, of messages too."""
        counts = super().summed()
        counts.update({f"messages {name}": n for name, n in self._messages.items()})
        self._ends.count(counts)
        return counts


def _address(slot: int) -> str:
    return f"slot {slot}"

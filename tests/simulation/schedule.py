"""What happens in one seeded run, and is it right?

Clients run programs in processes that die, stand still and lose replies. Then everything heals, the
lifetimes of what was left pass, a lone client must get its work done, and two readers look at
everything: one at once, one after the last late message has arrived.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.settle import settle
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError, ScalarTxError, UnknownOutcomeError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.bank import Bank, TornSumError
from tests.simulation.history import (
    Attempt,
    Program,
    WatchedTransaction,
    is_conflict,
    outcome_told,
    run_once,
)
from tests.simulation.list_append import ListAppend
from tests.simulation.rooms import MisplacedError, Rooms
from tests.simulation.scheduler import Join, Sleep, ask
from tests.simulation.seats import LostGuestError, Seats
from tests.simulation.world import LONGEST_SKEW_S, Plan, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.consensus_commit.context import Context
    from tests.simulation.processes import Process
    from tests.simulation.workload import Workload

WORKLOADS: Final[Mapping[str, Callable[[random.Random], Workload]]] = {
    "bank": Bank,
    "list-append": ListAppend,
    "seats": Seats,
    "rooms": Rooms,
}
# Of these a seed draws one.
DRAWN: Final = tuple(WORKLOADS)
ATTEMPTS: Final = 4  # of a program
LONE_ATTEMPTS: Final = 6  # a late message may be in the way, but not again and again
EXPECTED: Final = (ScalarTxError, TornSumError, LostGuestError, MisplacedError)


@dataclass(slots=True)
class Report:
    """How a run went."""

    seed: int
    workload: str
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: int = 0
    plan: Plan | None = None
    lines: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)


def run_seed(seed: int, *, workload: str | None = None, trace: bool = False) -> Report:
    """One run, and its judgement. The same seed gives the same run."""
    dice = random.Random(seed)
    name = dice.choice(DRAWN)
    name = workload or name
    # Half of the worlds have moments; without them the rooms meet a known gap (test_known_gaps.py)
    # about once in ten thousand schedules.
    plan = replace(Plan.draw(dice), moments=seed % 2 == 1 or (name == "rooms" and not workload))
    run = _Run(World(plan, dice, trace=trace), WORKLOADS[name](dice))
    wrong: list[str] = []
    try:
        run.play()
        wrong = run.judge()
    except Exception as error:  # noqa: BLE001  # whatever it is, the seed has failed
        wrong = [f"the run broke off: {type(error).__name__}: {error}", *run.broken]
    return Report(
        seed=seed,
        workload=name,
        wrong=wrong,
        counts=run.summed(),
        digest=run.world.scheduler.digest,
        plan=plan,
        lines=run.world.scheduler.lines or [],
        history=list(map(str, run.history)),
    )


class _Run:
    def __init__(self, world: World, workload: Workload) -> None:
        self.world = world
        self.workload = workload
        self.history: list[Attempt] = []
        self.broken: list[str] = []
        self._looks: list[object] = []

    def play(self) -> None:
        world = self.world
        self.workload.load(world)
        scheduler = world.scheduler
        scheduler.run(scheduler.spawn(self._everybody(), None, "clients"))
        world.heal()
        doctor = world.start("doctor")
        scheduler.run(doctor.spawn(self._after_healing(doctor)))
        scheduler.drain()
        scheduler.run(doctor.spawn(self._look_at_everything(world.connect(doctor))))
        scheduler.drain()

    async def _everybody(self) -> None:
        scheduler = self.world.scheduler
        tasks = [
            scheduler.spawn(self._slot(number), None, f"slot {number}")
            for number in range(self.world.plan.processes)
        ]
        await ask(Join(tasks))
        for task in tasks:
            if task.error is not None:
                raise task.error

    async def _slot(self, number: int) -> None:
        """A process, and another one in its place when it has died."""
        plan = self.world.plan
        dice = self.world.scheduler.dice
        todo = [
            [self.workload.program(dice) for _ in range(plan.programs)] for _ in range(plan.workers)
        ]
        for life in range(4):
            process = self.world.start(
                f"p{number}{chr(97 + life)}", skew_ms=plan.skews_ms[number], hazards=plan.hazards
            )
            context = self.world.connect(process)
            tasks = [process.spawn(self._work(process, context, programs)) for programs in todo]
            await ask(Join(tasks))
            for task in tasks:
                if task.error is not None:
                    raise task.error
            if process.alive:
                return
            await ask(Sleep(dice.choice((0.01, 1.0, 20.0))))

    async def _work(self, process: Process, context: Context, programs: list[Program]) -> None:
        dice = self.world.scheduler.dice
        while programs:
            program = programs[0]
            isolation = dice.choice(self.world.plan.levels)
            for number in range(ATTEMPTS):
                attempt = await self._attempt(program, context, process, isolation)
                error = attempt.error
                if isinstance(error, UnknownOutcomeError) and dice.random() < 0.5:
                    state = await self._settle(attempt, context)
                    if state is TransactionState.COMMITTED:
                        break
                if not _worth_another(program, error):
                    break
                pause = dice.random() * 0.01 * 2**number
                expiry = error.retry_after if isinstance(error, ConflictError) else None
                if expiry is not None and dice.random() < 0.2:
                    pause += min(expiry, 60)
                await ask(Sleep(pause))
            programs.pop(0)

    async def _attempt(
        self, program: Program, context: Context, process: Process, isolation: Isolation
    ) -> Attempt:
        scheduler = self.world.scheduler
        steps = TransactionSteps(context, isolation, read_only=program.read_only)
        attempt = Attempt(
            len(self.history) + 1, program.name, process.name, isolation, scheduler.steps, steps
        )
        self.history.append(attempt)
        scheduler.note(process.name, f"BEGINS #{attempt.number} {program.name} {isolation.value}")
        error: Exception | None = None
        try:
            await run_once(program, steps, attempt)
        except EXPECTED as raised:
            error = raised
        except Exception as raised:
            self.broken.append(f"{attempt}: {type(raised).__name__}: {raised}")
            raise
        attempt.error = error
        attempt.told = outcome_told(error)
        attempt.ended = scheduler.steps
        scheduler.note(process.name, f"ENDS {attempt}: {error}")
        if steps.outcome is not attempt.told:
            self.broken.append(f"{attempt}, but its outcome is {steps.outcome}")
        return attempt

    async def _settle(self, attempt: Attempt, context: Context) -> TransactionState | None:
        """Ask what became of an attempt, as a caller may do; None: that is still unknown."""
        assert attempt.id is not None
        try:
            state = (await settle(context.decisions, attempt.id)).state
        except UnknownOutcomeError:
            return None
        self.world.counts[f"settled {state.value}"] += 1
        if attempt.settled not in {None, state}:
            self.broken.append(f"{attempt} was settled as {attempt.settled}, now as {state}")
        attempt.settled = state
        return state

    # After the trouble.

    async def _after_healing(self, doctor: Process) -> None:
        await ask(Sleep(15 + LONGEST_SKEW_S + 1))
        context = self.world.connect(doctor)
        for attempt in self.history:
            if attempt.told in {None, TransactionState.UNKNOWN} and attempt.id is not None:
                await self._settle(attempt, context)
        if self.world.scheduler.dice.random() < 0.5:
            await self._lone_work(doctor, context)
            await self._look_at_everything(context)
        else:
            await self._look_at_everything(context)

    async def _lone_work(self, doctor: Process, context: Context) -> None:
        for number in (1, 0):
            program = self.workload.lone_program(number)
            for _ in range(LONE_ATTEMPTS):
                attempt = await self._attempt(program, context, doctor, Isolation.SERIALIZABLE)
                if attempt.error is None:
                    break
                await ask(Sleep(0.1))
            else:
                self.broken.append(
                    f"a lone client could not commit {program.name}: {attempt.error}"
                )

    async def _look_at_everything(self, context: Context) -> None:
        error: Exception | None = None
        for _ in range(LONE_ATTEMPTS):
            steps = TransactionSteps(context, Isolation.SERIALIZABLE, read_only=True)
            attempt = Attempt(0, "look", "doctor", Isolation.SERIALIZABLE, 0, steps)
            try:
                found = await self.workload.look(WatchedTransaction(steps, attempt))
                await steps.commit()
            except ScalarTxError as raised:
                error = raised
                await ask(Sleep(0.1))
            else:
                self._looks.append(found)
                return
        self.broken.append(f"nobody could read everything: {error}")

    def judge(self) -> list[str]:
        wrong = list(self.broken)
        for table in self.workload.tables():
            for key, row in self.world.rows(table).items():
                if row["tx_state"] != 3:
                    wrong.append(f"{table.name} {key} is not settled: {row}")
        for attempt in self.history:
            committed = attempt.settled is TransactionState.COMMITTED
            if attempt.settled is not None and committed != self.world.decided(attempt.id):
                wrong.append(f"settled as {attempt.settled}, but decided otherwise: {attempt}")
        if len(self._looks) == 2 and self._looks[0] != self._looks[1]:
            wrong.append(f"late messages changed {self._looks[0]} into {self._looks[1]}")
        return wrong + self.workload.judge(self.world, self.history)

    def summed(self) -> Counter[str]:
        counts = self.world.counts.copy()
        counts["transactions"] = len(self.history)
        counts["storage calls"] = self.world.network.calls
        counts["steps"] = self.world.scheduler.steps
        for attempt in self.history:
            counts[f"told {attempt.told.value if attempt.told else 'nothing'}"] += 1
            counts["conflict"] += is_conflict(attempt.error)
            counts["reads with a value"] += attempt.reads_with_value
            counts["reads of nothing"] += attempt.reads_without
            counts["lone commits"] += attempt.process == "doctor" and attempt.error is None
            settled = attempt.told in {None, TransactionState.UNKNOWN}
            if settled and self.world.decided(attempt.id):
                counts["committed untold"] += 1
        return counts


def _worth_another(program: Program, error: Exception | None) -> bool:
    if error is None:
        return False
    if outcome_told(error) is TransactionState.UNKNOWN:
        return program.again_after_unknown
    return bool(getattr(error, "retryable", False))

"""What happens in one seeded run, and is it right?

Clients run programs in processes that die, stand still and lose replies. Then everything heals, the
lifetimes of what was left pass, a lone client must get its work done, and two readers look at
everything: one at once, one after the last late message has arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.settle import settle
from scalar_tx.errors import ConflictError, ScalarTxError, UnknownOutcomeError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.bank import TornSumError
from tests.simulation.history import (
    Attempt,
    Program,
    WatchedTransaction,
    is_conflict,
    outcome_told,
    run_once,
)
from tests.simulation.judgement import BROKE_OFF, DECISION, LIVENESS, SETTLED, TOLD, Wrong
from tests.simulation.logged import Settles, begin
from tests.simulation.parts.scheduler import Join, Sleep, ask
from tests.simulation.plan import LONGEST_SKEW_S
from tests.simulation.rooms import MisplacedError
from tests.simulation.seats import LostGuestError
from tests.simulation.truth import COMMITTED
from tests.simulation.workload import INITIAL

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.types import Row
    from tests.simulation.parts.dice import Chance, Dice
    from tests.simulation.parts.log import Log
    from tests.simulation.parts.processes import Process
    from tests.simulation.workload import Workload
    from tests.simulation.world import World

ATTEMPTS: Final = 4  # of a program
LONE_ATTEMPTS: Final = 6  # a late message may be in the way, but not again and again
EXPECTED: Final = (ScalarTxError, TornSumError, LostGuestError, MisplacedError)


class Run:
    """One run: its clients, what they did, and its judgement."""

    def __init__(self, world: World, workload: Workload, programs: Dice, chance: Chance) -> None:
        self.world = world
        self.workload = workload
        self.programs = programs
        self.clients = chance.dice("clients")
        self.wanted = chance.wanted("work")
        self.history: list[Attempt] = []
        self.broken: list[Wrong] = []
        self._looks: list[object] = []
        self._looked_at: list[int] = []  # the step before each

    @property
    def log(self) -> Log | None:
        """What can be told as a script."""
        return self.world.scheduler.log

    def play(self) -> None:
        """From the first transaction to the last look."""
        world = self.world
        self.workload.load(world)
        world.open()
        scheduler = world.scheduler
        scheduler.run(scheduler.spawn(self._everybody(), None, "clients"))
        self.heal()
        self._doctor = doctor = world.start("doctor")
        scheduler.run(doctor.spawn(self._after_healing(doctor)))
        scheduler.drain()
        scheduler.run(doctor.spawn(self._look_at_everything(world.connect(doctor))))
        scheduler.drain()

    def heal(self) -> None:
        """No more trouble from now on."""
        self.world.heal()

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
        draw = self.workload.program
        todo = [[draw(self.programs) for _ in range(plan.programs)] for _ in range(plan.workers)]
        for life in range(4):
            process = self.world.start(
                f"p{number}{chr(97 + life)}", skew_ms=plan.skews_ms[number], hazards=plan.hazards
            )
            context = self.world.connect(process)
            self.process_started(number, process, context)
            tasks = [process.spawn(self._work(process, context, programs)) for programs in todo]
            await ask(Join(tasks))
            for task in tasks:
                if task.error is not None:
                    raise task.error
            if process.alive:
                return
            await ask(Sleep(self.clients.pick((0.01, 1.0, 20.0))))

    def process_started(self, number: int, process: Process, context: Context) -> None:
        """A process is about to work in a slot; some do more there than their own programs."""

    async def _work(self, process: Process, context: Context, programs: list[Program]) -> None:
        dice = self.clients
        while programs:
            program = programs[0]
            isolation = dice.pick(self.world.plan.levels)
            for number in range(ATTEMPTS):
                if not self.wanted():
                    break
                attempt = await self._attempt(program, context, process, isolation)
                error = attempt.error
                if isinstance(error, UnknownOutcomeError) and dice.chance(0.5):
                    state = await self._settle(attempt, context)
                    if state is TransactionState.COMMITTED:
                        break
                if not _worth_another(program, error):
                    break
                pause = dice.random() * 0.01 * 2**number
                expiry = error.retry_after if isinstance(error, ConflictError) else None
                if expiry is not None and dice.chance(0.2):
                    pause += min(expiry, 60)
                await ask(Sleep(pause))
            programs.pop(0)

    async def _attempt(
        self, program: Program, context: Context, process: Process, isolation: Isolation
    ) -> Attempt:
        scheduler = self.world.scheduler
        steps = begin(
            scheduler.log,
            context,
            isolation,
            read_only=program.read_only,
            process=process,
            program=program.name,
        )
        attempt = self.attempted(program, process, steps)
        await self.end_of(attempt, run_once(program, steps, attempt))
        if steps.outcome is not attempt.told:
            self.broken.append(Wrong(TOLD, f"{attempt}, but its outcome is {steps.outcome}"))
        return attempt

    def attempted(self, program: Program, process: Process, steps: TransactionSteps) -> Attempt:
        """One more attempt, in the history from now on."""
        scheduler = self.world.scheduler
        isolation = steps.isolation
        attempt = Attempt(
            len(self.history) + 1, program.name, process.name, isolation, scheduler.steps, steps
        )
        self.history.append(attempt)
        scheduler.note(process.name, f"BEGINS #{attempt.number} {program.name} {isolation.value}")
        return attempt

    async def end_of(self, attempt: Attempt, course: Awaitable[None]) -> None:
        """Carry an attempt out, and note what its caller learns."""
        scheduler = self.world.scheduler
        error: Exception | None = None
        try:
            await course
        except EXPECTED as raised:
            error = raised
        except Exception as raised:
            self.broken.append(Wrong(BROKE_OFF, f"{attempt}: {type(raised).__name__}: {raised}"))
            raise
        attempt.error = error
        attempt.told = outcome_told(error)
        attempt.ended = scheduler.steps
        scheduler.note(attempt.process, f"ENDS {attempt}: {error}")

    async def _settle(self, attempt: Attempt, context: Context) -> TransactionState | None:
        """Ask what became of an attempt, as a caller may do; None: that is still unknown."""
        assert attempt.id is not None
        truth = self.world.truth
        truth.forced.add(attempt.id)
        self.world.tell(Settles(attempt.steps))
        try:
            state = (await settle(context.decisions, attempt.id)).state
        except UnknownOutcomeError:
            return None
        self.world.counts[f"settled {state.value}"] += 1
        if attempt.id in truth.forgotten:
            # Whoever asks after the decision was removed is told ABORTED (specification 11.4, 12);
            # he must not act on it, and does not here.
            return None
        if attempt.settled not in {None, state}:
            text = f"{attempt} was settled as {attempt.settled}, now as {state}"
            self.broken.append(Wrong(SETTLED, text))
        attempt.settled = state
        return state

    # After the trouble.

    async def _after_healing(self, doctor: Process) -> None:
        await ask(Sleep(15 + LONGEST_SKEW_S + 1))
        context = self.world.connect(doctor)
        for attempt in self.history:
            if attempt.told in {None, TransactionState.UNKNOWN} and attempt.id is not None:
                await self._settle(attempt, context)
        if self.clients.chance(0.5):
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
                text = f"a lone client could not commit {program.name}: {attempt.error}"
                self.broken.append(Wrong(LIVENESS, text))

    async def _look_at_everything(self, context: Context) -> None:
        error: Exception | None = None
        self._looked_at.append(self.world.scheduler.steps)
        for _ in range(LONE_ATTEMPTS):
            steps = begin(
                self.world.scheduler.log,
                context,
                Isolation.SERIALIZABLE,
                read_only=True,
                process=self._doctor,
                program="look",
            )
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
        self.broken.append(Wrong(LIVENESS, f"nobody could read everything: {error}"))

    def judge(self) -> list[Wrong]:
        """What is wrong? All rows are to be settled by now."""
        wrong = self.broken + self.world.truth.wrong
        for table in self.workload.tables():
            for key, row in self.world.rows(table).items():
                wrong += self._wrong_row(f"{table.name} {key}", row)
        for attempt in self.history:
            committed = attempt.settled is TransactionState.COMMITTED
            if attempt.settled is not None and committed != self.world.decided(attempt.id):
                text = f"as {attempt.settled}, but decided otherwise: {attempt}"
                wrong.append(Wrong(SETTLED, text))
        if (
            len(self._looks) == 2
            and self._looks[0] != self._looks[1]
            and not self._committed_late_by_its_records()
        ):
            text = f"late messages changed {self._looks[0]} into {self._looks[1]}"
            wrong.append(Wrong(SETTLED, text))
        return wrong + self.workload.judge(self.world, self.history)

    def _committed_late_by_its_records(self) -> bool:
        """Did a write that nothing but a change of its record can stop come behind the first look?

        It was told UNKNOWN, or its teller died; there is no decision that could be forced.
        """
        truth, looked = self.world.truth, self._looked_at[0]
        return any(
            attempt.told in {None, TransactionState.UNKNOWN}
            and attempt.id in truth.alone
            and (truth.committed_at(attempt.id) or 0) > looked
            for attempt in self.history
        )

    def _wrong_row(self, place: str, row: Row) -> list[Wrong]:
        if row["tx_state"] != COMMITTED:
            return [Wrong(LIVENESS, f"{place} is not settled: {row}")]
        if row["tx_id"] != INITIAL and not self.world.decided(str(row["tx_id"])):
            return [Wrong(DECISION, f"{place} is there, but was not decided: {row}")]
        left = {name for name, value in row.items() if name.startswith("before_") and value}
        if str(row["tx_id"]) in self.world.truth.alone:
            left.discard("before_tx_id")
        if left:
            return [Wrong(DECISION, f"{place} has kept a previous image: {row}")]
        return []

    def summed(self) -> Counter[str]:
        """What was met in this run."""
        counts = self.world.counts.copy()
        counts["transactions"] = len(self.history)
        counts["storage calls"] = self.world.storage_calls
        counts["steps"] = self.world.scheduler.steps
        counts["schedules with a conflict"] = any(is_conflict(one.error) for one in self.history)
        for attempt in self.history:
            counts[f"told {attempt.told.value if attempt.told else 'nothing'}"] += 1
            counts["conflict"] += is_conflict(attempt.error)
            counts["reads with a value"] += attempt.reads_with_value
            counts["reads of nothing"] += attempt.reads_without
            counts["lone commits"] += attempt.process == "doctor" and attempt.error is None
            settled = attempt.told in {None, TransactionState.UNKNOWN}
            if settled and self.world.decided(attempt.id):
                counts["committed untold"] += 1
            counts["one phase: records alone"] += attempt.id in self.world.truth.alone
            counts["across storages"] += self.world.across_storages(attempt.id)
        return counts


def _worth_another(program: Program, error: Exception | None) -> bool:
    if error is None:
        return False
    if outcome_told(error) is TransactionState.UNKNOWN:
        return program.again_after_unknown
    return bool(getattr(error, "retryable", False))

"""What happens in one seeded run, and is it right?

Clients read and write registers over nodes that die, stand still and lose messages and what they
did not sync. Then everything heals, and a fresh client must read every register: at once, and again
when the last late message has arrived.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.histories import Outcome
from tests.simulation.parts.dice import Chance
from tests.simulation.parts.disk import Disk, SyncFailedError
from tests.simulation.parts.messages import Post
from tests.simulation.parts.processes import SAFE, Hazards, Process
from tests.simulation.parts.report import BROKE_OFF, Report, Wrong
from tests.simulation.parts.scheduler import Join, Scheduler, Sleep, Task, ask
from tests.simulation.register.bugs import plant
from tests.simulation.register.client import Client, NotDoneError, UnknownError
from tests.simulation.register.history import LIVENESS, History
from tests.simulation.register.node import Node
from tests.simulation.register.plan import NO_OPERATION, Plan, client_address, node_address

if TYPE_CHECKING:
    from collections.abc import Callable

READERS_PATIENCE: Final = 60.0  # seconds; longer than any node stays away
LIVES: Final = 4  # of a client


@dataclass(frozen=True, slots=True)
class Schedules:
    """Runs of the replicated register, by default without a planted bug."""

    bug: str | None = None

    def __str__(self) -> str:
        return f"--plant '{self.bug}'" if self.bug else ""

    def __call__(self, chance: Chance, *, trace: bool = False) -> Report:
        """One run by what chance says, and its judgement."""
        with plant(self.bug):
            plan = Plan.draw(chance.dice("world"))
            run = _Run(plan, chance, trace=trace)
            wrong: list[Wrong] = []
            try:
                run.play()
            except Exception as error:  # noqa: BLE001  # whatever it is, the seed has failed
                wrong.append(Wrong(BROKE_OFF, f"{type(error).__name__}: {error}"))
            wrong += [*run.unanswered, *run.history.judge()]
        return Report(
            kind=plan.trouble,
            about=str(plan),
            wrong=wrong,
            counts=run.summed(),
            digest=run.scheduler.digest,
            lines=run.scheduler.lines or [],
            history=run.history.lines(),
        )

    def seed(self, seed: int, *, trace: bool = False) -> Report:
        """The run of a seed; the same seed gives the same run."""
        return self(Chance(seed), trace=trace)


class _Run:
    def __init__(self, plan: Plan, chance: Chance, *, trace: bool) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.history = History()
        self.unanswered: list[Wrong] = []
        self.scheduler = Scheduler(chance.dice("who goes on"), pace=plan.pace)
        self.scheduler.lines = [] if trace else None
        self.post = Post(self.scheduler, chance.dice("messages"), plan.rates, self.counts)
        self._hazards = chance.dice("hazards")
        self._programs = chance.dice("programs")
        self._pauses = chance.dice("pauses")
        disks = chance.dice("disks")
        self.nodes = [node_address(number) for number in range(plan.nodes)]
        self.disks = {node: Disk(disks) for node in self.nodes}
        self.processes: list[Process] = []
        self._living: dict[str, Process] = {}  # nodes
        self._clients = 0
        self._healed = False

    def play(self) -> None:
        """From the first message to the last look."""
        scheduler = self.scheduler
        seats = [scheduler.spawn(self._node(node), None, node) for node in self.nodes]
        for node, begin, end in self.plan.failing_syncs:
            scheduler.call_later(begin, self._setter(node, failing=True))
            scheduler.call_later(end, self._setter(node, failing=False))
        for moment in self.plan.blackouts:
            scheduler.call_later(moment, self._black_out)
        scheduler.run(scheduler.spawn(self._everybody(), None, "clients"))
        self._heal()
        scheduler.run(scheduler.spawn(self._look("reader"), None, "reader"))
        scheduler.drain()
        scheduler.run(scheduler.spawn(self._look("last"), None, "last"))
        for seat in seats:
            if seat.error is not None:
                raise seat.error

    def summed(self) -> Counter[str]:
        """What was met in this run."""
        counts = self.counts
        self.history.count(counts)
        for disk in self.disks.values():
            counts.update(disk.counts)
        counts["steps"] = self.scheduler.steps
        return counts

    def _setter(self, node: str, *, failing: bool) -> Callable[[], None]:
        def set_it() -> None:
            self.disks[node].failing_sync = failing and not self._healed

        return set_it

    def _black_out(self) -> None:
        """The power fails in all places at once."""
        if self._healed:
            return
        crashes = self.counts["crash"]
        for process in self._living.values():
            if process.alive:
                process.crash()
        self.counts["blackouts"] += self.counts["crash"] > crashes

    def _heal(self) -> None:
        self.scheduler.note("world", "HEALS")
        self._healed = True
        self.post.heal()
        for disk in self.disks.values():
            disk.failing_sync = False
        for process in self.processes:
            process.keep_safe()

    def _start(self, name: str, hazards: Hazards) -> Process:
        process = Process(
            self.scheduler,
            name,
            self.counts,
            self._hazards,
            hazards=SAFE if self._healed else hazards,
        )
        self.processes.append(process)
        return process

    # Nodes.

    async def _node(self, address: str) -> None:
        """A node, and after a power failure another one with its disk."""
        disk = self.disks[address]
        while True:
            process = self._living[address] = self._start(address, self.plan.nodes_hazards)
            task = process.spawn(Node(address, process, self.post, disk).live())
            await ask(Join([task]))
            if process.alive:
                self._died_of(task)
                process.crash()
            disk.crash()
            await ask(Sleep(self._pauses.pick(self.plan.downtimes)))
            self.counts["restarts"] += 1

    @staticmethod
    def _died_of(task: Task) -> None:
        """A failed sync ends a node, as it should; anything else is a mistake."""
        if task.error is not None and not isinstance(task.error, SyncFailedError):
            raise task.error

    # Clients.

    async def _everybody(self) -> None:
        scheduler = self.scheduler
        tasks = [
            scheduler.spawn(self._seat(number), None, client_address(number))
            for number in range(self.plan.clients)
        ]
        await ask(Join(tasks))
        for task in tasks:
            if task.error is not None:
                raise task.error

    async def _seat(self, number: int) -> None:
        """A client, and another one in its place when it has died."""
        plan, dice = self.plan, self._programs
        todo = [plan.draw_operation(dice) for _ in range(plan.operations)]
        for _ in range(LIVES):
            process = self._start(client_address(number), plan.clients_hazards)
            client = self._client(process, plan.patience)
            task = process.spawn(self._work(client, process.name, todo))
            await ask(Join([task]))
            if task.error is not None:
                raise task.error
            if process.alive:
                return
            await ask(Sleep(self._pauses.pick(plan.downtimes)))

    def _client(self, process: Process, patience: float) -> Client:
        self._clients += 1
        mailbox = self.post.open(process.name, process)
        return Client(
            process.name, self._clients, self.post, mailbox, nodes=self.nodes, patience=patience
        )

    async def _work(self, client: Client, name: str, todo: list[tuple[str, int]]) -> None:
        while todo:
            kind, register = todo.pop(0)
            if kind == NO_OPERATION:
                continue
            outcome = await self._operate(client, f"{name}/{client.number}", kind, register)
            if kind == "w" and outcome is Outcome.INFO and self._programs.chance(0.5):
                # People try again; another value, so that it can be told apart.
                todo.insert(0, (kind, register))
            await ask(Sleep(self._pauses.pick(self.plan.rests)))

    async def _operate(self, client: Client, who: str, kind: str, register: int) -> Outcome:
        value = len(self.history.operations) + 1 if kind == "w" else None
        operation = self.history.begin(who, kind, register, value)
        self.scheduler.note(who, f"BEGINS O{operation.number} {kind} r{register} {value or ''}")
        try:
            if value is None:
                operation.value = await client.read(register)
            else:
                await client.write(register, value)
        except NotDoneError:
            outcome = Outcome.FAIL
        except UnknownError:
            outcome = Outcome.INFO
        else:
            outcome = Outcome.OK
        self.history.end(operation, outcome)
        self.scheduler.note(
            who, f"ENDS O{operation.number} r{register} {operation.value} {outcome.value}"
        )
        return outcome

    # After the trouble.

    async def _look(self, name: str) -> None:
        process = self._start(name, SAFE)
        client = self._client(process, READERS_PATIENCE)
        for register in range(self.plan.registers):
            outcome = await self._operate(client, name, "r", register)
            if outcome is not Outcome.OK:
                text = f"r{register} was not read within {READERS_PATIENCE:g} s after healing"
                self.unanswered.append(Wrong(LIVENESS, text))

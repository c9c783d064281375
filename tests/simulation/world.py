"""What is one simulated world made of, and what is different about each?

Everything about a world is drawn from its seed: how many processes, how wrong their clocks are,
which faults there are and how many, what one atomic write may span, which isolation levels are
used. Some worlds are calm, others have a single kind of trouble, others all of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.context import Context, Options
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable, coordinator_table
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.metadata import Catalog
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.model.isolation import Isolation
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.simulation.network import FaultRates, Network, Outage
from tests.simulation.processes import SAFE, Hazards, Process
from tests.simulation.scheduler import Scheduler
from tests.simulation.simulated_runtime import SimulatedRuntime
from tests.simulation.simulated_storage import STORAGE_ERRORS, SimulatedStorage

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import StorageMutation

COORDINATOR: Final = coordinator_table("coordinator")
SKEWS_MS: Final = (0, 0, -4_000, 4_000, -18_000, 18_000)
LONGEST_SKEW_S: Final = 18 + 2 * 20  # first skew, and the jumps that a run is likely to see


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed has drawn."""

    processes: int
    workers: int  # in each process
    programs: int  # in each worker
    levels: tuple[Isolation, ...]
    unit: AtomicityUnit
    fetch_size: int
    pace: float
    rates: FaultRates
    hazards: Hazards
    skews_ms: tuple[int, ...]
    moments: bool = False  # can a storage be read as it was at one moment?

    def __str__(self) -> str:
        return (
            f"{self.processes} processes x {self.workers} workers x {self.programs} programs, "
            f"{'/'.join(level.value for level in self.levels)}, unit {self.unit.name}, "
            f"page {self.fetch_size}, {'' if self.moments else 'no '}moments, "
            f"skews {self.skews_ms} ms\n  {self.rates}\n  {self.hazards}"
        )

    @classmethod
    def draw(cls, dice: random.Random) -> Plan:
        """Draw a world."""
        mixed = (Isolation.SERIALIZABLE, Isolation.SNAPSHOT, Isolation.READ_COMMITTED)
        levels = dice.choices(
            (mixed[:1], mixed[1:2], mixed[2:], mixed), weights=(60, 8, 7, 25), k=1
        )[0]
        strength = dice.choices((0.0, 0.04, 0.15), weights=(20, 45, 35), k=1)[0]

        def rate() -> float:
            return strength * dice.random() if dice.random() < 0.5 else 0.0

        pace = dice.choice((0.0002, 0.001, 0.005))
        outages = []
        if strength and dice.random() < 0.25:
            begin = dice.random() * 300 * pace
            length = dice.choice((0.3, 1.0, 2.0, 6.0))
            place = dice.choice(("", COORDINATOR.name, COORDINATOR.name))
            outages.append(Outage(place, begin, begin + length, dice.random() < 0.5))
        hazards = SAFE
        if strength and dice.random() < 0.6:
            hazards = Hazards(
                crash=dice.choice((0.0, 0.004, 0.01)),
                pause=dice.choice((0.0, 0.003, 0.008)),
                jump=dice.choice((0.0, 0.0, 0.003)),
            )
        processes = dice.randint(2, 3)
        return cls(
            processes=processes,
            workers=dice.randint(1, 2),
            programs=dice.randint(1, 2) if processes == 3 else 2,
            levels=levels,
            unit=dice.choice(
                (AtomicityUnit.STORAGE, AtomicityUnit.PARTITION, AtomicityUnit.RECORD)
            ),
            fetch_size=dice.choice((2, 3, 100)),
            pace=pace,
            rates=FaultRates(rate(), rate(), rate(), rate(), rate(), tuple(outages)),
            hazards=hazards,
            skews_ms=tuple(dice.choice(SKEWS_MS) if strength else 0 for _ in range(processes)),
        )


class World:
    """Processes, a network and a storage, under one scheduler."""

    def __init__(self, plan: Plan, dice: random.Random, *, trace: bool = False) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.scheduler = Scheduler(dice, pace=plan.pace)
        if trace:
            self.scheduler.lines = []
        self.memory = MemoryStorage(unit=plan.unit)
        self.network = Network(self.scheduler, plan.rates, STORAGE_ERRORS, self.counts)
        self.processes: list[Process] = []
        run_blocking(self.memory.admin.create_table(COORDINATOR))

    def start(self, name: str, *, skew_ms: int = 0, hazards: Hazards = SAFE) -> Process:
        """Start a process."""
        process = Process(self.scheduler, name, self.counts, skew_ms=skew_ms, hazards=hazards)
        self.processes.append(process)
        return process

    def connect(self, process: Process) -> Context:
        """The protocol over a process' runtime and its way to the storage."""
        runtime = SimulatedRuntime(process)
        storage = SimulatedStorage(self.memory, self.network, moments=self.plan.moments)
        decisions = WatchedCoordinator(storage, runtime, COORDINATOR.namespace)
        decisions.counts = self.counts
        recovery = WatchedRecovery(storage, runtime, decisions)
        recovery.counts = self.counts
        return Context(
            storage=storage,
            runtime=runtime,
            catalog=Catalog(
                storage, runtime, expiry=-1, coordinator_namespace=COORDINATOR.namespace
            ),
            decisions=decisions,
            recovery=recovery,
            options=Options(scan_fetch_size=self.plan.fetch_size),
        )

    def heal(self) -> None:
        """No more trouble; what is on its way arrives."""
        self.scheduler.note("world", "HEALS")
        self.network.heal()
        for process in self.processes:
            process.keep_safe()

    def rows(self, table: Table) -> dict[tuple[Value, ...], Row]:
        """A table's rows as they are stored, for a judge."""
        return self.memory.admin.contents(table.name).rows

    def decided(self, tx_id: str | None) -> bool:
        """Is COMMITTED on record for a transaction?"""
        if tx_id is None:
            return False
        row = self.rows(COORDINATOR).get((tx_id,))
        return row is not None and row["tx_state"] == 3


class WatchedCoordinator(CoordinatorTable):
    """Counts what is rare, so that a run can tell whether it met it."""

    counts: Counter[str]

    async def decide(self, tx_id: str, at: int, also: Sequence[StorageMutation] = ()) -> Decision:
        """As the coordinator table does."""
        try:
            decision = await super().decide(tx_id, at, also)
        except UndecidedError:
            self.counts["undecided"] += 1
            raise
        self.counts[f"decided {decision.state.value}"] += 1
        return decision


class WatchedRecovery(Recovery):
    """Counts recoveries."""

    counts: Counter[str]

    async def resolve(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        """As recovery does."""
        resolved = await super().resolve(table, key, row)
        self.counts["recovery"] += 1
        self.counts["rolled back" if resolved.rolled_back else "rolled forward"] += 1
        return resolved

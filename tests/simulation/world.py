"""What is one simulated world made of?

Processes, storages behind networks, and one scheduler, as a plan says; and the truth about what was
decided, for the judge.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.context import Context, Options
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.group_commit import GroupCommit
from scalar_tx.consensus_commit.metadata import Catalog
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from tests.simulation.cleaning import WAITS, Cleaner, FinishingCleaner
from tests.simulation.lagging_index import LaggingIndex
from tests.simulation.logged import Healed, Made
from tests.simulation.parts.log import Kind, Log
from tests.simulation.parts.network import Network
from tests.simulation.parts.processes import SAFE, Hazards, Process
from tests.simulation.parts.scheduler import Scheduler
from tests.simulation.plan import COORDINATOR_NAME
from tests.simulation.simulated_runtime import SimulatedRuntime
from tests.simulation.simulated_storage import STORAGE_ERRORS, Place, SimulatedStorage
from tests.simulation.truth import Truth
from tests.simulation.watched import WatchedCoordinator, WatchedFinishLater, WatchedRecovery

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Storage
    from tests.simulation.logged import Rows
    from tests.simulation.parts.dice import Chance
    from tests.simulation.plan import Plan

NAMESPACE: Final = COORDINATOR_NAME.partition(".")[0]
# Looked up once for all worlds: schema is not what is tried here.
_KNOWN_TABLES: Final[dict[str, tuple[TransactionalTable, float]]] = {}


class World:
    """Processes, networks and storages, under one scheduler."""

    def __init__(self, plan: Plan, chance: Chance, *, trace: bool = False) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.scheduler = Scheduler(chance.dice("who goes on"), pace=plan.pace)
        if trace:
            self.scheduler.lines = []
            self.scheduler.log = Log()
        self.truth = Truth(self._decided, lambda: self.scheduler.steps)
        self.processes: list[Process] = []
        self.runtime_dice = chance.dice("protocol")
        self._hazards = chance.dice("hazards")
        self._background = chance.dice("background")
        faults = chance.dice("faults")
        self.places = [
            Place(
                MemoryStorage(unit=plan.unit),
                Network(self.scheduler, faults, plan.rates, STORAGE_ERRORS, self.counts),
                self.truth,
                name=f"memory {number}" if number else "memory",
                moments=plan.moments,
                batches=plan.batches,
                joins_indexes=plan.joins_indexes,
                overwrites=plan.overwrites,
            )
            for number in range(plan.storages)
        ]
        self._tables: dict[str, int] = {COORDINATOR_NAME: 0}
        decisions = coordinator_table(NAMESPACE, group_commit=True, write_sets=plan.write_sets)
        run_blocking(self.places[0].memory.admin.create_table(decisions))
        self._cleaner: Cleaner | None = None
        self._cleaners_process: Process | None = None

    @property
    def storage_calls(self) -> int:
        """How many calls were sent."""
        return sum(place.network.calls for place in self.places)

    def start(self, name: str, *, skew_ms: int = 0, hazards: Hazards = SAFE) -> Process:
        """Start a process."""
        process = Process(
            self.scheduler, name, self.counts, self._hazards, skew_ms=skew_ms, hazards=hazards
        )
        self.processes.append(process)
        return process

    def connect(self, process: Process) -> Context:
        """The protocol over a process' runtime and its way to the storages."""
        runtime = SimulatedRuntime(process, self.runtime_dice)
        storage = self._way_to_the_storages()
        decisions = WatchedCoordinator(storage, runtime, NAMESPACE, write_sets=self.plan.write_sets)
        decisions.counts = self.counts
        later = None
        if self.plan.later:
            later = WatchedFinishLater(storage, runtime, most=self.plan.later)
            later.counts = self.counts
            later.lag = self.plan.pace * 200
        recovery = WatchedRecovery(storage, runtime, decisions, later)
        recovery.counts = self.counts
        recovery.truth = self.truth
        catalog = Catalog(storage, runtime, expiry=-1, coordinator_namespace=NAMESPACE)
        catalog._known = _KNOWN_TABLES
        group = self.plan.group
        return Context(
            storage=storage,
            runtime=runtime,
            catalog=catalog,
            decisions=decisions,
            recovery=recovery,
            groups=GroupCommit(decisions, runtime, capacity=group) if group else None,
            options=Options(
                scan_fetch_size=self.plan.fetch_size,
                one_phase_commit=self.plan.one_phase,
                async_commit=bool(later),
                async_rollback=bool(later),
                decisions_are_removed=bool(self.plan.cleaning),
            ),
            finish_later=later,
        )

    def _way_to_the_storages(self) -> Storage:
        ways = [SimulatedStorage(place) for place in self.places]
        if len(ways) == 1:
            return ways[0]
        names = [str(number) for number in range(len(ways))]
        return RoutedStorage(
            dict(zip(names, ways, strict=True)),
            default="0",
            tables={table: names[number] for table, number in self._tables.items()},
        )

    def make_table(self, table: Table) -> MemoryStorage:
        """Make a table in one storage, the next in the other."""
        number = (len(self._tables) - 1) % len(self.places)
        self._tables[table.name] = number
        memory = self.places[number].memory
        run_blocking(memory.admin.create_table(table))
        return memory

    def open(self) -> None:
        """Everything is loaded: from now on indexes lag and decision rows are removed."""
        plan = self.plan
        if self.scheduler.log is not None:
            self.tell(Made(plan, self.all_rows()))
        for place in self.places:
            if plan.index_lag_s:
                place.let_its_index_lag(
                    LaggingIndex(
                        place.memory,
                        self.scheduler,
                        self._background,
                        self.counts,
                        plan.index_lag_s,
                    )
                )
        if plan.cleaning:
            self._cleaners_process = self.start("cleaner")
            kind = FinishingCleaner if plan.write_sets else Cleaner
            self._cleaner = kind(
                self.connect(self._cleaners_process), self.truth, self.counts, self._background
            )

    def heal(self) -> None:
        """No more trouble; what is on its way arrives."""
        self.scheduler.note("world", "HEALS")
        self.tell(Healed())
        for place in self.places:
            place.network.heal()
        for process in self.processes:
            process.keep_safe()

    def rows(self, table: Table) -> dict[tuple[Value, ...], Row]:
        """A table's rows as they are stored, for a judge."""
        return self.places[self._tables[table.name]].memory.admin.contents(table.name).rows

    def all_rows(self) -> Rows:
        """All tables' rows but the decisions."""
        return {
            name: {
                key: dict(row)
                for key, row in self.places[number].memory.admin.contents(name).rows.items()
            }
            for name, number in self._tables.items()
            if name != COORDINATOR_NAME
        }

    def tell(self, what: object) -> None:
        """Tell the log, where somebody wants to read it."""
        log = self.scheduler.log
        if log is not None:
            log.add(Kind.OTHER, log.current, what)

    def decided(self, tx_id: str | None) -> bool:
        """Was a transaction decided to be COMMITTED?"""
        return self.truth.decided(tx_id)

    def across_storages(self, tx_id: str | None) -> bool:
        """Was a committed transaction's work in more than one storage?"""
        if tx_id is None or not self.decided(tx_id):
            return False
        return len({self._tables[name] for name, _ in self.truth.places(tx_id)}) > 1

    def _decided(self, row_id: str) -> None:
        if self._cleaner is not None and self._background.chance(self.plan.cleaning):
            seconds = self._background.uniform(*self._background.pick(WAITS))
            self.scheduler.call_later(seconds, lambda: self._clean(row_id))

    def _clean(self, row_id: str) -> None:
        assert self._cleaner is not None
        assert self._cleaners_process is not None
        self._cleaners_process.spawn(self._cleaner.finish(row_id))

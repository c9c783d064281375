"""Transactions by hand, call by call, with somebody else's work at chosen moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.context import Context, Options
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.metadata import Catalog
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Upsert
from scalar_tx.runtime.blocking import BlockingRuntime, attempt, run_blocking
from scalar_tx.storage.interface import IndexSource
from scalar_tx.storage.memory import MemoryStorage
from tests.simulation.frozen import FrozenStorage
from tests.simulation.workload import transactional

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Outcome
    from scalar_tx.storage.interface import Reads, ScanRequest

TABLE: Final = transactional("t.t", (("p", "INT"), ("k", "INT"), ("v", "INT")), "p", "k", index="v")
NAME: Final = TABLE.name


class Meddler(MemoryStorage):
    """Runs somebody else's work right after a read of a record, or right before one of an index."""

    def __init__(self, *, moments: bool, joins_indexes: bool) -> None:
        super().__init__(moments=moments, batches=0, joins_indexes=joins_indexes)
        self.after_read: dict[int, list[Callable[[], None]]] = {}
        self.before_index_read: dict[str, Callable[[], None]] = {}

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        await steps(FrozenStorage(self))

    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if isinstance(source, IndexSource) and source.column in self.before_index_read:
            self.before_index_read[source.column]()
        return super().scan(request)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        row = await super().get(table, key)
        if table.name == NAME and (waiting := self.after_read.get(int(str(key[1])))):
            self.after_read, kept = {}, self.after_read
            waiting.pop(0)()
            self.after_read = kept
        return row


class BackwardsRuntime(BlockingRuntime):
    """Of steps that may run at once, the last one runs first."""

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, Any]]]
    ) -> list[Outcome[Any]]:
        return [attempt(step) for step in reversed(steps)][::-1]


class Database:
    """Transactions over one storage."""

    def __init__(
        self,
        runtime: BlockingRuntime | None = None,
        *,
        moments: bool = False,
        joins_indexes: bool = False,
    ) -> None:
        self.storage = Meddler(moments=moments, joins_indexes=joins_indexes)
        runtime = runtime or BlockingRuntime()
        run_blocking(self.storage.admin.create_table(coordinator_table("coordinator")))
        run_blocking(self.storage.admin.create_table(TABLE))
        decisions = CoordinatorTable(self.storage, runtime, "coordinator")
        self.context = Context(
            storage=self.storage,
            runtime=runtime,
            catalog=Catalog(self.storage, runtime, expiry=-1, coordinator_namespace="coordinator"),
            decisions=decisions,
            recovery=Recovery(self.storage, runtime, decisions),
            options=Options(one_phase_commit=False),
        )
        self.runtime = runtime

    def begin(self) -> Steps:
        return Steps(TransactionSteps(self.context, Isolation.SERIALIZABLE))

    def elsewhere(self, *, put: dict[int, int], remove: Sequence[int] = ()) -> None:
        """Another transaction, from its beginning to its end."""
        other = self.begin()
        for k in remove:
            other.delete(k)
        for k, v in put.items():
            other.upsert(k, v)
        other.commit()


class Steps:
    """A transaction, call by call."""

    def __init__(self, steps: TransactionSteps) -> None:
        self.steps = steps

    def get(self, k: int) -> Value:
        found = run_blocking(self.steps.get(Get(NAME, {"p": 1, "k": k})))
        return None if found is None else found["v"]

    def scan(self, limit: int | None = None, *, weak: bool = False) -> dict[Value, Value]:
        found = run_blocking(self.steps.scan(Scan(NAME, {"p": 1}, limit=limit, weak=weak)))
        return {record["k"]: record["v"] for record in found}

    def index(self, v: int) -> list[Value]:
        found = run_blocking(self.steps.scan(Scan(NAME, index={"v": v})))
        return [record["k"] for record in found]

    def upsert(self, k: int, v: int) -> None:
        run_blocking(self.steps.mutate(Upsert(NAME, {"p": 1, "k": k, "v": v})))

    def insert(self, k: int, v: int) -> None:
        run_blocking(self.steps.mutate(Insert(NAME, {"p": 1, "k": k, "v": v})))

    def delete(self, k: int) -> None:
        run_blocking(self.steps.mutate(Delete(NAME, {"p": 1, "k": k})))

    def commit(self) -> None:
        run_blocking(self.steps.commit())

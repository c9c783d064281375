"""A storage behind a network, as one process sees it.

The semantics are the memory storage's; every call is a request, an effect and a reply, each a
moment at which others may go on. Tables are looked up at once: schema is not what is tried here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.record import SETTLED
from scalar_tx.errors import (
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Erase, IndexSource, Overwrite, ReadKind
from tests.simulation.frozen import FrozenStorage
from tests.simulation.parts.network import Call, Fault
from tests.simulation.parts.scheduler import ask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Answer,
        Pages,
        Reads,
        ScanRequest,
        StorageInfo,
        StorageMutation,
    )
    from scalar_tx.storage.memory import MemoryStorage
    from tests.simulation.lagging_index import LaggingIndex
    from tests.simulation.parts.network import Network
    from tests.simulation.truth import Truth

STORAGE_ERRORS: Final[Mapping[Fault, Callable[[], Exception]]] = {
    Fault.LOST_BEFORE: lambda: ReplyLostError("no reply"),
    Fault.LOST_AFTER: lambda: ReplyLostError("no reply"),
    Fault.LATE: lambda: ReplyLostError("no reply"),
    Fault.BUSY: lambda: StorageBusyError("busy"),
    Fault.UNAVAILABLE: lambda: StorageUnavailableError("the storage can't be reached"),
}


class Place:
    """A memory storage and what listens to it; several processes reach it."""

    def __init__(
        self,
        memory: MemoryStorage,
        network: Network,
        truth: Truth,
        *,
        name: str = "memory",
        moments: bool,
        batches: bool = False,
        joins_indexes: bool = False,
        overwrites: bool = False,
    ) -> None:
        self.memory = memory
        self.network = network
        self.truth = truth
        self.index: LaggingIndex | None = None
        info = memory.info("")
        self.info = replace(
            info,
            name=name,
            moments=moments,
            batches=info.batches if batches else 0,
            joins_indexes=joins_indexes,
            overwrites=overwrites,
        )

    def let_its_index_lag(self, index: LaggingIndex) -> None:
        """From now on nothing is promised about the newest state of an index."""
        self.index = index
        linearizable = self.info.linearizable - {ReadKind.INDEX}
        self.info = replace(self.info, linearizable=linearizable, joins_indexes=False)

    def apply(self, mutations: Sequence[StorageMutation]) -> None:
        """A request has arrived."""
        unread = [one for one in mutations if one.condition is SETTLED]
        counts = self.network.counts
        try:
            run_blocking(self.memory.mutate(mutations))
        except WriteRefusedError:
            counts["written unread: refused"] += bool(unread)
            raise
        for one in unread:
            prepared = isinstance(one, Overwrite) and one.keeps
            counts[f"written unread: {'prepared' if prepared else 'with the decision'}"] += 1
        self.truth.applied(mutations)
        if self.index is not None:
            self.index.applied(mutations)


class SimulatedStorage:
    """A memory storage at the other end of a network."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._memory = place.memory
        self._network = place.network

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._place.info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """The memory storage's."""
        return self._memory.objection(table, data_type, value, in_key=in_key)

    @property
    def admin(self) -> StorageAdmin:
        """Answers at once."""
        return self._memory.admin

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        memory = self._memory
        row: Row | None = await ask(
            Call(
                self._network,
                lambda: _Shown.of(run_blocking(memory.get(table, key))),
                lambda: f"get {_where(table, key)}",
                table.name,
                writes=False,
            )
        )
        return row

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records: at one moment where there are moments, else each at its own.

        Without moments they are read in another order than asked, as a database might.
        """
        memory, network = self._memory, self._network
        network.counts["batches of reads"] += 1
        if self._place.info.moments:
            rows: list[Answer] = await ask(
                Call(
                    network,
                    lambda: run_blocking(memory.get_many(wanted)),
                    lambda: f"get {', '.join(_where(table, key) for table, key in wanted)}",
                    wanted[0][0].name,
                    writes=False,
                )
            )
            return rows
        answers: dict[int, Answer] = {}
        for number in sorted(range(len(wanted)), key=lambda one: (one % 2, one)):
            try:
                answers[number] = await self.get(*wanted[number])
            except (StorageBusyError, StorageUnavailableError) as error:
                answers[number] = error
        return [answers[number] for number in range(len(wanted))]

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over all of the storage, as it is when the request arrives."""
        moment: Reads = await ask(
            Call(
                self._network,
                lambda: FrozenStorage(self._memory),
                lambda: "moment",
                table,
                writes=False,
            )
        )
        await steps(moment)

    def scan(self, request: ScanRequest) -> SimulatedPages:
        """Begin a scan."""
        if isinstance(request.source, IndexSource) and request.source.also is not None:
            self._network.counts["joint index reads"] += 1
        source: MemoryStorage | LaggingIndex = self._memory
        if self._place.index is not None and isinstance(request.source, IndexSource):
            source = self._place.index
        return SimulatedPages(self._network, source.scan(request), request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all mutations, or none."""
        place = self._place
        place.truth.sent(mutations)
        await ask(
            Call(
                self._network,
                lambda: place.apply(mutations),
                lambda: "; ".join(map(_described, mutations)),
                mutations[0].table.name,
                writes=True,
            )
        )

    async def close(self) -> None:
        """Nothing is held."""


class SimulatedPages:
    """A running scan; each page is a call."""

    def __init__(self, network: Network, pages: Pages, request: ScanRequest) -> None:
        self._network = network
        self._pages = pages
        self._request = request

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows."""
        table = self._request.table.name
        page: Sequence[Row] | None = await ask(
            Call(
                self._network,
                lambda: run_blocking(self._pages.next_page()),
                lambda: f"page of {table} {self._request.source}",
                table,
                writes=False,
            )
        )
        return page

    async def close(self) -> None:
        """Let go."""
        await self._pages.close()


class _Shown(dict[str, Any]):
    """A row that a trace can show in a line."""

    @classmethod
    def of(cls, row: Row | None) -> _Shown | None:
        return None if row is None else cls(row)

    def __str__(self) -> str:
        return _columns(self)


_STATES: Final = {1: "PREPARED", 2: "DELETED", 3: "COMMITTED", 4: "ABORTED"}


def _columns(row: Mapping[str, object]) -> str:
    state = _STATES.get(row.get("tx_state"), "")  # type: ignore[call-overload]  # any column value
    shown = {
        name: value
        for name, value in row.items()
        if value is not None and name not in {"tx_state", "tx_prepared_at", "tx_committed_at"}
        if not name.startswith("before_") or name == "before_tx_id"
    }
    return " ".join([state, *(f"{name}={value}" for name, value in shown.items())]).strip()


def _where(table: Table, key: tuple[Value, ...]) -> str:
    return f"{table.name}/{'/'.join(map(str, key))}"


def _described(mutation: StorageMutation) -> str:
    place = _where(mutation.table, mutation.key)
    condition = "" if mutation.condition is None else f" if {mutation.condition!r}"
    if isinstance(mutation, Erase):
        return f"erase {place}{condition}"
    return f"write {place} {_columns(mutation.values)}{condition}"

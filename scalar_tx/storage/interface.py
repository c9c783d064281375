"""What the protocol asks of a storage, and what it may rely on.

Every adapter keeps these promises (the suite in ``storage/conformance`` checks them):

- A write is conditional and atomic: all mutations of one ``mutate`` apply, or none.
- ``mutate`` returns only if everything was applied durably. ``WriteRefusedError``: a condition was
  not met, nothing changed. ``StorageBusyError``: nothing changed. ``StorageUnavailableError``:
  nothing was done. ``ReplyLostError``: whatever the adapter can't place; it may still take effect.
- The reads named in ``StorageInfo.linearizable`` return the newest acknowledged state.
- Rows handed out and mutations taken in are not aliased: the caller may change its dictionaries.
- A scan is read page by page; between two pages it holds no snapshot and no lock. Its order is
  total (the primary key breaks ties): the next page begins exactly behind the last row seen.
- Calls are made by several at once, pages of several scans too; those of one scan one at a time, by
  whichever thread.
- Values are those of ``model.types``, already checked; a row holds every column of the table.
- Nobody waits longer than the adapter's own time-outs: they are given to the database's call.

Errors of a read: ``StorageUnavailableError`` or ``StorageBusyError``; SchemaError where stored
bytes are no value of the column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from scalar_tx.model.conditions import Condition, Existence
    from scalar_tx.model.table import Order, Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin


class AtomicityUnit(IntEnum):
    """How far apart may the records of one ``mutate`` be? (Storage specification 2.8)"""

    RECORD = 1
    PARTITION = 2
    TABLE = 3
    NAMESPACE = 4
    STORAGE = 5


class ReadKind(Enum):
    """The kinds of read that a storage may or may not do linearizably."""

    GET = "get"
    PARTITION = "partition scan"
    INDEX = "index read"
    WHOLE_TABLE = "whole-table scan"


class Waits(Enum):
    """How a call of the storage waits."""

    NEVER = "never"  # in memory: answers at once, on any thread or loop
    BLOCKS = "blocks"  # blocks the calling thread
    FUTURES = "futures"  # awaits Runtime.wait(future); never blocks


@dataclass(frozen=True)
class StorageInfo:
    """What a storage is able to do."""

    name: str
    atomicity_unit: AtomicityUnit
    max_mutations: int
    linearizable: frozenset[ReadKind]
    waits: Waits
    orders_whole_table: bool  # can a whole-table scan be ordered by any columns?
    parallel: bool = True  # does it gain from several calls at once?
    connections: int = 16  # how many calls it can be in at once, if they block
    moments: bool = False  # is it a MomentStorage: can several reads see one moment of it?
    batches: int = 0  # how many records one request of get_many reads; 0: it is no BatchStorage
    joins_indexes: bool = False  # can an IndexSource name a second column?
    charges_groups: bool = False  # does a record cost more in an atomic write of several?
    overwrites: bool = False  # does it take an Overwrite?
    keeps_in_indexes: bool = True  # also one that keeps a value in an indexed column?


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One column of a scan's order. NULL comes first in ASC and last in DESC."""

    column: str
    order: Order


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Bounds within a partition: values of leading clustering columns, by value for DESC too.

    Where both bounds are given they name the same columns and differ in the last one only. An empty
    bound is open.
    """

    start: tuple[Value, ...] = ()
    start_inclusive: bool = True
    end: tuple[Value, ...] = ()
    end_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class PartitionSource:
    """One partition, in the clustering order or all of it reversed."""

    partition: tuple[Value, ...]  # in the order of TableSchema.partition_key
    range: KeyRange = field(default_factory=KeyRange)
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class IndexSource:
    """The records whose indexed column has a value; any total order.

    ``also`` is another indexed column of the same type: the records of which either has the value,
    each once. It may be named only where ``StorageInfo.joins_indexes``.
    """

    column: str
    value: Value
    also: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The one or two columns."""
        return (self.column,) if self.also is None else (self.column, self.also)


@dataclass(frozen=True, slots=True)
class WholeTableSource:
    """Every record of a table: by ``order``, then by primary key; any total order if empty.

    ``order`` may be asked for only where ``StorageInfo.orders_whole_table``.
    """

    order: tuple[OrderBy, ...] = ()


ScanSource: TypeAlias = PartitionSource | IndexSource | WholeTableSource


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """A scan. ``where`` may be applied loosely: every row it is true of must be returned.

    ``after`` is a row's position: the scan begins behind it. It holds the primary key's columns and
    the columns of ``order``. ``page_size`` is a wish, and so is that later pages grow up to
    ``largest_page``.
    """

    table: Table
    source: ScanSource
    where: Condition | None = None
    after: Row | None = None
    page_size: int = 100
    largest_page: int = 0

    def page_after(self, size: int) -> int:
        """How large the page is to be that follows one of that size."""
        return max(size, min(2 * size, self.largest_page))


@dataclass(frozen=True, slots=True)
class Write:
    """Set columns of a record, making it if need be; columns not named keep their values.

    ``condition``: ``if_not_exists``, ``if_exists``, or a condition that an existing record must
    meet (a missing record meets none).
    """

    table: Table
    key: tuple[Value, ...]  # in the order of TableSchema.primary_key
    values: Row
    condition: Condition | Existence | None = None


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove a record. Without a condition a missing record is no error."""

    table: Table
    key: tuple[Value, ...]
    condition: Condition | Existence | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Set columns of a record that nobody has read, and keep in others what it held.

    Where the record is there and meets ``condition``, each column of ``keeps`` takes the value of
    the column named for it, unaltered, the INT column ``counter`` becomes one more than it was, and
    ``values`` are set; all by what the record held before. A counter that is NULL counts as 0, and
    is kept as 0. Where there is no record, and ``makes`` is true, one is made of ``values`` with a
    counter of 1; nothing is kept. Else it is refused.

    The columns set, kept in, counted and of the key are distinct. A storage may refuse what it
    can't do in one step: a NULL counter that is to be kept, a value that must not be missing, more
    columns than it takes. So WriteRefusedError says only that nothing changed, not why; read the
    record then. It may be asked for only where ``StorageInfo.overwrites``.
    """

    table: Table
    key: tuple[Value, ...]
    values: Row
    condition: Condition
    counter: str
    keeps: Mapping[str, str] = field(default_factory=dict)  # column -> whose value goes into it
    makes: bool = False


StorageMutation: TypeAlias = Write | Erase | Overwrite


class Pages(Protocol):
    """A running scan."""

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows, at least one, or None at the end and ever after."""
        ...

    async def close(self) -> None:
        """Let go of what the scan holds. May be called at any time, also twice."""
        ...


class Reads(Protocol):
    """Where records can be read from: a storage, or a storage as it was at one moment."""

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record, all columns, linearizably."""
        ...

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan; nothing is asked of the database before the first page."""
        ...


class Storage(Reads, Protocol):
    """A database that can hold transactional tables."""

    def info(self, table: str) -> StorageInfo:
        """What the storage that holds this table is able to do."""
        ...

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """Why the storage of that table can't hold a value that its type allows; None: it can."""
        ...

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all mutations atomically, or none. They name distinct records, at least one."""
        ...

    @property
    def admin(self) -> StorageAdmin:
        """Namespaces, tables and indexes."""
        ...

    async def close(self) -> None:
        """Let go of all connections. The storage is not used afterwards."""
        ...


# What one member of a batch was answered: its row, None where there is none, or why not.
Answer: TypeAlias = "Row | Exception | None"


class BatchReads(Reads, Protocol):
    """Where several records can be read in one call."""

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read distinct records, each as ``get`` does; one answer for each, in the same order.

        A record that could not be read is answered by the error that ``get`` would raise; what
        concerns all of them is raised. The call is not one moment, but where the storage has
        ``moments``, those records of it that belong to one table are read at one.
        """
        ...


class BatchStorage(BatchReads, Storage, Protocol):
    """A storage whose ``StorageInfo.batches`` is not 0.

    If it has ``moments``, they can be read in batches too.
    """


class Waiter(Protocol):
    """Whoever waits for a driver's futures: a Runtime."""

    async def wait(self, request: Any) -> Any:
        """Wait for a future of ``concurrent.futures``; its result."""
        ...


@runtime_checkable
class FuturesStorage(Storage, Protocol):
    """A storage whose ``StorageInfo.waits`` is ``Waits.FUTURES``.

    It is opened before there is a runtime, and until it is told of one it waits on the calling
    thread.
    """

    def wait_by(self, waiter: Waiter) -> None:
        """Await nothing but this waiter from now on."""
        ...


@runtime_checkable
class ClockStorage(Storage, Protocol):
    """A storage that can tell how its clock stands, at the cost of a small request."""

    async def clock_ahead_ms(self) -> float | None:
        """How far its clock is ahead of this machine's; None: it does not say."""
        ...


class MomentStorage(Storage, Protocol):
    """A storage whose ``StorageInfo.moments`` is true."""

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over the storage of that table as it is at one moment from now on.

        They are a few reads: the storage may be keeping others waiting meanwhile. However they end,
        by an interrupt too, it lets go of what it holds.
        """
        ...


def unit_key(mutation: StorageMutation, info: StorageInfo) -> tuple[object, ...]:
    """Mutations with equal unit keys may go into one ``mutate`` (Storage specification 2.8)."""
    table = mutation.table
    match info.atomicity_unit:
        case AtomicityUnit.STORAGE:
            return (info.name,)
        case AtomicityUnit.NAMESPACE:
            return (info.name, table.namespace)
        case AtomicityUnit.TABLE:
            return (info.name, table.name)
        case AtomicityUnit.PARTITION:
            width = len(table.schema.partition_key)
            return (info.name, table.name, mutation.key[:width])
        case AtomicityUnit.RECORD:
            return (info.name, table.name, mutation.key)

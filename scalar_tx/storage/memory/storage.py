"""A storage in this process's memory: the reference for what an adapter must do.

Thread-safe by one lock; rows are copied on the way in and out. Nothing survives the process, and
nothing is shared between two managers: each ``memory://`` is a database of its own.
"""

from __future__ import annotations

import heapq
import math
import threading
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.model.conditions import Existence, matches, sort_key
from scalar_tx.storage.interface import (
    AtomicityUnit,
    Erase,
    IndexSource,
    Overwrite,
    PartitionSource,
    ReadKind,
    ScanRequest,
    StorageInfo,
    Waits,
    Write,
    unit_key,
)
from scalar_tx.storage.memory.tables import Contents, MemoryAdmin
from scalar_tx.storage.ordering import check_indexed, in_range, position_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import Answer, Reads, StorageMutation

_MOST_ROWS_A_PAGE: Final = 4096


class MemoryStorage:
    """Tables in dictionaries.

    ``unit`` narrows what one ``mutate`` may span, for trying the protocol as it runs on databases
    that can do less.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        unit: AtomicityUnit = AtomicityUnit.STORAGE,
        max_mutations: int = 2**31 - 1,
        moments: bool = True,
        batches: int = 2**31 - 1,
        joins_indexes: bool = True,
    ) -> None:
        self._info = StorageInfo(
            name=name,
            atomicity_unit=unit,
            max_mutations=max_mutations,
            linearizable=frozenset(ReadKind),
            waits=Waits.NEVER,
            orders_whole_table=True,
            parallel=False,
            moments=moments,
            batches=batches,
            joins_indexes=joins_indexes,
            overwrites=True,
        )
        self._lock = threading.RLock()
        self._contents: dict[str, Contents] = {}
        self._admin = MemoryAdmin(self._lock, self._contents)

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """Only NaN as a key: it is not equal to itself and could never be found again."""
        if in_key and isinstance(value, float) and math.isnan(value):
            return "NaN can't be a key"
        return None

    @property
    def admin(self) -> MemoryAdmin:
        """Namespaces, tables and indexes."""
        return self._admin

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Copy one row out."""
        with self._lock:
            return self._copy(table, key)

    def _copy(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        row = self._admin.contents(table.name).rows.get(key)
        return None if row is None else row.copy()

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Copy rows out, all as they are at one moment."""
        with self._lock:
            return [self._copy(table, key) for table, key in wanted]

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps with everybody else kept out; they run on this thread and never suspend."""
        with self._lock:
            await steps(self)

    def scan(self, request: ScanRequest) -> _MemoryPages:
        """Begin a scan."""
        if isinstance(request.source, IndexSource):
            check_indexed(request.table, request.source)
        return _MemoryPages(self._lock, self._admin, request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Check every condition, then apply everything."""
        if not mutations:
            raise InvalidOperationError("mutate needs at least one mutation", code="STX-3016")
        if len(mutations) > 1:
            self._check_unit(mutations)
        with self._lock:
            found = [(one, self._admin.contents(one.table.name)) for one in mutations]
            for mutation, content in found:
                if not _condition_met(mutation, content.rows.get(mutation.key)):
                    raise WriteRefusedError(
                        f"condition {mutation.condition!r} not met by "
                        f"{mutation.table.name} {mutation.key!r}"
                    )
            for mutation, content in found:
                _apply(mutation, content)

    def _check_unit(self, mutations: Sequence[StorageMutation]) -> None:
        units = {unit_key(mutation, self._info) for mutation in mutations}
        if len(units) > 1 or len(mutations) > self._info.max_mutations:
            raise InvalidOperationError(
                f"one atomic write of {self._info.name} spans a "
                f"{self._info.atomicity_unit.name.lower()} and at most "
                f"{self._info.max_mutations} records; these are {len(mutations)}",
                advice="Split the mutations",
                code="STX-3016",
            )
        if len({(m.table.name, m.key) for m in mutations}) < len(mutations):
            raise InvalidOperationError(
                "one atomic write names a record twice", advice="Merge the two", code="STX-3016"
            )

    async def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._contents.clear()


def _condition_met(mutation: StorageMutation, row: Row | None) -> bool:
    condition = mutation.condition
    if condition is None:
        return True
    if condition is Existence.IF_NOT_EXISTS:
        return row is None
    if row is None:
        return isinstance(mutation, Overwrite) and mutation.makes
    return condition is Existence.IF_EXISTS or matches(condition, row)


def _apply(mutation: StorageMutation, content: Contents) -> None:
    if isinstance(mutation, Erase):
        content.remove(mutation.key)
        return
    row = content.rows.get(mutation.key)
    if isinstance(mutation, Overwrite):
        _count_and_keep(mutation, content, row)
        return
    if row is None:
        row = dict.fromkeys(content.table.columns)
        row.update(zip(content.table.schema.primary_key, mutation.key, strict=True))
        row.update(mutation.values)
        content.put(mutation.key, row)
    else:
        row.update(mutation.values)


def _count_and_keep(mutation: Overwrite, content: Contents, row: Row | None) -> None:
    counter = mutation.counter
    if row is None:
        values = {**mutation.values, counter: 1}
        _apply(Write(mutation.table, mutation.key, values), content)
        return
    found = row[counter]
    count = found if isinstance(found, int) else 0
    kept = {name: row[source] for name, source in mutation.keeps.items()}
    kept.update((name, count) for name, source in mutation.keeps.items() if source == counter)
    row.update({**kept, **mutation.values, counter: count + 1})


class _MemoryPages:
    """A running scan; it remembers the last row's position and nothing else."""

    def __init__(self, lock: threading.RLock, admin: MemoryAdmin, request: ScanRequest) -> None:
        self._lock = lock
        self._admin = admin
        self._request = request
        self._position = position_in(request.source, request.table.schema)
        self._last = None if request.after is None else self._position(request.after)
        self._size = max(1, request.page_size)
        self._done = False

    async def next_page(self) -> Sequence[Row] | None:
        """The rows behind the last one, as they are now."""
        if self._done:
            return None
        with self._lock:
            content = self._admin.contents(self._request.table.name)
            last = self._last
            ahead = ((self._position(row), row) for row in self._candidates(content))
            if last is not None:
                ahead = (item for item in ahead if last < item[0])
            page = heapq.nsmallest(self._size, ahead, key=itemgetter(0))
            rows = [row.copy() for _, row in page]
        if len(rows) < self._size:
            self._done = True
        # Each page looks at every row: let there be few pages.
        self._size = max(self._size, min(2 * self._size, _MOST_ROWS_A_PAGE))
        if not rows:
            return None
        self._last = page[-1][0]
        return rows

    def _candidates(self, content: Contents) -> Iterable[Row]:
        source = self._request.source
        where = self._request.where
        rows: Iterable[Row]
        if isinstance(source, PartitionSource):
            width = len(source.partition)
            rows = (
                content.rows[key]
                for key in content.partitions.get(source.partition, ())
                if in_range(source.range, key[width:])
            )
        elif isinstance(source, IndexSource):
            wanted = sort_key(source.value)
            rows = (
                row
                for row in content.rows.values()
                if any(
                    row[column] is not None and sort_key(row[column]) == wanted
                    for column in source.columns
                )
            )
        else:
            rows = content.rows.values()
        return rows if where is None else (row for row in rows if matches(where, row))

    async def close(self) -> None:
        """Nothing is held; further pages are empty."""
        self._done = True

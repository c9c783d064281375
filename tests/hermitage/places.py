"""Where do the programs run? A storage with one table, two rows in it, and the protocol over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from scalar_tx.connection import build
from scalar_tx.consensus_commit.decided_states import DecidedStates
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.conditions import Existence
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load as load_settings
from scalar_tx.storage.interface import AtomicityUnit, Erase, ScanRequest, WholeTableSource, Write
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from scalar_tx.storage.sqlite import open_sqlite
from tests.hermitage.operations import TABLE, TWO_TABLES, GivenUp, Session, insert, play
from tests.hermitage.stepping import (
    COORDINATOR_NAMESPACE,
    Process,
    SteppedRuntime,
    SteppedStorage,
    perform,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scalar_tx.consensus_commit.commit_hook import CommitEvent
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages, Storage
    from tests.hermitage.operations import Rows, Script

# The rows of all tables: keys and all columns, in the order of the keys.
Contents: TypeAlias = "tuple[tuple[tuple[Any, ...], ...], ...]"

_COMMITTED: Final = 3


SETTINGS: Final = {
    "scalar.db.storage": "memory",  # makes its coordinator table by itself
    "scalar.db.consensus_commit.coordinator.namespace": COORDINATOR_NAMESPACE,
    "scalar.db.consensus_commit.one_phase_commit.enabled": "false",  # the more steps, the better
}


class AsksAgain(DecidedStates):
    """Knows of no decision: each step goes on by what it was told itself."""

    __slots__ = ()

    def get(self, tx_id: str) -> None:
        """Nothing."""


class Place:
    """A storage whose methods never suspend, and the protocol stopped before each call of it.

    ``whole_table``: predicates are looked for in all of each table instead of in its one partition.
    ``names`` are the tables, which are made anew; with two of them records lie apart.
    ``one_write``: commits leave out the steps that they can do without.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        whole_table: bool = False,
        names: tuple[str, ...] = (TABLE,),
        one_write: bool = False,
    ) -> None:
        self.storage = storage
        self.whole_table = whole_table
        self.names = names
        self._runtime = SteppedRuntime()
        self._parts = build(load_settings(SETTINGS), SteppedStorage(storage), self._runtime)
        options = self._parts.context.options
        self._parts.context.options = replace(options, one_phase_commit=one_write)
        self._parts.context.commit_hooks.append(self._hook)
        self._parts.context.recovery._decided = AsksAgain()
        self._giving_up: set[str] = set()
        self.tables = [self._create_table(name) for name in names]
        self.decisions = run_blocking(self._parts.coordinator.table())
        self._loaded: list[tuple[Table, list[Row]]] = []
        self._empty()
        self._load()
        self._loaded = [(table, self.stored(table)) for table in (*self.tables, self.decisions)]

    def _create_table(self, name: str) -> Table:
        schema = TableSchema(
            columns={"part": "INT", "id": "INT", "value": "INT"},
            partition_key=["part"],
            clustering_key=["id"],
        )
        administration = self._parts.administration
        run_blocking(
            administration.create_table(
                name, schema, if_not_exists=True, transaction=True, options={}
            )
        )
        return run_blocking(self._parts.context.catalog.table(name)).stored

    def _load(self) -> None:
        process = self.begin("load", [insert(1, 10), insert(2, 20)], Isolation.SERIALIZABLE)
        while calls := process.calls():
            task, call = calls[0]
            process.feed(task, perform(call, self.storage))

    def begin(self, name: str, script: Script, isolation: Isolation) -> Process:
        """A transaction of that name, stopped before its first call."""
        process = Process(name, self._runtime)
        self._giving_up.discard(name)  # another program's transaction of that name may have
        tx = TransactionSteps(self._parts.context, isolation)
        process.start(play(Session(tx, self.whole_table, self._giving_up, self.names), script))
        return process

    async def _hook(self, event: CommitEvent) -> None:
        if event.transaction_id in self._giving_up:
            raise GivenUp

    def reset(self) -> None:
        """As it was before the first transaction.

        By conditional writes: a database may give plain ones another clock's time.
        """
        for table, loaded in self._loaded:
            stored = self.stored(table)
            for row in stored:
                if row not in loaded:
                    self._erase(table, row)
            for row in loaded:
                if row not in stored:
                    values = {n: row[n] for n in table.schema.other_columns}
                    missing = Write(table, table.key_of(row), values, Existence.IF_NOT_EXISTS)
                    run_blocking(self.storage.mutate([missing]))

    def _empty(self) -> None:
        for table in (*self.tables, self.decisions):
            for row in self.stored(table):
                self._erase(table, row)

    def _erase(self, table: Table, row: Row) -> None:
        erasure = Erase(table, table.key_of(row), Existence.IF_EXISTS)
        run_blocking(self.storage.mutate([erasure]))

    def stored(self, table: Table) -> list[Row]:
        """All rows of a table, as they are stored."""

        async def read() -> list[Row]:
            pages = self.storage.scan(ScanRequest(table, WholeTableSource()))
            rows: list[Row] = []
            while (page := await pages.next_page()) is not None:
                rows.extend(page)
            return rows

        return run_blocking(read())

    def close(self) -> None:
        """Let go of files and connections."""
        run_blocking(self.storage.close())

    def rows(self) -> Rows:
        """The records when all is done, by id; nothing may be left prepared."""
        rows = [row for table in self.tables for row in self.stored(table)]
        unsettled = [row for row in rows if row["tx_state"] != _COMMITTED]
        assert not unsettled, f"left behind: {unsettled}"
        return tuple(sorted((int(str(row["id"])), int(str(row["value"]))) for row in rows))


class MemoryPlace(Place):
    """A place that can be put back into any state it was in."""

    def __init__(
        self,
        storage: MemoryStorage | RoutedStorage,
        *,
        whole_table: bool = False,
        names: tuple[str, ...] = (TABLE,),
        one_write: bool = False,
    ) -> None:
        super().__init__(storage, whole_table=whole_table, names=names, one_write=one_write)
        self._tables = [
            _memory(storage, table.name).admin.contents(table.name)
            for table in (*self.tables, self.decisions)
        ]

    def save(self) -> Contents:
        """What it holds."""
        return tuple(
            tuple(sorted((key, *row.values()) for key, row in content.rows.items()))
            for content in self._tables
        )

    def put_back(self, contents: Contents) -> None:
        """Hold what it held when that was saved."""
        for content, rows in zip(self._tables, contents, strict=True):
            for key in list(content.rows):
                content.remove(key)
            for key, *values in rows:
                content.put(key, dict(zip(content.table.columns, values, strict=True)))


def _memory(storage: MemoryStorage | RoutedStorage, table: str) -> MemoryStorage:
    if isinstance(storage, RoutedStorage):
        storage = cast("MemoryStorage", storage.storages[storage.name_for_table(table)])
    return storage


def memory_together() -> MemoryPlace:
    """One atomic write for all records of a transaction, and many reads at one moment: as SQL."""
    return MemoryPlace(MemoryStorage())


def memory_apart() -> MemoryPlace:
    """A write and a read for each record, at once with the others: as key-value stores."""
    storage = MemoryStorage(unit=AtomicityUnit.RECORD, moments=False)
    return MemoryPlace(storage, whole_table=True)


def memory_in_one_write() -> MemoryPlace:
    """The same as together, and commits that leave out the steps that they can do without."""
    return MemoryPlace(MemoryStorage(), one_write=True)


MEMORY: Final = {
    "together": memory_together,
    "apart": memory_apart,
    "in one write": memory_in_one_write,
}


def sqlite_file(folder: Path) -> Place:
    """A real file; it does not wait for the disk."""
    return Place(
        open_sqlite(f"jdbc:sqlite:{folder / 'test.db'}?journal_mode=MEMORY&synchronous=OFF")
    )


def several(storages: Mapping[str, Storage]) -> RoutedStorage:
    """Two storages as one, the odd records and the decisions in the first of them."""
    first, second = storages
    return RoutedStorage(storages, default=first, tables={TWO_TABLES[1]: second})


class Ability(NamedTuple):
    """What of a storage decides which endings there are.

    How wide it writes, whether it has moments, and whether it leaves out the rows of a scan that a
    condition is not true of: those that it returns are recovered.
    """

    unit: AtomicityUnit
    moments: bool
    filters: bool


class LooseStorage(MemoryStorage):
    """A storage that leaves filtering to whoever reads."""

    def scan(self, request: ScanRequest) -> Pages:  # type: ignore[override]  # as the interface has it
        """All rows, whatever the condition."""
        return super().scan(replace(request, where=None))


def memory_like(abilities: Sequence[Ability]) -> MemoryPlace:
    """One storage, or two, in memory that can do as much as others."""
    storages = {
        f"s{number}": (MemoryStorage if one.filters else LooseStorage)(
            f"s{number}", unit=one.unit, moments=one.moments
        )
        for number, one in enumerate(abilities)
    }
    if len(storages) == 1:
        return MemoryPlace(*storages.values())
    return MemoryPlace(several(storages), names=TWO_TABLES)

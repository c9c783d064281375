"""Where do the programs run? A storage with one table, two rows in it, and the protocol over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.connection import build
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load as load_settings
from scalar_tx.storage.interface import AtomicityUnit, Erase, ScanRequest, WholeTableSource, Write
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.sqlite import open_sqlite
from tests.hermitage.operations import TABLE, GivenUp, Session, insert, play
from tests.hermitage.stepping import Process, SteppedRuntime, SteppedStorage, perform

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.consensus_commit.commit_hook import CommitEvent
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Storage
    from tests.hermitage.operations import Rows, Script

# Two tables' rows: keys and all columns, in the order of the keys.
Contents: TypeAlias = "tuple[tuple[tuple[Any, ...], ...], ...]"

_COMMITTED: Final = 3


class Place:
    """A storage whose methods never suspend, and the protocol stopped before each call of it.

    ``whole_table``: predicates are looked for in all of the table instead of in its one partition.
    """

    def __init__(self, storage: Storage, *, whole_table: bool = False) -> None:
        self.storage = storage
        self.whole_table = whole_table
        self._runtime = SteppedRuntime()
        self._parts = build(load_settings("memory://"), SteppedStorage(storage), self._runtime)
        self._parts.context.commit_hooks.append(self._hook)
        self._giving_up: set[str] = set()
        self.test, self.decisions = self._create_tables()
        self._load()
        self._loaded = [(table, self.stored(table)) for table in (self.test, self.decisions)]

    def _create_tables(self) -> tuple[Table, Table]:
        schema = TableSchema(
            columns={"part": "INT", "id": "INT", "value": "INT"},
            partition_key=["part"],
            clustering_key=["id"],
        )
        administration = self._parts.administration
        run_blocking(
            administration.create_table(
                TABLE, schema, if_not_exists=False, transaction=True, options={}
            )
        )
        table = run_blocking(self._parts.context.catalog.table(TABLE))
        return table.stored, run_blocking(self._parts.coordinator.table())

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
        process.start(play(Session(tx, self.whole_table, self._giving_up), script))
        return process

    async def _hook(self, event: CommitEvent) -> None:
        if event.transaction_id in self._giving_up:
            raise GivenUp

    def reset(self) -> None:
        """As it was before the first transaction."""
        for table, loaded in self._loaded:
            for row in self.stored(table):
                run_blocking(self.storage.mutate([Erase(table, table.key_of(row))]))
            for row in loaded:
                values = {n: row[n] for n in table.schema.other_columns}
                run_blocking(self.storage.mutate([Write(table, table.key_of(row), values)]))

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
        """Let go of files."""
        run_blocking(self.storage.close())

    def rows(self) -> Rows:
        """The records when all is done, by id; nothing may be left prepared."""
        rows = self.stored(self.test)
        unsettled = [row for row in rows if row["tx_state"] != _COMMITTED]
        assert not unsettled, f"left behind: {unsettled}"
        return tuple(sorted((int(str(row["id"])), int(str(row["value"]))) for row in rows))


class MemoryPlace(Place):
    """A place that can be put back into any state it was in."""

    def __init__(self, storage: MemoryStorage, *, whole_table: bool = False) -> None:
        super().__init__(storage, whole_table=whole_table)
        self._tables = [storage.admin.contents(t.name) for t in (self.test, self.decisions)]

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


def memory_together() -> MemoryPlace:
    """One atomic write for all records of a transaction, and many reads at one moment: as SQL."""
    return MemoryPlace(MemoryStorage())


def memory_apart() -> MemoryPlace:
    """A write and a read for each record, at once with the others: as key-value stores."""
    storage = MemoryStorage(unit=AtomicityUnit.RECORD, moments=False)
    return MemoryPlace(storage, whole_table=True)


MEMORY: Final = {"together": memory_together, "apart": memory_apart}


def sqlite_file(folder: Path) -> Place:
    """A real file; it does not wait for the disk."""
    return Place(
        open_sqlite(f"jdbc:sqlite:{folder / 'test.db'}?journal_mode=MEMORY&synchronous=OFF")
    )

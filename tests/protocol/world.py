"""A database, a clock and the protocol between them, all in a test's hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.connection import Parts, build
from scalar_tx.consensus_commit.finish import finish
from scalar_tx.consensus_commit.settle import settle, settle_record
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.settings import load as load_settings
from scalar_tx.storage.interface import AtomicityUnit, Erase, Write
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.sqlite import open_sqlite
from tests.protocol.virtual_time import VirtualRuntime, drive
from tests.protocol.watched_storage import COORDINATOR, WatchedStorage

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from scalar_tx.model.record import Record
    from scalar_tx.model.state import TransactionState
    from scalar_tx.model.table import Table, TableSchema
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Storage

T = TypeVar("T")

STORAGES = ("memory", "sqlite")
WRITE_SET_LOGGING = "consensus_commit_coordinator_write_set_logging_enabled"


def open_inner(
    kind: str, folder: Path, *, unit: AtomicityUnit = AtomicityUnit.STORAGE, name: str = "data"
) -> Storage:
    """A fresh storage; SQLite without waiting for the disk."""
    if kind == "memory":
        return MemoryStorage(unit=unit)
    return open_sqlite(f"jdbc:sqlite:{folder / name}.db?journal_mode=MEMORY&synchronous=OFF")


class World:
    """One manager's parts over a watched storage; transactions are named and driven by the test.

    Commits take every step of the protocol, unless ``one_phase_commit`` is true. ``groups``: how
    many transactions may share a decision row. ``write_sets``: decisions tell what was written.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        one_phase_commit: bool = False,
        groups: int = 0,
        write_sets: bool = False,
        **options: Any,
    ) -> None:
        self.runtime = VirtualRuntime()
        self.storage = WatchedStorage(storage, self.runtime)
        group = "consensus_commit_coordinator_group_commit"
        wanted = {f"{group}_enabled": True, f"{group}_slot_capacity": groups} if groups else {}
        logging = {WRITE_SET_LOGGING: True} if write_sets else {}
        settings = load_settings("memory://", {**wanted, **logging})
        self.parts: Parts = build(settings, self.storage, self.runtime)
        self.parts.context.options = replace(
            self.parts.context.options,
            one_phase_commit=one_phase_commit,
            **{"decisions_are_removed": True, **options},
        )
        self._loaded = 0

    def run(self, steps: Coroutine[Any, Any, T], actor: str = "") -> T:
        """Drive steps to their end in the name of an actor."""
        self.storage.actor = actor
        return drive(steps)

    def create_table(self, name: str, schema: TableSchema, *, before_indexes: bool = True) -> None:
        """A transactional table; without the index on previous values as older releases made it."""
        administration = self.parts.administration
        options = self.parts.context.options
        self.parts.context.options = replace(options, before_index_check=before_indexes)
        self.run(
            administration.create_table(
                name, schema, if_not_exists=False, transaction=True, options={}
            )
        )
        self.parts.context.options = options

    def begin(
        self,
        name: str | None = None,
        isolation: Isolation = Isolation.SERIALIZABLE,
        *,
        read_only: bool = False,
    ) -> Tx:
        """Begin a transaction whose id is its name."""
        steps = TransactionSteps(self.parts.context, isolation, read_only=read_only)
        if name is not None:
            self.runtime.next_id = name
        made = steps.id
        return Tx(self, steps, made)

    def load(self, table: str, *rows: Mapping[str, Value]) -> None:
        """Commit rows, in a transaction of their own; the calls are not kept."""
        self._loaded += 1
        tx = self.begin(f"load-{self._loaded}")
        for row in rows:
            tx.upsert(table, row)
        tx.commit()
        self.storage.calls.clear()
        self.runtime.steps = 0

    def stored(self, table: str) -> Table:
        """The table with its technical columns."""
        found = self.run(self.storage.inner.admin.table(table))
        assert found is not None
        return found

    def row(self, table: str, *key: Value) -> Row | None:
        """The stored row, all columns."""
        return self.run(self.storage.inner.get(self.stored(table), key))

    def write(self, table: str, key: tuple[Value, ...], **columns: Value) -> None:
        """Set columns of a stored row by hand, as another library would leave them."""
        self.run(self.storage.inner.mutate([Write(self.stored(table), key, columns)]))

    def coordinator_table(self) -> Table:
        """The coordinator table; made as the protocol makes it."""
        return self.run(self.parts.coordinator.table())

    def decision_row(self, tx_id: str) -> Row | None:
        """The coordinator row of that key."""
        return self.run(self.storage.inner.get(self.coordinator_table(), (tx_id,)))

    def write_decision(self, tx_id: str, state: int, **columns: Value) -> None:
        """A coordinator row by hand."""
        self.coordinator_table()
        at = columns.pop("at", self.runtime.now_ms())
        self.write(COORDINATOR, (tx_id,), tx_state=state, tx_created_at=at, **columns)

    def erase_decision(self, tx_id: str) -> None:
        """A coordinator row cleaned up by somebody else."""
        self.run(self.storage.inner.mutate([Erase(self.coordinator_table(), (tx_id,))]))

    def state(self, tx_id: str) -> str:
        """What a reader of the coordinator finds."""
        found = self.run(self.parts.context.decisions.read(tx_id))
        return "none" if found is None else found.state.value

    def settle(self, tx_id: str) -> TransactionState:
        """The manager's settle."""
        return self.run(settle(self.parts.context.decisions, tx_id)).state

    def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """The manager's recover."""
        return self.run(settle_record(self.parts.context, table, key))

    def finish(self, tx_id: str) -> bool:
        """The manager's finish."""
        return self.run(finish(self.parts.context, self.parts.coordinator, tx_id))

    def close(self) -> None:
        """Let go of files."""
        drive(self.storage.close())


class Tx:
    """A transaction with the face's method names, driven to the end of each call."""

    def __init__(self, world: World, steps: TransactionSteps, name: str) -> None:
        self.world = world
        self.steps = steps
        self.id = name
        self.pending: Coroutine[Any, Any, None] | None = None

    def _run(self, steps: Coroutine[Any, Any, T]) -> T:
        return self.world.run(steps, self.id)

    def get(self, table: str, key: Mapping[str, Value] | None = None, **how: Any) -> Record | None:
        return self._run(self.steps.get(Get(table, key, **how)))

    def scan(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> list[Record]:
        return self._run(self.steps.scan(Scan(table, partition, **how)))

    def insert(self, table: str, values: Mapping[str, Value]) -> None:
        self._run(self.steps.mutate(Insert(table, values)))

    def upsert(self, table: str, values: Mapping[str, Value]) -> None:
        self._run(self.steps.mutate(Upsert(table, values)))

    def update(
        self, table: str, key: Mapping[str, Value], values: Mapping[str, Value], **how: Any
    ) -> None:
        self._run(self.steps.mutate(Update(table, key, values, **how)))

    def delete(self, table: str, key: Mapping[str, Value], **how: Any) -> None:
        self._run(self.steps.mutate(Delete(table, key, **how)))

    def put(self, table: str, values: Mapping[str, Value], **how: Any) -> None:
        self._run(self.steps.mutate(Put(table, values, **how)))

    def commit(self) -> None:
        """Commit, or go on with a commit that was stopped."""
        pending, self.pending = self.pending, None
        self._run(self.steps.commit() if pending is None else pending)

    def commit_until(self, step: str) -> bool:
        """Drive the commit to just before a call of that step; False: it ended before."""
        if self.pending is None:
            self.pending = self.steps.commit()
        self.world.storage.actor = self.id
        while True:
            try:
                seen = self.pending.send(None)
            except StopIteration:
                self.pending = None
                return False
            except BaseException:
                self.pending = None
                raise
            if seen == step:
                return True

    def rollback(self) -> None:
        self._run(self.steps.rollback())

    def crash(self) -> None:
        """Never go on."""
        if self.pending is not None:
            self.pending.close()
            self.pending = None

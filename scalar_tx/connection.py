"""What is a manager made of, and how are settings turned into it?

Both faces build the same parts: a storage, a runtime that waits as the storage does, and the
protocol over the two.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scalar_tx.consensus_commit.administration import Administration
from scalar_tx.consensus_commit.context import Context, Options
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.finish import finish
from scalar_tx.consensus_commit.finish_later import FinishLater
from scalar_tx.consensus_commit.group_commit import GroupCommit
from scalar_tx.consensus_commit.metadata import Catalog
from scalar_tx.consensus_commit.meter import installed, tell_of_storage
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.consensus_commit.settle import settle, settle_record, state_of
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.counted_steps import CountedPart, CountedSteps
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.decision_counts import DecisionCounts
from scalar_tx.model.script import ScriptResult
from scalar_tx.outcome_table import OUTCOME, OutcomeTable
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.scripts import run_transaction
from scalar_tx.storage import registry
from scalar_tx.storage.interface import FuturesStorage, Waits
from scalar_tx.storage.routing import RoutedStorage
from scalar_tx.watched_storage import WatchedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.backend import Backend
    from scalar_tx.consensus_commit.observer import Observer
    from scalar_tx.manager import TransactionManager
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.script import Script
    from scalar_tx.model.state import TransactionState
    from scalar_tx.model.types import Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.settings import Settings
    from scalar_tx.storage.interface import Storage

_forks = 0
_reopening = threading.Lock()


def _count_fork() -> None:
    # Module variables: the only way to notice a fork without a system call a check.
    global _forks, _reopening  # noqa: PLW0603
    _forks += 1
    _reopening = threading.Lock()  # another thread of the parent may have held it


def reopening() -> threading.Lock:
    """Held while a manager is opened anew in a child process."""
    return _reopening


os.register_at_fork(after_in_child=_count_fork)


def forks() -> int:
    """How often this process was forked from one that had the library: a child's number differs."""
    return _forks


@dataclass(slots=True)
class Parts:
    """The parts of one manager."""

    settings: Settings
    storage: Storage
    runtime: Runtime
    context: Context
    coordinator: CoordinatorTable
    administration: Administration
    outcomes: OutcomeTable

    @property
    def observers(self) -> list[Observer]:
        """Whom transactions tell of their beginning and end."""
        return self.context.observers

    def transaction(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        fresh_id: bool = False,
        timeout: float | None,
    ) -> TransactionSteps:
        """A new transaction; ``fresh_id``: its id was made by chance, and never used before."""
        kind = CountedSteps if installed() else TransactionSteps
        return kind(
            self.context,
            isolation or self.context.options.isolation,
            read_only=read_only,
            caller_id=caller_id,
            fresh_id=fresh_id,
            timeout=timeout,
        )

    def part(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        joined: bool,
        timeout: float | None,
    ) -> TwoPhaseSteps:
        """A new part of a two-phase transaction; InvalidOperationError where there can be none."""
        if self.settings.consensus_commit.group_commit.enabled:
            raise InvalidOperationError(
                "a transaction of several processes can't be part of a group commit",
                advice="Set scalar.db.consensus_commit.coordinator.group_commit.enabled=false in "
                "the settings of every process that takes part",
                code="STX-3055",
            )
        kind = CountedPart if installed() else TwoPhaseSteps
        return kind(
            self.context,
            isolation or self.context.options.isolation,
            read_only=read_only,
            caller_id=caller_id,
            joined=joined,
            timeout=timeout,
        )

    async def execute(
        self, script: Script, isolation: Isolation | None, seconds: float | None
    ) -> ScriptResult:
        """Run a script as a transaction, once; it may take so many seconds."""
        steps = self.transaction(isolation, read_only=False, caller_id=None, timeout=seconds)
        found = await run_transaction(steps, script)
        return ScriptResult(steps.id, found)

    async def state(self, transaction_id: str) -> TransactionState:
        """What is on record about a transaction."""
        return await state_of(self.context.decisions, transaction_id)

    async def settle(self, transaction_id: str) -> TransactionState:
        """The decision, made to be ABORTED if there is none."""
        return (await settle(self.context.decisions, transaction_id)).state

    async def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record."""
        return await settle_record(self.context, table, key)

    async def finish(self, transaction_id: str) -> bool:
        """Settle what a decided transaction has written and remove its decision's row."""
        return await finish(self.context, self.coordinator, transaction_id)

    async def close(self) -> None:
        """Let go of all connections."""
        await self.storage.close()

    def decision_counts(self) -> DecisionCounts:
        """What was put on record with these parts."""
        rows, groups = self.coordinator.rows, self.context.groups
        return DecisionCounts(
            written=rows.written,
            removed=rows.removed,
            groups=0 if groups is None else groups.written,
            grouped=0 if groups is None else groups.members,
        )


class OpenBlocking(Protocol):
    """Opens what a manager for threads is to use; ``former``: what it used before a fork."""

    def __call__(
        self, settings: Settings, former: Backend | None
    ) -> tuple[Backend, Callable[[], None]]:
        """What transactions are made on, and what ends its runtime."""
        ...


def build(
    settings: Settings, storage: Storage, runtime: Runtime, *, leaves_decisions: bool = False
) -> Parts:
    """Put the protocol over a storage and a runtime. Nothing is asked of the database yet.

    ``leaves_decisions``: others ask what became of its transactions, so none is committed by its
    records alone.
    """
    for one in _each(storage):
        if isinstance(one, FuturesStorage):
            one.wait_by(runtime)
    watched = WatchedStorage(storage)
    wanted = settings.consensus_commit
    cache = settings.metadata_cache_seconds
    options = Options(
        isolation=wanted.isolation,
        isolation_from_file=wanted.isolation_named,
        write_omission_on_read_only=wanted.write_omission_on_read_only,
        wide_bigint=settings.bigint_range == WIDE_BIGINT,
        default_namespace=settings.default_namespace,
        scan_fetch_size=settings.scan_fetch_size,
        whole_table_scan=settings.cross_partition_scan.enabled,
        whole_table_filter=settings.cross_partition_scan.filtering,
        whole_table_order=settings.cross_partition_scan.ordering,
        include_metadata=wanted.include_metadata,
        one_phase_commit=wanted.one_phase_commit,
        record_only=not leaves_decisions,
        # As ScalarDB has it, each works only where the steps may run at once.
        async_commit=wanted.async_commit and wanted.parallel_commit,
        async_rollback=wanted.async_rollback and wanted.parallel_rollback,
        decisions_are_removed=wanted.write_set_logging,  # others are never removed so soon
        before_index_check=not wanted.index_eventually_consistent_read,
    )
    namespace = wanted.coordinator_namespace
    coordinator = CoordinatorTable(
        watched,
        runtime,
        namespace,
        create_missing=registry.creates_coordinator(settings.storage, namespace),
        group_commit=wanted.group_commit.enabled,
        write_sets=wanted.write_set_logging,
    )
    catalog = Catalog(
        watched,
        runtime,
        expiry=-1 if cache is None else cache,
        coordinator_namespace=namespace,
        wide_bigint=options.wide_bigint,
    )
    finish_later = None
    if options.async_commit or options.async_rollback:
        finish_later = FinishLater(watched, runtime)
    context = Context(
        storage=watched,
        runtime=runtime,
        catalog=catalog,
        decisions=coordinator,
        groups=_groups(settings, coordinator, runtime),
        recovery=Recovery(watched, runtime, coordinator, finish_later),
        options=options,
        finish_later=finish_later,
    )
    administration = Administration(
        context,
        coordinator,
        coordinator_namespace=namespace,
        group_commit=wanted.group_commit.enabled,
        write_sets=wanted.write_set_logging,
    )
    outcomes = OutcomeTable(
        context,
        administration,
        create_missing=registry.creates_own_tables(settings.storage, OUTCOME),
    )
    return Parts(settings, storage, runtime, context, coordinator, administration, outcomes)


def _groups(
    settings: Settings, coordinator: CoordinatorTable, runtime: Runtime
) -> GroupCommit | None:
    wanted = settings.consensus_commit.group_commit
    if not wanted.enabled:
        return None
    return GroupCommit(
        coordinator,
        runtime,
        capacity=wanted.slot_capacity,
        patience=wanted.delayed_slot_move_timeout_millis / 1000,
    )


WIDE_BIGINT = 64


def storage_here(settings: Settings, former: Backend | None) -> Storage:
    """A storage to use in this process; after a fork only what lies in memory is still good."""
    if isinstance(former, Parts) and not _is_elsewhere(former.storage):
        return former.storage
    storage = registry.open_storage(settings.storage)
    for name in _names(storage):
        tell_of_storage(name)
    return storage


def open_blocking(
    settings: Settings, former: Backend | None = None, *, leaves_decisions: bool = False
) -> tuple[Parts, Callable[[], None]]:
    """The parts of a manager for threads, and what ends their runtime."""
    storage = storage_here(settings, former)
    runtime = BlockingRuntime(workers_for(settings, storage))
    return build(settings, storage, runtime, leaves_decisions=leaves_decisions), runtime.close


def parts_of(manager: TransactionManager | AsyncTransactionManager) -> Parts:
    """What a manager is made of, for those who look into its databases themselves.

    InvalidOperationError: it has none of its own, a node has them.
    """
    backend = manager._here()  # noqa: SLF001  # the one way in
    if isinstance(backend, Parts):
        return backend
    raise InvalidOperationError(
        f"{manager!r} is connected to a node and has no database of its own",
        advice="Name the database itself, by its settings file or its URL",
        code="STX-5051",
    )


def _each(storage: Storage) -> list[Storage]:
    return list(storage.storages.values()) if isinstance(storage, RoutedStorage) else [storage]


def _names(storage: Storage) -> list[str]:
    """By which name each storage is known: that of its settings, or its adapter's."""
    if isinstance(storage, RoutedStorage):
        return list(storage.storages)
    return [storage.info("").name]


def _is_elsewhere(storage: Storage) -> bool:
    return any(one.info("").waits is not Waits.NEVER for one in _each(storage))


def blocks(storage: Storage) -> bool:
    """Does a call of the storage, or of one of several, block its thread?"""
    return any(one.info("").waits is Waits.BLOCKS for one in _each(storage))


def threads_for(storage: Storage) -> int:
    """How many calls of users can run at once in threads: as many as the largest pool serves."""
    infos = [one.info("") for one in _each(storage)]
    return max(info.connections for info in infos if info.waits is Waits.BLOCKS)


def workers_for(settings: Settings, storage: Storage) -> int:
    """How many threads run parallel steps; none where no storage gains anything from them.

    Of several storages that wait one needn't wait for another. Settings that switch parallel
    preparation, commit and rollback off are obeyed together.
    """
    wanted = settings.consensus_commit
    if not (wanted.parallel_preparation or wanted.parallel_commit or wanted.parallel_rollback):
        return 0
    infos = [one.info("") for one in _each(storage)]
    waiting = sum(info.waits is not Waits.NEVER for info in infos)
    gains = waiting > 1 or any(info.parallel for info in infos)
    return wanted.parallel_executor_count if gains else 0

"""How do the workers of a node share a storage, and when has one seen what it needs there?"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.cpu import processors
from scalar_tx.connection_async import open_async
from scalar_tx.errors import ScalarTxError, StorageError
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.storage import registry
from scalar_tx.storage.sql.pool import DEFAULT_MOST

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
    from scalar_tx.settings import Settings

_log = logging.getLogger("scalar_tx.cluster.opening")

_IN_MEMORY: Final = "memory"
_ONE_FILE: Final = "sqlite"
_SERVERS: Final = ("postgresql", "mysql")  # which bound how many sessions all clients have
# Of a worker. While one call waits for somebody else's lock, another can go on.
FEWEST: Final = 2
# Where nobody said how many. One process gains nothing from more threads in a file that has one
# writer at a time.
THREADS_FOR_A_FILE: Final = 2
FEWEST_UNASKED: Final = 4  # sessions with a server


def open_manager(settings: Settings) -> AsyncTransactionManager:
    """A manager every commit of which leaves a decision: whoever asks for one by id finds it."""
    return AsyncTransactionManager(settings, functools.partial(open_async, leaves_decisions=True))


def is_in_memory(storage: StorageSettings) -> bool:
    """Does anything lie in the memory of one process, where no other one finds it?"""
    if storage.multi is not None:
        return any(map(is_in_memory, storage.multi.storages.values()))
    return storage.kind == _IN_MEMORY


def smallest_pool(storage: StorageSettings) -> int | None:
    """The fewest connections that a storage may have in all; None: nothing bounds them."""
    if storage.multi is None:
        return storage.connection_pool.max_total
    sizes = [smallest_pool(one) for one in storage.multi.storages.values()]
    return min((size for size in sizes if size is not None), default=None)


def worker_count(settings: Settings) -> int:
    """How many workers a node has: as told, else a processor each, as far as its storage goes."""
    wanted = settings.node.workers or processors()
    if is_in_memory(settings.storage):
        if wanted > 1:
            _log.info("one worker: what lies in the memory of one process, another does not find")
        return 1
    pool = smallest_pool(settings.storage)
    most = wanted if pool is None else max(1, pool // FEWEST)
    if most < wanted:
        _log.warning("%d workers: connection_pool.max_total gives no more two connections", most)
    return min(most, wanted)


def divided(settings: Settings, workers: int, slot: int) -> Settings:
    """The settings of one worker: what they say of pools is meant for the whole node."""
    commit = settings.consensus_commit
    threads = _part(commit.parallel_executor_count, workers, slot)
    return replace(
        settings,
        storage=_divided(settings.storage, workers, slot),
        consensus_commit=replace(commit, parallel_executor_count=max(1, threads)),
    )


def _divided(storage: StorageSettings, workers: int, slot: int) -> StorageSettings:
    pool = _divided_pool(storage.connection_pool, workers, slot)
    multi = storage.multi
    if multi is None and pool.max_total is None:
        pool = replace(pool, max_total=_unasked(storage, workers))
    if multi is not None:
        parts = {name: _divided(one, workers, slot) for name, one in multi.storages.items()}
        multi = replace(multi, storages=parts)
    return replace(storage, connection_pool=pool, multi=multi)


def _unasked(storage: StorageSettings, workers: int) -> int | None:
    """How many connections a worker may have where nobody said it."""
    name = registry.adapter_of(storage).name
    if name == _ONE_FILE:
        return THREADS_FOR_A_FILE
    if name in _SERVERS:
        # A node has as many as a program that opens the database itself.
        return max(FEWEST_UNASKED, -(-DEFAULT_MOST // workers))
    return None


def _divided_pool(pool: ConnectionPoolSettings, workers: int, slot: int) -> ConnectionPoolSettings:
    sizes = (pool.min_idle, pool.max_idle, pool.max_total)
    least, idle, most = (None if one is None else _part(one, workers, slot) for one in sizes)
    return replace(
        pool, min_idle=least, max_idle=idle, max_total=None if most is None else max(1, most)
    )


def _part(whole: int, workers: int, slot: int) -> int:
    """The parts of all slots together are the whole; the first ones get what is left over."""
    return whole // workers + (slot < whole % workers)


@dataclass(frozen=True, slots=True)
class StorageState:
    """What a worker has seen of the storage. ``trouble``: what is missing, and what to do."""

    seen: bool
    trouble: str = ""


async def look_at_storage(manager: AsyncTransactionManager) -> StorageState:
    """Is the storage there, and the table of decisions in it? Nothing is changed."""
    settings = manager.settings
    namespace = settings.consensus_commit.coordinator_namespace
    try:
        there = await manager.admin.coordinator_tables_exist()
        made_at_need = registry.creates_coordinator(settings.storage, namespace)
    except ScalarTxError as error:
        return StorageState(seen=False, trouble=str(error))
    except (StorageError, OSError) as error:
        return StorageState(seen=False, trouble=f"the storage can't be asked: {error}")
    if there or made_at_need:
        return StorageState(seen=True)
    command = f"scalar-tx schema apply --coordinator --config {settings.source}"
    return StorageState(
        seen=False, trouble=f"there is no table {namespace}.state. Create it: {command}"
    )

"""How does a test open this library on the Java program's file, and stop it between two calls?"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import scalar_tx
from scalar_tx.connection import build, parts_of
from scalar_tx.storage.interface import Erase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from scalar_tx import TransactionManager
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Pages,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

COORDINATOR = "coordinator.state"
# Of a commit; false where one is to be stopped in the middle of it.
EVERY_STEP = "scalar.db.consensus_commit.one_phase_commit.enabled"
STEPS_LEFT_OUT = "consensus_commit_one_phase_commit_enabled"  # the same among settings
EVERY_STEP_TAKEN: dict[str, Any] = {STEPS_LEFT_OUT: False}
HALTED = 86  # the exit status of a process that was stopped on purpose

Step = Literal[
    "read", "prepare", "commit-state", "abort-state", "read-state", "finish", "forget-state"
]


def ours(file: Path, *, quick: bool = False, **settings: object) -> TransactionManager:
    """A manager on a SQLite file that others may have open.

    ``quick`` doesn't wait for the disk: a killed process loses nothing by that, only a killed
    machine would. Processes that wait for it under a lock starve one another.
    """
    return scalar_tx.connect(f"sqlite:///{file}{'?synchronous=off' if quick else ''}", **settings)


def quick_java(file: Path) -> dict[str, str]:
    """The same for a Java session."""
    url = f"jdbc:sqlite:{file}?busy_timeout=10000&journal_mode=WAL&synchronous=OFF"
    return {"scalar.db.contact_points": url}


@dataclass
class Stop:
    """Something to be done before or after the nth storage call of a step."""

    when: Literal["before", "after"]
    step: Step
    action: Callable[[], None]
    nth: int = 1
    hits: int = field(default=0, init=False)


def watch(db: TransactionManager) -> StoppedStorage:
    """Put a storage with stops between a manager and its storage."""
    settings = parts_of(db).settings.consensus_commit
    stopped = StoppedStorage(parts_of(db).storage, f"{settings.coordinator_namespace}.state")
    db._parts = build(parts_of(db).settings, stopped, parts_of(db).runtime)
    return stopped


def die() -> NoReturn:
    """End this process as a crash does: nothing is flushed, closed or rolled back."""
    os._exit(HALTED)


class StoppedStorage:
    """A storage whose calls are noted, and before or after which a test may do something."""

    def __init__(self, storage: Storage, coordinator: str = COORDINATOR) -> None:
        self.inner = storage
        self.coordinator = coordinator
        self.steps: list[Step] = []
        self._stops: list[Stop] = []

    def at(
        self,
        when: Literal["before", "after"],
        step: Step,
        action: Callable[[], None],
        *,
        nth: int = 1,
    ) -> Stop:
        """Do something once, at the nth such call."""
        stop = Stop(when, step, action, nth)
        self._stops.append(stop)
        return stop

    def _strike(self, when: str, step: Step) -> None:
        for stop in self._stops:
            if (stop.when, stop.step) == (when, step):
                stop.hits += 1
                if stop.hits == stop.nth:
                    stop.action()

    def wait_by(self, runtime: Runtime) -> None:
        """The inner storage was told when the manager was opened, and by the same runtime."""

    def info(self, table: str) -> StorageInfo:
        return replace(self.inner.info(table), moments=False, batches=0)

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return self.inner.objection(table, data_type, value, in_key=in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        step: Step = "read-state" if table.name == self.coordinator else "read"
        self.steps.append(step)
        self._strike("before", step)
        row = await self.inner.get(table, key)
        self._strike("after", step)
        return row

    def scan(self, request: ScanRequest) -> Pages:
        self.steps.append("read")
        return self.inner.scan(request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        step = _step(mutations[0], self.coordinator)
        self.steps.append(step)
        self._strike("before", step)
        await self.inner.mutate(mutations)
        self._strike("after", step)

    @property
    def admin(self) -> StorageAdmin:
        return self.inner.admin

    async def close(self) -> None:
        await self.inner.close()


def _step(mutation: StorageMutation, coordinator: str) -> Step:
    if mutation.table.name == coordinator:
        if isinstance(mutation, Erase):
            return "forget-state"
        return "commit-state" if mutation.values["tx_state"] == 3 else "abort-state"
    # Only a prepare writes one of these two states.
    if not isinstance(mutation, Erase) and mutation.values.get("tx_state") in (1, 2):
        return "prepare"
    return "finish"


def two_storages(file: Path) -> Mapping[str, Any]:
    """Properties of two storages on one file: a transaction over both prepares in two batches."""
    multi = "scalar.db.multi_storage"
    found = {
        "scalar.db.storage": "multi-storage",
        f"{multi}.storages": "first,second",
        f"{multi}.namespace_mapping": "coordinator:first,bank:first,shop:second",
        f"{multi}.default_storage": "first",
        EVERY_STEP: "false",
        # In the order of the writes, so that a test knows what was done first.
        "scalar.db.consensus_commit.parallel_preparation.enabled": "false",
        "scalar.db.consensus_commit.parallel_commit.enabled": "false",
        "scalar.db.consensus_commit.parallel_rollback.enabled": "false",
    }
    for name in ("first", "second"):
        found[f"{multi}.storages.{name}.storage"] = "jdbc"
        found[f"{multi}.storages.{name}.contact_points"] = (
            f"jdbc:sqlite:{file}?busy_timeout=10000&journal_mode=WAL"
        )
    return found

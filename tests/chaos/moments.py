"""At which instant of a commit is a writer to be killed?

A storage around the real one that knows the protocol's steps. Armed with a moment, it tells the
parent on standard output when the moment has come; then it either waits there for its end, or goes
on, so that the kill lands somewhere in the database's own work.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from scalar_tx.errors import ReplyLostError
from scalar_tx.model.conditions import Comparison, Existence, comparisons
from scalar_tx.storage.interface import AtomicityUnit, Waits, Write
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Answer,
        BatchStorage,
        FuturesStorage,
        MomentStorage,
        Pages,
        Reads,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
        Waiter,
    )

ENVIRONMENT: Final = "CHAOS_MOMENT"
COORDINATOR: Final = "coordinator.state"
COMMITTED: Final = 3
STEPS: Final = ("prepare", "decide", "finish", "abort", "undo")


@dataclass(frozen=True)
class Moment:
    """The ``nth`` time that a step is about to begin, or has just ended."""

    when: str  # before or after
    step: str
    nth: int
    waits: bool  # for its end; otherwise it goes on

    def __str__(self) -> str:
        return f"{self.when} {self.step}"

    def armed(self) -> dict[str, str]:
        """As a variable of the writer's environment."""
        waits = "wait" if self.waits else "go-on"
        return {ENVIRONMENT: f"{self.when} {self.step} {self.nth} {waits}"}

    @classmethod
    def from_environment(cls) -> Moment | None:
        """The moment this process is armed with."""
        text = os.environ.get(ENVIRONMENT)
        if not text:
            return None
        when, step, nth, waits = text.split()
        assert when in ("before", "after")
        assert step in STEPS
        return cls(when, step, int(nth), waits == "wait")


def say(line: str) -> None:
    """One line to the parent."""
    os.write(sys.stdout.fileno(), line.encode() + b"\n")


def await_end() -> None:
    """Wait to be killed; a parent that is gone closes the pipe."""
    sys.stdin.buffer.read()
    os._exit(3)


class WatchedStorage:
    """The storage, and somebody who watches for a moment.

    ``one_by_one``: every record is prepared and finished by a write of its own, as on a database
    without wider atomic writes; a kill then leaves some of a transaction's records behind. ``lost``
    is told the step of each write whose reply got lost.
    """

    def __init__(
        self,
        inner: Storage,
        moment: Moment | None,
        *,
        one_by_one: bool,
        lost: Callable[[str], None],
    ) -> None:
        self._inner = inner
        self._moment = moment
        self._one_by_one = one_by_one
        self._lost = lost
        self._times = 0

    def info(self, table: str) -> StorageInfo:
        info = self._inner.info(table)
        if not self._one_by_one:
            return info
        return replace(info, moments=False, batches=0, atomicity_unit=AtomicityUnit.RECORD)

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return self._inner.objection(table, data_type, value, in_key=in_key)

    @property
    def admin(self) -> StorageAdmin:
        return self._inner.admin

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        return await self._inner.get(table, key)

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        return await cast("BatchStorage", self._inner).get_many(wanted)

    def scan(self, request: ScanRequest) -> Pages:
        return self._inner.scan(request)

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        await cast("MomentStorage", self._inner).at_one_moment(table, steps)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        step = step_of(mutations[0])
        self._reached("before", step)
        try:
            await self._inner.mutate(mutations)
        except ReplyLostError:
            self._lost(step)
            raise
        self._reached("after", step)

    async def close(self) -> None:
        await self._inner.close()

    def _reached(self, when: str, step: str) -> None:
        moment = self._moment
        if moment is None or (when, step) != (moment.when, moment.step):
            return
        self._times += 1
        if self._times == moment.nth:
            say(f"at {moment}")
            if moment.waits:
                await_end()


class WatchedFutures(WatchedStorage):
    """The same over a storage that has to be told how to wait."""

    def wait_by(self, waiter: Waiter) -> None:
        cast("FuturesStorage", self._inner).wait_by(waiter)


def watched(
    storage: Storage,
    moment: Moment | None,
    *,
    one_by_one: bool,
    lost: Callable[[str], None] = lambda _: None,
) -> Storage:
    """A storage with somebody who watches; of several storages each has its own."""
    if not isinstance(storage, RoutedStorage):
        futures = storage.info(COORDINATOR).waits is Waits.FUTURES
        kind = WatchedFutures if futures else WatchedStorage
        return kind(storage, moment, one_by_one=one_by_one, lost=lost)
    return RoutedStorage(
        {
            name: watched(one, moment, one_by_one=one_by_one, lost=lost)
            for name, one in storage.storages.items()
        },
        default=storage.default,
        namespaces=storage.namespaces,
        tables=storage.tables,
    )


def step_of(mutation: StorageMutation) -> str:
    """The step of the protocol that a mutation belongs to; settling others' records included."""
    if isinstance(mutation, Write):
        state = mutation.values.get("tx_state")
        if mutation.table.name == COORDINATOR:
            return "decide" if state == COMMITTED else "abort"
        if state != COMMITTED:
            return "prepare"
        return "undo" if "tx_id" in mutation.values else "finish"
    undone = any(term.column == "tx_state" and term.value == 1 for term in _terms(mutation))
    return "undo" if undone else "finish"


def _terms(mutation: StorageMutation) -> list[Comparison]:
    condition = mutation.condition
    if condition is None or isinstance(condition, Existence):
        return []
    return list(comparisons(condition))

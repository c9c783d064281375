"""Do calls of several storages run at once? A meeting lets none of them go on before all are there.

What is judged is who came, never how long it took: a call that comes alone waits in vain.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.storage.interface import Erase, StorageInfo, Waits
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Pages,
        ScanRequest,
        Storage,
        StorageMutation,
        Waiter,
    )

WAIT_SECONDS = 20.0
COORDINATOR = "state"


def step_of(mutations: Sequence[StorageMutation]) -> str:
    """Which step of the protocol is this write?"""
    first = mutations[0]
    if first.table.name.endswith(f".{COORDINATOR}"):
        return "decide"
    if not isinstance(first, Erase) and first.values.get("tx_state") in (1, 2):
        return "prepare"
    return "finish"


class Meeting:
    """Where a number of calls of one step meet; ``missed`` names the steps of which some did not.

    ``size`` 0: nobody waits.
    """

    def __init__(self) -> None:
        self.size = 0
        self.dead = False
        self.met: list[str] = []
        self.missed: list[str] = []
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[None]]] = {}

    def expect(self, size: int) -> None:
        """From now on so many calls of each step are to be there at once."""
        self.size = size
        self.met.clear()
        self.missed.clear()

    def come(self, step: str) -> Future[None]:
        """A future that is done when all are there."""
        mine: Future[None] = Future()
        with self._lock:
            there = self._waiting.setdefault(step, [])
            there.append(mine)
            if len(there) < self.size:
                return mine
            self.met.append(step)
            del self._waiting[step]
        for one in there:
            one.set_result(None)
        return mine

    def die(self) -> None:
        """End the process, as far as the databases can tell."""
        self.dead = True
        raise Dead

    def miss(self, step: str) -> None:
        """Not all came."""
        self.missed.append(step)


class Dead(BaseException):
    """The process ended here: nothing it would do from now on is done."""


class Met:
    """A storage whose prepares and finishes meet those of others, on threads of their own.

    ``threads`` names every thread that a call ran on, ``calls`` counts the steps. ``before`` and
    ``after`` hold what is to happen once beside the next write of a step.
    """

    def __init__(self, inner: Storage, meeting: Meeting) -> None:
        self.inner = inner
        self.meeting = meeting
        self.threads: set[str] = set()
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], None]] = {}
        self.after: dict[str, Callable[[], None]] = {}

    def info(self, table: str) -> StorageInfo:
        return replace(self.inner.info(table), moments=False, batches=0)

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return self.inner.objection(table, data_type, value, in_key=in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        self._note("read")
        return await self.inner.get(table, key)

    def scan(self, request: ScanRequest) -> Pages:
        self._note("read")
        return self.inner.scan(request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        step = step_of(mutations)
        self._note(step)
        if self.meeting.size and step != "decide":
            await self._meet(step)
        _strike(self.before, step)
        await self.inner.mutate(mutations)
        _strike(self.after, step)

    async def _meet(self, step: str) -> None:
        try:
            self.meeting.come(step).result(WAIT_SECONDS)
        except TimeoutError:
            self.meeting.miss(step)

    def _note(self, step: str) -> None:
        if self.meeting.dead:
            raise Dead
        self.calls.append(step)
        self.threads.add(threading.current_thread().name)

    @property
    def admin(self) -> StorageAdmin:
        return self.inner.admin

    async def close(self) -> None:
        await self.inner.close()


def _strike(actions: dict[str, Callable[[], None]], step: str) -> None:
    action = actions.pop(step, None)
    if action is not None:
        action()


class BlockingMemory(MemoryStorage):
    """Memory that says it blocks, as a driver without futures does."""

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), waits=Waits.BLOCKS)


class FuturesMemory(MemoryStorage):
    """Memory that answers by futures."""

    def __init__(self) -> None:
        super().__init__(moments=False)
        self.waiter: Waiter | None = None

    def wait_by(self, waiter: Waiter) -> None:
        self.waiter = waiter

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), waits=Waits.FUTURES)


class MetByFutures(Met):
    """The same for a storage that awaits futures: the loop goes on while it waits."""

    def wait_by(self, waiter: Runtime) -> None:
        self.waiter = waiter
        if hasattr(self.inner, "wait_by"):
            self.inner.wait_by(waiter)

    async def _meet(self, step: str) -> None:
        coming = self.meeting.come(step)
        # Nobody waits for ever: a timer gives the future up.
        timer = threading.Timer(WAIT_SECONDS, lambda: coming.done() or coming.cancel())
        timer.daemon = True
        timer.start()
        try:
            await self.waiter.wait(coming)
        except BaseException as error:
            if not coming.cancelled():
                raise
            self.meeting.miss(step)
            del error
        finally:
            timer.cancel()

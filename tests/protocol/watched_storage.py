"""What passes between the protocol and its storage, and what goes wrong there?

A storage around another one: it names each call by its step in the protocol, as the golden files
do (``get read``, ``mutate prepare``, ``put commit-state``), keeps a list of them, and makes those
fail that a test wants to fail, before or after they took effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from scalar_tx.model.conditions import Comparison, comparisons
from scalar_tx.storage.interface import Erase
from tests.protocol.virtual_time import Stop, VirtualRuntime, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Answer,
        BatchStorage,
        Pages,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

COORDINATOR = "coordinator.state"
# What the Java library calls these outcomes of a storage call.
JAVA_NAMES = {
    "WriteRefusedError": "NoMutationException",
    "StorageBusyError": "RetriableExecutionException",
    "ReplyLostError": "ExecutionException",
    "StorageUnavailableError": "ExecutionException",
}


@dataclass
class Call:
    """One call: by whom, which method at which step, of how many records, and how it ended."""

    actor: str
    method: str
    step: str
    records: int
    error: str | None = None
    reached: bool = True  # False: made to fail before it reached the storage

    def __str__(self) -> str:
        failed = "" if self.error is None else f" -> {JAVA_NAMES.get(self.error, self.error)}"
        return f"{self.method} {self.step} x{self.records}{failed}"


@dataclass
class Fault:
    """Calls that fail: by step and actor (None: anybody's), ``times`` of them (None: all)."""

    step: str
    error: Callable[[], Exception] | None  # None: it goes through
    actor: str | None = None
    applied: bool = False  # takes effect first
    times: int | None = 1
    skip: int = 0  # calls let through before the first that fails
    action: Callable[[], None] | None = None  # done when it strikes, before the effect
    hits: int = field(default=0, init=False)

    def strikes(self, step: str, actor: str) -> bool:
        """Is it this call's turn?"""
        if step != self.step or self.actor not in (None, actor):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


def meanwhile(
    step: str, action: Callable[[], None], *, skip: int = 0, times: int | None = 1
) -> Fault:
    """Something that happens just before a call of a step; the call goes through."""
    return Fault(step, None, times=times, skip=skip, action=action)


class WatchedStorage:
    """The storage under test's eyes. ``actor`` is whoever is being driven."""

    def __init__(self, storage: Storage, runtime: VirtualRuntime) -> None:
        self.inner = storage
        self.runtime = runtime
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.actor = ""
        self.together = False  # are several records, and two indexes, read in one call?
        self.overwrites = True  # as far as the inner storage does

    def info(self, table: str) -> StorageInfo:
        info = self.inner.info(table)
        if not self.together:
            info = replace(info, batches=0, joins_indexes=False)
        return replace(info, moments=False, overwrites=info.overwrites and self.overwrites)

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return self.inner.objection(table, data_type, value, in_key=in_key)

    @property
    def admin(self) -> StorageAdmin:
        return self.inner.admin

    async def close(self) -> None:
        await self.inner.close()

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        call = Call(self.actor, "get", "read-state" if table.name == COORDINATOR else "read", 1)
        fault = await self._begin(call)
        row = await self.inner.get(table, key)
        self._end(call, fault)
        return row

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        call = Call(self.actor, "get", "read", len(wanted))
        fault = await self._begin(call)
        answers = await cast("BatchStorage", self.inner).get_many(wanted)
        self._end(call, fault)
        return answers

    def scan(self, request: ScanRequest) -> WatchedPages:
        return WatchedPages(self, request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        step = self._step(mutations)
        method = "mutate"
        if step.endswith("-state"):
            method = "delete" if isinstance(mutations[0], Erase) else "put"
        call = Call(self.actor, method, step, len(mutations))
        fault = await self._begin(call)
        try:
            await self.inner.mutate(mutations)
        except Exception as error:
            call.error = type(error).__name__
            raise
        self._end(call, fault)

    async def _begin(self, call: Call) -> Fault | None:
        """Stop, count, raise the error of a call that never arrives; return a later fault."""
        actor = call.actor
        await Stop(call.step)
        self.actor = actor  # others may have been driven meanwhile
        self.calls.append(call)
        self.runtime.steps += 1
        for fault in self.faults:
            if fault.strikes(call.step, actor):
                if fault.action is not None:
                    fault.action()
                    self.actor = actor
                if fault.error is None:
                    continue
                if fault.applied:
                    return fault
                call.reached = False
                self._fail(call, fault)
        return None

    def _end(self, call: Call, fault: Fault | None) -> None:
        if fault is not None:
            self._fail(call, fault)

    @staticmethod
    def _fail(call: Call, fault: Fault) -> None:
        assert fault.error is not None
        error = fault.error()
        call.error = type(error).__name__
        raise error

    def _step(self, mutations: Sequence[StorageMutation]) -> str:
        first = mutations[0]
        if first.table.name == COORDINATOR:
            if isinstance(first, Erase):
                return "forget-state"
            return "commit-state" if first.values["tx_state"] == 3 else "abort-state"
        if not isinstance(first, Erase):
            if first.values.get("tx_state") in (1, 2):
                return "prepare"
            if "tx_id" in first.values and "tx_state" not in _compared(first.condition):
                return "final"
            return "rollback" if "tx_id" in first.values else "commit"
        return self._step_of_erase(first)

    def _step_of_erase(self, erase: Erase) -> str:
        """A record goes away because its delete is committed or because its insert is undone."""
        wanted = _compared(erase.condition)
        if wanted.get("tx_state") == 1:
            return "rollback"
        row = drive(self.inner.get(erase.table, erase.key))
        if row is not None and row["before_tx_version"] is not None:
            return "commit"
        decided = drive(self.inner.admin.table(COORDINATOR))
        if decided is None:
            return "rollback"
        state = drive(self.inner.get(decided, (wanted["tx_id"],)))
        return "commit" if state is not None and state["tx_state"] == 3 else "rollback"

    def reached(self) -> list[str]:
        """The calls that reached the storage, as the golden files print them."""
        return [str(call) for call in self.calls if call.reached]


class WatchedPages:
    """A watched scan: one call, at its first page."""

    def __init__(self, storage: WatchedStorage, request: ScanRequest) -> None:
        self._storage = storage
        self._pages: Pages = storage.inner.scan(request)
        self._actor = storage.actor
        self._begun = False

    async def next_page(self) -> Sequence[Row] | None:
        if not self._begun:
            self._begun = True
            call = Call(self._storage.actor, "scan", "read", 1)
            fault = await self._storage._begin(call)
            self._storage._end(call, fault)
        return await self._pages.next_page()

    async def close(self) -> None:
        await self._pages.close()


def _compared(condition: object) -> dict[str, Value]:
    """The columns a condition compares, with their values."""
    if not isinstance(condition, Comparison) and not hasattr(condition, "terms"):
        return {}
    found: dict[str, Value] = {}
    terms: Condition = condition  # type: ignore[assignment]  # one or several comparisons
    for comparison in comparisons(terms):
        found[comparison.column] = comparison.value
    return found

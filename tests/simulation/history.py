"""What did each transaction do, and what was its caller told?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from scalar_tx.errors import ConflictError, UnknownOutcomeError
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Update, Upsert
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Value


class Operations(Protocol):
    """What a program may ask of a transaction."""

    async def get(self, get: Get) -> Record | None:
        """Read one record."""
        ...

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records."""
        ...

    async def mutate(self, mutation: Mutation) -> None:
        """Write one record."""
        ...

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Several operations."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """What a client wants done: a body that may be run several times, until it commits."""

    name: str
    body: Callable[[WatchedTransaction], Awaitable[None]]
    read_only: bool = False
    again_after_unknown: bool = False  # the body itself sees to it that it takes effect once


@dataclass(slots=True)
class Attempt:
    """One transaction. ``told`` is what its caller learned; None: the caller is dead or waits."""

    number: int
    program: str
    process: str
    isolation: Isolation
    began: int
    steps: TransactionSteps
    ended: int | None = None
    told: TransactionState | None = None
    error: Exception | None = None
    settled: TransactionState | None = None  # what was found out afterwards
    operations: list[tuple[str, Hashable, Any]] = field(default_factory=list)  # for the checker
    appends: list[tuple[int, int]] = field(default_factory=list)
    reads_with_value: int = 0
    reads_without: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str | None:
        """The transaction's id, if it has one by now."""
        return self.steps.id_if_known

    def __str__(self) -> str:
        told = "nothing" if self.told is None else self.told.value
        return (
            f"#{self.number} {self.program} ({self.id}, {self.isolation.value}, {self.process}, "
            f"steps {self.began} to {self.ended}): told {told}"
        )


class WatchedTransaction:
    """A transaction as programs use it; what they read and append goes into the history."""

    def __init__(self, steps: Operations, attempt: Attempt) -> None:
        self.steps = steps
        self.attempt = attempt

    async def get(self, table: str, **key: Value) -> Record | None:
        """Read one record."""
        record = await self.steps.get(Get(table, key))
        if record is None:
            self.attempt.reads_without += 1
        else:
            self.attempt.reads_with_value += 1
        return record

    async def scan(self, table: str, partition: Mapping[str, Value], **how: Any) -> list[Record]:
        """Read a partition."""
        return self._counted(await self.steps.scan(Scan(table, partition, **how)))

    async def scan_index(self, table: str, **index: Value) -> list[Record]:
        """Read the records with an index value."""
        return self._counted(await self.steps.scan(Scan(table, index=index)))

    async def scan_all(self, table: str, **how: Any) -> list[Record]:
        """Read a table."""
        return self._counted(await self.steps.scan(Scan(table, whole_table=True, **how)))

    def _counted(self, records: list[Record]) -> list[Record]:
        self.attempt.reads_with_value += len(records)
        return records

    async def insert(self, table: str, **values: Value) -> None:
        """Create a record."""
        await self.steps.mutate(Insert(table, values))

    async def upsert(self, table: str, **values: Value) -> None:
        """Create or change a record."""
        await self.steps.mutate(Upsert(table, values))

    async def update(
        self, table: str, key: Mapping[str, Value], values: Mapping[str, Value]
    ) -> None:
        """Change a record."""
        await self.steps.mutate(Update(table, key, values))

    async def delete(self, table: str, **key: Value) -> None:
        """Remove a record."""
        await self.steps.mutate(Delete(table, key))


async def run_once(program: Program, steps: TransactionSteps, attempt: Attempt) -> None:
    """Run a program in a transaction as the faces do, and commit it; raises what a caller meets."""
    try:
        await program.body(WatchedTransaction(steps, attempt))
    except Exception as error:
        # An exception of the program is handed on only if its reads still hold.
        try:
            if not getattr(error, "retryable", False):
                await steps.confirm_reads()
        finally:
            await steps.rollback()
        raise
    await steps.commit()


def outcome_told(error: Exception | None) -> TransactionState:
    """What a caller concludes from how the call ended."""
    if error is None:
        return TransactionState.COMMITTED
    if isinstance(error, UnknownOutcomeError):
        return TransactionState.UNKNOWN
    return TransactionState.ABORTED


def is_conflict(error: Exception | None) -> bool:
    """Was another transaction in the way?"""
    return isinstance(error, ConflictError)

"""What did the callers of transactions ask for, and what were they told? Kept for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from scalar_tx.consensus_commit.transaction import TransactionSteps
from tests.simulation.parts.log import Kind

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Get, Mutation, Operation, Scan
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row, Value
    from tests.simulation.parts.log import Log
    from tests.simulation.parts.processes import Process
    from tests.simulation.plan import Plan

Rows = dict[str, "Mapping[tuple[Value, ...], Row]"]  # by table


class Made(NamedTuple):
    """The world as it was before anything began."""

    plan: Plan
    rows: Rows


class Healed(NamedTuple):
    """From now on there is no more trouble."""


class Began(NamedTuple):
    """A transaction began in a process, for a program."""

    steps: TransactionSteps
    process: Process
    program: str


class Asked(NamedTuple):
    """A caller asks a transaction for something: operations, or commit, rollback, confirm."""

    steps: TransactionSteps
    what: Operation | Sequence[Operation] | str


class Answered(NamedTuple):
    """He was told."""

    steps: TransactionSteps
    error: Exception | None


class Settles(NamedTuple):
    """Somebody asks for the decision about a transaction, and makes one if there is none."""

    steps: TransactionSteps


class Learned(NamedTuple):
    """An index that lags has learned how a record is."""

    table: str
    key: tuple[Value, ...]


class Ended(NamedTuple):
    """The run is over."""

    rows: Rows


class LoggedTransaction(TransactionSteps):
    """A transaction that tells the log what it is asked."""

    def __init__(
        self, log: Log, context: Context, isolation: Isolation, *, read_only: bool
    ) -> None:
        super().__init__(context, isolation, read_only=read_only)
        self._log = log
        self._inside = False

    async def _told(
        self, what: Operation | Sequence[Operation] | str, steps: Coroutine[Any, Any, Any]
    ) -> Any:
        if self._inside:  # a batch's operations
            return await steps
        self._inside = True
        task = self._log.current
        self._log.add(Kind.OTHER, task, Asked(self, what))
        try:
            found = await steps
        except Exception as error:
            self._log.add(Kind.OTHER, task, Answered(self, error))
            raise
        finally:
            self._inside = False
        self._log.add(Kind.OTHER, task, Answered(self, None))
        return found

    async def get(self, get: Get) -> Record | None:
        """As any transaction does."""
        found: Record | None = await self._told(get, super().get(get))
        return found

    async def scan(self, scan: Scan) -> list[Record]:
        """As any transaction does."""
        found: list[Record] = await self._told(scan, super().scan(scan))
        return found

    async def mutate(self, mutation: Mutation) -> None:
        """As any transaction does."""
        await self._told(mutation, super().mutate(mutation))

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """As any transaction does."""
        found: list[Record | list[Record] | None] = await self._told(
            operations, super().batch(operations)
        )
        return found

    async def commit(self) -> None:
        """As any transaction does."""
        await self._told("commit", super().commit())

    async def rollback(self) -> None:
        """As any transaction does."""
        await self._told("rollback", super().rollback())

    async def confirm_reads(self) -> None:
        """As any transaction does."""
        await self._told("confirm", super().confirm_reads())


def begin(
    log: Log | None,
    context: Context,
    isolation: Isolation,
    *,
    read_only: bool,
    process: Process,
    program: str,
) -> TransactionSteps:
    """Begin a transaction; one that is logged if there is a log."""
    if log is None:
        return TransactionSteps(context, isolation, read_only=read_only)
    steps = LoggedTransaction(log, context, isolation, read_only=read_only)
    log.add(Kind.OTHER, log.current, Began(steps, process, program))
    return steps

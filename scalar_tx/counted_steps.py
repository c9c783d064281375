"""What does a transaction tell a program that counts?

Each of its operations and its end, with how long they took. Transactions of this kind are made only
where somebody counts; others know nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.consensus_commit.meter import Meter, tell
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    RecordNotFoundError,
    ScalarTxError,
)
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.consensus_commit.cursor import ScanCursor
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row

T = TypeVar("T")

GET: Final = "get"
SCAN: Final = "scan"
COMMIT: Final = "commit"
_WRITES: Final[dict[type, str]] = {
    Insert: "insert",
    Upsert: "upsert",
    Update: "update",
    Delete: "delete",
    Put: "put",
}
OPERATIONS: Final = (GET, SCAN, *_WRITES.values(), COMMIT)

OK: Final = "ok"
NOT_MET: Final = "not_met"  # the caller's own condition, or a record that is not there
CONFLICT: Final = "conflict"
FAILED: Final = "failed"
OUTCOMES: Final = (OK, NOT_MET, CONFLICT, FAILED)

# docs/errors.md: the causes that a ConflictError's code names.
CAUSES: Final = {
    "STX-1010": "undecided_writer",
    "STX-1011": "changing_hands",
    "STX-1012": "not_settled_yet",
    "STX-1020": "read_changed",
    "STX-1030": "aborted_by_other",
    "STX-1031": "write_changed",
    "STX-1032": "storage_busy",
    "STX-1033": "record_exists",
    "STX-1040": "timeout",
}
OTHER_CAUSE: Final = "other"


def outcome_of(error: BaseException | None) -> str:
    """How an operation ended that raised this."""
    if error is None:
        return OK
    if isinstance(error, (ConditionNotMetError, RecordNotFoundError)):
        return NOT_MET
    return CONFLICT if isinstance(error, ConflictError) else FAILED


class CountedSteps(TransactionSteps):
    """A transaction whose operations and end are counted; ``counts_end`` False: not its end."""

    def __init__(self, *how: Any, counts_end: bool = True, **more: Any) -> None:
        super().__init__(*how, **more)
        self._elapsed = self._context.runtime.elapsed
        self._default = self._context.options.default_namespace
        self._began = self._elapsed()
        self._counts_end = counts_end
        self._within = False  # is an operation running that may be made of others?
        self._had_failed = False  # did the last call fail in a way that a rerun may mend?
        self._given_up = False
        self._read_ahead_took = 0.0

    # Operations.

    async def get(self, get: Get) -> Record | None:
        """Read one record."""
        # The reads of a batch were begun together: each of them has taken as long as all.
        return await self._counted(GET, get.table, super().get(get), self._read_ahead_took)

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records."""
        return await self._counted(SCAN, scan.table, super().scan(scan), self._read_ahead_took)

    async def mutate(self, mutation: Mutation) -> None:
        """Record one write; its record goes to the storage with the commit."""
        operation = _WRITES[type(mutation)]
        await self._counted(operation, mutation.table, super().mutate(mutation))

    async def open_cursor(self, scan: Scan) -> ScanCursor:
        """Begin a scan, which is counted when it is closed."""
        if self._within:
            return await super().open_cursor(scan)
        began = self._elapsed()
        try:
            cursor = await super().open_cursor(scan)
        except BaseException as error:
            self._ended(SCAN, scan.table, self._elapsed() - began, error)
            raise
        cursor.timed_by(_ScanTiming(self, cursor, self._elapsed() - began))
        return cursor

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Run operations in order."""
        try:
            return await super().batch(operations)
        finally:
            self._read_ahead_took = 0.0

    async def _read_ahead(self, operations: Sequence[Operation]) -> None:
        began = self._elapsed()
        try:
            await super()._read_ahead(operations)
        except BaseException as error:
            took = self._elapsed() - began
            self._note(error)
            for kind, name in ((Get, GET), (Scan, SCAN)):
                for table in {one.table for one in operations if isinstance(one, kind)}:
                    self._count(name, table, took, error)
            raise
        self._read_ahead_took = self._elapsed() - began

    async def _counted(
        self, operation: str, table: str, steps: Coroutine[Any, Any, T], before: float = 0.0
    ) -> T:
        began = self._elapsed()
        error: BaseException | None = None
        self._within = True
        try:
            return await steps
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._within = False
            self._ended(operation, table, before + self._elapsed() - began, error)
            del error  # it holds this frame

    def _ended(
        self, operation: str, table: str, seconds: float, error: BaseException | None
    ) -> None:
        self._note(error)
        self._count(operation, table, seconds, error)

    def _count(
        self, operation: str, table: str, seconds: float, error: BaseException | None
    ) -> None:
        if self._default and isinstance(table, str) and "." not in table:
            table = f"{self._default}.{table}"
        if table in self._tables:  # what does not exist is no series either
            namespace = table.partition(".")[0]
            tell(Meter.operation_ended, namespace, operation, outcome_of(error), seconds)

    def _note(self, error: BaseException | None) -> None:
        if error is None:
            self._had_failed = False
            return
        self._had_failed = isinstance(error, ScalarTxError) and error.retryable
        if isinstance(error, ConflictError):
            cause = CAUSES.get(error.code, OTHER_CAUSE)
            for table in self._concerned(error):
                namespace, _, name = table.partition(".")
                tell(Meter.conflict, (namespace, name), cause)

    def _concerned(self, error: ConflictError) -> set[str]:
        named = {table for table, _ in error.records if table in self._tables}
        if named:
            return named
        return set(self._tables) if len(self._tables) == 1 else {""}

    # The end.

    async def commit(self, *how: Any, **more: Any) -> None:
        """Make the writes durable and visible."""
        began = self._elapsed()
        error: BaseException | None = None
        try:
            await super().commit(*how, **more)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._note(error)
            took = self._elapsed() - began
            for namespace in {table.partition(".")[0] for table in self._tables}:
                tell(Meter.operation_ended, namespace, COMMIT, outcome_of(error), took)
            del error

    async def confirm_reads(self) -> None:
        """ConflictError if what was read so far does not hold any more."""
        await self._noted(super().confirm_reads())

    async def rollback(self) -> None:
        """Forget everything."""
        self._given_up = not self._had_failed
        await super().rollback()

    async def _noted(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            await steps
        except BaseException as error:
            self._note(error)
            raise

    def _tell_ended(self) -> None:
        super()._tell_ended()
        if self._counts_end:
            seconds = self._elapsed() - self._began
            own = self._given_up
            tell(Meter.transaction_ended, self.outcome, seconds, own_rollback=own)


class CountedPart(CountedSteps, TwoPhaseSteps):
    """A part of a two-phase transaction; its end is counted with the part that it joined."""

    def __init__(self, *how: Any, joined: bool = False, **more: Any) -> None:
        super().__init__(*how, joined=joined, counts_end=not joined, **more)

    async def prepare(self) -> None:
        """Write this part's records as prepared."""
        await self._noted(super().prepare())

    async def validate(self) -> None:
        """Look whether what this part has read still holds."""
        await self._noted(super().validate())


class _ScanTiming:
    """How long a scan has waited, all its pages together."""

    def __init__(self, steps: CountedSteps, cursor: ScanCursor, seconds: float) -> None:
        self._told: Callable[[str, str, float, BaseException | None], None] = steps._ended  # noqa: SLF001
        self._elapsed = steps._elapsed  # noqa: SLF001
        self._table = cursor.plan.name
        self._seconds = seconds
        self._reading = False
        self._ended = False

    async def page(
        self, cursor: ScanCursor, rows: Coroutine[Any, Any, list[Row] | None]
    ) -> list[Row] | None:
        """Wait for a page."""
        began = self._elapsed()
        error: BaseException | None = None
        self._reading = True
        try:
            return await rows
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._reading = False
            self._seconds += self._elapsed() - began
            if cursor.closed:
                self._end(error)
            del error

    def closed(self) -> None:
        """No page follows."""
        if not self._reading:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        if not self._ended:
            self._ended = True
            self._told(SCAN, self._table, self._seconds, error)

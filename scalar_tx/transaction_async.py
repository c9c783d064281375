"""The transaction that asyncio tasks use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from scalar_tx.after_commit import AfterCommit
from scalar_tx.connection import forks
from scalar_tx.errors import InvalidOperationError, ScalarTxError
from scalar_tx.model.operations import (
    Delete,
    Get,
    Insert,
    Put,
    Scan,
    Update,
    Upsert,
    checked_mutations,
    checked_operations,
)
from scalar_tx.model.state import TransactionState
from scalar_tx.transactional_functions import AnyTransaction, may_rest_on_reads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from types import TracebackType

    from scalar_tx.admin_async import Drive
    from scalar_tx.backend import Cursor, Steps
    from scalar_tx.model.conditions import Condition, Existence
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Value
    from scalar_tx.open_transactions import OpenTransactions

T = TypeVar("T")


class AsyncTransaction(AnyTransaction):
    """A transaction for asyncio: one task at a time.

    Made by a manager's ``begin``, ``transaction``, ``run``, ``attempts`` or ``@transactional``.
    Reads see its own writes; nothing is written to the database before ``commit``.
    """

    def __init__(
        self,
        steps: Steps,
        register: OpenTransactions[Any],
        drive: Drive,
        *,
        owned: bool = False,
    ) -> None:
        self._steps = steps
        self._register = register
        self._owned = owned  # somebody else commits: run, attempts, @transactional
        self._drive = drive
        self._busy = False
        self._forks = forks()
        self._after_commit = AfterCommit()

    @property
    def id(self) -> str:
        """The transaction's id; ``db.resume`` finds an open transaction by it."""
        made = self._steps.id
        if not self._steps.finished:
            self._register.add(made, self)
        return made

    @property
    def isolation(self) -> Isolation:
        """The isolation level."""
        return self._steps.isolation

    @property
    def read_only(self) -> bool:
        """Are writes refused?"""
        return self._steps.read_only

    @property
    def outcome(self) -> TransactionState | None:
        """None while it is open; then COMMITTED, ABORTED, or UNKNOWN: ask ``db.settle(id)``."""
        return self._steps.outcome

    def explain(self) -> Explanation:
        """What the commit would cost as the transaction stands, which steps it takes and why.

        Nothing is asked of a database.
        """
        return self._steps.explain()

    async def get(
        self,
        table: str,
        key: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Record | None:
        """Read one record by its whole primary key, or the only one with an index value.

        None if there is none or ``where`` is not true of it. ConflictError if another transaction
        is writing it.
        """
        return await self._run(
            self._steps.get(Get(table, key, index=index, columns=columns, where=where, weak=weak))
        )

    async def scan(
        self,
        table: str,
        partition: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        whole_table: bool = False,
        start: Mapping[str, Value] | None = None,
        end: Mapping[str, Value] | None = None,
        start_inclusive: bool = True,
        end_inclusive: bool = True,
        order_by: Sequence[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> list[Record]:
        """Read the records of a partition, of an index value, or of a whole table."""
        return await self._run(
            self._steps.scan(
                Scan(
                    table,
                    partition,
                    index=index,
                    whole_table=whole_table,
                    start=start,
                    end=end,
                    start_inclusive=start_inclusive,
                    end_inclusive=end_inclusive,
                    order_by=order_by,
                    limit=limit,
                    after=after,
                    columns=columns,
                    where=where,
                    weak=weak,
                )
            )
        )

    async def scanner(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> AsyncScanner:
        """Read as ``scan`` does, page by page while it is iterated. Takes the same arguments."""
        scan = Scan(table, partition, **how)
        return AsyncScanner(self, await self._run(self._steps.open_cursor(scan)))

    async def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """Create a record; ``values`` hold its key. ConflictError at commit if it exists."""
        await self._run(self._steps.mutate(Insert(table, values)))

    async def upsert(self, table: str, values: Mapping[str, Value]) -> None:
        """Create a record or change the given columns of it; ``values`` hold its key."""
        await self._run(self._steps.mutate(Upsert(table, values)))

    async def update(
        self,
        table: str,
        key: Mapping[str, Value],
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None:
        """Change columns of a record.

        RecordNotFoundError if it isn't there, unless ``missing="ignore"``; ConditionNotMetError if
        ``where`` is not true of it. After either the transaction can still be used.
        """
        await self._run(
            self._steps.mutate(Update(table, key, values, where=where, missing=missing))
        )

    async def delete(
        self,
        table: str,
        key: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
    ) -> None:
        """Remove a record; where there is none, nothing happens."""
        await self._run(self._steps.mutate(Delete(table, key, where=where)))

    async def put(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None:
        """ScalarDB's put: over the record if this transaction read it, else an insert."""
        await self._run(
            self._steps.mutate(
                Put(
                    table,
                    values,
                    where=where,
                    implicit_pre_read=implicit_pre_read,
                    insert_mode=insert_mode,
                )
            )
        )

    async def mutate(self, mutations: Sequence[Mutation]) -> None:
        """Record several writes in order."""
        checked: list[Operation] = [*checked_mutations(mutations)]
        await self._run(self._steps.batch(checked))

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Run operations in order and return their results; reads by key run together."""
        return await self._run(self._steps.batch(checked_operations(operations)))

    def on_commit(self, function: Callable[..., object], *args: object) -> None:
        """Call, and await if it can be, ``function(*args)`` after a commit; errors are logged."""
        self._after_commit.add(function, args, ended=self._steps.finished)

    async def commit(self) -> None:
        """Make the writes durable and visible, all of them.

        ConflictError: nothing happened, begin again. UnknownOutcomeError: the decision could not be
        reached; ``db.settle(id)`` tells later.
        """
        self._refuse_if_owned("commit")
        await self._commit()

    async def rollback(self) -> None:
        """Give the transaction up; nothing was written."""
        self._refuse_if_owned("rollback")
        await self._rollback()

    async def _commit(self) -> None:
        await self._finish(self._steps.commit())

    async def _finish(self, steps: Coroutine[Any, Any, None]) -> None:
        """Run steps that may end the transaction, to their end."""
        try:
            await self._run(steps, whole=True)
        finally:
            self._leave()
            if self.outcome is TransactionState.COMMITTED:  # also where it was cancelled meanwhile
                await self._after_commit.run_and_await()

    async def _rollback(self) -> None:
        try:
            await self._run(self._steps.rollback())
        finally:
            self._leave()

    async def _confirm_reads(self) -> None:
        await self._run(self._steps.confirm_reads())

    def _leave(self) -> None:
        if self._steps.finished:
            self._register.remove(self._steps.id_if_known)

    def _refuse_if_owned(self, what: str) -> None:
        if self._owned:
            raise InvalidOperationError(
                f"{what}() inside a function that run() or @transactional commits",
                advice="Return from the function to commit, raise to roll back",
                transaction_id=self._steps.id_if_known,
                code="STX-3039",
            )

    async def _run(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        """Drive steps; ``whole``: to their end, also if the task is cancelled meanwhile."""
        if self._busy:
            steps.close()
            raise InvalidOperationError(
                "two tasks use one transaction at the same time",
                advice="Give each task its own transaction; to read in parallel use batch([…])",
                transaction_id=self._steps.id_if_known,
                code="STX-3041",
            )
        self._busy = True
        try:
            if self._forks != forks():
                steps.close()
                raise InvalidOperationError(
                    "this transaction was begun before the process was forked",
                    advice="Begin transactions after the fork",
                    code="STX-3042",
                )
            return await self._drive(steps, whole=whole)
        except ScalarTxError as error:
            if error.transaction_id is None:
                error.transaction_id = self._steps.id
            raise
        finally:
            self._busy = False

    async def __aenter__(self) -> Self:
        """Hand the transaction to a ``async with`` block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit at the end of the block, roll back on an exception."""
        if self._steps.finished:
            return
        if error is None:
            await self._commit()
            return
        await leave_with_async(self, error)

    def __reduce__(self) -> tuple[object, ...]:
        raise InvalidOperationError(
            "a transaction can't be pickled",
            advice="Begin it in the process that uses it",
            code="STX-3042",
        )

    def __repr__(self) -> str:
        state = "open" if self.outcome is None else self.outcome.value
        return f"<AsyncTransaction {self._steps.id_if_known or 'not named yet'} {state}>"


class AsyncScanner:
    """Records of a scan, read page by page while they are iterated.

    A context manager; leave it, or call ``close``, when done early. It does not see writes made
    after it was opened.
    """

    def __init__(self, transaction: AsyncTransaction, cursor: Cursor) -> None:
        self._transaction = transaction
        self._cursor = cursor
        self._page: list[Record] = []
        self._at = 0
        self._token: str | None = None

    @property
    def page_token(self) -> str | None:
        """Opaque text that lets a later scan begin behind the last record of this one's page."""
        return self._cursor.page_token()

    async def next_page(self) -> list[Record] | None:
        """The next records, at least one, or None at the end."""
        return await self._transaction._run(self._cursor.next_page())  # noqa: SLF001  # one face

    async def __aiter__(self) -> AsyncIterator[Record]:
        """All records that are left."""
        while (page := await self.next_page()) is not None:
            for record in page:
                yield record

    async def close(self) -> None:
        """Read no further; what was read stays part of the transaction."""
        if not self._cursor.closed:
            await self._transaction._run(self._cursor.close())  # noqa: SLF001  # one face

    async def __aenter__(self) -> Self:
        """Hand the scanner to a ``async with`` block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()


async def leave_with_async(transaction: AsyncTransaction, error: BaseException) -> None:
    """End a transaction whose code raised; ConflictError if its reads do not hold any more.

    At SERIALIZABLE an exception may rest on a state that never was, so it is handed on only if what
    was read still validates. Cancellation and Ctrl-C are never held back.
    """
    try:
        if may_rest_on_reads(error):
            await transaction._confirm_reads()  # noqa: SLF001  # one face
    except Exception as conflict:
        raise conflict from error
    finally:
        await transaction._rollback()  # noqa: SLF001  # one face

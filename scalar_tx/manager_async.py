"""The manager for asyncio: it begins transactions, reruns them, and settles what is left."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, overload

from scalar_tx.admin import AsyncAdmin
from scalar_tx.attempts import AsyncAttempts
from scalar_tx.connection import blocks, build, forks, workers_for
from scalar_tx.consensus_commit.settle import settle, settle_record
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.transaction_id import check_callers_id
from scalar_tx.errors import InvalidOperationError
from scalar_tx.loading import row_batches
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.model.state import TransactionState
from scalar_tx.open_transactions import OpenTransactions
from scalar_tx.retry import Reruns, RetryPolicy
from scalar_tx.runtime.aio import AsyncioRuntime, WorkerThreads, finish_before_cancelling
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.storage import registry
from scalar_tx.transaction_async import AsyncTransaction
from scalar_tx.transactional_functions import check_function, transaction_place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
    from types import TracebackType

    from scalar_tx.connection import Parts
    from scalar_tx.model.conditions import Condition, Existence
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Value
    from scalar_tx.settings import Settings

T = TypeVar("T")
_CALL_THREADS = 16
F = TypeVar("F", bound="Callable[..., Any]")
Retry: TypeAlias = RetryPolicy | int | None


class AsyncTransactionManager:
    """Begins transactions on one database or several. ``connect_async`` makes it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closed = False
        self._parts: Parts
        self._open_parts()
        active = settings.active_transactions
        idle = active.expiration_millis
        self._register: OpenTransactions[AsyncTransaction] = OpenTransactions(
            self._runtime.elapsed,
            idle_seconds=None if idle is None else idle / 1000,
            most=active.max_active,
        )

    def _open_parts(self) -> None:
        self._forks = forks()
        storage = registry.open_storage(self._settings.storage)
        self._runtime: BlockingRuntime | AsyncioRuntime
        self._threads: WorkerThreads | None
        if blocks(storage):
            # Whole calls run in worker threads: a statement at a time would cost a switch each.
            self._threads = WorkerThreads(_CALL_THREADS)
            self._runtime = BlockingRuntime(workers_for(self._settings, storage))
        else:
            self._threads = None
            self._runtime = AsyncioRuntime()
        self._parts = build(self._settings, storage, self._runtime)

    async def _drive(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        """Run steps as the storage waits; ``whole``: to their end, also if cancelled meanwhile."""
        if self._threads is not None:
            return await self._threads.run(steps)
        if whole:
            return await finish_before_cancelling(steps)
        return await steps

    def _here(self) -> Parts:
        """The parts, with connections of this process."""
        if self._closed:
            raise InvalidOperationError(
                "this manager is closed", advice="Connect again", code="STX-3044"
            )
        if self._forks != forks():
            self._open_parts()
        return self._parts

    # Transactions.

    def begin(
        self,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        id: str | None = None,  # noqa: A002  # the name the interface has
        timeout: float | None = None,
    ) -> AsyncTransaction:
        """Begin a transaction to be committed by hand. Nothing is asked of the database yet.

        ``id`` is a text never used before; ``timeout`` in seconds bounds the transaction.
        """
        return self._begin(
            isolation, read_only=read_only, caller_id=id, timeout=timeout, owned=False
        )

    start = begin

    def _begin(
        self,
        isolation: Isolation | str | None,
        *,
        read_only: bool,
        caller_id: str | None,
        timeout: float | None,
        owned: bool,
    ) -> AsyncTransaction:
        context = self._here().context
        level = context.options.isolation if isolation is None else Isolation.parse(isolation)
        steps = TransactionSteps(
            context,
            level,
            read_only=read_only,
            caller_id=None if caller_id is None else check_callers_id(caller_id),
            timeout=timeout,
        )
        transaction = AsyncTransaction(steps, self._register, self._drive, owned=owned)
        if caller_id is not None:
            self._register.add(caller_id, transaction)
        return transaction

    def transaction(
        self,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        id: str | None = None,  # noqa: A002  # the name the interface has
        timeout: float | None = None,
    ) -> AsyncTransaction:
        """One transaction for a ``async with`` block: commit at its end, rollback on an exception.

        It is not run again on a conflict; ``run``, ``@transactional`` and ``attempts`` are.
        """
        return self._begin(
            isolation, read_only=read_only, caller_id=id, timeout=timeout, owned=False
        )

    def resume(self, transaction_id: str) -> AsyncTransaction:
        """The open transaction of that id, begun in this process. TransactionNotFoundError."""
        self._here()
        return self._register.find(transaction_id)

    def attempts(
        self,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,
    ) -> AsyncAttempts:
        """Run a block until it commits: ``async for attempt in …: async with attempt as tx:``.

        Let the loop end by itself: a ``return`` or ``break`` in the block can't be undone when the
        commit meets a conflict.
        """
        return AsyncAttempts(
            self._reruns(retry),
            asyncio.sleep,
            lambda: self._begin(
                isolation, read_only=read_only, caller_id=None, timeout=timeout, owned=True
            ),
        )

    def _reruns(self, retry: Retry) -> Reruns:
        policy = RetryPolicy.of(retry, self._settings.retry)
        return Reruns(policy, self._runtime.chance, self._runtime.elapsed)

    async def run(
        self,
        fn: Callable[..., Awaitable[T]],
        *args: Any,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,  # noqa: ASYNC109  # bounds an attempt, not the call
        **kwargs: Any,
    ) -> T:
        """Call ``fn(tx, *args, **kwargs)`` in a transaction, commit it, return its result.

        Run again on conflict as ``retry`` says; the function may run several times, so it should
        change nothing but the database. When the policy is spent, the last error is raised.
        """
        check_function(fn, asynchronous=True)
        async for attempt in self.attempts(
            isolation=isolation, read_only=read_only, retry=retry, timeout=timeout
        ):
            async with attempt as tx:
                result = await fn(tx, *args, **kwargs)
        return result

    @overload
    def transactional(self, fn: F, /) -> F: ...
    @overload
    def transactional(
        self,
        fn: None = None,
        /,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,
    ) -> Callable[[F], F]: ...
    def transactional(
        self,
        fn: Callable[..., Any] | None = None,
        /,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,
    ) -> Any:
        """Make a function run in a transaction of its own: it gets ``tx`` first, after ``self``.

        Called with a transaction as that argument it joins it. Otherwise as ``run``.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            check_function(function, asynchronous=True)
            place = transaction_place(function)

            @functools.wraps(function)
            async def in_transaction(*args: Any, **kwargs: Any) -> Any:
                if len(args) > place and isinstance(args[place], AsyncTransaction):
                    return await function(*args, **kwargs)
                return await self.run(
                    lambda tx: function(*args[:place], tx, *args[place:], **kwargs),
                    isolation=isolation,
                    read_only=read_only,
                    retry=retry,
                    timeout=timeout,
                )

            return in_transaction

        return decorate if fn is None else decorate(fn)

    # Transactions of one operation.

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
        """``Transaction.get`` in a transaction of its own."""
        get = Get(table, key, index=index, columns=columns, where=where, weak=weak)
        found: list[Any] = await self.run(lambda tx: tx.batch([get]), read_only=True)
        record: Record | None = found[0]
        return record

    async def scan(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> list[Record]:
        """``Transaction.scan`` in a transaction of its own; the same arguments."""
        scan = Scan(table, partition, **how)
        found: list[Any] = await self.run(lambda tx: tx.batch([scan]), read_only=True)
        records: list[Record] = found[0]
        return records

    async def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.insert`` in a transaction of its own."""
        await self.mutate([Insert(table, values)])

    async def upsert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.upsert`` in a transaction of its own."""
        await self.mutate([Upsert(table, values)])

    async def update(
        self,
        table: str,
        key: Mapping[str, Value],
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None:
        """``Transaction.update`` in a transaction of its own."""
        await self.mutate([Update(table, key, values, where=where, missing=missing)])

    async def delete(
        self, table: str, key: Mapping[str, Value], *, where: Condition | Existence | None = None
    ) -> None:
        """``Transaction.delete`` in a transaction of its own."""
        await self.mutate([Delete(table, key, where=where)])

    async def put(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None:
        """``Transaction.put`` in a transaction of its own."""
        await self.mutate(
            [
                Put(
                    table,
                    values,
                    where=where,
                    implicit_pre_read=implicit_pre_read,
                    insert_mode=insert_mode,
                )
            ]
        )

    async def mutate(self, mutations: Sequence[Mutation]) -> None:
        """Several writes in one transaction of their own."""
        await self.run(lambda tx: tx.mutate(mutations))

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Several operations in one transaction of their own."""
        return await self.run(lambda tx: tx.batch(operations))

    async def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, Value]],
        *,
        batch: int = 100,
        skip: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Upsert many rows, ``batch`` of them a transaction; return how many rows are in.

        Not atomic as a whole. ``progress`` is called with the number of rows in after each batch;
        to go on after a failure, pass the last such number as ``skip`` with the same rows.
        """
        loaded = 0
        for group in row_batches(rows, batch, skip):
            await self.mutate([Upsert(table, row) for row in group])
            loaded += len(group)
            if progress is not None:
                progress(skip + loaded)
        return skip + loaded

    # What was left behind.

    async def state(self, transaction_id: str) -> TransactionState:
        """What was decided: COMMITTED, ABORTED, or UNKNOWN if no decision is on record.

        UNKNOWN also for transactions that leave no row: read-only ones, and those whose row was
        cleaned up. Not something to poll on.
        """
        parts = self._here()
        decision = await self._drive(parts.context.decisions.read(transaction_id))
        return TransactionState.UNKNOWN if decision is None else decision.state

    async def settle(self, transaction_id: str) -> TransactionState:
        """The decision; where there is none, ABORTED is written unless one appears.

        UnknownOutcomeError if the coordinator can't be reached.
        """
        return (await self._drive(settle(self._here().context.decisions, transaction_id))).state

    async def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record if its writer is decided or expired (15 s); return the decision.

        None: nothing was to be settled. ConflictError: the writer may be alive.
        """
        return await self._drive(settle_record(self._here().context, table, key))

    @property
    def admin(self) -> AsyncAdmin:
        """Namespaces, tables, indexes, and the coordinator's tables."""
        return AsyncAdmin(self._here().administration, self._drive)

    @property
    def settings(self) -> Settings:
        """The settings as understood."""
        return self._settings

    async def close(self) -> None:
        """Finish background work and let go of all connections. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._forks != forks():
            return
        if isinstance(self._runtime, AsyncioRuntime):
            await self._runtime.close()
        else:
            await asyncio.to_thread(self._runtime.close)
        await self._drive(self._parts.storage.close())
        if self._threads is not None:
            self._threads.close()

    async def __aenter__(self) -> Self:
        """Hand the manager to a ``async with`` block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    def __reduce__(self) -> tuple[object, ...]:
        raise InvalidOperationError(
            "a manager can't be pickled",
            advice="Connect in each process",
            code="STX-3042",
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._settings.source}>"

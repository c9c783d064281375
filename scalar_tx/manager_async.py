"""The manager for asyncio: it begins transactions, reruns them, and settles what is left."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, overload

from scalar_tx.admin_async import AsyncAdmin
from scalar_tx.attempts import AsyncAttempts
from scalar_tx.connection import forks
from scalar_tx.connection_async import open_async
from scalar_tx.consensus_commit.transaction_id import check_callers_id, check_known_id
from scalar_tx.errors import InvalidOperationError
from scalar_tx.exactly_once import AsyncOutcomes, once_async
from scalar_tx.keyed_calls import keyed_function
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.script import check_script
from scalar_tx.observe.tracing import script_span
from scalar_tx.one_operation import AsyncOneOperation
from scalar_tx.open_transactions import OpenTransactions
from scalar_tx.retry import Reruns, RetryPolicy
from scalar_tx.runs import RunCount, counted
from scalar_tx.runtime.aio import finish_before_cancelling
from scalar_tx.settling import AsyncSettling
from scalar_tx.traced_async import begun
from scalar_tx.transactional_functions import (
    AnyTransaction,
    awaitable,
    check_function,
    check_joined,
    transaction_place,
)
from scalar_tx.two_phase_async import AsyncTwoPhase

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from scalar_tx.backend import Backend
    from scalar_tx.connection_async import OpenAsync
    from scalar_tx.histories.record import Recording
    from scalar_tx.keyed_calls import Call, Key
    from scalar_tx.model.decision_counts import DecisionCounts
    from scalar_tx.model.script import Script, ScriptResult
    from scalar_tx.observe.tracing import RunSpan
    from scalar_tx.settings import Settings
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")
Retry: TypeAlias = RetryPolicy | int | None


class AsyncTransactionManager(AsyncOneOperation, AsyncSettling):
    """Begins transactions on one database or several. ``connect_async`` makes it."""

    def __init__(self, settings: Settings, backend: OpenAsync = open_async) -> None:
        self._settings = settings
        self._open_backend = backend
        self._closed = False
        self._parts: Backend
        self._register: OpenTransactions[AsyncTransaction]
        self._two_phase: AsyncTwoPhase
        self._open_parts()

    def _open_parts(self, former: Backend | None = None) -> None:
        forked = forks()
        self._parts, self._threads, self._end_of_runtime = self._open_backend(
            self._settings, former
        )
        # What is open in a parent process is nothing that its child could go on with.
        active, elapsed = self._settings.active_transactions, self._parts.runtime.elapsed
        self._register = OpenTransactions.of(active, elapsed)
        self._two_phase = AsyncTwoPhase(
            self._here, OpenTransactions.of(active, elapsed), self._drive
        )
        self._forks = forked  # last: if anything above fails, the next call tries again

    async def _drive(self, steps: Coroutine[Any, Any, T], *, whole: bool = False) -> T:
        """Run steps as the storage waits; ``whole``: to their end, also if cancelled meanwhile."""
        if self._threads is not None:
            return await self._threads.run(steps)
        if whole:
            return await finish_before_cancelling(steps)
        return await steps

    def _here(self) -> Backend:
        """What transactions are made on, with connections of this process."""
        if self._closed:
            raise InvalidOperationError(
                "this manager is closed", advice="Connect again", code="STX-3044"
            )
        if self._forks != forks():
            self._open_parts(self._parts)
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
        run: RunSpan | None = None,
    ) -> AsyncTransaction:
        steps = self._here().transaction(
            None if isolation is None else Isolation.parse(isolation),
            read_only=read_only,
            caller_id=None if caller_id is None else check_callers_id(caller_id),
            timeout=timeout,
        )
        transaction = begun(steps, self._register, self._drive, run, owned=owned)
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
        return self._register.find(check_known_id(transaction_id))

    @property
    def two_phase(self) -> AsyncTwoPhase:
        """Transactions that several processes make together."""
        self._here()
        return self._two_phase

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
            lambda run: self._begin(
                isolation, read_only=read_only, caller_id=None, timeout=timeout, owned=True, run=run
            ),
        )

    def _reruns(self, retry: Retry) -> Reruns:
        policy = RetryPolicy.of(retry, self._settings.retry)
        runtime = self._parts.runtime
        return Reruns(policy, runtime.chance, runtime.elapsed)

    async def run(
        self,
        fn: Callable[..., Awaitable[T]],
        *args: Any,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,  # noqa: ASYNC109  # bounds an attempt, not the call
        key: Key = None,
        scope: str | None = None,
        **kwargs: Any,
    ) -> T:
        """Call ``fn(tx, *args, **kwargs)`` in a transaction, commit it, return its result.

        Run again on conflict as ``retry`` says; the function may run several times, so it should
        change nothing but the database. When the policy is spent, the last error is raised.

        ``key``, a text or a function of the arguments: done exactly once; a repeat with that key
        (of this function, or this ``scope``) returns what was returned then, in any process.
        InvalidOperationError: other arguments, or a result that can't be stored.
        """
        check_function(fn, asynchronous=True)
        keyed = keyed_function(fn, key, scope, read_only=read_only)
        return await self._run_again(
            lambda tx: awaitable(fn(tx, *args, **kwargs), fn),
            None if keyed is None else keyed.call(args, kwargs),
            isolation=isolation,
            read_only=read_only,
            retry=retry,
            timeout=timeout,
        )

    async def execute(
        self,
        script: Script,
        *,
        isolation: Isolation | str | None = None,
        retry: Retry = None,
        timeout: float | None = None,  # noqa: ASYNC109  # bounds one attempt, which ends whole
    ) -> ScriptResult:
        """Run a script as a transaction: what was found at each step, once all is committed.

        Through a node it is one round trip. Run again on conflict as ``retry`` says; ``timeout`` in
        seconds bounds one attempt. ConditionNotMetError: a requirement is not true.
        """
        level = None if isolation is None else Isolation.parse(isolation)
        check_script(script)
        with script_span() as span, RunCount() as run:

            async def attempt() -> ScriptResult:
                steps = span.script(self._here().execute(script, level, timeout))
                return await self._drive(counted(run, steps), whole=True)

            return await self._reruns(retry).call_async(attempt, asyncio.sleep)

    async def _run_again(
        self, work: Callable[[AsyncTransaction], Awaitable[T]], call: Call | None, **how: Any
    ) -> T:
        """Do some work until it is committed; ``call``: once and never again."""
        async for attempt in self.attempts(**how):
            async with attempt as tx:
                if call is None:
                    result = await work(tx)
                else:
                    done = functools.partial(work, tx)
                    result = await once_async(self._parts.outcomes, tx, call, done)
        return result

    @overload
    def transactional(
        self, fn: Callable[..., Awaitable[T]], /
    ) -> Callable[..., Coroutine[Any, Any, T]]: ...
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
        key: Key = None,
        scope: str | None = None,
    ) -> Callable[[Callable[..., Awaitable[T]]], Callable[..., Coroutine[Any, Any, T]]]: ...
    def transactional(
        self,
        fn: Callable[..., Any] | None = None,
        /,
        *,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
        retry: Retry = None,
        timeout: float | None = None,
        key: Key = None,
        scope: str | None = None,
    ) -> Any:
        """Make a function run in a transaction of its own: it gets ``tx`` first, after ``self``.

        Called with a transaction as that argument it joins it; with ``key`` its result is then
        stored with that one, or not at all. Otherwise as ``run``.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            check_function(function, asynchronous=True)
            place = transaction_place(function)
            keyed = keyed_function(function, key, scope, place=place, read_only=read_only)

            @functools.wraps(function)
            async def in_transaction(*args: Any, **kwargs: Any) -> Any:
                if len(args) > place and isinstance(args[place], AnyTransaction):
                    tx: Any = args[place]
                    check_joined(tx, self._register)
                    work = functools.partial(function, *args, **kwargs)
                    if keyed is None:
                        return await work()
                    call = keyed.call((*args[:place], *args[place + 1 :]), kwargs)
                    return await once_async(self._parts.outcomes, tx, call, work, joined=True)
                return await self._run_again(
                    lambda tx: awaitable(
                        function(*args[:place], tx, *args[place:], **kwargs), function
                    ),
                    None if keyed is None else keyed.call(args, kwargs),
                    isolation=isolation,
                    read_only=read_only,
                    retry=retry,
                    timeout=timeout,
                )

            return in_transaction

        return decorate if fn is None else decorate(fn)

    # The rest.

    def record_history(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Recording:
        """Write a history of this manager's transactions to a file, for ``scalar-tx check``.

        A context manager, or call ``close``: then it ends. Transactions begun from now on are in
        it, each as two lines of JSON. InvalidOperationError if the file can't be made, or exists
        and ``overwrite`` does not say to replace it.
        """
        from scalar_tx.histories.record import Recording

        return Recording(path, self._here().observers, overwrite=overwrite)

    @property
    def admin(self) -> AsyncAdmin:
        """Namespaces, tables, indexes, and the coordinator's tables."""
        return AsyncAdmin(self._here().administration, self._drive)

    @property
    def outcomes(self) -> AsyncOutcomes:
        """The results of calls with a key."""
        return AsyncOutcomes(self._here().outcomes, self.admin, self._drive)

    @property
    def decision_counts(self) -> DecisionCounts:
        """Decisions put on record since this process connected, and the mean size of groups."""
        return self._here().decision_counts()

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
        await finish_before_cancelling(self._close())

    async def _close(self) -> None:
        try:
            await self._end_of_runtime()
        finally:
            await self._drive(self._parts.close())
            if self._threads is not None:
                await asyncio.to_thread(self._threads.close)

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

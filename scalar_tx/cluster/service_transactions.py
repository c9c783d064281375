"""How does a service of a node run a transaction: bounded, counted, in a trace?"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, TypeVar, cast

from scalar_tx.errors import ScalarTxError
from scalar_tx.retry import RetryPolicy
from scalar_tx.runs import COMMITTED, outcome_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.attempts import AsyncAttempt
    from scalar_tx.cluster.sessions import Sessions
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.state import TransactionState
    from scalar_tx.observe.metrics import Metrics

T = TypeVar("T")

ATTEMPT_SECONDS = 30.0
RUN_SECONDS = 30.0  # in which a rerun may begin


class ServiceTransactions:
    """Transactions of the services of one worker.

    Each counts among the node's open transactions, as its owner's, and in the node's metrics:
    every attempt as a transaction, all of them together as a run. Admit the call at the node's
    gate before, so that a pause waits for it.
    """

    def __init__(
        self, manager: AsyncTransactionManager, sessions: Sessions, metrics: Metrics
    ) -> None:
        self._manager = manager
        self._sessions = sessions
        self._metrics = metrics

    async def run(
        self,
        owner: str,
        work: Callable[..., Awaitable[T]],
        *args: Any,
        isolation: Isolation | str | None = None,
        read_only: bool = False,
    ) -> T:
        """``work(tx, *args)`` in a transaction, run again on conflict for 30 seconds.

        TooManyOpenError: a limit of the node is met, nothing was done. Otherwise its errors are
        those of the manager's ``run``.
        """
        policy = RetryPolicy(deadline=RUN_SECONDS)
        session = self._sessions.open(f"service-{uuid.uuid4().hex}", owner, lambda _: None)
        ends: list[TransactionState | None] = []
        try:
            with session.busy():
                async for attempt in self._manager.attempts(
                    isolation=isolation, read_only=read_only, retry=policy, timeout=ATTEMPT_SECONDS
                ):
                    result = await self._attempted(attempt, work, args, ends)
        except BaseException as error:
            self._metrics.count_run(outcome_of(error, ends[-1] if ends else None), len(ends) - 1)
            raise
        else:
            self._metrics.count_run(COMMITTED, len(ends) - 1)
            return cast("T", result)
        finally:
            session.close()

    async def _attempted(
        self,
        attempt: AsyncAttempt,
        work: Callable[..., Awaitable[T]],
        args: tuple[Any, ...],
        ends: list[TransactionState | None],
    ) -> T | None:
        began, own, tx, result = time.monotonic(), False, None, None
        try:
            async with attempt as tx:
                try:
                    result = await work(tx, *args)
                except ScalarTxError:
                    raise
                except BaseException:
                    own = True  # what a service makes of what it found is no failure
                    raise
        finally:
            ends.append(None if tx is None else tx.outcome)
            if tx is not None:
                seconds = time.monotonic() - began
                self._metrics.count_end(tx.outcome, seconds, own_rollback=own)
        return result

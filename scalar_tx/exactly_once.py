"""How is a call done once, however often it is made? ``key=``, on both faces.

The outcome is read first. Is it there, the work is not done again; else the work and the outcome
are one transaction. Whoever loses, or never hears what became of its commit, runs again and finds
the outcome of the one that won.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.outcome_table import OUTCOME, OUTCOME_SCHEMA
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.transactional_functions import refuse_coroutine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_tx.admin import Admin
    from scalar_tx.admin_async import AsyncAdmin
    from scalar_tx.backend import OutcomeSteps
    from scalar_tx.keyed_calls import Call
    from scalar_tx.transaction import Transaction
    from scalar_tx.transaction_async import AsyncTransaction

_NONE: Final[Mapping[str, object]] = {}


def once(
    outcomes: OutcomeSteps,
    transaction: Transaction,
    call: Call,
    work: Callable[[], Any],
    *,
    joined: bool = False,
) -> Any:
    """Do a call in a transaction, or return what it returned when it was done.

    ``joined``: the transaction is a caller's. The outcome is then part of it, and an exception of
    the work takes its writes back, since they would be there without it.
    """
    steps, run = transaction._steps, transaction._run  # noqa: SLF001  # one face
    known = run(outcomes.look(steps, call))
    if known.done:
        return known.result
    written = steps.written()
    try:
        result = work()
        refuse_coroutine(result)
        run(outcomes.remember(steps, call, known, result))
    except BaseException:
        steps.take_back(written)
        raise
    steps.rerun_is_safe = not joined
    return result


async def once_async(
    outcomes: OutcomeSteps,
    transaction: AsyncTransaction,
    call: Call,
    work: Callable[[], Awaitable[Any]],
    *,
    joined: bool = False,
) -> Any:
    """As ``once``, awaited."""
    steps, run = transaction._steps, transaction._run  # noqa: SLF001  # one face
    known = await run(outcomes.look(steps, call))
    if known.done:
        return known.result
    written = steps.written()
    try:
        result = await work()
        await run(outcomes.remember(steps, call, known, result))
    except BaseException:
        steps.take_back(written)
        raise
    steps.rerun_is_safe = not joined
    return result


def _always() -> bool:
    return True


class Outcomes:
    """The stored results of calls with a key, for threads; a manager's ``outcomes``."""

    def __init__(self, table: OutcomeSteps, admin: Admin) -> None:
        self._table = table
        self._admin = admin

    def create_table(
        self, *, if_not_exists: bool = False, options: Mapping[str, object] = _NONE
    ) -> None:
        """Make the table ``scalar_tx.outcome``; ``options`` are those of ``create_table``."""
        self._admin.create_table(
            OUTCOME, OUTCOME_SCHEMA, if_not_exists=if_not_exists, options=options
        )

    def forget_old(self, go_on: Callable[[], bool] = _always) -> int:
        """Remove results older than 30 days, which no repeat uses any more; return how many.

        Some at a time, in transactions of their own; ``go_on`` is asked before each of these
        whether to go on. What is in use at that moment is left for the next call.
        """
        return run_blocking(self._table.forget_old(go_on))


class AsyncOutcomes:
    """The stored results of calls with a key, for asyncio; a manager's ``outcomes``."""

    def __init__(
        self, table: OutcomeSteps, admin: AsyncAdmin, drive: Callable[..., Awaitable[Any]]
    ) -> None:
        self._table = table
        self._admin = admin
        self._drive = drive

    async def create_table(
        self, *, if_not_exists: bool = False, options: Mapping[str, object] = _NONE
    ) -> None:
        """Make the table ``scalar_tx.outcome``; ``options`` are those of ``create_table``."""
        await self._admin.create_table(
            OUTCOME, OUTCOME_SCHEMA, if_not_exists=if_not_exists, options=options
        )

    async def forget_old(self, go_on: Callable[[], bool] = _always) -> int:
        """Remove results older than 30 days, which no repeat uses any more; return how many.

        Some at a time, in transactions of their own; ``go_on`` is asked before each of these
        whether to go on. What is in use at that moment is left for the next call.
        """
        removed: int = await self._drive(self._table.forget_old(go_on), whole=True)
        return removed

"""How is the table of decisions kept small?

Page by page: the old rows that tell what was written are finished and removed, many of them with
one write. A clean-up goes on from step to step, and before each step somebody may say that it is to
go on no more. Nothing depends on its being the only one: two of them, or one that was told too late
to stop, do the same work twice (Consensus Commit specification 5.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.decision_row import stored_decision
from scalar_tx.consensus_commit.finish import can_be_finished, settle_records
from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.errors import SchemaError, StorageError, StorageUnavailableError
from scalar_tx.model.conditions import Comparison, Operator
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
    from scalar_tx.consensus_commit.decision_row import StoredDecision
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages

STEP: Final = 100  # rows
_MOST_PROBLEMS: Final = 20


@dataclass(slots=True)
class Cleaned:
    """What has come of a clean-up so far.

    ``removed``: rows that are gone, or that would be if it only looks. ``untold``: old rows that
    stay because they don't tell what was written, in words known here. ``failed``: rows that stay
    because a record could not be settled; ``problems`` says why of the first ones. ``after``: the
    key of the last row dealt with, where another one can go on.
    """

    looked_at: int = 0
    removed: int = 0
    untold: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)
    after: str | None = None


class Cleaning:
    """A clean-up of rows decided before a certain time, in epoch milliseconds.

    ``rate``: at most so many rows are removed a second. ``after``: go on behind that key.
    ``only_look``: nothing is changed.
    """

    def __init__(
        self,
        context: Context,
        coordinator: CoordinatorTable,
        *,
        decided_before: int,
        rate: float | None = None,
        after: str | None = None,
        only_look: bool = False,
    ) -> None:
        self._context = context
        self._coordinator = coordinator
        self._before = decided_before
        self._rate = rate
        self._only_look = only_look
        self._width = STEP if rate is None else max(1, min(STEP, int(rate)))
        self._pages: Pages | None = None
        self._rows: list[Row] = []
        self.done = Cleaned(after=after)

    async def step(self) -> bool:
        """Deal with the next rows, a hundred at most; False: there are none.

        ConflictError, StorageUnavailableError: the next rows can't be read.
        """
        if not self._rows:
            page = await guarded(self._next_page(), None)
            if page is None:
                return False
            self._rows = list(page)
        began = self._context.runtime.elapsed()
        rows, self._rows = self._rows[: self._width], self._rows[self._width :]
        removed = await self._deal_with(rows)
        self.done.after = str(rows[-1]["tx_id"])
        if self._rate is not None:
            spent = self._context.runtime.elapsed() - began
            await self._context.runtime.sleep(max(0.0, removed / self._rate - spent))
        return True

    async def _next_page(self) -> Sequence[Row] | None:
        if self._pages is None:
            table = await self._coordinator.table()
            after = self.done.after
            request = ScanRequest(
                table,
                WholeTableSource(),
                where=Comparison("tx_created_at", Operator.LT, self._before),
                after=None if after is None else {"tx_id": after},
                page_size=STEP,
            )
            self._pages = self._context.storage.scan(request)
        return await self._pages.next_page()

    async def close(self) -> None:
        """Let go of what it holds."""
        if self._pages is not None:
            await self._pages.close()

    async def _deal_with(self, rows: Sequence[Row]) -> int:
        """How many of them are gone."""
        done = self.done
        found: list[StoredDecision] = []
        for row in rows:
            done.looked_at += 1
            try:
                one = stored_decision(row)
            except SchemaError as error:
                self._fail(str(row["tx_id"]), error)
                continue
            if one.decision.decided_at >= self._before:
                continue  # its storage did not look at the condition
            if can_be_finished(one):
                found.append(one)
            else:
                done.untold += 1
        if not self._only_look:
            found = await self._finish(found)
        done.removed += len(found)
        return len(found)

    async def _finish(self, found: Sequence[StoredDecision]) -> list[StoredDecision]:
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda one=one: settle_records(self._context, one)  # type: ignore[misc]  # bound now
            for one in found
        ]
        settled = []
        for one, outcome in zip(found, await self._context.runtime.run_all(steps), strict=True):
            if outcome.error is None:
                settled.append(one)
            else:
                self._fail(one.key, outcome.error)
        if not settled:
            return []
        try:
            await self._coordinator.remove(settled)
        except (StorageError, StorageUnavailableError) as error:
            self._fail(settled[0].key, error, rows=len(settled))  # at most; some may be gone
            return []
        return settled

    def _fail(self, key: str, error: Exception, *, rows: int = 1) -> None:
        self.done.failed += rows
        if len(self.done.problems) < _MOST_PROBLEMS:
            self.done.problems.append(f"{key}: {error}")


async def clean(cleaning: Cleaning, may_go_on: Callable[[], Awaitable[bool]]) -> Cleaned:
    """Take one step after the other as long as there are rows, and ``may_go_on`` says so."""
    try:
        while await may_go_on() and await cleaning.step():
            pass
    finally:
        await cleaning.close()
    return cleaning.done

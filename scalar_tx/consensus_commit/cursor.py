"""A running scan: what has been handed out of it, and where could a later one go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.plan import page_token
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.scan import MergedRows, ScanPlan
    from scalar_tx.model.types import Row


class Timing(Protocol):
    """Who wants to know how long a scan waits?"""

    async def page(
        self, cursor: ScanCursor, rows: Coroutine[Any, Any, list[Row] | None]
    ) -> list[Row] | None:
        """Wait for a page."""
        ...

    def closed(self) -> None:
        """No page follows."""
        ...


class ScanCursor:
    """A running scan of a transaction, with its own writes as they were when it was opened."""

    def __init__(
        self,
        plan: ScanPlan,
        rows: MergedRows,
        *,
        columns: tuple[str, ...],
        limit: int | None,
        page_size: int,
        transaction_id: str | None,
        when_closed: Callable[[ScanCursor], None],
    ) -> None:
        self.plan = plan
        self.closed = False
        self._ended = False  # read to its end or to its limit
        self._rows = rows
        self._columns = columns
        self._left = limit
        self._page_size = page_size
        self._transaction_id = transaction_id
        self._when_closed = when_closed
        self._last: Row | None = None
        self._timing: Timing | None = None

    def timed_by(self, timing: Timing) -> None:
        """Tell how long it waits for its pages."""
        self._timing = timing

    def next_rows(self) -> Coroutine[Any, Any, list[Row] | None]:
        """The next rows, at least one, or None at the end."""
        rows = self._next_rows()
        return rows if self._timing is None else self._timing.page(self, rows)

    async def _next_rows(self) -> list[Row] | None:
        if self.closed and not self._ended:
            raise InvalidOperationError(
                f"this scanner of {self.plan.name} was closed before its end",
                advice="Read it inside its with block and before its transaction ends",
                transaction_id=self._transaction_id,
                code="STX-3046",
            )
        try:
            found = await self._read_page()
        except BaseException:
            # Rows of this page may be lost by now; going on would pass over them in silence.
            await self.close()
            raise
        if self._left is not None:
            self._left -= len(found)
            if self._left == 0:
                self._ended = True
                await self.close()
        if not found:
            return None
        self._last = found[-1]
        return found

    async def _read_page(self) -> list[Row]:
        size = self._page_size if self._left is None else min(self._page_size, self._left)
        found: list[Row] = []
        while not self.closed and len(found) < size:
            row = await guarded(self._rows.next(), self._transaction_id)
            if row is None:
                self._ended = True
                await self.close()
                break
            found.append(row)
        return found

    async def rest(self, *, enough: int | None) -> list[Row]:
        """The rows that are left; None is all of them, else a page may hold more than enough."""
        try:
            rows: list[Row] = []
            while (page := await self.next_rows()) is not None:
                rows.extend(page)
                if enough is not None and len(rows) >= enough:
                    break
            return rows
        finally:
            await self.close()

    async def next_page(self) -> list[Record] | None:
        """The next records, at least one, or None at the end."""
        rows = await self.next_rows()
        return None if rows is None else self.records(rows)

    def records(self, rows: Sequence[Row]) -> list[Record]:
        """The chosen columns of rows."""
        table = self.plan.table
        return [Record.from_row(table.name, table.key_columns, self._columns, row) for row in rows]

    def page_token(self) -> str | None:
        """Where a later scan goes on with ``after=``: behind the last record handed out."""
        if self._last is None:
            return None
        if not self.plan.ordered and self._rows.has_own:
            raise InvalidOperationError(
                f"a scan of {self.plan.name} in no order has no place for own writes",
                advice="Take page tokens in a transaction that has not written to the table",
                code="STX-3033",
            )
        return page_token(self._last, self.plan)

    async def close(self) -> None:
        """Let go of the storage's scan; what was read so far is validated at commit."""
        if not self.closed:
            self.closed = True
            self._when_closed(self)
            await self._rows.close()
            if self._timing is not None:
                self._timing.closed()

"""How is a scan of a node read page by page?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.records import records_of
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.cluster.client.remote_steps import RemoteSteps
    from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
    from scalar_tx.model.operations import Scan
    from scalar_tx.model.record import Record


class RemoteCursor:
    """One scan; its first page is there."""

    def __init__(self, steps: RemoteSteps, number: int, scan: Scan, first: rpc.Page) -> None:
        self._steps = steps
        self.number = number
        self.closed = False
        self._table = scan.table
        self._waiting: rpc.Page | None = first
        self._last = first.last
        self._handed_out: rpc.Page | None = None
        self._ended = False

    async def next_page(self) -> list[Record] | None:
        """The next records, at least one, or None at the end."""
        if self._ended:
            return None
        if self.closed:
            raise InvalidOperationError(
                f"this scanner of {self._table} was closed before its end",
                advice="Read it inside its with block and before its transaction ends",
                transaction_id=self._steps.id_if_known,
                code="STX-3046",
            )
        page, self._waiting = self._waiting, None
        if page is None:
            if self._last:
                self._close(ended=True)
                return None
            try:
                page = await self._steps.page(self.number)
            except BaseException:
                self._close(ended=False)  # records may be lost by now
                raise
            self._last = page.last
        if not page.HasField("records"):
            self._close(ended=True)
            return None
        self._handed_out = page
        return records_of(page.records)

    def page_token(self) -> str | None:
        """Where a later scan goes on with ``after=``: behind the last record handed out."""
        page = self._handed_out
        if page is None:
            return None
        if page.HasField("no_token"):
            raise error_of(page.no_token) or InvalidOperationError("there is no page token here")
        return page.token if page.HasField("token") else None

    async def close(self) -> None:
        """Read no further."""
        if not self.closed:
            self._close(ended=False)

    def _close(self, *, ended: bool) -> None:
        self._ended = self._ended or ended
        self.closed = True
        self._steps.leave(self, tell=not ended and not self._last)

"""Which scans of a stream are open, and how are their records cut into pages?

A page holds so many records and about so many bytes, since it is one message. A large one is
written in pieces, and its owner waits for a turn to have it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.intake import LARGE
from scalar_tx.cluster.messages.errors import status_message
from scalar_tx.cluster.messages.records import put_records, putting_records
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.errors import InvalidOperationError, StorageUnavailableError

if TYPE_CHECKING:
    from scalar_tx.backend import Cursor
    from scalar_tx.cluster.node_server.worker_parts import WorkerParts
    from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
    from scalar_tx.model.operations import Scan
    from scalar_tx.model.record import Record


@dataclass(slots=True)
class _Open:
    cursor: Cursor
    whole: bool  # the client is going to read all of it
    waiting: list[Record] = field(default_factory=list)  # read, and not sent yet
    held: int = 0  # bytes of those


class Scanners:
    """The open scanners of one transaction, by the numbers that its client gave them."""

    def __init__(self, steps: Any, worker: WorkerParts, owner: str, page_records: int = 0) -> None:
        # ``page_records``: how many a page may have at most, if that is less than the node's limit.
        most = worker.limits.page_records
        self._page_records = min(page_records or most, most)
        self._steps = steps
        self._owner = owner
        self._turns = worker.turns
        self._limits = worker.limits
        self._held = worker.held
        self._run = worker.database.run
        self._open: dict[int, _Open] = {}

    async def open(self, page: rpc.Page, number: int, scan: Scan, *, whole: bool) -> bool:
        """Begin a scan, and write its first page. ``whole``: as much as a page may hold."""
        if number in self._open:
            raise MalformedError(f"the scanner {number} is open already")
        if len(self._open) >= self._limits.scanners:
            raise InvalidOperationError(
                f"this transaction has {self._limits.scanners} open scanners, which is the limit",
                advice="Close scanners, or read them to their end",
                code="STX-5060",
            )
        self._open[number] = _Open(await self._run(self._steps.open_cursor(scan)), whole)
        self._held.scanners += 1
        return await self.next_page(page, number)

    async def next_page(self, page: rpc.Page, number: int) -> bool:
        """Write the next page of a scanner into an empty message; is it a large one?"""
        scanner = self._open.get(number)
        if scanner is None:
            raise InvalidOperationError(
                "this scanner was closed before its end",
                advice="Read it inside its with block and before its transaction ends",
                code="STX-3046",
            )
        try:
            records, size, last = await self._run(self._page(scanner))
        except BaseException:
            self._forget(number)  # its cursor closes itself where a read fails
            raise
        if last:
            self._forget(number)
        else:
            await self._hold(number, scanner)
        page.last = last
        if not records:
            return False
        if size > LARGE:
            async with self._turns.turn(self._owner, size):
                await self._turns.in_pieces(putting_records(page.records, records))
        else:
            put_records(page.records, records)
        self._add_token(page, scanner)
        return size > LARGE

    async def _hold(self, number: int, scanner: _Open) -> None:
        held = sum(map(_size, scanner.waiting))
        try:
            self._held.change(held - scanner.held)
        except StorageUnavailableError:
            await self.close(number)
            raise
        scanner.held = held

    def _forget(self, number: int) -> _Open | None:
        scanner = self._open.pop(number, None)
        if scanner is not None:
            self._held.scanners -= 1
            self._held.change(-scanner.held)
        return scanner

    def let_go(self) -> None:
        """The transaction has ended, and its cursors with it: nothing is held any more."""
        for number in list(self._open):
            self._forget(number)

    async def _page(self, scanner: _Open) -> tuple[list[Record], int, bool]:
        records, scanner.waiting = scanner.waiting, []
        while not records or (scanner.whole and len(records) < self._page_records):
            more = None if scanner.cursor.closed else await scanner.cursor.next_page()
            if more is None:
                break
            records += more
        # What the storage gives at once may be more than a message is to hold.
        most, size = self._fitting(records)
        records, scanner.waiting = records[:most], records[most:]
        return records, size, not scanner.waiting and scanner.cursor.closed

    def _fitting(self, records: list[Record]) -> tuple[int, int]:
        """How many records a message is to hold, and how many bytes those are, about."""
        size = 0
        for number, record in enumerate(records[: self._page_records]):
            more = _size(record)
            if size + more > self._limits.page_bytes and number:
                return number, size
            size += more
        return self._page_records, size

    def _add_token(self, page: rpc.Page, scanner: _Open) -> None:
        if scanner.waiting:
            return  # the cursor is further than the client
        try:
            token = scanner.cursor.page_token()
        except InvalidOperationError as error:
            page.no_token.CopyFrom(status_message(error))
            return
        if token is not None:
            page.token = token

    async def close(self, number: int) -> None:
        """Read a scanner no further; one that is read to its end is closed already."""
        scanner = self._forget(number)
        if scanner is not None:
            await self._run(scanner.cursor.close())


def _size(record: Record) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in record.values())

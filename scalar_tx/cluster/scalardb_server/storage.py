"""How are records read and written without transactions? (7)

A scan is answered page by page. Its pages are exact: the server looks one record ahead, and no page
is empty and yet claims more, which a Java client would take for the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import empty_pb2

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import Kind, RefusedError, invalid
from scalar_tx.cluster.scalardb_server.stored_records import StoredRecords
from scalar_tx.cluster.scalardb_server.streams import Stream

if TYPE_CHECKING:
    from scalar_tx.cluster.scalardb_server.host import Host
    from scalar_tx.cluster.scalardb_server.statuses import Context
    from scalar_tx.cluster.scalardb_server.stored_records import Shown
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages

STORAGE: Final = "distributed_storage"  # as ScalarDB Server's counts name it (15)
PAGE: Final = 100  # records a page, where the client does not say how many
_ROOM: Final = 64  # bytes of a page that are not records


class Storage:
    """The calls of one answer."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._records = StoredRecords(host.database)

    async def get(self, request: rpc.GetRequest) -> rpc.GetResponse:
        """One record; none is an answer without result."""
        result = await self._records.get(request.get)
        response = rpc.GetResponse(result=result)
        if response.ByteSize() > self._host.largest_answer:
            raise _too_large(response.ByteSize(), self._host.largest_answer)
        return response

    async def mutate(self, request: rpc.MutateRequest) -> empty_pb2.Empty:
        """One atomic write."""
        await self._records.mutate(request.mutations)
        return empty_pb2.Empty()


class ScanStream(Stream[rpc.ScanRequest, rpc.ScanResponse]):
    """One scan, open from its first message on."""

    may_be_left = True

    def __init__(self, host: Host, context: Context) -> None:
        super().__init__(host, context)
        self._rows: RowsAhead | None = None
        self._shown: Shown
        self._waiting: rpc.Result | None = None  # read, and too much for the page before

    async def answer(self, request: rpc.ScanRequest) -> tuple[rpc.ScanResponse, bool]:
        """The next page, and whether it was the last."""
        wanted = request.fetch_count if request.HasField("fetch_count") else PAGE
        if wanted <= 0:
            raise invalid(f"fetch_count is {wanted}, and a page has at least one record")
        if self._rows is None:
            with self.host.counted(STORAGE, "scan_open_scanner"):
                await self._open(request, wanted)
        elif request.HasField("scan"):
            raise invalid("scanner has already been opened. Don't specify a Scan object")
        with self.session.busy(), self.host.counted(STORAGE, "scan_next"):
            response = await self._page(wanted)
        return response, not response.has_more_results

    async def _open(self, request: rpc.ScanRequest, wanted: int) -> None:
        if not request.HasField("scan"):
            raise invalid(
                "the request doesn't have a Scan object even though scanner hasn't been opened yet"
            )
        records = StoredRecords(self.host.database)
        pages, self._shown = await records.scan(request.scan, min(wanted + 1, PAGE + 1))
        self._rows = RowsAhead(self.host, pages, request.scan.limit)
        self.opened(f"scan of {request.scan.namespace}.{request.scan.table}")

    async def _page(self, wanted: int) -> rpc.ScanResponse:
        if (rows := self._rows) is None:
            raise TypeError("nothing was opened")
        response, room = rpc.ScanResponse(), self.host.largest_answer - _ROOM
        while len(response.results) < wanted:
            result, self._waiting = self._waiting, None
            if result is None:
                row = await rows.take()
                if row is None:
                    return response
                result = self._shown.result(row)
            room -= result.ByteSize() + _ROOM
            if room < 0:
                if not response.results:
                    raise _too_large(result.ByteSize(), self.host.largest_answer)
                self._waiting = result
                break
            response.results.append(result)
        response.has_more_results = self._waiting is not None or await rows.are_left()
        return response

    async def leave(self) -> None:
        """Let go of the scan."""
        if self._rows is not None:
            await self._rows.close()


class RowsAhead:
    """The rows of a scan one by one, and whether there is another; ``limit`` 0: all of them."""

    def __init__(self, host: Host, pages: Pages, limit: int) -> None:
        self._database = host.database
        self._pages = pages
        self._left = limit or None
        self._page: list[Row] = []  # the next row is its last

    async def are_left(self) -> bool:
        """Is there another row?"""
        if self._left == 0:
            return False
        if not self._page:
            page = await self._database.run(self._pages.next_page())
            self._page = [] if page is None else [*reversed(page)]
        return bool(self._page)

    async def take(self) -> Row | None:
        """The next row; None: there is none."""
        if not await self.are_left():
            return None
        if self._left is not None:
            self._left -= 1
        return self._page.pop()

    async def close(self) -> None:
        """Let go of what the scan holds."""
        await self._database.run(self._pages.close())


def _too_large(size: int, largest: int) -> RefusedError:
    return RefusedError(
        Kind.OTHER,
        f"a record has {size} bytes, and a message to a client at most {largest}; read fewer of "
        "its columns",
    )

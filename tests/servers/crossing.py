"""How do frames cross from one side of a connection to the other, and what if one meets a fault?"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.servers.faults import Deed, Way

if TYPE_CHECKING:
    from tests.servers.faults import Fault
    from tests.servers.frames import Frame
    from tests.servers.proxy import Proxy

READ_BYTES = 1 << 16


class Over(Exception):
    """A fault ends the connection."""


class Pace:
    """How fast bytes go one way, and whether they go at all; the same for all connections."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.bandwidth: float | None = None
        self.open = asyncio.Event()
        self.open.set()


class Lane:
    """One way of one connection: bytes leave in order, each when it is due."""

    def __init__(self, writer: asyncio.StreamWriter, pace: Pace) -> None:
        self.writer = writer
        self._pace = pace
        self._free_at = 0.0
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    def send(self, data: bytes) -> None:
        """Put bytes on their way."""
        now = asyncio.get_running_loop().time()
        takes = len(data) / self._pace.bandwidth if self._pace.bandwidth else 0.0
        self._free_at = max(now, self._free_at) + takes
        self._queue.put_nowait((self._free_at + self._pace.delay, data))

    async def run(self) -> None:
        """Send until cancelled; what can't be delivered any more is dropped."""
        while True:
            due, data = await self._queue.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._pace.open.wait()
            with suppress(OSError):
                if not self.writer.is_closing():
                    self.writer.write(data)
                    await self.writer.drain()
            self._queue.task_done()

    async def emptied(self) -> None:
        """Return when everything has left."""
        await self._queue.join()


class Asked:
    """A request whose reply is to come."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.answered = asyncio.Event()


class Connection:
    """A client's connection, and ours to the server."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._frames = proxy.protocol()
        self._client = reader
        self._writers = [writer]
        self._to_client = Lane(writer, proxy.pace[Way.TO_CLIENT])
        self._in_turn: deque[Asked] = deque()
        self._by_stream: dict[int, Asked] = {}
        self._held: set[asyncio.Task[None]] = set()
        self._kept_back: list[Fault] = []

    async def serve(self) -> None:
        """Carry frames both ways until a side ends or a fault ends both.

        OSError: the server can't be reached.
        """
        server, writer = await asyncio.open_connection(*self._proxy.server)
        self._writers.append(writer)
        to_server = Lane(writer, self._proxy.pace[Way.TO_SERVER])
        lanes = [asyncio.create_task(lane.run()) for lane in (self._to_client, to_server)]
        requests = asyncio.create_task(self._carry_requests(to_server))
        replies = asyncio.create_task(self._carry_replies(server))
        try:
            await asyncio.wait({requests, replies}, return_when=asyncio.FIRST_COMPLETED)
            for task in (requests, replies):
                if task.done():
                    with suppress(Over):
                        task.result()
            if replies.done():  # the server's last words
                await self._to_client.emptied()
            for one in self._writers:
                one.close()
        finally:
            for task in (*lanes, requests, replies, *self._held):
                task.cancel()
            await asyncio.gather(*lanes, requests, replies, *self._held, return_exceptions=True)
            for fault in self._kept_back:
                fault.drop()
            for one in self._writers:
                if not one.is_closing():
                    one.transport.abort()

    def abort(self) -> None:
        """End both connections as a reset does."""
        for writer in self._writers:
            writer.transport.abort()

    async def _carry_requests(self, lane: Lane) -> None:
        while data := await _read(self._client):
            for frame in self._frames.requests(data):
                self._proxy.requests += 1
                await self._request(lane, frame)
        # The client has gone. What it asked still counts: a reply to be lost must come first.
        await asyncio.gather(*self._held)
        for asked in (*self._in_turn, *self._by_stream.values()):
            if asked.fault is not None:
                await asked.answered.wait()
        await lane.emptied()

    async def _request(self, lane: Lane, frame: Frame) -> None:
        if frame.refusal:
            self._to_client.send(frame.refusal)
            return
        fault = self._proxy.fault_for(frame.data)
        if fault is None or fault.deed in {Deed.LOSE_REPLY, Deed.TEAR_REPLY}:
            self._pass_on(lane, frame, fault)
            return
        if fault.deed is Deed.HOLD:
            await self._hold(lane, frame, fault)
            return
        if fault.deed is Deed.TEAR_REQUEST:
            lane.send(frame.data[: fault.after])
            await lane.emptied()
        fault.happened()
        if fault.closes:
            raise Over

    async def _hold(self, lane: Lane, frame: Frame, fault: Fault) -> None:
        async def later() -> None:
            await fault.released.wait()
            self._pass_on(lane, frame, fault)

        task = asyncio.create_task(later())
        self._held.add(task)
        self._kept_back.append(fault)
        fault.happened()
        if self._proxy.protocol.in_order:  # what the client says next must not overtake it
            await asyncio.shield(task)

    def _pass_on(self, lane: Lane, frame: Frame, fault: Fault | None) -> None:
        if frame.answered:
            asked = Asked(fault)
            if not self._proxy.protocol.in_order:
                self._by_stream[frame.stream] = asked
            else:
                if (
                    not self._proxy.protocol.ends
                ):  # one that is answered, or nobody watches, is over
                    left = (one for one in self._in_turn if one.fault and not one.answered.is_set())
                    self._in_turn = deque(left)
                self._in_turn.append(asked)
        lane.send(frame.data)

    async def _carry_replies(self, server: asyncio.StreamReader) -> None:
        while data := await _read(server):
            for frame in self._frames.replies(data):
                await self._reply(frame)

    async def _reply(self, frame: Frame) -> None:
        asked = self._asker(frame)
        fault = None if asked is None else asked.fault
        if asked is None or fault is None:
            self._to_client.send(frame.data)
            return
        if fault.deed is Deed.HOLD:
            self._to_client.send(frame.data)
        fault.reply += frame.data
        if self._proxy.protocol.ends and not frame.last:
            return
        if fault.deed is Deed.TEAR_REPLY:
            self._to_client.send(fault.reply[: fault.after])
            await self._to_client.emptied()
        asked.answered.set()
        fault.answered()
        fault.happened()
        if fault.closes:
            raise Over

    def _asker(self, frame: Frame) -> Asked | None:
        """Whose reply this is; nobody's, if the server speaks by itself."""
        over = frame.last and self._proxy.protocol.ends
        if not self._proxy.protocol.in_order:
            return self._by_stream.pop(frame.stream, None)
        if not self._in_turn:
            return None
        return self._in_turn.popleft() if over else self._in_turn[0]


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What came; nothing, if the connection ended in whatever way."""
    try:
        return await reader.read(READ_BYTES)
    except OSError:
        return b""

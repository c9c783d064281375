"""How is HTTP/2 spoken by somebody who does not mean well? A few frames, written by hand."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0, 1, 4, 6, 9
END_HEADERS, ACK = 4, 1


def frame(kind: int, flags: int, stream: int, body: bytes, length: int | None = None) -> bytes:
    """A frame; ``length``: what it claims to hold."""
    size = len(body) if length is None else length
    return struct.pack(">I", size)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + body


def literal(name: str, value: str) -> bytes:
    """One header, neither compressed nor kept."""
    return b"\0" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) < 127:
        return bytes((len(data),)) + data
    left, coded = len(data) - 127, bytearray((127,))
    while left >= 128:
        coded.append(left % 128 + 128)
        left //= 128
    coded.append(left)
    return bytes(coded) + data


def call(path: str) -> bytes:
    """The headers of a call."""
    told = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    return b"".join(literal(name, value) for name, value in told.items())


class Wire:
    """One connection that acknowledges what it must, and else sends what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.ended = False
        self._task = asyncio.ensure_future(self._acknowledge())

    @classmethod
    async def to(cls, host: str, port: int) -> Wire:
        """Connect and say so much that it counts as a connection."""
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(PREFACE + frame(SETTINGS, 0, 0, b""))
        return cls(reader, writer)

    async def _acknowledge(self) -> None:
        try:
            while True:
                head = await self._reader.readexactly(9)
                body = await self._reader.readexactly(int.from_bytes(head[:3]))
                if head[3] in (SETTINGS, PING) and not head[4] & ACK:
                    answer = body if head[3] == PING else b""
                    self.writer.write(frame(head[3], ACK, 0, answer))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended = True

    def close(self) -> None:
        self._task.cancel()
        self.writer.close()

"""Where does a request end, where a reply, and which reply belongs to which request?

Each protocol cuts a stream of bytes into frames: bytes that mean nothing if cut in two. A client's
frame is a request; a reply may take several frames, and the last of them says so. Only Cassandra's
protocol answers out of order, by stream numbers; for the others the oldest request is answered
first. Protocols: ``cql``, ``http``, ``postgresql``, ``mysql``, ``resp``, ``tcp``.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Frame:
    """Bytes that belong together.

    ``stream``: what a reply shares with its request. ``last``: a reply ends here.
    ``answered``: a request that gets a reply. ``refusal``: goes back to the client instead of on.
    """

    data: bytes
    stream: int = 0
    last: bool = True
    answered: bool = True
    refusal: bytes = b""


class Protocol:
    """Cuts both directions of one connection.

    ``in_order``: the oldest request is answered first. ``ends``: a reply shows its end; without
    that whatever comes belongs to the latest request.
    """

    in_order: ClassVar[bool] = True
    ends: ClassVar[bool] = True

    def __init__(self) -> None:
        self._requests = b""
        self._replies = b""

    def requests(self, data: bytes) -> Iterator[Frame]:
        """The requests that are whole now that these bytes came."""
        self._requests += data
        while size := self.request_size(self._requests):
            frame, self._requests = self._requests[:size], self._requests[size:]
            yield self.request(frame)

    def replies(self, data: bytes) -> Iterator[Frame]:
        """The same of the server's bytes."""
        self._replies += data
        while size := self.reply_size(self._replies):
            frame, self._replies = self._replies[:size], self._replies[size:]
            yield self.reply(frame)

    def request_size(self, data: bytes) -> int:
        """The length of the request at the front; 0: not whole yet."""
        raise NotImplementedError

    def reply_size(self, data: bytes) -> int:
        """The same of a reply's frame."""
        raise NotImplementedError

    def request(self, data: bytes) -> Frame:
        """What is known of a request."""
        return Frame(data)

    def reply(self, data: bytes) -> Frame:
        """What is known of a reply's frame."""
        return Frame(data)


class Tcp(Protocol):
    """Any protocol: what was read at once is a frame, and no reply is known to end."""

    ends = False

    def request_size(self, data: bytes) -> int:
        return len(data)

    def reply_size(self, data: bytes) -> int:
        return len(data)


class Cql(Protocol):
    """Version 4 of Cassandra's protocol.

    Version 5 packs frames into checked segments. Clients who ask for it are told that this server
    is an older one, whereupon they go on with version 4.
    """

    in_order = False
    _REFUSED = b"Invalid or unsupported protocol version (5); supported versions are (3/v3, 4/v4)"

    def request_size(self, data: bytes) -> int:
        return self._size(data)

    def reply_size(self, data: bytes) -> int:
        return self._size(data)

    def request(self, data: bytes) -> Frame:
        version, _, stream = struct.unpack_from(">BBh", data)
        if version <= 4:
            return Frame(data, stream)
        body = struct.pack(">iH", 0x000A, len(self._REFUSED)) + self._REFUSED
        refusal = struct.pack(">BBhBi", 0x84, 0, stream, 0x00, len(body)) + body
        return Frame(data, stream, refusal=refusal)

    def reply(self, data: bytes) -> Frame:
        return Frame(data, struct.unpack_from(">h", data, 2)[0])

    @staticmethod
    def _size(data: bytes) -> int:
        if len(data) < 9:
            return 0
        size = 9 + int(struct.unpack_from(">i", data, 5)[0])
        return size if len(data) >= size else 0


class Http(Protocol):
    """HTTP/1.1 as DynamoDB's clients speak it: bodies with a length or in chunks, no upgrades."""

    def request_size(self, data: bytes) -> int:
        return self._size(data)

    def reply_size(self, data: bytes) -> int:
        return self._size(data)

    def reply(self, data: bytes) -> Frame:
        # "100 Continue" comes before the reply proper.
        return Frame(data, last=not data.startswith(b"HTTP/1.1 1"))

    @staticmethod
    def _size(data: bytes) -> int:
        head, end, _ = data.partition(b"\r\n\r\n")
        if not end:
            return 0
        begin = len(head) + len(end)
        if re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
            return _chunks_end(data, begin)
        length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
        size = begin + (int(length[1]) if length else 0)
        return size if len(data) >= size else 0


def _chunks_end(data: bytes, position: int) -> int:
    while (line := data.find(b"\r\n", position)) >= 0:
        size = int(data[position:line].split(b";")[0], 16)
        position = line + 2 + size + 2
        if len(data) < position:
            return 0
        if size == 0:
            return position
    return 0


class PostgreSql(Protocol):
    """PostgreSQL's protocol 3: a request ends where the client waits, a reply with "ready"."""

    # Query, Sync, FunctionCall, a password, CopyDone, CopyFail: something comes back for each.
    _WAITS = b"QSFpcf"
    # Flush, CopyData, Terminate go at once, and nothing need come back.
    _GOES = b"HdX"

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._one_byte = False

    def request_size(self, data: bytes) -> int:
        if not self._begun:
            size = struct.unpack_from(">i", data)[0] if len(data) >= 8 else 0
            return size if len(data) >= size else 0
        position = 0
        while len(data) >= position + 5:
            kind = data[position]
            position += 1 + struct.unpack_from(">i", data, position + 1)[0]
            if kind in self._WAITS + self._GOES:
                return position if len(data) >= position else 0
        return 0

    def request(self, data: bytes) -> Frame:
        if not self._begun:
            # A wish for TLS or GSSAPI, answered by one byte, may come before the start proper.
            code = struct.unpack_from(">i", data, 4)[0]
            self._one_byte = code in {80877103, 80877104}
            self._begun = not self._one_byte
            return Frame(data, answered=code != 80877102)
        position = last = 0
        while position < len(data):
            last, position = data[position], _next_message(data, position)
        return Frame(data, answered=last in self._WAITS)

    def reply_size(self, data: bytes) -> int:
        if self._one_byte and data:
            return 1
        if len(data) < 5:
            return 0
        size = _next_message(data, 0)
        return size if len(data) >= size else 0

    def reply(self, data: bytes) -> Frame:
        if self._one_byte:
            self._one_byte = False
            return Frame(data)
        kind = data[:1]
        # An authentication that wants no further word is followed by more.
        wants_word = kind == b"R" and struct.unpack_from(">i", data, 5)[0] not in {0, 12}
        return Frame(data, last=kind in {b"Z", b"G"} or wants_word)


def _next_message(data: bytes, position: int) -> int:
    return position + 1 + int(struct.unpack_from(">i", data, position + 1)[0])


class MySql(Protocol):
    """MySQL's packets. Only a client's next word shows that a reply has ended."""

    ends = False

    def request_size(self, data: bytes) -> int:
        return self._size(data)

    def reply_size(self, data: bytes) -> int:
        return self._size(data)

    @staticmethod
    def _size(data: bytes) -> int:
        if len(data) < 4:
            return 0
        size = 4 + int.from_bytes(data[:3], "little")
        return size if len(data) >= size else 0


class Resp(Protocol):
    """Redis's protocols 2 and 3, requests as arrays or as a line; pushed messages not known."""

    def request_size(self, data: bytes) -> int:
        return max(_resp_end(data, 0), 0)

    def reply_size(self, data: bytes) -> int:
        return max(_resp_end(data, 0), 0)


def _resp_end(data: bytes, position: int) -> int:
    """Where the value that begins here ends; -1: not whole yet."""
    line = data.find(b"\r\n", position)
    if line < 0:
        return -1
    kind, said = data[position : position + 1], data[position + 1 : line]
    end = line + 2
    if kind in {b"$", b"=", b"!"}:
        end += int(said) + 2 if int(said) >= 0 else 0
    elif kind in {b"*", b"~", b"%", b">"}:
        for _ in range(max(int(said), 0) * (2 if kind == b"%" else 1)):
            end = _resp_end(data, end)
            if end < 0:
                return -1
    return end if len(data) >= end else -1


PROTOCOLS: dict[str, type[Protocol]] = {
    "cql": Cql,
    "http": Http,
    "postgresql": PostgreSql,
    "mysql": MySql,
    "resp": Resp,
    "tcp": Tcp,
}

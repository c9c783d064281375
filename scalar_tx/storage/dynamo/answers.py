"""When has an HTTP answer come whole? What is cut short, anywhere, is none.

Of HTTP/1.1 this reads what a service's answer can hold: a status, headers, and a content of a told
length, in chunks, or up to the end of the connection. Sources: RFC 9112, sections 2 to 7 and 9.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_HEAD_BYTES: Final = 65_536
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: |\r\n)")
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?")


class CutAnswerError(Exception):
    """The connection ended too early, or what came is no answer."""


class Answer(NamedTuple):
    """A whole answer. ``keeps``: the connection may carry another request."""

    status: int
    content: bytes
    checksum: bytes | None  # what the service says of the content: decimal CRC-32
    kind: str  # what it says of an error outside the content; may be empty
    keeps: bool


def read(data: bytes, more: Callable[[], bytes]) -> Answer:
    """Read an answer of which the first bytes are there; ``more`` gives b"" at the end.

    CutAnswerError: it did not come whole.
    """
    while True:
        end = data.find(b"\r\n\r\n")
        while end < 0:
            if len(data) > _MOST_HEAD_BYTES:
                raise CutAnswerError("the headers have no end")
            data += _some(more)
            end = data.find(b"\r\n\r\n")
        found = _STATUS.match(data)
        if found is None:
            raise CutAnswerError("no status")
        status = int(found[1])
        if status >= 200:
            break
        data = data[end + 4 :]  # word of an answer that is to come
    head = data[: end + 2].lower()
    begin = end + 4
    length = _field(head, b"\r\ncontent-length:")
    encoding = _field(head, b"\r\ntransfer-encoding:")
    keeps = head.startswith(b"http/1.1") and b"close" not in (
        _field(head, b"\r\nconnection:") or b""
    )
    if encoding is not None:
        content, surplus = _chunked(data[begin:], encoding, more)
        keeps = keeps and not surplus and length is None
    elif length is None:
        content, keeps = _to_the_end(data[begin:], more), False
    else:
        content, surplus = _measured(data, begin, length, more)
        keeps = keeps and not surplus
    kind = _field(head, b"\r\nx-amzn-errortype:", data) if status >= 300 else None
    checksum = _field(head, b"\r\nx-amz-crc32:")
    return Answer(status, content, checksum, (kind or b"").decode("latin-1"), keeps)


def _some(more: Callable[[], bytes]) -> bytes:
    found = more()
    if not found:
        raise CutAnswerError("the connection ended")
    return found


def _field(head: bytes, name: bytes, written: bytes | None = None) -> bytes | None:
    """A header's value, from ``written`` where its case matters; None: there is none."""
    at = head.find(name)
    if at < 0:
        return None
    begin = at + len(name)
    value = (written or head)[begin : head.find(b"\r\n", begin)].strip()
    if head.find(name, begin) >= 0:
        raise CutAnswerError("a header stands there twice")
    return value


def _measured(
    data: bytes, begin: int, length: bytes, more: Callable[[], bytes]
) -> tuple[bytes, bool]:
    if not length.isdigit() or len(length) > 10:
        raise CutAnswerError("the length is no number")
    end = begin + int(length)
    if len(data) >= end:
        return data[begin:end], len(data) > end
    pieces = [data[begin:]]
    missing = end - len(data)
    while missing > 0:
        piece = _some(more)
        pieces.append(piece)
        missing -= len(piece)
    content = b"".join(pieces)
    return content[: int(length)], missing < 0


def _to_the_end(data: bytes, more: Callable[[], bytes]) -> bytes:
    pieces = [data]
    while piece := more():
        pieces.append(piece)
    return b"".join(pieces)


def _chunked(first: bytes, encoding: bytes, more: Callable[[], bytes]) -> tuple[bytes, bool]:
    if encoding != b"chunked":
        raise CutAnswerError("the content has an encoding that nobody asked for")
    data = bytearray(first)
    content = bytearray()
    at = 0
    while True:
        line, at = _line(data, at, more)
        size = _SIZE.fullmatch(line)
        if size is None:
            raise CutAnswerError("a chunk has no size")
        wanted = int(size[1], 16)
        if wanted == 0:
            break
        while len(data) < at + wanted + 2:
            data += _some(more)
        content += data[at : at + wanted]
        at += wanted
        if data[at : at + 2] != b"\r\n":
            raise CutAnswerError("a chunk has another size")
        at += 2
    while line:  # what may come behind the last chunk, up to an empty line
        line, at = _line(data, at, more)
    return bytes(content), len(data) > at


def _line(data: bytearray, at: int, more: Callable[[], bytes]) -> tuple[bytes, int]:
    while (end := data.find(b"\r\n", at)) < 0:
        if len(data) - at > _MOST_HEAD_BYTES:
            raise CutAnswerError("a line has no end")
        data += _some(more)
    return bytes(data[at:end]), end + 2

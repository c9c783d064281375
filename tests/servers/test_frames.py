"""Are frames found wherever the network cuts the bytes?"""

from __future__ import annotations

import struct

import pytest

from tests.servers.frames import PROTOCOLS, Frame


def cql(version: int, stream: int, body: bytes) -> bytes:
    return struct.pack(">BBhBi", version, 0, stream, 7, len(body)) + body


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">i", 4 + len(body)) + body


START = struct.pack(">ii", 16, 196608) + b"user\0me\0"
TLS = struct.pack(">ii", 8, 80877103)
ASKS = message(b"R", struct.pack(">i", 10) + b"SCRAM\0\0")
ACCEPTS = message(b"R", struct.pack(">i", 0))
READY = message(b"Z", b"I")
PREPARED = message(b"P", b"\0SELECT 1\0") + message(b"B") + message(b"E") + message(b"S")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n"
POST = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
PACKET = b"\x03\0\0\0abc"
NESTED = b"*2\r\n%1\r\n+a\r\n:1\r\n*-1\r\n"
BULK = b"$4\r\na\r\nb\r\n"
NOTHING = b"$-1\r\n"

REQUESTS = {
    "cql": [cql(4, 1, b"one"), cql(4, 2, b"")],
    "http": [POST, POST],
    "postgresql": [
        TLS,
        START,
        message(b"p", b"word"),
        PREPARED,
        message(b"Q", b"x"),
        message(b"X"),
    ],
    "mysql": [PACKET, PACKET],
    "resp": [b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"*0\r\n", b"PING\r\n"],
}
REPLIES = {
    "cql": [cql(0x84, 2, b"one"), cql(0x84, -1, b"two")],
    "http": [CONTINUE, SIZED, CHUNKED],
    "postgresql": [ASKS, ACCEPTS, message(b"S", b"a\0b\0"), READY, message(b"G"), READY],
    "mysql": [PACKET],
    "resp": [NESTED, BULK, NOTHING, b"+OK\r\n", b"-ERR no\r\n", b"#t\r\n"],
}
LAST = {
    "http": [False, True, True],
    "postgresql": [True, False, False, True, True, True],
}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_found_however_they_are_cut(name: str, size: int) -> None:
    protocol = PROTOCOLS[name]()
    data = b"".join(REQUESTS[name])
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    assert [one.data for part in parts for one in protocol.requests(part)] == REQUESTS[name]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", REPLIES)
def test_replies_are_found_however_they_are_cut(name: str, size: int) -> None:
    protocol = PROTOCOLS[name]()
    data = b"".join(REPLIES[name])
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    found = [one for part in parts for one in protocol.replies(part)]
    assert [one.data for one in found] == REPLIES[name]
    assert [one.last for one in found] == LAST.get(name, [True] * len(found))


def test_a_wish_for_tls_is_answered_by_one_byte() -> None:
    protocol = PROTOCOLS["postgresql"]()
    assert list(protocol.requests(TLS)) == [Frame(TLS)]
    assert list(protocol.replies(b"N")) == [Frame(b"N")]
    assert list(protocol.requests(START)) == [Frame(START)]
    assert [one.data for one in protocol.replies(ASKS + READY)] == [ASKS, READY]


def test_postgresql_answers_only_where_its_client_waits() -> None:
    protocol = PROTOCOLS["postgresql"]()
    list(protocol.requests(START))
    said = message(b"d", b"row") + message(b"c") + message(b"P") + message(b"H") + message(b"X")
    assert [one.answered for one in protocol.requests(said)] == [False, True, False, False]


def test_cassandras_replies_tell_their_request() -> None:
    protocol = PROTOCOLS["cql"]()
    assert [one.stream for one in protocol.requests(cql(4, 258, b""))] == [258]
    assert [one.stream for one in protocol.replies(cql(0x84, 258, b""))] == [258]


def test_a_client_of_cassandras_version_5_is_sent_to_version_4() -> None:
    [request] = PROTOCOLS["cql"]().requests(cql(5, 3, b""))
    version, _, stream, opcode, length = struct.unpack_from(">BBhBi", request.refusal)
    assert (version, stream, opcode, 9 + length) == (0x84, 3, 0, len(request.refusal))
    assert struct.unpack_from(">i", request.refusal, 9) == (0x000A,)  # a protocol error
    assert b"nsupported protocol version" in request.refusal

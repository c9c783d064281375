"""Are messages the same as the driver writes and reads them?"""

from __future__ import annotations

import random
import struct
from typing import Any, Final

import pytest

from scalar_tx.storage.cassandra.wire import Wire, rows_in

# isort: split
from cassandra import ConsistencyLevel, ProtocolVersion
from cassandra.protocol import (
    BatchMessage,
    ExecuteMessage,
    PrepareMessage,
    ProtocolHandler,
    QueryMessage,
    ResultMessage,
    _ProtocolHandler,
)
from cassandra.query import BatchType

V4: Final = ProtocolVersion.V4
QUORUM, SERIAL = ConsistencyLevel.QUORUM, ConsistencyLevel.SERIAL
ID: Final = bytes(range(16))
VALUES: Final = [b"", None, b"key", b"\xff" * 3000]
PREPARED: Final = (True, ID, VALUES)


def encoded(handler: Any, message: Any, compressor: Any = None) -> bytes:
    frame: bytes = handler.encode_message(
        message, 7, V4, compressor=compressor, allow_beta_protocol_version=False
    )
    return frame


def decoded(handler: Any, body: bytes, flags: int = 0, decompressor: Any = None) -> Any:
    return handler.decode_message(V4, {}, 7, flags, 8, body, decompressor, [])


def halved(data: bytes) -> bytes:
    """A compressor, of a kind."""
    return data[::2] + data[1::2]


@pytest.mark.parametrize("message", [
    pytest.param(ExecuteMessage(ID, VALUES, SERIAL, None, 5000), id="a page"),
    pytest.param(ExecuteMessage(ID, VALUES, QUORUM, SERIAL, 5000, b"page"), id="everything"),
    pytest.param(ExecuteMessage(ID, [], QUORUM, None, None), id="nothing"),
    pytest.param(ExecuteMessage(ID, VALUES, QUORUM, timestamp=5), id="a timestamp"),
    pytest.param(BatchMessage(BatchType.LOGGED, [PREPARED, PREPARED], QUORUM, SERIAL), id="batch"),
    pytest.param(BatchMessage(BatchType.UNLOGGED, [PREPARED], QUORUM), id="no serial level"),
    pytest.param(BatchMessage(BatchType.LOGGED, [PREPARED], QUORUM, None, 5), id="timed batch"),
    pytest.param(
        BatchMessage(BatchType.LOGGED, [PREPARED, (False, "SELECT", [])], QUORUM), id="as text"
    ),
    pytest.param(QueryMessage("SELECT", QUORUM, None, 5000), id="query"),
    pytest.param(PrepareMessage("SELECT"), id="prepare"),
])  # fmt: skip
@pytest.mark.parametrize("trait", ["plain", "compressed", "traced", "with payload"])
def test_requests_are_written_as_the_driver_writes_them(message: Any, trait: str) -> None:
    message.tracing = trait == "traced"
    message.custom_payload = {"name": b"value"} if trait == "with payload" else None
    compressor = halved if trait == "compressed" else None
    assert encoded(Wire, message, compressor) == encoded(_ProtocolHandler, message, compressor)


def test_columns_that_are_known_are_not_described_again() -> None:
    plain = encoded(_ProtocolHandler, ExecuteMessage(ID, VALUES, SERIAL, None, 5000))
    brief = encoded(Wire, ExecuteMessage(ID, VALUES, SERIAL, None, 5000, skip_meta=True))
    place = 9 + 2 + len(ID) + 2  # behind the header, the statement and the level
    assert brief[place] == plain[place] | 0x02
    assert brief[:place] + brief[place + 1 :] == plain[:place] + plain[place + 1 :]


def string(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def body(
    rows: list[list[bytes | None]], types: list[bytes], *, one_table: bool, page: bytes | None
) -> bytes:
    flags = one_table | (0 if page is None else 2)
    parts = [struct.pack(">iii", 2, flags, len(types))]
    if page is not None:
        parts += [struct.pack(">i", len(page)), page]
    table = string("keyspace") + string("table")
    parts += [table] * one_table
    for number, one in enumerate(types):
        parts += [b"" if one_table else table, string(f"column{number}"), one]
    parts.append(struct.pack(">i", len(rows)))
    for row in rows:
        for cell in row:
            size = -1 if cell is None else len(cell)
            parts += [struct.pack(">i", size), cell or b""]
    return b"".join(parts)


INT, TEXT, BOOLEAN = b"\0\x09", b"\0\x0d", b"\0\x04"
MAP_OF_TEXTS: Final = b"\0\x21" + TEXT + TEXT
# Who takes it for a plain type takes what follows for the end of a result without rows.
LIST_OF_UNKNOWNS: Final = b"\0\x20" + b"\0\0" + string("")
CUSTOM: Final = b"\0\0" + string("org.apache.cassandra.db.marshal.BytesType")


@pytest.mark.parametrize("one_table", [True, False])
@pytest.mark.parametrize("page", [None, b"", b"page"])
@pytest.mark.parametrize("types", [
    pytest.param([INT, TEXT, BOOLEAN], id="plain"),
    pytest.param([INT, MAP_OF_TEXTS, INT], id="a map"),
    pytest.param([CUSTOM], id="a custom type"),
    pytest.param([], id="no columns"),
])  # fmt: skip
def test_rows_are_those_that_were_sent(
    types: list[bytes], page: bytes | None, *, one_table: bool
) -> None:
    dice = random.Random(5)
    for count in (0, 1, 40):
        rows: list[list[bytes | None]] = [
            [dice.choice([None, b"", dice.randbytes(300)]) for _ in types] for _ in range(count)
        ]
        sent = body(rows, types, one_table=one_table, page=page)
        for got in (decoded(Wire, sent), decoded(Wire, halved(sent), 1, lambda _, s=sent: s)):
            assert isinstance(got, ResultMessage)
            assert (got.kind, got.stream_id, got.warnings, got.trace_id) == (2, 7, None, None)
            assert list(got.parsed_rows.rows) == [tuple(row) for row in rows]
            assert got.parsed_rows.next_page == got.paging_state == page
        warned = b"\0\1" + string("a warning") + sent
        assert list(decoded(Wire, warned, 8).parsed_rows.rows) == [tuple(row) for row in rows]


def test_plain_rows_are_not_read_by_the_driver() -> None:
    rows: list[list[bytes | None]] = [[b"1", None]]
    known = body(rows, [INT, TEXT], one_table=True, page=None)
    assert rows_in(known) is not None
    assert rows_in(body(rows, [INT, TEXT], one_table=False, page=None)) == rows_in(known)
    assert rows_in(known + b"more") is None
    assert rows_in(body([], [LIST_OF_UNKNOWNS], one_table=True, page=None)[:-4]) is None
    assert rows_in(body(rows, [INT, MAP_OF_TEXTS], one_table=True, page=None)) is None


def test_a_result_that_ends_too_early_is_an_error() -> None:
    whole = body([[b"cell", b"another"]], [INT, TEXT], one_table=True, page=b"page")
    for size in range(4, len(whole)):
        assert rows_in(whole[:size]) is None
        with pytest.raises(Exception):  # noqa: B017  # whichever the driver has
            decoded(ProtocolHandler, whole[:size])


def test_other_results_are_read_by_the_driver() -> None:
    assert decoded(Wire, struct.pack(">i", 1)).kind == 1
    keyspace = decoded(Wire, struct.pack(">i", 3) + string("keyspace"))
    assert (keyspace.kind, keyspace.new_keyspace) == (3, "keyspace")

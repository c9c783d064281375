"""How do requests and rows look on the wire?

Of the driver's messages the three that transactions consist of are written and read here, each in
one go: prepared statements, batches of them, and rows whose cells stay bytes. All others, and all
with traits that are not known here, are the driver's own. (Native protocol version 4)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cassandra.protocol import (
    BatchMessage,
    ExecuteMessage,
    ResultMessage,
    _ProtocolHandler,
    read_int,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Cells = tuple["bytes | None", ...]

_VERSION: Final = 4
_HEADER: Final = struct.Struct(">BBhBi")  # version, flags, stream, opcode, size of the body
_BYTE_SHORT: Final = struct.Struct(">BH")
_SHORT: Final = struct.Struct(">H")
_INT: Final = struct.Struct(">i")
_TWO_INTS: Final = struct.Struct(">ii")
_LEVEL_FLAGS: Final = struct.Struct(">HB")
_NULL: Final = _INT.pack(-1)

_COMPRESSED: Final = 0x01
_WITH_VALUES, _SKIP_METADATA, _WITH_PAGE_SIZE, _WITH_PAGE = 0x01, 0x02, 0x04, 0x08
_WITH_SERIAL_LEVEL: Final = 0x10

_ROWS: Final = 2
_ONE_TABLE, _MORE_PAGES, _NO_METADATA = 0x01, 0x02, 0x04
# Above are collections, tuples and types of a user's, whose descriptions go on.
_LAST_PLAIN_TYPE: Final = 0x1F
_SMALLEST_COLUMN: Final = 4  # bytes of a column's description: a name of no length, and a type


class _Unfamiliar(Exception):
    """A description of columns that the driver has to read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one page, and where the next one begins."""

    rows: Sequence[Cells]
    next_page: bytes | None = None

    @property
    def applied(self) -> bool:
        """Of a conditional write: did its condition hold?"""
        return self.rows[0][0] != b"\x00"


def as_read(_: Any, answer: Answer) -> Answer:
    """The driver's row factory: rows stay what ``Wire`` has made of them."""
    return answer


class _Result(ResultMessage):  # type: ignore[misc]  # the driver has no types
    """A result whose rows are an Answer. (Its underscore keeps it out of the driver's registry.)"""

    stream_id: int
    trace_id = warnings = None

    def recv_results_rows(
        self, f: Any, protocol_version: int, user_type_map: Any, result_metadata: Any, *_: Any
    ) -> None:
        """Read the rows without decoding them."""
        self.recv_results_metadata(f, user_type_map)
        columns = self.column_metadata or result_metadata
        count = read_int(f)
        rows = [tuple(self.recv_row(f, len(columns))) for _ in range(count)]
        self.parsed_rows = Answer(rows, self.paging_state)
        self.column_names = [column[2] for column in columns]
        self.column_types = [column[3] for column in columns]


class Wire(_ProtocolHandler):  # type: ignore[misc]  # the driver has no types
    """The session's protocol handler."""

    message_types_by_opcode: Final = {
        **_ProtocolHandler.message_types_by_opcode,
        ResultMessage.opcode: _Result,
    }

    @classmethod
    def encode_message(
        cls, msg: Any, stream_id: int, protocol_version: int, compressor: Any,
        allow_beta_protocol_version: Any,
    ) -> bytes:  # fmt: skip
        """A whole frame."""
        body = None
        special = allow_beta_protocol_version or msg.tracing or msg.custom_payload
        if protocol_version == _VERSION and not special:
            if type(msg) is ExecuteMessage:
                body = executed(msg)
            elif type(msg) is BatchMessage:
                body = batched(msg)
        if body is None:
            frame: bytes = super().encode_message(
                msg, stream_id, protocol_version, compressor, allow_beta_protocol_version
            )
            return frame
        flags = 0
        if compressor:
            body, flags = compressor(body), _COMPRESSED
        return _HEADER.pack(_VERSION, flags, stream_id, msg.opcode, len(body)) + body

    @classmethod
    def decode_message(  # noqa: PLR0917  # the driver says how it is called
        cls, protocol_version: int, user_type_map: Any, stream_id: int, flags: int, opcode: int,
        body: bytes, decompressor: Any, result_metadata: Any,
    ) -> Any:  # fmt: skip
        """A frame's message."""
        if protocol_version == _VERSION and opcode == ResultMessage.opcode:
            if flags == _COMPRESSED and decompressor is not None:
                body, flags = decompressor(body), 0
            answer = rows_in(body) if not flags else None
            if answer is not None:
                result = _Result(_ROWS)
                result.stream_id = stream_id
                result.paging_state = answer.next_page
                result.parsed_rows = answer
                return result
        return super().decode_message(
            protocol_version, user_type_map, stream_id, flags, opcode, body, decompressor,
            result_metadata,
        )  # fmt: skip


def executed(message: Any) -> bytes | None:
    """The body of a prepared statement's execution; None: the driver has to write it."""
    if message.timestamp is not None or message.continuous_paging_options or message.keyspace:
        return None
    flags = _WITH_VALUES
    behind = b""
    if message.skip_meta:
        # Columns are named one by one, and their cells are read by our own definition of them.
        flags |= _SKIP_METADATA
    if message.fetch_size:
        flags |= _WITH_PAGE_SIZE
        behind = _INT.pack(message.fetch_size)
    if message.paging_state:
        flags |= _WITH_PAGE
        behind += _INT.pack(len(message.paging_state)) + message.paging_state
    if message.serial_consistency_level:
        flags |= _WITH_SERIAL_LEVEL
        behind += _SHORT.pack(message.serial_consistency_level)
    id_ = message.query_id
    parts = [_SHORT.pack(len(id_)), id_, _LEVEL_FLAGS.pack(message.consistency_level, flags)]
    if not _add_values(parts, message.query_params):
        return None
    parts.append(behind)
    return b"".join(parts)


def batched(message: Any) -> bytes | None:
    """The body of a batch of prepared statements; None: the driver has to write it."""
    if message.timestamp is not None or message.keyspace:
        return None
    parts = [_BYTE_SHORT.pack(message.batch_type.value, len(message.queries))]
    for prepared, id_, values in message.queries:
        if not prepared:
            return None
        parts += (_BYTE_SHORT.pack(1, len(id_)), id_)
        if not _add_values(parts, values):
            return None
    level = message.serial_consistency_level
    flags = _WITH_SERIAL_LEVEL if level else 0
    parts.append(_LEVEL_FLAGS.pack(message.consistency_level, flags))
    if level:
        parts.append(_SHORT.pack(level))
    return b"".join(parts)


def _add_values(parts: list[bytes], values: Iterable[Any]) -> bool:
    """Add bound values; False: not all of them are bytes or NULL."""
    whole = list(values)
    parts.append(_SHORT.pack(len(whole)))
    for value in whole:
        if value is None:
            parts.append(_NULL)
        elif type(value) is bytes:
            parts += (_INT.pack(len(value)), value)
        else:
            return False
    return True


def rows_in(body: bytes) -> Answer | None:
    """The rows of a result's body; None where it has none, or the driver has to read it.

    A body that ends too early or too late is for the driver too, whose errors close the connection.
    """
    try:
        (kind,) = _INT.unpack_from(body)
        if kind != _ROWS:
            return None
        flags, width = _TWO_INTS.unpack_from(body, 4)
        if flags & ~(_ONE_TABLE | _MORE_PAGES | _NO_METADATA):
            return None
        at = 12
        page = None
        if flags & _MORE_PAGES:
            (size,) = _INT.unpack_from(body, at)
            at += 4
            page = _piece(body, at, size)
            at += size
        if not flags & _NO_METADATA:
            at = _behind_columns(body, at, width, one_table=bool(flags & _ONE_TABLE))
        (count,) = _INT.unpack_from(body, at)
        return Answer(_rows(body, at + 4, count, width), page)
    except (_Unfamiliar, struct.error):
        return None


def _rows(body: bytes, at: int, count: int, width: int) -> list[Cells]:
    size_at = _INT.unpack_from
    rows = []
    for _ in range(count):
        cells: list[bytes | None] = []
        for _ in range(width):
            (size,) = size_at(body, at)
            at += 4
            if size < 0:
                cells.append(None)
            else:
                end = at + size
                cells.append(body[at:end])
                at = end
        rows.append(tuple(cells))
    if at != len(body):
        raise _Unfamiliar
    return rows


def _piece(body: bytes, at: int, size: int) -> bytes:
    if not 0 <= size <= len(body) - at:
        raise _Unfamiliar
    return body[at : at + size]


def _behind_columns(body: bytes, at: int, width: int, *, one_table: bool) -> int:
    """Where the description of the columns ends."""
    size_at = _SHORT.unpack_from
    if not 0 <= width <= len(body) // _SMALLEST_COLUMN:
        raise _Unfamiliar
    if one_table:
        for _ in range(2):  # the keyspace and the table
            at += 2 + size_at(body, at)[0]
    for _ in range(width):
        for _ in range(1 if one_table else 3):  # and the column
            at += 2 + size_at(body, at)[0]
        (code,) = size_at(body, at)
        if not 0 < code <= _LAST_PLAIN_TYPE:
            raise _Unfamiliar
        at += 2
    return at

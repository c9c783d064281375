"""Which records did a transaction write, as its decision's row tells?

``tx_write_set`` holds their keys, in ScalarDB's protocol buffer (Consensus Commit specification
2.4): no values, and not whether a record was put or deleted. Of a normal group commit it holds one
group of entries for each member. What can't be read whole is no information, never "nothing".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.model.encoding import (
    date_code,
    date_from_code,
    time_code,
    time_from_code,
    timestamp_code,
    timestamp_from_code,
    timestamptz_from_code,
)
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Value

SCHEMA_VERSION: Final = 1
Column: TypeAlias = "tuple[str, DataType, Value]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: where it lies, and its key. ``clustering_key`` None: its table has none.

    ``participant_id``: which part of a distributed transaction has written it, where its
    coordinator tells (specification 7.2).
    """

    namespace: str
    table: str
    partition_key: tuple[Column, ...]
    clustering_key: tuple[Column, ...] | None = None
    participant_id: str | None = None


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """What one transaction has written. ``child_id``: a member of a group; None: it is alone."""

    entries: tuple[Entry, ...]
    child_id: str | None = None


def group_of(writes: Iterable[PendingWrite], child_id: str | None = None) -> EntryGroup:
    """The records that a transaction's writes name."""
    return EntryGroup(tuple(map(_entry, writes)), child_id)


def _entry(write: PendingWrite) -> Entry:
    stored = write.table.stored
    schema = stored.schema
    width = len(schema.partition_key)
    clustering = schema.clustering_key
    return Entry(
        stored.namespace,
        stored.short_name,
        _columns(schema, schema.partition_key, write.key[:width]),
        _columns(schema, clustering, write.key[width:]) if clustering else None,
    )


def _columns(
    schema: TableSchema, names: Sequence[str], values: Sequence[Value]
) -> tuple[Column, ...]:
    return tuple(
        (name, schema.columns[name], value) for name, value in zip(names, values, strict=True)
    )


# Writing.


def write_set_bytes(groups: Sequence[EntryGroup]) -> bytes:
    """The groups as they are stored; of a transaction that wrote nothing there is none.

    >>> write_set_bytes([]).hex(" ")
    '08 01 12 00'
    """
    listed = b"".join(_message(1, _group_bytes(group)) for group in groups)
    return _number(1, SCHEMA_VERSION) + _message(2, listed)


def _group_bytes(group: EntryGroup) -> bytes:
    named = b"" if group.child_id is None else _message(1, group.child_id.encode())
    return named + b"".join(_message(2, _entry_bytes(entry)) for entry in group.entries)


def _entry_bytes(entry: Entry) -> bytes:
    parts = []
    if entry.participant_id is not None:
        parts.append(_message(1, entry.participant_id.encode()))
    parts.append(_message(2, entry.namespace.encode()))
    parts.append(_message(3, entry.table.encode()))
    parts.append(_message(4, _key_bytes(entry.partition_key)))
    if entry.clustering_key is not None:
        parts.append(_message(5, _key_bytes(entry.clustering_key)))
    return b"".join(parts)


def _key_bytes(key: Sequence[Column]) -> bytes:
    return b"".join(_message(1, _column_bytes(*column)) for column in key)


def _column_bytes(name: str, data_type: DataType, value: Value) -> bytes:
    number = _FIELD_OF[data_type]
    body = b"" if value is None else _WRITERS[data_type](value)
    return _message(1, name.encode()) + _message(number, body)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & _ALL_64)  # a negative one takes ten bytes


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | _SIZED) + _varint(len(body)) + body


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(code: int) -> int:
    return code >> 1 if code & 1 == 0 else -(code >> 1) - 1


def _signed(code: int) -> int:
    return code - (1 << 64) if code >> 63 else code


_ALL_64: Final = (1 << 64) - 1
_VARINT, _FIXED_64, _SIZED, _FIXED_32 = 0, 1, 2, 5
_FIELD_OF: Final[Mapping[DataType, int]] = {
    data_type: number
    for number, data_type in enumerate(
        (
            DataType.BOOLEAN,
            DataType.INT,
            DataType.BIGINT,
            DataType.FLOAT,
            DataType.DOUBLE,
            DataType.TEXT,
            DataType.BLOB,
            DataType.DATE,
            DataType.TIME,
            DataType.TIMESTAMP,
            DataType.TIMESTAMPTZ,
        ),
        start=2,
    )
}
_TYPE_OF: Final = {number: data_type for data_type, number in _FIELD_OF.items()}
# A value's wrapper: one optional field, so that a zero is there and NULL is not.
_WRITERS: Final[Mapping[DataType, Callable[..., bytes]]] = {
    DataType.BOOLEAN: lambda value: _number(1, int(value)),
    DataType.INT: lambda value: _number(1, value),
    DataType.BIGINT: lambda value: _number(1, value),
    DataType.FLOAT: lambda value: b"\x0d" + struct.pack("<f", value),
    DataType.DOUBLE: lambda value: b"\x09" + struct.pack("<d", value),
    DataType.TEXT: lambda value: _message(1, value.encode()),
    DataType.BLOB: lambda value: _message(1, value),
    DataType.DATE: lambda value: _number(1, _zigzag(date_code(value))),
    DataType.TIME: lambda value: _number(1, time_code(value)),
    DataType.TIMESTAMP: lambda value: _number(1, _zigzag(timestamp_code(value))),
    DataType.TIMESTAMPTZ: lambda value: _number(1, _zigzag(timestamp_code(value))),
}


# Reading.


class _NoInformation(Exception):
    """The bytes are damaged, or say what is not known here."""


def read_write_set(stored: object) -> tuple[EntryGroup, ...] | None:
    """What a decision's row says was written; None: it does not say, or not in words known here.

    >>> read_write_set(bytes.fromhex("08011200")), read_write_set(b"") is read_write_set(None)
    ((), True)
    """
    if not isinstance(stored, bytes):
        return None
    try:
        return _write_set(stored)
    except (_NoInformation, ValueError, OverflowError, struct.error):
        return None


def _write_set(data: bytes) -> tuple[EntryGroup, ...]:
    found = _fields(data, {1: _VARINT, 2: _SIZED})
    if _one(found, 1, 0) not in (0, SCHEMA_VERSION):
        raise _NoInformation
    groups = _fields(_needed(found, 2), {1: _SIZED})
    return tuple(_group(group) for group in groups.get(1, ()))


def _group(data: bytes) -> EntryGroup:
    found = _fields(data, {1: _SIZED, 2: _SIZED})
    child = _one(found, 1, None)
    return EntryGroup(
        tuple(_read_entry(entry) for entry in found.get(2, ())),
        None if child is None else child.decode(),
    )


def _read_entry(data: bytes) -> Entry:
    found = _fields(data, dict.fromkeys(range(1, 6), _SIZED))
    participant, clustering = _one(found, 1, None), _one(found, 5, None)
    return Entry(
        _one(found, 2, b"").decode(),
        _one(found, 3, b"").decode(),
        _key(_needed(found, 4)),
        None if clustering is None else _key(clustering),
        None if participant is None else participant.decode(),
    )


def _key(data: bytes) -> tuple[Column, ...]:
    return tuple(_column(column) for column in _fields(data, {1: _SIZED}).get(1, ()))


def _column(data: bytes) -> Column:
    found = _fields(data, {1: _SIZED, **dict.fromkeys(_TYPE_OF, _SIZED)})
    name = _one(found, 1, b"").decode()
    (number,) = found.keys() - {1} or {0}  # several, or none: ValueError, or no such type
    if number not in _TYPE_OF:
        raise _NoInformation
    data_type = _TYPE_OF[number]
    wire, read = _READERS[data_type]
    value = _one(_fields(_one(found, number, b""), {1: wire}), 1, None)
    return name, data_type, None if value is None else read(value)


def _bounded(bits: int) -> Callable[[int], int]:
    def read(code: int) -> int:
        value = _signed(code)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise _NoInformation
        return value

    return read


_READERS: Final[Mapping[DataType, tuple[int, Callable[..., Value]]]] = {
    DataType.BOOLEAN: (_VARINT, bool),
    DataType.INT: (_VARINT, _bounded(32)),
    DataType.BIGINT: (_VARINT, _signed),
    DataType.FLOAT: (_FIXED_32, lambda body: float(struct.unpack("<f", body)[0])),
    DataType.DOUBLE: (_FIXED_64, lambda body: float(struct.unpack("<d", body)[0])),
    DataType.TEXT: (_SIZED, bytes.decode),
    DataType.BLOB: (_SIZED, bytes),
    DataType.DATE: (_VARINT, lambda code: date_from_code(_unzigzag(code))),
    DataType.TIME: (_VARINT, lambda code: time_from_code(_signed(code))),
    DataType.TIMESTAMP: (_VARINT, lambda code: timestamp_from_code(_unzigzag(code))),
    DataType.TIMESTAMPTZ: (_VARINT, lambda code: timestamptz_from_code(_unzigzag(code))),
}


def _one(found: Mapping[int, list[Any]], number: int, default: Any) -> Any:
    """The only value of a field; a field given twice is not what a writer leaves."""
    values = found.get(number, ())
    if len(values) > 1:
        raise _NoInformation
    return values[0] if values else default


def _needed(found: Mapping[int, list[Any]], number: int) -> bytes:
    body: bytes | None = _one(found, number, None)
    if body is None:
        raise _NoInformation
    return body


def _fields(data: bytes, known: Mapping[int, int]) -> dict[int, list[Any]]:
    """A message's values by field number; ``known`` says of each field how it is stored.

    A field beyond those may change what the others mean, so it is not passed over.
    """
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if known.get(number) != wire:
            raise _NoInformation
        value: int | bytes
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        else:
            size = 4 if wire == _FIXED_32 else 8
            if wire == _SIZED:
                size, at = _read_varint(data, at)
            value = data[at : at + size]
            if len(value) != size:
                raise _NoInformation
            at += size
        found.setdefault(number, []).append(value)
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at == len(data):
            raise _NoInformation
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & _ALL_64, at
    raise _NoInformation

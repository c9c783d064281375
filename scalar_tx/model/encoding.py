"""Encodings that several storages share: times as integers, keys as ordered bytes, values as bytes.

The integer codes and the ordered bytes are ScalarDB's (Storage specification 1.6 and 4.2); an
adapter takes them from here, whichever database it is for. The canonical value bytes are this
library's own: page tokens are made of them.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import Order
from scalar_tx.model.types import DataType, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPOCH: Final = dt.datetime(1970, 1, 1)
_EPOCH_UTC: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_MILLISECOND: Final = dt.timedelta(milliseconds=1)


def date_code(value: dt.date) -> int:
    """Days since 1970-01-01."""
    return value.toordinal() - _EPOCH_DAY


def date_from_code(code: int) -> dt.date:
    """The date of that many days since 1970-01-01."""
    return dt.date.fromordinal(code + _EPOCH_DAY)


def time_code(value: dt.time) -> int:
    """Nanoseconds since midnight."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 1_000_000 + value.microsecond) * 1000


def time_from_code(code: int) -> dt.time:
    """The time of that many nanoseconds since midnight."""
    microseconds = code // 1000
    seconds, micro = divmod(microseconds, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return dt.time(hour, minute, second, micro)


def epoch_ms(value: dt.datetime) -> int:
    """Milliseconds since 1970, a datetime without zone taken as UTC."""
    return (value - (_EPOCH if value.tzinfo is None else _EPOCH_UTC)) // _MILLISECOND


def timestamp_code(value: dt.datetime) -> int:
    """ScalarDB's number of a timestamp: epoch milliseconds, before 1970 less 999."""
    ms = epoch_ms(value)
    return ms if ms >= 0 else ms - 999


def timestamp_from_code(code: int) -> dt.datetime:
    """The datetime without zone of a timestamp's number."""
    return _EPOCH + (code if code >= 0 else code + 999) * _MILLISECOND


def timestamptz_from_code(code: int) -> dt.datetime:
    """The datetime in UTC of a timestamp's number."""
    return _EPOCH_UTC + (code if code >= 0 else code + 999) * _MILLISECOND


_INVERT: Final = bytes(255 - byte for byte in range(256))
_SIGN_32: Final = 1 << 31
_SIGN_64: Final = 1 << 63


def _ordered_float(bits: int, sign: int, width: int) -> bytes:
    flipped = bits ^ (2 * sign - 1) if bits & sign else bits | sign
    return flipped.to_bytes(width, "big")


def _ascending(value: Value, data_type: DataType) -> bytes:
    match data_type, value:
        case DataType.BOOLEAN, bool():
            return b"\x01" if value else b"\x00"
        case DataType.INT, int():
            return (value + _SIGN_32).to_bytes(4, "big")
        case DataType.BIGINT, int():
            return (value + _SIGN_64).to_bytes(8, "big")
        case DataType.FLOAT, float():
            bits = (
                0x7FC00000 if math.isnan(value) else int.from_bytes(struct.pack(">f", value), "big")
            )
            return _ordered_float(bits, _SIGN_32, 4)
        case DataType.DOUBLE, float():
            bits = (
                0x7FF8000000000000
                if math.isnan(value)
                else int.from_bytes(struct.pack(">d", value), "big")
            )
            return _ordered_float(bits, _SIGN_64, 8)
        case DataType.TEXT, str():
            if "\x00" in value:
                raise InvalidOperationError(
                    "a text key holds the character U+0000, which ends a key's bytes",
                    advice="Leave that character out of keys",
                    code="STX-3014",
                )
            return value.encode() + b"\x00"
        case DataType.BLOB, bytes():
            return value
        case DataType.DATE, dt.date():
            return (date_code(value) + _SIGN_32).to_bytes(4, "big")
        case DataType.TIME, dt.time():
            return (time_code(value) + _SIGN_64).to_bytes(8, "big")
        case ((DataType.TIMESTAMP | DataType.TIMESTAMPTZ), dt.datetime()):
            return (timestamp_code(value) + _SIGN_64).to_bytes(8, "big")
    raise InvalidOperationError(
        f"{value!r} can't be a key of type {data_type.value}", code="STX-3014"
    )


def ordered_bytes(value: Value, data_type: DataType, order: Order = Order.ASC) -> bytes:
    """Bytes whose unsigned order is the values' order, or its reverse for DESC.

    >>> ordered_bytes("abc", DataType.TEXT).hex(), ordered_bytes(1, DataType.INT, Order.DESC).hex()
    ('61626300', '7ffffffe')
    """
    ascending = _ascending(value, data_type)
    if order is Order.ASC:
        return ascending
    if data_type is DataType.BLOB:
        if b"\x00" in ascending:
            raise InvalidOperationError(
                "a BLOB key in descending order can't hold the byte 00", code="STX-3014"
            )
        ascending += b"\x00"
    return ascending.translate(_INVERT)


_CODES: Final = {data_type: index for index, data_type in enumerate(DataType)}
_TYPES: Final = tuple(DataType)


def value_bytes(values: Sequence[tuple[DataType, Value]]) -> bytes:
    """Values in a compact form that ``values_from_bytes`` reads back, NULL and types included."""
    out = bytearray()
    for data_type, value in values:
        body = b"" if value is None else _canonical(value, data_type)
        out.append(_CODES[data_type] | (0x80 if value is None else 0))
        out += len(body).to_bytes(4, "big") + body
    return bytes(out)


def values_from_bytes(data: bytes) -> list[tuple[DataType, Value]]:
    """Read what ``value_bytes`` wrote; SchemaError if the bytes are not of that form."""
    found: list[tuple[DataType, Value]] = []
    at = 0
    try:
        while at < len(data):
            mark = data[at]
            size = int.from_bytes(data[at + 1 : at + 5], "big")
            body = data[at + 5 : at + 5 + size]
            if len(body) != size or at + 5 > len(data):
                raise ValueError("cut short")
            data_type = _TYPES[mark & 0x7F]
            found.append((data_type, None if mark & 0x80 else _from_canonical(body, data_type)))
            at += 5 + size
    except (ValueError, IndexError, OverflowError, struct.error) as error:
        raise SchemaError("these bytes hold no values", advice="Use them unchanged") from error
    return found


def _canonical(value: Value, data_type: DataType) -> bytes:
    match data_type, value:
        case DataType.TEXT, str():
            return value.encode()
        case DataType.FLOAT, float():
            return struct.pack(">f", value)
        case DataType.DOUBLE, float():
            return struct.pack(">d", value)
        case _:
            return _ascending(value, data_type)


def _from_canonical(body: bytes, data_type: DataType) -> Value:
    if data_type is DataType.TEXT:
        return body.decode()
    if data_type is DataType.BLOB:
        return body
    if data_type is DataType.FLOAT:
        return float(struct.unpack(">f", body)[0])
    if data_type is DataType.DOUBLE:
        return float(struct.unpack(">d", body)[0])
    if data_type is DataType.BOOLEAN:
        return {b"\x00": False, b"\x01": True}[body] if body in (b"\x00", b"\x01") else _bad()
    narrow = data_type in (DataType.INT, DataType.DATE)
    if len(body) != (4 if narrow else 8):
        _bad()
    number = int.from_bytes(body, "big") - (_SIGN_32 if narrow else _SIGN_64)
    if data_type is DataType.DATE:
        return date_from_code(number)
    if data_type is DataType.TIME:
        return time_from_code(number)
    if data_type is DataType.TIMESTAMP:
        return timestamp_from_code(number)
    if data_type is DataType.TIMESTAMPTZ:
        return timestamptz_from_code(number)
    return number


def _bad() -> bool:
    raise ValueError("not the length of that type")

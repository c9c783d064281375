"""Which values may a column hold, and what becomes of a value that is handed in?

The eleven types are ScalarDB's (Storage specification 1.1). A value is checked and brought to its
stored precision at the moment it is handed in, so that a transaction reads back of its own writes
exactly what the database will hold.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = (
    bool | int | float | str | bytes | dt.date | dt.time | dt.datetime | None
)  # a datetime is a date to Python; to a DATE column it is not
Row: TypeAlias = dict[str, Value]


class DataType(Enum):
    """ScalarDB's column types; the value is the name used in schema files."""

    BOOLEAN = "BOOLEAN"
    INT = "INT"
    BIGINT = "BIGINT"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    TEXT = "TEXT"
    BLOB = "BLOB"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMPTZ = "TIMESTAMPTZ"

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is a call into Python

    @staticmethod
    def parse(text: object) -> DataType:
        """Return the type of that name, in any case; SchemaError names the ones there are."""
        if isinstance(text, DataType):
            return text
        try:
            return DataType(str(text).strip().upper())
        except ValueError:
            known = ", ".join(t.value for t in DataType)
            raise SchemaError(
                f"{text!r} is not a column type", advice=f"Use one of {known}"
            ) from None


INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
# Readers of releases before 3.18 refuse a row with a larger value (Storage specification 1.2).
SAFE_BIGINT: Final = 2**53
EARLIEST_YEAR: Final = 1000  # Storage specification 1.1; Python's own dates end at 9999 as well
_FLOAT32: Final = struct.Struct(">f")


def to_float32(value: float) -> float:
    """Round to the nearest binary32 value; too large a magnitude is an error.

    >>> to_float32(1.1)
    1.100000023841858
    """
    return float(_FLOAT32.unpack(_FLOAT32.pack(value))[0])


class _Refused(Exception):
    """Why a value does not fit; the caller adds the place."""


def _boolean(value: object) -> bool:
    if type(value) is bool:
        return value
    raise _Refused("needs a bool")


def _integer(low: int, high: int, hint: str = "") -> Callable[[object], int]:
    def check(value: object) -> int:
        if type(value) is not int:
            raise _Refused("needs an int")
        if low <= value <= high:
            return value
        raise _Refused(f"holds {low} to {high}{hint}")

    return check


def _double(value: object) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            exact = float(value)
        except OverflowError:
            exact = math.inf
        if exact == value:
            return exact
        raise _Refused("needs a float, or an int that a float can hold exactly")
    raise _Refused("needs a float")


def _float(value: object) -> float:
    double = _double(value)
    try:
        single = to_float32(double)
    except OverflowError:
        raise _Refused("holds 32-bit floats, at most about 3.4028235e38") from None
    if type(value) is int and single != value:
        raise _Refused("needs a float, or an int that a 32-bit float can hold exactly")
    return single


def _text(value: object) -> str:
    if type(value) is not str:
        raise _Refused("needs a str")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Refused("can't store a lone surrogate; it is no character") from None
    return value


def _blob(value: object) -> bytes:
    if type(value) is bytes:
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise _Refused("needs bytes")


def _since_earliest_year(value: dt.date) -> None:
    if value.year < EARLIEST_YEAR:
        raise _Refused(f"holds the years {EARLIEST_YEAR} to 9999")


def _date(value: object) -> dt.date:
    if type(value) is not dt.date:
        raise _Refused("needs a datetime.date (not a datetime)")
    _since_earliest_year(value)
    return value


def _time(value: object) -> dt.time:
    if type(value) is not dt.time or value.tzinfo is not None:
        raise _Refused("needs a datetime.time without a time zone")
    return value.replace(fold=0) if value.fold else value


def _whole_milliseconds(value: dt.datetime) -> dt.datetime:
    surplus = value.microsecond % 1000
    return value.replace(microsecond=value.microsecond - surplus) if surplus else value


def _timestamp(value: object) -> dt.datetime:
    if type(value) is not dt.datetime or value.tzinfo is not None:
        raise _Refused("needs a datetime without a time zone")
    _since_earliest_year(value)
    return _whole_milliseconds(value.replace(fold=0) if value.fold else value)


def _timestamptz(value: object) -> dt.datetime:
    if type(value) is not dt.datetime or value.utcoffset() is None:
        raise _Refused("needs a datetime with a time zone")
    try:
        in_utc = value.astimezone(dt.UTC)
    except OverflowError:
        raise _Refused(f"holds the years {EARLIEST_YEAR} to 9999 in UTC") from None
    _since_earliest_year(in_utc)
    return _whole_milliseconds(in_utc)


_CHECKS: Final[dict[DataType, Callable[[object], Value]]] = {
    DataType.BOOLEAN: _boolean,
    DataType.INT: _integer(INT_MIN, INT_MAX),
    DataType.BIGINT: _integer(
        -SAFE_BIGINT, SAFE_BIGINT, "; scalar.db.bigint_range=64 lifts this to 64 bits"
    ),
    DataType.FLOAT: _float,
    DataType.DOUBLE: _double,
    DataType.TEXT: _text,
    DataType.BLOB: _blob,
    DataType.DATE: _date,
    DataType.TIME: _time,
    DataType.TIMESTAMP: _timestamp,
    DataType.TIMESTAMPTZ: _timestamptz,
}
_INT64 = _integer(INT64_MIN, INT64_MAX)

_REMEDIES: Final[dict[str, str]] = {
    "Decimal": "Convert it, for example to an int of the smallest unit, or to str for TEXT",
    "UUID": "Store str(value) in a TEXT column or value.bytes in a BLOB column",
    "datetime": "TIMESTAMP takes datetimes without a zone, TIMESTAMPTZ those with one",
    "bool": "Use int(value) for a number column, or declare the column BOOLEAN",
}


def checked(value: object, data_type: DataType, place: str, *, wide_bigint: bool = False) -> Value:
    """Return the value as it will be stored, or raise InvalidOperationError that names the place.

    None stands for NULL and passes. ``wide_bigint`` lifts BIGINT's range from ±2^53 to 64 bits.
    """
    if value is None:
        return None
    check = _INT64 if wide_bigint and data_type is DataType.BIGINT else _CHECKS[data_type]
    try:
        return check(value)
    except _Refused as reason:
        raise InvalidOperationError(
            f"{place} is {data_type.value} and {reason}, not {_shown(value)}",
            advice=_remedy(value, data_type),
            code="STX-3010",
        ) from None


def _shown(value: object) -> str:
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{type(value).__name__} {text}"


def _remedy(value: object, data_type: DataType) -> str:
    if isinstance(value, Enum):
        return "Pass its .value"
    if type(value).__module__.partition(".")[0] == "numpy":
        return "Call .item() on it"
    return _REMEDIES.get(type(value).__name__, f"Pass a value of the type {data_type.value}")

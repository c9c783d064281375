"""How does a value become a message, and a mapping of column to value?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.rpc.v1 import values_pb2 as rpc
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scalar_tx.model.types import Value

_FIRST_DAY: Final = dt.date(1970, 1, 1).toordinal()
_EPOCH: Final = dt.datetime(1970, 1, 1)
_EPOCH_UTC: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DAY_MICROSECONDS: Final = 86_400_000_000
_NULL: Final = rpc.Value()


class MalformedError(Exception):
    """A message that no client of ours would send; its text says what is wrong with it."""


def value_message(value: object, place: str) -> rpc.Value:
    """The message of a value; InvalidOperationError names the place of what is none."""
    make = _MESSAGES.get(type(value))
    if make is not None:
        try:
            return make(value)
        except (ValueError, OverflowError):
            pass  # said below
    raise InvalidOperationError(
        f"{place} is {type(value).__name__} {value!r:.60}, which no column holds",
        advice=_remedy(value),
        code="STX-3010",
    )


def put_value(message: rpc.Value, value: object, place: str) -> None:
    """Make an empty message that of a value; errors as above.

    A message that is put into another is copied, with all that it holds.
    """
    name = _AS_THEY_ARE.get(type(value))
    if name is None:
        if value is not None:
            message.CopyFrom(value_message(value, place))
        return
    try:
        setattr(message, name, value)
    except (ValueError, OverflowError):
        value_message(value, place)  # it says what is wrong


def _remedy(value: object) -> str:
    if isinstance(value, int):
        return f"A number column holds {INT64_MIN} to {INT64_MAX}; store larger numbers as text"
    if isinstance(value, str):
        return "A text must not hold lone surrogates, which are no characters"
    return (
        "Pass None, bool, int, float, str, bytes, date, time without a zone or datetime; convert "
        "an Enum by its .value, a UUID or Decimal by str, a number of numpy by .item()"
    )


def _of_time(value: dt.time) -> rpc.Value:
    if value.tzinfo is not None:
        raise ValueError
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return rpc.Value(time=seconds * 1_000_000 + value.microsecond)


def _of_datetime(value: dt.datetime) -> rpc.Value:
    if value.tzinfo is None:
        return rpc.Value(timestamp=(value - _EPOCH) // _MICROSECOND)
    if value.utcoffset() is None:
        raise ValueError
    return rpc.Value(timestamptz=(value - _EPOCH_UTC) // _MICROSECOND)


_AS_THEY_ARE: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    bytes: "blob",
}
_MESSAGES: Final[Mapping[type, Callable[..., rpc.Value]]] = {
    type(None): lambda _: _NULL,
    bool: lambda value: rpc.Value(boolean=value),
    int: lambda value: rpc.Value(integer=value),
    float: lambda value: rpc.Value(number=value),
    str: lambda value: rpc.Value(text=value),
    bytes: lambda value: rpc.Value(blob=value),
    bytearray: lambda value: rpc.Value(blob=bytes(value)),
    memoryview: lambda value: rpc.Value(blob=bytes(value)),
    dt.date: lambda value: rpc.Value(date=value.toordinal() - _FIRST_DAY),
    dt.time: _of_time,
    dt.datetime: _of_datetime,
}


def value_of(message: rpc.Value) -> Value:
    """The value of a message; MalformedError: it has none."""
    kind = message.WhichOneof("kind")
    if kind is None:
        return None
    value: Value = getattr(message, kind)
    convert = _CONVERSIONS.get(kind)
    if convert is None:
        return value
    try:
        return convert(value)
    except (ValueError, OverflowError):
        raise MalformedError(f"{kind} {value!r} is outside of the calendar") from None


def _to_time(microseconds: int) -> dt.time:
    if not 0 <= microseconds < _DAY_MICROSECONDS:
        raise ValueError
    return (_EPOCH + microseconds * _MICROSECOND).time()


_CONVERSIONS: Final[Mapping[str, Callable[..., Value]]] = {
    "date": lambda days: dt.date.fromordinal(days + _FIRST_DAY),
    "time": _to_time,
    "timestamp": lambda microseconds: _EPOCH + microseconds * _MICROSECOND,
    "timestamptz": lambda microseconds: _EPOCH_UTC + microseconds * _MICROSECOND,
}


def columns_message(given: object, what: str, table: str) -> rpc.Columns:
    """A mapping of column to value; ``what`` it is, for errors."""
    if type(given) is not dict and not isinstance(given, Mapping):
        raise InvalidOperationError(
            f"the {what} of {table} is {type(given).__name__} {given!r:.60}",
            advice="Give a mapping of column to value, such as {'id': 1}",
            code="STX-3014",
        )
    names = list(given)
    check_names(names, table)
    values = [value_message(value, f"{table}.{name}") for name, value in given.items()]
    return rpc.Columns(names=names, values=values)


def check_names(names: Iterable[object], table: str) -> None:
    """InvalidOperationError: one of them can't be the name of a column."""
    for name in names:
        if not isinstance(name, str) or not name.isprintable():
            raise InvalidOperationError(
                f"{table} has no column {name!r:.60}",
                advice=f"db.admin.table({table!r}) shows its columns",
                code="STX-3012",
            )


def columns_of(message: rpc.Columns) -> dict[str, Value]:
    """The mapping of a message."""
    names, values = message.names, message.values
    if len(names) != len(values):
        raise MalformedError(f"{len(names)} names of columns and {len(values)} values")
    found = {name: value_of(value) for name, value in zip(names, values, strict=True)}
    if len(found) != len(names):
        raise MalformedError("a column stands twice among its names")
    return found

"""What does an attribute of a DynamoDB item hold? (Storage specification 1.6, 1.7 and 4.1)

Numbers are decimal texts, FLOAT and DOUBLE as Java prints them: an index and a condition compare
the decimal numbers, so two programs that print one float differently do not find each other's. A
NULL is an absent attribute; older programs wrote ``{"NULL": true}``, which is read as well. An
attribute is checked when it is read: other programs write the table too.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import ROUND_UP, Context
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import SchemaError
from scalar_tx.model import encoding
from scalar_tx.model.types import (
    INT64_MAX,
    INT64_MIN,
    INT_MAX,
    INT_MIN,
    DataType,
    to_float32,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value

Attribute = dict[str, Any]
Item = dict[str, Attribute]

NULL: Final[Attribute] = {"NULL": True}

# DynamoDB's numbers (Storage specification 1.5). Its largest is 9.99…E+125 in 38 digits.
_LARGEST: Final = 1e126
_SMALLEST: Final = 1e-130


def number_fits(value: float) -> bool:
    """Is it one of DynamoDB's numbers? NaN and the infinities are not."""
    return value == 0 or _SMALLEST <= abs(value) < _LARGEST


def _java_text(digits: str, exponent: int) -> str:
    """Digits with a point behind the first, times a power of ten, as Java prints a float."""
    sign = "-" if digits.startswith("-") else ""
    plain = digits.removeprefix("-").replace(".", "").rstrip("0") or "0"
    if -3 <= exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{plain}"
    if 0 <= exponent < 7:
        whole = plain[: exponent + 1].ljust(exponent + 1, "0")
        return f"{sign}{whole}.{plain[exponent + 1 :] or '0'}"
    return f"{sign}{plain[0]}.{plain[1:] or '0'}E{exponent}"


def _split(text: str) -> tuple[str, int]:
    digits, _, exponent = text.partition("e")
    return digits, int(exponent)


def _above(value: float, places: int) -> str:
    """The least decimal of so many digits that is not smaller, sign apart."""
    found = Context(places + 1, ROUND_UP).create_decimal_from_float(value)
    return f"{found:.{places}e}"


def _printed(value: float, most_digits: int, same: Callable[[str], bool]) -> str:
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    # At least two digits: of those that stand for one float Java takes the nearest such pair.
    power_of_two = abs(math.frexp(value)[0]) == 0.5
    for places in range(1, most_digits):
        text = f"{value:.{places}e}"
        if same(text):
            return _java_text(*_split(text))
        if power_of_two:
            # Floats are denser below it: what is nearest may be another one where the next decimal
            # above, though farther, is not.
            text = _above(value, places)
            if same(text):
                return _java_text(*_split(text))
    return _java_text(*_split(f"{value:.{most_digits}e}"))


def double_text(value: float) -> str:
    """A DOUBLE as Java prints it.

    >>> double_text(100.0), double_text(1e10), double_text(0.00012)
    ('100.0', '1.0E10', '1.2E-4')
    """
    return _printed(value, 17, lambda text: float(text) == value)


def float_text(value: float) -> str:
    """A FLOAT as Java prints it: the fewest digits that mean this binary32 number.

    >>> float_text(1.100000023841858)
    '1.1'
    """

    def same(text: str) -> bool:
        try:
            return to_float32(float(text)) == value
        except OverflowError:
            return False

    return _printed(value, 9, same)


# Type -> the word of the attribute's kind, and the text or value in it.
_ENCODERS: Final[Mapping[DataType, tuple[str, Callable[[Any], object]]]] = {
    DataType.BOOLEAN: ("BOOL", bool),
    DataType.INT: ("N", str),
    DataType.BIGINT: ("N", str),
    DataType.FLOAT: ("N", float_text),
    DataType.DOUBLE: ("N", double_text),
    DataType.TEXT: ("S", str),
    DataType.BLOB: ("B", bytes),
    DataType.DATE: ("N", lambda value: str(encoding.date_code(value))),
    DataType.TIME: ("N", lambda value: str(encoding.time_code(value))),
    DataType.TIMESTAMP: ("N", lambda value: str(encoding.timestamp_code(value))),
    DataType.TIMESTAMPTZ: ("N", lambda value: str(encoding.timestamp_code(value))),
}


def encode(value: Value, data_type: DataType) -> Attribute:
    """The attribute of a value that is not NULL."""
    kind, convert = _ENCODERS[data_type]
    return {kind: convert(value)}


def attribute_kind(data_type: DataType) -> str:
    """What an attribute definition says of a type: N, S, B; BOOL can't be in one."""
    return _ENCODERS[data_type][0]


_FIRST_DAY: Final = encoding.date_code(dt.date(1000, 1, 1))
_LAST_DAY: Final = encoding.date_code(dt.date.max)
_LAST_TIME: Final = encoding.time_code(dt.time.max)
_FIRST_TIMESTAMP: Final = encoding.timestamp_code(dt.datetime(1000, 1, 1))
_LAST_TIMESTAMP: Final = encoding.timestamp_code(dt.datetime(9999, 12, 31, 23, 59, 59, 999000))


def _integer(low: int, high: int, wanted: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(wanted)
        return number

    return read


_DAY = _integer(_FIRST_DAY, _LAST_DAY, f"a day from {_FIRST_DAY} to {_LAST_DAY}")
_NANOSECONDS = _integer(0, _LAST_TIME, "nanoseconds of a day, a multiple of 1000")
_MOMENT = _integer(_FIRST_TIMESTAMP, _LAST_TIMESTAMP, "the number of a timestamp")


def _float(text: str) -> float:
    try:
        return to_float32(_double(text))
    except OverflowError:
        raise ValueError("a 32-bit float") from None


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a decimal number")
    return number


def _time(text: str) -> dt.time:
    code = _NANOSECONDS(text)
    if code % 1000:
        raise ValueError("nanoseconds of a day, a multiple of 1000")
    return encoding.time_from_code(code)


def _timestamp_code(text: str) -> int:
    code = _MOMENT(text)
    if -1000 < code < 0:
        raise ValueError("the number of a timestamp")
    return code


_DECODERS: Final[Mapping[DataType, tuple[str, Callable[[Any], Value] | None]]] = {
    DataType.BOOLEAN: ("BOOL", None),
    DataType.INT: ("N", _integer(INT_MIN, INT_MAX, "a 32-bit integer")),
    DataType.BIGINT: ("N", _integer(INT64_MIN, INT64_MAX, "a 64-bit integer")),
    DataType.FLOAT: ("N", _float),
    DataType.DOUBLE: ("N", _double),
    DataType.TEXT: ("S", None),
    DataType.BLOB: ("B", None),
    DataType.DATE: ("N", lambda text: encoding.date_from_code(_DAY(text))),
    DataType.TIME: ("N", _time),
    DataType.TIMESTAMP: (
        "N",
        lambda text: encoding.timestamp_from_code(_timestamp_code(text)),
    ),
    DataType.TIMESTAMPTZ: (
        "N",
        lambda text: encoding.timestamptz_from_code(_timestamp_code(text)),
    ),
}


def decode(attribute: Attribute | None, data_type: DataType, place: str) -> Value:
    """The value of an attribute, None for an absent one; SchemaError if it is no such value."""
    if attribute is None or "NULL" in attribute:
        return None
    kind, convert = _DECODERS[data_type]
    if kind not in attribute:
        raise _unreadable(attribute, data_type, place, f"an attribute {kind}")
    value = attribute[kind]
    if convert is None:
        return value  # type: ignore[no-any-return]  # the kind decides what the driver hands out
    try:
        return convert(value)
    except ValueError as wanted:
        raise _unreadable(attribute, data_type, place, str(wanted)) from None


def _unreadable(attribute: Attribute, data_type: DataType, place: str, wanted: str) -> SchemaError:
    found = repr(attribute)
    if len(found) > 60:
        found = found[:57] + "..."
    return SchemaError(
        f"{place} is {data_type.value}, stored as {wanted}, but the item holds {found}",
        advice="Correct the attribute with the program that wrote it, or the column's type in the "
        "metadata table",
        code="STX-3601",
    )


class RowDecoder:
    """Turns the items of one table into rows."""

    __slots__ = ("_name", "_steps")

    def __init__(self, table: Table) -> None:
        self._name = table.name
        types = table.schema.columns
        self._steps = tuple((name, types[name], *_DECODERS[types[name]]) for name in table.columns)

    def __call__(self, item: Mapping[str, Attribute]) -> Row:
        """One row with every column; SchemaError if an attribute is no value of its column."""
        row: Row = {}
        for name, data_type, kind, convert in self._steps:
            attribute = item.get(name)
            if attribute is None:
                row[name] = None
                continue
            try:
                value = attribute[kind]
                row[name] = value if convert is None else convert(value)
            except (KeyError, ValueError):  # a NULL, or what is told there
                row[name] = decode(attribute, data_type, f"{self._name}.{name}")
        return row

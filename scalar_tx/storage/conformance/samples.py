"""Which values does the suite try for each type: everyday ones, limits, and trouble-makers?"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.model.types import INT64_MAX, INT64_MIN, INT_MAX, INT_MIN, SAFE_BIGINT, DataType
from scalar_tx.model.types import to_float32 as single

if TYPE_CHECKING:
    from scalar_tx.model.types import Value


@dataclass(frozen=True)
class Samples:
    """``everyday`` values every storage holds in every role; ``special`` ones it may object to."""

    everyday: tuple[Value, ...]
    special: tuple[Value, ...] = ()
    bulky: tuple[Value, ...] = ()  # tried in plain columns only


_WALL: Final = (
    dt.datetime(1000, 1, 1),
    dt.datetime(1582, 10, 10, 12),  # falls into the gap of calendars that switch to Julian
    dt.datetime(1883, 11, 18, 12, 3, 57),  # before time zones
    dt.datetime(1969, 12, 31, 23, 59, 58, 789000),
    dt.datetime(1969, 12, 31, 23, 59, 59),
    dt.datetime(1969, 12, 31, 23, 59, 59, 999000),
    dt.datetime(1970, 1, 1, 0, 0, 0, 1000),
    dt.datetime(2024, 3, 31, 2, 30),  # does not exist on clocks of Central Europe
    dt.datetime(9999, 12, 31, 23, 59, 59, 999000),
)
_NOON: Final = (dt.datetime(1970, 1, 1), dt.datetime(2024, 2, 29, 12, 34, 56, 789000))


def _utc(values: tuple[dt.datetime, ...]) -> tuple[dt.datetime, ...]:
    return tuple(value.replace(tzinfo=dt.UTC) for value in values)


SAMPLES: Final[dict[DataType, Samples]] = {
    DataType.BOOLEAN: Samples((False, True)),
    DataType.INT: Samples((0, 1, -1, 42), (INT_MIN, INT_MAX)),
    DataType.BIGINT: Samples(
        (0, 1, -1, INT_MAX + 1, SAFE_BIGINT, -SAFE_BIGINT),
        (SAFE_BIGINT + 1, INT64_MIN, INT64_MAX),
    ),
    DataType.FLOAT: Samples(
        (0.0, 1.0, -1.5, single(1.1), single(16777216.0)),
        (
            -0.0,
            single(1.4e-45),
            single(1.1754944e-38),
            single(3.4028235e38),
            -single(3.4028235e38),
            math.inf,
            -math.inf,
            math.nan,
        ),
    ),
    DataType.DOUBLE: Samples(
        (0.0, 1.0, -1.5, 1.1, 0.1, 1e23, 9007199254740993.0),
        (
            -0.0,
            5e-324,
            2.2250738585072014e-308,
            1.7976931348623157e308,
            -1.7976931348623157e308,
            math.inf,
            -math.inf,
            math.nan,
        ),
    ),
    DataType.TEXT: Samples(
        ("a", "A", "b", "ab", "a ", " a", "10", "9"),
        (
            "",
            "\u00e9",
            "e\u0301",
            "\u00df",
            "ss",
            "\u65e5\u672c",
            "\uffff",
            "\U0001f600",  # sorts before U+FFFF in UTF-16, behind it by code point
            "it's",
            'say "x"',
            "back\\slash",
            "100%_",
            "two\nlines\r\n",
            "NULL",
            "\u202eright to left",
            "\x00",
            "a\x00b",
            "k" * 60,
        ),
        ("x" * 70_000, "\U0001f600" * 5_000),
    ),
    DataType.BLOB: Samples(
        (b"a", b"A", b"ab", b"b", b"\x01\x02", b"\xff", b"\x7f\x80"),
        (b"", b"\x00", b"a\x00", b"a\x00b", b"\x00\xff", b"'\"\\%", bytes(range(60))),
        (bytes(range(256)) * 300,),
    ),
    DataType.DATE: Samples(
        (dt.date(1970, 1, 1), dt.date(2024, 2, 29)),
        (dt.date(1000, 1, 1), dt.date(1582, 10, 10), dt.date(1969, 12, 31), dt.date(9999, 12, 31)),
    ),
    DataType.TIME: Samples(
        (dt.time(0), dt.time(12, 34, 56, 123456)),
        (dt.time(0, 0, 0, 1), dt.time(0, 0, 0, 999999), dt.time(23, 59, 59, 999999)),
    ),
    DataType.TIMESTAMP: Samples(_NOON, _WALL),
    DataType.TIMESTAMPTZ: Samples(_utc(_NOON), _utc(_WALL)),
}

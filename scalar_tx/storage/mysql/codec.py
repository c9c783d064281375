"""What does a cell of a MySQL table hold? (Storage specification 1.7)

A FLOAT stands in a column of doubles as the double nearest to its shortest decimal form, which is
what the Java library stores: 1.1, not 1.100000023841858. A TIMESTAMPTZ is the wall clock of UTC.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.types import EARLIEST_YEAR, INT_MAX, INT_MIN, DataType, to_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import Value
    from scalar_tx.storage.sql.cells import CellForms

# How many bytes of a text or blob are looked at in sorting: MySQL's default, and all that fits into
# its usual sort buffer.
SORTS_BY: Final = 1024

_DAY: Final = dt.timedelta(days=1)
_MIDNIGHT: Final = dt.datetime(1970, 1, 1)
# Java prints at least two digits; nine tell any two binary32 values apart.
_FEWEST_DIGITS: Final = 2
_MOST_DIGITS: Final = 9


def shortest_decimal(value: float) -> float:
    """The double nearest to the shortest decimal form of a binary32 value.

    >>> shortest_decimal(1.100000023841858)
    1.1
    """
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        near = float(f"{value:.{digits}g}")
        try:
            if to_float32(near) == value:
                return near
        except OverflowError:
            continue  # rounded up beyond the greatest binary32 value
    return float(f"{value:.{_MOST_DIGITS}g}")


def _wall_clock(value: dt.datetime) -> dt.datetime:
    return value.astimezone(dt.UTC).replace(tzinfo=None)


ENCODERS: Final[Mapping[DataType, Callable[[Any], object]]] = {
    DataType.FLOAT: shortest_decimal,
    DataType.TIMESTAMPTZ: _wall_clock,
}


def _boolean(cell: int) -> bool:
    if cell not in (0, 1):
        raise ValueError("0 or 1")
    return cell == 1


def _int(cell: int) -> int:
    if not INT_MIN <= cell <= INT_MAX:
        raise ValueError("a 32-bit integer")
    return cell


def _float(cell: float) -> float:
    try:
        return to_float32(cell)
    except OverflowError:
        raise ValueError("a 32-bit float") from None


def _date(cell: dt.date) -> dt.date:
    if cell.year < EARLIEST_YEAR:
        raise ValueError(f"a day since the year {EARLIEST_YEAR}")
    return cell


def _time(cell: dt.timedelta) -> dt.time:
    if not dt.timedelta() <= cell < _DAY:
        raise ValueError("a time of day")
    return (_MIDNIGHT + cell).time()


def _timestamp(cell: dt.datetime) -> dt.datetime:
    if cell.year < EARLIEST_YEAR or cell.microsecond % 1000:
        raise ValueError(f"a date and time since the year {EARLIEST_YEAR}, in whole milliseconds")
    return cell


def _timestamptz(cell: dt.datetime) -> dt.datetime:
    return _timestamp(cell).replace(tzinfo=dt.UTC)


CELLS: Final[CellForms] = {
    DataType.BOOLEAN: (int, _boolean),
    DataType.INT: (int, _int),
    DataType.BIGINT: (int, None),
    DataType.FLOAT: (float, _float),
    DataType.DOUBLE: (float, None),
    DataType.TEXT: (str, None),
    DataType.BLOB: (bytes, None),
    DataType.DATE: (dt.date, _date),
    DataType.TIME: (dt.timedelta, _time),
    DataType.TIMESTAMP: (dt.datetime, _timestamp),
    DataType.TIMESTAMPTZ: (dt.datetime, _timestamptz),
}


def objection_for(key_size: int) -> Callable[[Value, bool], str | None]:
    """What MySQL can't hold where keys have that size."""

    def objection(
        value: Value,
        in_key: bool,  # noqa: FBT001
    ) -> str | None:
        if isinstance(value, float):
            return None if math.isfinite(value) else "MySQL holds finite numbers only"
        if in_key and isinstance(value, str) and "\x00" in value:
            return "MySQL can't sort a text with U+0000 behind the same without it"
        if isinstance(value, str | bytes):
            if in_key and len(value) > key_size:
                unit = "characters" if isinstance(value, str) else "bytes"
                return (
                    f"a key holds at most {key_size} {unit}, as "
                    "scalar.db.jdbc.mysql.variable_key_column_size says"
                )
            if len(value) >= 2**30:
                return "MySQL takes less than 2^30 bytes in a statement"
        return None

    return objection

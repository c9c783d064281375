"""What does a cell of a SQLite table hold? (Storage specification 1.6 and 1.7)

Booleans are 0 and 1, times are integers, a FLOAT is the binary32 value widened. A cell is checked
when it is read: SQLite stores anything in any column, and other programs write the file too.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model import encoding
from scalar_tx.model.types import INT_MAX, INT_MIN, DataType, to_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import Value
    from scalar_tx.storage.sql.cells import CellForms

# Types that are not here are stored as they are.
ENCODERS: Final[Mapping[DataType, Callable[[Any], object]]] = {
    DataType.BOOLEAN: int,
    DataType.DATE: encoding.date_code,
    DataType.TIME: encoding.time_code,
    DataType.TIMESTAMP: encoding.timestamp_code,
    DataType.TIMESTAMPTZ: encoding.timestamp_code,
}

_MOST_BYTES: Final = 1_000_000_000  # SQLite's limit for one text or blob
_FIRST_DAY: Final = encoding.date_code(dt.date(1000, 1, 1))
_LAST_DAY: Final = encoding.date_code(dt.date.max)
_LAST_TIME: Final = encoding.time_code(dt.time.max)
_FIRST_TIMESTAMP: Final = encoding.timestamp_code(dt.datetime(1000, 1, 1))
_LAST_TIMESTAMP: Final = encoding.timestamp_code(dt.datetime(9999, 12, 31, 23, 59, 59, 999000))


def _boolean(cell: int) -> bool:
    if cell not in (0, 1):
        raise ValueError("0 or 1")
    return cell == 1


def _int(cell: int) -> int:
    if not INT_MIN <= cell <= INT_MAX:
        raise ValueError("a 32-bit integer")
    return cell


def _float(cell: float) -> float:
    # Rounded as the Java library does, for cells that another program wrote.
    try:
        return to_float32(cell)
    except OverflowError:
        raise ValueError("a 32-bit float") from None


def _date(cell: int) -> dt.date:
    if not _FIRST_DAY <= cell <= _LAST_DAY:
        raise ValueError(f"a day from {_FIRST_DAY} to {_LAST_DAY}")
    return encoding.date_from_code(cell)


def _time(cell: int) -> dt.time:
    if not 0 <= cell <= _LAST_TIME or cell % 1000:
        raise ValueError("nanoseconds of a day, a multiple of 1000")
    return encoding.time_from_code(cell)


def _timestamp_code(cell: int) -> int:
    if not _FIRST_TIMESTAMP <= cell <= _LAST_TIMESTAMP or -1000 < cell < 0:
        raise ValueError("the number of a timestamp")
    return cell


def _timestamp(cell: int) -> dt.datetime:
    return encoding.timestamp_from_code(_timestamp_code(cell))


def _timestamptz(cell: int) -> dt.datetime:
    return encoding.timestamptz_from_code(_timestamp_code(cell))


CELLS: Final[CellForms] = {
    DataType.BOOLEAN: (int, _boolean),
    DataType.INT: (int, _int),
    DataType.BIGINT: (int, None),
    DataType.FLOAT: (float, _float),
    DataType.DOUBLE: (float, None),
    DataType.TEXT: (str, None),
    DataType.BLOB: (bytes, None),
    DataType.DATE: (int, _date),
    DataType.TIME: (int, _time),
    DataType.TIMESTAMP: (int, _timestamp),
    DataType.TIMESTAMPTZ: (int, _timestamptz),
}


def objection(value: Value, _in_key: bool) -> str | None:  # noqa: FBT001
    """SQLite turns NaN into NULL, and holds at most 10^9 bytes in a cell."""
    if isinstance(value, float):
        return "SQLite stores NaN as NULL" if math.isnan(value) else None
    if isinstance(value, str | bytes) and 4 * len(value) > _MOST_BYTES:
        size = len(value) if isinstance(value, bytes) else len(value.encode())
        if size > _MOST_BYTES:
            return f"SQLite holds at most {_MOST_BYTES:,} bytes in a cell"
    return None

"""What does a cell of a PostgreSQL table hold? (Storage specification 1.7)

The types are native. A FLOAT is bound as the binary32 value widened to float8, which PostgreSQL
narrows to the same value when it stores it, and widens likewise when it compares it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.types import EARLIEST_YEAR, DataType, to_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import Value
    from scalar_tx.storage.sql.cells import CellForms

ENCODERS: Final[Mapping[DataType, Callable[[Any], object]]] = {}

# A B-tree takes entries up to a third of a page.
_LONGEST_KEY: Final = 2600


def _float(cell: float) -> float:
    # A driver that reads the text form hands out the decimal digits, not the binary32 value.
    try:
        return to_float32(cell)
    except OverflowError:
        raise ValueError("a 32-bit float") from None


def _date(cell: dt.date) -> dt.date:
    if cell.year < EARLIEST_YEAR:
        raise ValueError(f"a day since the year {EARLIEST_YEAR}")
    return cell


def _timestamp(cell: dt.datetime) -> dt.datetime:
    if cell.year < EARLIEST_YEAR or cell.tzinfo is not None:
        raise ValueError(f"a date and time without zone since the year {EARLIEST_YEAR}")
    return _milliseconds(cell)


def _timestamptz(cell: dt.datetime) -> dt.datetime:
    if cell.tzinfo is None:
        raise ValueError("a date and time with a zone")
    in_utc = cell.astimezone(dt.UTC)
    if in_utc.year < EARLIEST_YEAR:
        raise ValueError(f"a date and time since the year {EARLIEST_YEAR}")
    return _milliseconds(in_utc)


def _milliseconds(cell: dt.datetime) -> dt.datetime:
    if cell.microsecond % 1000:
        raise ValueError("whole milliseconds")
    return cell


CELLS: Final[CellForms] = {
    DataType.BOOLEAN: (bool, None),
    DataType.INT: (int, None),
    DataType.BIGINT: (int, None),
    DataType.FLOAT: (float, _float),
    DataType.DOUBLE: (float, None),
    DataType.TEXT: (str, None),
    DataType.BLOB: (bytes, None),
    DataType.DATE: (dt.date, _date),
    DataType.TIME: (dt.time, None),
    DataType.TIMESTAMP: (dt.datetime, _timestamp),
    DataType.TIMESTAMPTZ: (dt.datetime, _timestamptz),
}


def objection(value: Value, in_key: bool) -> str | None:  # noqa: FBT001
    """PostgreSQL holds no U+0000 in a text, no long keys, and at most 2^30 - 1 bytes in a cell."""
    if isinstance(value, str):
        if "\x00" in value:
            return "PostgreSQL holds no U+0000 in a text"
        size = len(value) if value.isascii() else len(value.encode())
    elif isinstance(value, bytes):
        size = len(value)
    else:
        return None
    if in_key and size > _LONGEST_KEY:
        return f"PostgreSQL's indexes hold keys of at most about {_LONGEST_KEY:,} bytes"
    if size >= 2**30:
        return "PostgreSQL holds less than 2^30 bytes in a cell"
    return None

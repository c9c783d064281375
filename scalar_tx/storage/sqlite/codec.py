"""What does a cell of a SQLite table hold? (Storage specification 1.6 and 1.7)

Booleans are 0 and 1, times are integers, a FLOAT is the binary32 value widened. A cell is checked
when it is read: SQLite stores anything in any column, and other programs write the file too.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import SchemaError
from scalar_tx.model import encoding
from scalar_tx.model.types import INT_MAX, INT_MIN, DataType, to_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value

# Types that are not here are stored as they are.
ENCODERS: Final[Mapping[DataType, Callable[[Any], object]]] = {
    DataType.BOOLEAN: int,
    DataType.DATE: encoding.date_code,
    DataType.TIME: encoding.time_code,
    DataType.TIMESTAMP: encoding.timestamp_code,
    DataType.TIMESTAMPTZ: encoding.timestamp_code,
}

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


# Type -> what Python's driver must hand out for it, and what becomes of that.
_CELLS: Final[Mapping[DataType, tuple[type, Callable[[Any], Value] | None]]] = {
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
_STORAGE_CLASS: Final = {int: "integer", float: "real", str: "text", bytes: "blob"}


def encode(value: Value, data_type: DataType) -> object:
    """A value as it is bound to a statement."""
    encoder = ENCODERS.get(data_type)
    return value if value is None or encoder is None else encoder(value)


def decode(cell: object, data_type: DataType, place: str) -> Value:
    """A cell's value; SchemaError names the place and what was found there."""
    if cell is None:
        return None
    kind, convert = _CELLS[data_type]
    if type(cell) is not kind:
        raise _unreadable(cell, data_type, place, _STORAGE_CLASS[kind])
    if convert is None:
        return cell  # type: ignore[return-value]  # its type was just compared
    try:
        return convert(cell)
    except ValueError as wanted:
        raise _unreadable(cell, data_type, place, str(wanted)) from None


def _unreadable(cell: object, data_type: DataType, place: str, wanted: str) -> SchemaError:
    found = repr(cell)
    if len(found) > 60:
        found = found[:57] + "..."
    return SchemaError(
        f"{place} is {data_type.value}, stored as {wanted}, "
        f"but the file holds {_STORAGE_CLASS[type(cell)]} {found}",
        advice="Correct the cell with the program that wrote it, or the column's type in the "
        "metadata table",
        code="STX-3301",
    )


class RowDecoder:
    """Turns the cells of one table's rows into values."""

    __slots__ = ("_columns", "_steps", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns = table.columns
        types = table.schema.columns
        self._steps = tuple((name, *_CELLS[types[name]]) for name in table.columns)

    def __call__(self, cells: Sequence[object]) -> Row:
        """One row; SchemaError if a cell is no value of its column."""
        row: dict[str, Any] = dict(zip(self._columns, cells, strict=True))
        try:
            for name, kind, convert in self._steps:
                cell = row[name]
                if cell is None:
                    continue
                if type(cell) is not kind:
                    raise ValueError
                if convert is not None:
                    row[name] = convert(cell)
        except ValueError:
            # Once more, slowly, for an error that names the place.
            for name, cell in zip(self._columns, cells, strict=True):
                decode(cell, self._table.schema.columns[name], f"{self._table.name}.{name}")
            raise
        return row

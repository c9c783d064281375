"""What bytes does Cassandra's protocol carry for a value? (Storage specification 1.4 and 1.7)

Cells travel as bytes in both directions and the driver converts none of them: its own types round
times and hand out datetimes without a zone.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model import encoding
from scalar_tx.model.types import EARLIEST_YEAR, DataType

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value

CQL_TYPES: Final[Mapping[DataType, str]] = {
    DataType.BOOLEAN: "boolean",
    DataType.INT: "int",
    DataType.BIGINT: "bigint",
    DataType.FLOAT: "float",
    DataType.DOUBLE: "double",
    DataType.TEXT: "text",
    DataType.BLOB: "blob",
    DataType.DATE: "date",
    DataType.TIME: "time",
    DataType.TIMESTAMPTZ: "timestamp",
}
DATA_TYPES: Final[Mapping[str, DataType]] = {name: kind for kind, name in CQL_TYPES.items()}

_INT: Final = struct.Struct(">i")
_UNSIGNED: Final = struct.Struct(">I")
_LONG: Final = struct.Struct(">q")
_FLOAT: Final = struct.Struct(">f")
_DOUBLE: Final = struct.Struct(">d")
_EPOCH_DAY: Final = 2**31
# The one NaN that Java writes; in a key every other one would be another key.
_NAN_32: Final = bytes.fromhex("7fc00000")
_NAN_64: Final = bytes.fromhex("7ff8000000000000")


def _float(value: float) -> bytes:
    return _NAN_32 if math.isnan(value) else _FLOAT.pack(value)


def _double(value: float) -> bytes:
    return _NAN_64 if math.isnan(value) else _DOUBLE.pack(value)


def _date(value: dt.date) -> bytes:
    return _UNSIGNED.pack(encoding.date_code(value) + _EPOCH_DAY)


def _time(value: dt.time) -> bytes:
    return _LONG.pack(encoding.time_code(value))


def _timestamptz(value: dt.datetime) -> bytes:
    return _LONG.pack(encoding.epoch_ms(value))


_ENCODERS: Final[Mapping[DataType, Callable[[Any], bytes]]] = {
    DataType.BOOLEAN: lambda value: b"\x01" if value else b"\x00",
    DataType.INT: _INT.pack,
    DataType.BIGINT: _LONG.pack,
    DataType.FLOAT: _float,
    DataType.DOUBLE: _double,
    DataType.TEXT: str.encode,
    DataType.BLOB: bytes,
    DataType.DATE: _date,
    DataType.TIME: _time,
    DataType.TIMESTAMPTZ: _timestamptz,
}


def _to_boolean(cell: bytes) -> bool:
    if len(cell) != 1:
        raise ValueError("1 byte")
    return cell != b"\x00"


def _to_date(cell: bytes) -> dt.date:
    (code,) = _UNSIGNED.unpack(cell)
    found = encoding.date_from_code(code - _EPOCH_DAY)
    if found.year < EARLIEST_YEAR:
        raise ValueError("a day from 1000-01-01 to 9999-12-31")
    return found


def _to_time(cell: bytes) -> dt.time:
    (code,) = _LONG.unpack(cell)
    if code % 1000:
        raise ValueError("nanoseconds of a day, a multiple of 1000")
    return encoding.time_from_code(code)


def _to_timestamptz(cell: bytes) -> dt.datetime:
    (ms,) = _LONG.unpack(cell)
    found = encoding.timestamptz_from_code(ms if ms >= 0 else ms - 999)
    if found.year < EARLIEST_YEAR:
        raise ValueError("a moment from the year 1000 to 9999")
    return found


_DECODERS: Final[Mapping[DataType, Callable[[bytes], Value]]] = {
    DataType.BOOLEAN: _to_boolean,
    DataType.INT: lambda cell: int(_INT.unpack(cell)[0]),
    DataType.BIGINT: lambda cell: int(_LONG.unpack(cell)[0]),
    DataType.FLOAT: lambda cell: float(_FLOAT.unpack(cell)[0]),
    DataType.DOUBLE: lambda cell: float(_DOUBLE.unpack(cell)[0]),
    DataType.TEXT: bytes.decode,
    DataType.BLOB: bytes,
    DataType.DATE: _to_date,
    DataType.TIME: _to_time,
    DataType.TIMESTAMPTZ: _to_timestamptz,
}


def encode(value: Value, data_type: DataType) -> bytes | None:
    """A value as it is bound; NULL is None, which Cassandra keeps as a tombstone."""
    if value is None:
        return None
    encoder = _ENCODERS.get(data_type)
    if encoder is None:
        raise no_such_type(data_type)
    return encoder(value)


def decode(cell: bytes | None, data_type: DataType, place: str) -> Value:
    """A cell's value; SchemaError names the place and what was found there."""
    if cell is None:
        return None
    try:
        return _DECODERS[data_type](cell)
    except (ValueError, OverflowError, struct.error) as error:
        raise SchemaError(
            f"{place} is {data_type.value}, but Cassandra holds 0x{cell[:20].hex()}: {error}",
            advice="Correct the cell with the program that wrote it",
            code="STX-3301",
        ) from error


def no_such_type(data_type: DataType) -> InvalidOperationError:
    """The error for a column type that Cassandra lacks (Storage specification 1.5)."""
    return InvalidOperationError(
        f"Cassandra has no type for {data_type.value}",
        advice="Declare the column TIMESTAMPTZ",
        code="STX-3501",
    )


def cql_type(data_type: DataType) -> str:
    """The CQL type of a column; InvalidOperationError if there is none."""
    name = CQL_TYPES.get(data_type)
    if name is None:
        raise no_such_type(data_type)
    return name


class RowDecoder:
    """Turns the cells of one table's rows, in the order of ``Table.columns``, into values."""

    __slots__ = ("_columns", "_steps", "_table")

    def __init__(self, table: Table) -> None:
        types = table.schema.columns
        for name in table.columns:
            cql_type(types[name])
        self._table = table
        self._columns = table.columns
        self._steps = tuple(_DECODERS[types[name]] for name in table.columns)

    def __call__(self, cells: Sequence[bytes | None]) -> Row:
        """One row; SchemaError if a cell is no value of its column."""
        try:
            return {
                name: None if cell is None else step(cell)
                for name, step, cell in zip(self._columns, self._steps, cells, strict=True)
            }
        except (ValueError, OverflowError, struct.error):
            # Once more, slowly, for an error that names the place.
            types = self._table.schema.columns
            for name, cell in zip(self._columns, cells, strict=True):
                decode(cell, types[name], f"{self._table.name}.{name}")
            raise


def text_map(cell: bytes | None) -> dict[str, str]:
    """A cell of the type ``map<text, text>``, as the schema tables have them."""
    found: dict[str, str] = {}
    if cell is None:
        return found
    (count,) = _INT.unpack_from(cell)
    parts: list[str] = []
    at = 4
    for _ in range(2 * count):
        (size,) = _INT.unpack_from(cell, at)
        parts.append(cell[at + 4 : at + 4 + size].decode())
        at += 4 + size
    found.update(zip(parts[::2], parts[1::2], strict=True))
    return found

"""Is what the driver hands out for a cell a value of its column?

A cell is checked when it is read: other programs write the tables too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value

# Type -> what the driver must hand out for it, and what becomes of that (ValueError: no value).
CellForms: TypeAlias = "Mapping[DataType, tuple[type, Callable[[Any], Value] | None]]"

_WORDS: Final = {int: "integer", float: "real", str: "text", bytes: "blob"}


def decode(forms: CellForms, cell: object, data_type: DataType, place: str) -> Value:
    """A cell's value; SchemaError names the place and what was found there."""
    if cell is None:
        return None
    kind, convert = forms[data_type]
    if type(cell) is not kind:
        raise _unreadable(cell, data_type, place, _word(kind))
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
        f"{place} is {data_type.value}, read as {wanted}, but the database holds "
        f"{_word(type(cell))} {found}",
        advice="Correct the cell with the program that wrote it, or the column's type in the "
        "metadata table",
        code="STX-3301",
    )


def _word(kind: type) -> str:
    return _WORDS.get(kind, kind.__name__)


class RowDecoder:
    """Turns the cells of one table's rows into values."""

    __slots__ = ("_columns", "_forms", "_steps", "_table")

    def __init__(self, table: Table, forms: CellForms) -> None:
        self._table = table
        self._forms = forms
        self._columns = table.columns
        types = table.schema.columns
        self._steps = tuple((name, *forms[types[name]]) for name in table.columns)

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
            types = self._table.schema.columns
            for name, cell in zip(self._columns, cells, strict=True):
                decode(self._forms, cell, types[name], f"{self._table.name}.{name}")
            raise
        return row

"""How is an operation put to the Java program?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.compatibility.java_cells import Cell, Row, Value, decode_row, encode

Values = Mapping[str, Value | Cell]


@dataclass(frozen=True)
class Expression:
    """One comparison: EQ, NE, GT, GTE, LT, LTE, IS_NULL, IS_NOT_NULL, LIKE, NOT_LIKE."""

    column: str
    operator: str
    value: Value | Cell = None
    escape: str | None = None


Where = Sequence[Sequence[Expression]]  # any of the rows, each all of its expressions
WriteCondition = Sequence[Expression] | Literal["if_exists", "if_not_exists"]


@dataclass(frozen=True)
class Write:
    """A mutation: of a transaction (any `op`), or of the storage (put and delete)."""

    op: Literal["insert", "upsert", "update", "put", "delete"]
    table: str
    values: Values
    where: WriteCondition | None = None
    implicit_pre_read: bool | None = None
    insert_mode: bool | None = None
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True)
class TableDescription:
    """A table as the Java library describes it; `clustering_key` has (name, "ASC" or "DESC")."""

    columns: Mapping[str, str]
    partition_key: tuple[str, ...]
    clustering_key: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]

    def cell(self, column: str, value: Value | Cell) -> list[Any]:
        """The cell of a value; a column that isn't there needs an explicit Cell."""
        if isinstance(value, Cell):
            return encode(value.type, value)
        return encode(self.columns[column], value)

    def cells(self, values: Values) -> dict[str, Any]:
        """The cells of some columns."""
        return {name: self.cell(name, value) for name, value in values.items()}

    def split_key(self, values: Values) -> dict[str, Any]:
        """The key columns among the values, in the table's order as the library wants them."""
        partition = {name: values[name] for name in self.partition_key if name in values}
        clustering = {name: values[name] for name, _ in self.clustering_key if name in values}
        key = {"partition": self.cells(partition)}
        return key | ({"clustering": self.cells(clustering)} if clustering else {})

    def without_key(self, values: Values) -> dict[str, Any]:
        """The cells of the columns that aren't part of the key."""
        key = {*self.partition_key, *(name for name, _ in self.clustering_key)}
        return self.cells({name: value for name, value in values.items() if name not in key})

    def wire(self, write: Write) -> dict[str, Any]:
        """A mutation as the Java program takes it."""
        wired = {
            "op": write.op,
            "table": write.table,
            **self.split_key(write.values),
            "values": self.without_key(write.values),
            "implicit_pre_read": write.implicit_pre_read,
            "insert_mode": write.insert_mode,
            "attributes": dict(write.attributes or {}),
        }
        if isinstance(write.where, str):
            wired["condition"] = {"kind": write.where}
        elif write.where is not None:
            wired["condition"] = {"kind": "if", "expressions": expressions_wired(self, write.where)}
        return {name: value for name, value in wired.items() if value is not None}


def selection(
    table: TableDescription, partition: Values | None, index: Values | None
) -> dict[str, Any]:
    """Where a scan looks: a partition, an index value, or everywhere."""
    if index is not None:
        return {"index": table.cells(index)}
    if partition is not None:
        return table.split_key(partition)
    return {"all": True}


def where_wired(table: TableDescription, where: Where | None) -> list[list[Any]] | None:
    """The conditions of a read."""
    return None if where is None else [expressions_wired(table, each) for each in where]


def expressions_wired(table: TableDescription, expressions: Sequence[Expression]) -> list[Any]:
    """Some comparisons."""
    return [
        [each.column, each.operator, table.cell(each.column, each.value)]
        + ([] if each.escape is None else [each.escape])
        for each in expressions
    ]


def row(cells: dict[str, list[Any]] | None) -> Row | None:
    """A row, or None."""
    return None if cells is None else decode_row(cells)


def rows(rows: Sequence[dict[str, list[Any]]]) -> list[Row]:
    """Rows."""
    return [decode_row(cells) for cells in rows]

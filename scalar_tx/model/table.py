"""What is a table: its columns, its keys and their orders, its indexes?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import Value


class Order(Enum):
    """The order of a clustering column."""

    ASC = "ASC"
    DESC = "DESC"

    @property
    def reversed(self) -> Order:
        """The other order."""
        return Order.DESC if self is Order.ASC else Order.ASC


def split_name(table: object) -> tuple[str, str]:
    """Split ``namespace.table`` at its only dot."""
    parts = table.split(".") if isinstance(table, str) else []
    if len(parts) != 2 or not all(parts):
        raise InvalidOperationError(
            f"{table!r} is not a table name",
            advice="Name a table as 'namespace.table', both parts non-empty and without dots",
            code="STX-3011",
        )
    return parts[0], parts[1]


@dataclass(frozen=True, repr=False)
class TableSchema:
    """Columns, keys and indexes of one table (Storage specification 0).

    ``columns`` maps a name to its type (``"INT"`` or a DataType), ``clustering_key`` takes names
    with an optional ``ASC`` or ``DESC``. SchemaError says what does not fit together.

    >>> TableSchema(columns={"id": "INT", "at": "TIMESTAMP"}, partition_key=["id"],
    ...             clustering_key=["at DESC"]).clustering_orders["at"].value
    'DESC'
    """

    columns: Mapping[str, DataType]
    partition_key: Sequence[str]
    clustering_key: Sequence[str] = ()
    secondary_index: Sequence[str] = ()
    clustering_orders: Mapping[str, Order] = field(init=False)

    if TYPE_CHECKING:

        def __init__(
            self,
            columns: Mapping[str, str] | Mapping[str, DataType] | Mapping[str, str | DataType],
            partition_key: Sequence[str],
            clustering_key: Sequence[str] = (),
            secondary_index: Sequence[str] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("partition_key", "clustering_key", "secondary_index"):
            given = getattr(self, name)
            if not isinstance(given, list | tuple) or not all(isinstance(n, str) for n in given):
                raise SchemaError(f"{name} is {given!r:.60}", advice="Give a list of names")
        if not isinstance(self.columns, Mapping):
            raise SchemaError(
                f"columns is {self.columns!r:.60}", advice="Give columns={'name': 'TYPE', …}"
            )
        columns = {_column_name(n): DataType.parse(t) for n, t in self.columns.items()}
        orders: dict[str, Order] = {}
        for item in self.clustering_key:
            name, order = _clustering_column(item, columns)
            if name in orders:
                raise SchemaError(
                    f"clustering_key names {name!r} twice", advice="Name each column once"
                )
            orders[name] = order
        put = object.__setattr__
        put(self, "columns", MappingProxyType(columns))
        put(self, "partition_key", tuple(self.partition_key))
        put(self, "clustering_key", tuple(orders))
        put(self, "clustering_orders", MappingProxyType(orders))
        # Keep the order given, drop repetitions: an index is named once or not at all.
        put(self, "secondary_index", tuple(dict.fromkeys(self.secondary_index)))
        self._check()

    def _check(self) -> None:
        if not self.columns:
            raise SchemaError("a table needs columns", advice="Give columns={'name': 'TYPE', …}")
        if not self.partition_key:
            raise SchemaError("a table needs a partition key", advice="Give partition_key=['name']")
        for part in ("partition_key", "clustering_key", "secondary_index"):
            for name in getattr(self, part):
                if name not in self.columns:
                    raise SchemaError(
                        f"{part} names {name!r}, which is not a column",
                        advice=f"The columns are {', '.join(self.columns)}",
                    )
        if len(set(self.primary_key)) != len(self.primary_key):
            raise SchemaError(
                "a column stands twice in the primary key", advice="Name each key column once"
            )

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """The partition key's columns, then the clustering key's."""
        return (*self.partition_key, *self.clustering_key)

    @cached_property
    def other_columns(self) -> tuple[str, ...]:
        """The columns outside the primary key, in the order of the schema."""
        keys = set(self.primary_key)
        return tuple(name for name in self.columns if name not in keys)

    def __eq__(self, other: object) -> bool:
        # Order carries meaning in keys only (Storage specification 0).
        if not isinstance(other, TableSchema):
            return NotImplemented
        return (
            dict(self.columns) == dict(other.columns)
            and self.partition_key == other.partition_key
            and self.clustering_key == other.clustering_key
            and dict(self.clustering_orders) == dict(other.clustering_orders)
            and set(self.secondary_index) == set(other.secondary_index)
        )

    def __repr__(self) -> str:
        columns = {name: data_type.value for name, data_type in self.columns.items()}
        clustering = [f"{name} {order.value}" for name, order in self.clustering_orders.items()]
        return (
            f"TableSchema(columns={columns}, partition_key={list(self.partition_key)}, "
            f"clustering_key={clustering}, secondary_index={list(self.secondary_index)})"
        )

    def __hash__(self) -> int:
        return hash((frozenset(self.columns.items()), self.primary_key))

    def __reduce__(self) -> tuple[object, ...]:
        ordered = [f"{name} {order.value}" for name, order in self.clustering_orders.items()]
        return (
            TableSchema,
            (dict(self.columns), self.partition_key, ordered, self.secondary_index),
        )


def _column_name(name: object) -> str:
    if not isinstance(name, str) or not name or "\x00" in name:
        raise SchemaError(f"{name!r} is not a column name", advice="Use a non-empty text")
    return name


def _clustering_column(item: str, columns: Mapping[str, DataType]) -> tuple[str, Order]:
    if item in columns:  # a column's own name may hold a space
        return item, Order.ASC
    name, _, order = item.rpartition(" ")
    if name.strip() and order.upper() in Order.__members__:
        return name.strip(), Order[order.upper()]
    if not name:
        return item, Order.ASC
    raise SchemaError(
        f"clustering_key has {item!r}", advice="Write 'name', 'name ASC' or 'name DESC'"
    )


def renamed(schema: TableSchema, names: Mapping[str, str]) -> TableSchema:
    """The schema with other names for some of its columns (old name to new name).

    InvalidOperationError: there is no such column, or two would have one name.
    """
    for old, new in names.items():
        if old not in schema.columns:
            raise InvalidOperationError(
                f"there is no column {old!r}",
                advice=f"The columns are {', '.join(schema.columns)}",
                code="STX-3012",
            )
        if new in schema.columns or list(names.values()).count(new) > 1:
            raise InvalidOperationError(
                f"there is a column {new!r} already", advice="Choose another name", code="STX-3018"
            )
    return _called(schema, {name: names.get(name, name) for name in schema.columns})


def without(schema: TableSchema, columns: Collection[str]) -> TableSchema:
    """The schema without some columns outside its key, and without their indexes."""
    return _called(schema, {name: name for name in schema.columns if name not in columns})


def _called(schema: TableSchema, names: Mapping[str, str]) -> TableSchema:
    orders = schema.clustering_orders
    return TableSchema(
        {names[name]: kind for name, kind in schema.columns.items() if name in names},
        [names[name] for name in schema.partition_key],
        [
            f"{names[name]} DESC" if order is Order.DESC else names[name]
            for name, order in orders.items()
        ],
        [names[name] for name in schema.secondary_index if name in names],
    )


@dataclass(frozen=True)
class Table:
    """A table as a storage holds it: its full name and its columns, technical ones included."""

    name: str
    schema: TableSchema

    @cached_property
    def namespace(self) -> str:
        """The part before the dot."""
        return split_name(self.name)[0]

    @cached_property
    def short_name(self) -> str:
        """The part after the dot."""
        return split_name(self.name)[1]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All column names: primary key first, then the others."""
        return (*self.schema.primary_key, *self.schema.other_columns)

    def key_of(self, row: Mapping[str, Value]) -> tuple[Value, ...]:
        """The primary key's values in its order."""
        return tuple([row[name] for name in self.schema.primary_key])

    def __hash__(self) -> int:
        return hash(self.name)

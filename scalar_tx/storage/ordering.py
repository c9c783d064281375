"""In which order does a scan return its rows, which lie in its range, has it an index?"""

from __future__ import annotations

from functools import total_ordering
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import sort_key
from scalar_tx.model.table import Order
from scalar_tx.storage.interface import OrderBy, PartitionSource, WholeTableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.model.table import Table, TableSchema
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import IndexSource, KeyRange, ScanSource


def scan_order(source: ScanSource, schema: TableSchema) -> tuple[OrderBy, ...]:
    """The columns that order a scan's rows; together they are unique within the scan."""
    if isinstance(source, PartitionSource):
        return tuple(
            OrderBy(name, order.reversed if source.reverse else order)
            for name, order in schema.clustering_orders.items()
        )
    chosen = source.order if isinstance(source, WholeTableSource) else ()
    named = {item.column for item in chosen}
    rest = (OrderBy(name, Order.ASC) for name in schema.primary_key if name not in named)
    return (*chosen, *rest)


@total_ordering
class _Descending:
    """Turns the order of a sort key round."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.key < self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.key == other.key)

    __hash__ = None  # type: ignore[assignment]  # only ever compared


def position_in(
    source: ScanSource, schema: TableSchema
) -> Callable[[Mapping[str, Value]], tuple[Any, ...]]:
    """A function from a row to its place among the rows of the scan: places compare as rows do."""
    orders = [(item.column, item.order is Order.ASC) for item in scan_order(source, schema)]

    def position(row: Mapping[str, Value]) -> tuple[Any, ...]:
        return tuple(
            sort_key(row[name]) if ascending else _Descending(sort_key(row[name]))
            for name, ascending in orders
        )

    return position


def in_range(range_: KeyRange, clustering: Sequence[Value]) -> bool:
    """Do the values of the clustering columns lie within the bounds?"""
    if range_.start:
        # All bound columns but the last must be equal; the last one is compared by value.
        *fixed, low = [sort_key(value) for value in clustering[: len(range_.start)]]
        *wanted, bound = [sort_key(value) for value in range_.start]
        if fixed != wanted or low < bound or (low == bound and not range_.start_inclusive):
            return False
    if range_.end:
        *fixed, high = [sort_key(value) for value in clustering[: len(range_.end)]]
        *wanted, bound = [sort_key(value) for value in range_.end]
        if fixed != wanted or high > bound or (high == bound and not range_.end_inclusive):
            return False
    return True


def check_indexed(table: Table, source: IndexSource) -> None:
    """InvalidOperationError if a column that is read by its index has none."""
    for column in source.columns:
        if column not in table.schema.secondary_index:
            raise InvalidOperationError(
                f"{table.name}.{column} has no index",
                advice="Create one, or scan the partition or the whole table",
                code="STX-3015",
            )

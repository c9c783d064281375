"""What is right? The suite's own small model, written apart from any storage's."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from scalar_tx.model.conditions import Existence, matches, sort_key
from scalar_tx.model.table import Order
from scalar_tx.storage.interface import KeyRange, OrderBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value


def same_value(one: Value, other: Value) -> bool:
    """Equal in value and type; NaN equals itself, the sign of zero is not everywhere kept."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dt.datetime) and isinstance(other, dt.datetime):
        return one.utcoffset() == other.utcoffset()
    return True


def same_row(one: Mapping[str, Value] | None, other: Mapping[str, Value] | None) -> bool:
    """The same columns with the same values, or both missing."""
    if one is None or other is None:
        return one is other
    return one.keys() == other.keys() and all(same_value(one[name], other[name]) for name in one)


def same_rows(some: Sequence[Mapping[str, Value]], others: Sequence[Mapping[str, Value]]) -> bool:
    """The same rows in the same order."""
    return len(some) == len(others) and all(map(same_row, some, others))


def key_of(table: Table, row: Mapping[str, Value]) -> tuple[Value, ...]:
    """The primary key's values."""
    return tuple(row[name] for name in table.schema.primary_key)


def whole(table: Table, row: Mapping[str, Value]) -> Row:
    """The row with every column of the table, those not named NULL."""
    return {name: row.get(name) for name in table.columns}


def met(condition: Condition | Existence | None, row: Row | None) -> bool:
    """Does a write with that condition apply to what is there?"""
    if condition is None:
        return True
    if isinstance(condition, Existence):
        return (row is None) == (condition is Existence.IF_NOT_EXISTS)
    return row is not None and matches(condition, row)


def by_value(value: Value) -> Any:
    """A key for sorting values of one column."""
    return sort_key(value)


def ordered(rows: Iterable[Row], order: Sequence[OrderBy]) -> list[Row]:
    """Sort rows by several columns: the last first, since Python's sorting is stable."""
    found = list(rows)
    for item in reversed(order):
        name = item.column
        found.sort(key=lambda row: by_value(row[name]), reverse=item.order is Order.DESC)
    return found


def clustering_order(table: Table, *, reverse: bool = False) -> list[OrderBy]:
    """The order of a partition's rows."""
    return [
        OrderBy(name, order.reversed if reverse else order)
        for name, order in table.schema.clustering_orders.items()
    ]


def whole_table_order(table: Table, order: Sequence[OrderBy]) -> list[OrderBy]:
    """The order asked for, ties broken by the primary key."""
    named = {item.column for item in order}
    keys = [name for name in table.schema.primary_key if name not in named]
    return [*order, *(OrderBy(name, Order.ASC) for name in keys)]


def within(table: Table, range_: KeyRange, row: Row) -> bool:
    """Is the row inside of the bounds?"""
    names = table.schema.clustering_key
    for bound, inclusive, sign in (
        (range_.start, range_.start_inclusive, 1),
        (range_.end, range_.end_inclusive, -1),
    ):
        if not bound:
            continue
        actual = [by_value(row[name]) for name in names[: len(bound)]]
        wanted = [by_value(value) for value in bound]
        if actual[:-1] != wanted[:-1]:
            return False
        side = (actual[-1] > wanted[-1]) - (actual[-1] < wanted[-1])
        if side * sign < 0 or (side == 0 and not inclusive):
            return False
    return True

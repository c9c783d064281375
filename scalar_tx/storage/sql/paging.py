"""Which rows come behind a place? Keyset paging for any order.

A place is the cells of the ordering columns of the last row seen. NULL comes first in ascending
order, last in descending order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.model.table import Order
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.sql.names import Names

NOTHING = "1=0"


def behind(
    names: Names, order: Sequence[tuple[str, Order]], nulls: Sequence[bool]
) -> tuple[str, tuple[int, ...]]:
    """The expression, and which of the place's cells it takes, in order.

    ``nulls`` says which cells of the place are NULL.
    """
    if not order:
        return NOTHING, ()  # one record a partition, and it was seen
    run = _run(names, order, nulls)
    sign = ">" if order[0][1] is Order.ASC else "<"
    if run == len(order):
        return _compared(names, order, sign), tuple(range(run))
    expression, picks = _nested(names, order, nulls)
    if run and expression != NOTHING:
        # Says nothing new, but an index can begin there.
        bound = _compared(names, order[:run], sign + "=")
        return f"{bound} AND {expression}", (*range(run), *picks)
    return expression, picks


def _nested(
    names: Names, order: Sequence[tuple[str, Order]], nulls: Sequence[bool]
) -> tuple[str, tuple[int, ...]]:
    """``a`` comes later, or is the same and (``b`` comes later, or …)."""
    hole = names.dialect.placeholder
    expression: str | None = None
    picks: tuple[int, ...] = ()
    for i in reversed(range(len(order))):
        name, way = order[i]
        column = names.full[name]
        later: str | None
        if nulls[i]:
            later = f"{column} IS NOT NULL" if way is Order.ASC else None
            same = f"{column} IS NULL"
        else:
            later = f"{names.ordered[name]}{'>' if way is Order.ASC else '<'}{hole}"
            if way is Order.DESC and _may_be_null(names, name):
                later = f"({later} OR {column} IS NULL)"
            same = f"{names.compared[name]}={hole}"
        taken = () if nulls[i] else (i,)
        if expression is not None:
            expression = f"({same} AND {expression})"
            picks = (*taken, *picks)
        if later is not None:
            expression = later if expression is None else f"({later} OR {expression})"
            picks = (*taken, *picks)
    return (NOTHING, ()) if expression is None else (expression, picks)


def _compared(names: Names, order: Sequence[tuple[str, Order]], sign: str) -> str:
    hole = names.dialect.placeholder
    columns = [names.ordered[name] for name, _ in order]
    if len(columns) == 1:
        return f"{columns[0]}{sign}{hole}"
    return f"({','.join(columns)}){sign}({','.join([hole] * len(columns))})"


def _run(names: Names, order: Sequence[tuple[str, Order]], nulls: Sequence[bool]) -> int:
    """How many leading columns may be compared as one tuple?

    Those of one direction that hold no NULL where it would have to be behind.
    """
    length = 0
    for (name, way), null in zip(order, nulls, strict=True):
        if null or way is not order[0][1]:
            break
        if way is Order.DESC and _may_be_null(names, name):
            break
        length += 1
        if not names.dialect.row_values:
            break
    return length


def _may_be_null(names: Names, name: str) -> bool:
    if name not in names.key_set:
        return True
    # Where NaN is no value it is stored as NULL, in a key too (Storage specification 1.7).
    inexact = names.types[name] in (DataType.FLOAT, DataType.DOUBLE)
    return inexact and not names.dialect.holds_nan

"""Which statement does a page of a scan become?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import Comparison, Operator, Or, comparisons
from scalar_tx.model.table import Order
from scalar_tx.storage.interface import IndexSource, PartitionSource
from scalar_tx.storage.sql.conditions import outline
from scalar_tx.storage.sql.paging import behind
from scalar_tx.storage.sql.plans import ByShape, Plan, plan

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import ScanRequest
    from scalar_tx.storage.sql.names import Names

# A longer filter is left to the caller, who judges again anyway; databases limit the parameters.
_MOST_COMPARISONS: Final = 5000

_LOWER: Final = {True: Operator.GE, False: Operator.GT}
_UPPER: Final = {True: Operator.LE, False: Operator.LT}


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """The columns that order a scan, how, and where a row's cells hold them."""

    columns: tuple[tuple[str, Order], ...]
    positions: tuple[int, ...]

    def place_of(self, cells: Sequence[object]) -> list[object]:
        """A row's place in this order, as stored."""
        return [cells[position] for position in self.positions]


class ScanStatements:
    """The statements that scan one table, made by shape."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._orders: ByShape[ScanOrder] = ByShape()
        self._pages: ByShape[tuple[Plan, tuple[int, ...]]] = ByShape()

    def order(self, request: ScanRequest) -> ScanOrder:
        """The total order of a scan."""
        return self._orders.get(_kind(request), lambda: self._make_order(request))

    def _make_order(self, request: ScanRequest) -> ScanOrder:
        columns = tuple(self._ordered_by(request))
        positions = {name: position for position, name in enumerate(self._names.columns)}
        return ScanOrder(columns, tuple(positions[name] for name, _ in columns))

    def _ordered_by(self, request: ScanRequest) -> list[tuple[str, Order]]:
        source = request.source
        if isinstance(source, PartitionSource):
            orders = self._names.table.schema.clustering_orders
            return [(n, o.reversed if source.reverse else o) for n, o in orders.items()]
        ordered: dict[str, Order] = {}
        for term in () if isinstance(source, IndexSource) else source.order:
            if term.column not in self._names.full:
                raise InvalidOperationError(
                    f"a scan of {request.table.name} is ordered by {term.column!r}, which it lacks",
                    advice=f"Its columns are {', '.join(self._names.columns)}",
                    code="STX-3012",
                )
            ordered.setdefault(term.column, term.order)  # named twice: the first decides
        for name in self._names.key:
            ordered.setdefault(name, Order.ASC)
        return list(ordered.items())

    def place_of_request(self, request: ScanRequest) -> list[object] | None:
        """Where the request begins, as stored; None: at the beginning."""
        return None if request.after is None else self.place_of(request, request.after)

    def place_of(self, request: ScanRequest, row: Row) -> list[object]:
        """A row's place in the order of the scan, as stored."""
        columns = [name for name, _ in self.order(request).columns]
        values: list[object] = [row[name] for name in columns]
        return plan("", self._names.encoders_of(columns)).bind(values)

    def page(
        self, request: ScanRequest, after: Sequence[object] | None, rows: int
    ) -> tuple[str, list[object]]:
        """The next ``rows`` rows behind the place ``after``."""
        dialect = self._names.dialect
        values: list[object] = []
        fixed = self._fixed(request)
        where = _filter(request)
        nulls = None if after is None else tuple(cell is None for cell in after)
        shape = (
            _kind(request),
            nulls,
            *(outline(one, dialect, values) for one in fixed),
            None,  # stands between what the source says and the filter
            None if where is None else outline(where, dialect, values),
        )
        made, picks = self._pages.get(shape, lambda: self._page(request, fixed, where, nulls))
        made.bind(values)
        if after is not None:
            values += [after[i] for i in picks]
        values.append(rows)
        return made.text, values

    def _fixed(self, request: ScanRequest) -> list[Condition]:
        """What the source itself says of its rows."""
        source = request.source
        schema = self._names.table.schema
        if isinstance(source, IndexSource):
            either = tuple(Comparison(n, Operator.EQ, source.value) for n in source.columns)
            return [Or(either) if len(either) > 1 else either[0]]
        if not isinstance(source, PartitionSource):
            return []
        found: list[Condition] = [
            Comparison(name, Operator.EQ, value)
            for name, value in zip(schema.partition_key, source.partition, strict=True)
        ]
        for bound, inclusive, signs in (
            (source.range.start, source.range.start_inclusive, _LOWER),
            (source.range.end, source.range.end_inclusive, _UPPER),
        ):
            if not bound:
                continue
            names = schema.clustering_key[: len(bound)]
            found += (
                Comparison(name, Operator.EQ, value)
                for name, value in zip(names[:-1], bound[:-1], strict=True)
            )
            found.append(Comparison(names[-1], signs[inclusive], bound[-1]))
        return found

    def _page(
        self,
        request: ScanRequest,
        fixed: Sequence[Condition],
        where: Condition | None,
        nulls: tuple[bool, ...] | None,
    ) -> tuple[Plan, tuple[int, ...]]:
        names = self._names
        order = self.order(request).columns
        rendering = names.rendering(loose=True)
        terms = [rendering.text(one) for one in fixed]
        if where is not None:
            terms.append(rendering.text(where))
        picks: tuple[int, ...] = ()
        if nulls is not None:
            expression, picks = behind(names, order, nulls)
            terms.append(expression)
        text = names.select
        if terms:
            text += " WHERE " + " AND ".join(terms)
        if order:
            by = (
                names.dialect.order_term(names.ordered[name], way, in_key=name in names.key_set)
                for name, way in order
            )
            text += " ORDER BY " + ",".join(by)
        return plan(f"{text} LIMIT {names.dialect.placeholder}", rendering.needed), picks


def _kind(request: ScanRequest) -> Hashable:
    source = request.source
    if isinstance(source, PartitionSource):
        return source.reverse
    return source.columns if isinstance(source, IndexSource) else source.order


def _filter(request: ScanRequest) -> Condition | None:
    where = request.where
    if where is None or isinstance(where, Comparison):
        return where
    count = sum(1 for _ in comparisons(where))
    return where if count <= _MOST_COMPARISONS else None

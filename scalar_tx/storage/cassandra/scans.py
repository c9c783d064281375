"""Which statements make up a scan? (Storage specification 3.4 and 3.7)

A scan is a sequence of statements, each paged by Cassandra. One is enough unless the scan resumes
behind a row: what lies behind it is first what shares all key columns but the last with it, then
what shares one less, and so on to the partitions behind its own.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import sort_key
from scalar_tx.model.table import Order
from scalar_tx.storage.cassandra.names import quoted
from scalar_tx.storage.cassandra.statements import Statement
from scalar_tx.storage.interface import IndexSource, PartitionSource, WholeTableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.cassandra.statements import RecordStatements
    from scalar_tx.storage.interface import KeyRange, ScanRequest

Bound: TypeAlias = "tuple[str, str, Value]"  # column, sign, value

_FILTERING: Final = " ALLOW FILTERING"
_MEANS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
# By value the two zeros are one, to Cassandra -0.0 is the lesser: which of them a bound needs.
_ZEROS: Final = {">": 0.0, ">=": -0.0, "<": -0.0, "<=": 0.0}


def check_scan(request: ScanRequest) -> None:
    """InvalidOperationError where Cassandra can't do the scan."""
    source, table = request.source, request.table
    if isinstance(source, IndexSource) and source.column not in table.schema.secondary_index:
        raise InvalidOperationError(
            f"{table.name}.{source.column} has no index",
            advice="Create one, or scan the partition or the whole table",
            code="STX-3015",
        )
    if isinstance(source, WholeTableSource) and source.order:
        raise InvalidOperationError(
            f"Cassandra can't order the whole of {table.name}",
            advice="Sort the rows after reading them",
            code="STX-3016",
        )


class ScanStatements:
    """The scans of one table."""

    def __init__(self, records: RecordStatements) -> None:
        self._records = records
        self._schema = records.table.schema
        self._head = f"SELECT {records.columns} FROM {records.name}"

    def of(self, request: ScanRequest) -> list[Statement]:
        """The statements of a scan, to be run one after the other."""
        source, after = request.source, request.after
        if isinstance(source, PartitionSource):
            return self._partition(source, after)
        indexed: list[Bound] = []
        if isinstance(source, IndexSource):
            indexed = [(source.column, "=", source.value)]
        return [self._select(indexed)] if after is None else self._resumed(after, indexed)

    def _partition(self, source: PartitionSource, after: Row | None) -> list[Statement]:
        names = self._schema.partition_key
        fixed: list[Bound] = [
            (name, "=", value) for name, value in zip(names, source.partition, strict=True)
        ]
        fixed += _of_range(self._schema, source.range)
        order = ""
        if source.reverse and self._schema.clustering_key:
            orders = self._schema.clustering_orders.items()
            order = " ORDER BY " + ", ".join(f"{quoted(n)} {o.reversed.value}" for n, o in orders)
        if after is None:
            return [self._select(fixed, order)]
        parts = (merged([*fixed, *part]) for part in self._behind(after, reverse=source.reverse))
        return [self._select(part, order) for part in parts if part is not None]

    def _resumed(self, after: Row, indexed: list[Bound]) -> list[Statement]:
        """Of rows in the order of tokens: the rest of a row's partition, then the others."""
        names = self._schema.partition_key
        extra = _FILTERING if indexed else ""
        fixed: list[Bound] = [(name, "=", after[name]) for name in names]
        parts = (merged([*fixed, *part, *indexed]) for part in self._behind(after, reverse=False))
        found = [self._select(part, extra) for part in parts if part is not None]
        listed = ", ".join(map(quoted, names))
        beyond = f"token({listed})>token({', '.join('?' * len(names))})"
        where, values = self._where(indexed)
        text = f"{self._head} WHERE {' AND '.join(part for part in (beyond, where) if part)}"
        place = self._records.bound(names, [after[name] for name in names])
        return [*found, Statement(text + extra, (*place, *values))]

    def _behind(self, after: Row, *, reverse: bool) -> list[list[Bound]]:
        """The parts of a partition behind a row, the nearest first."""
        parts: list[list[Bound]] = []
        equal: list[Bound] = []
        for name, order in self._schema.clustering_orders.items():
            forward = (order is Order.ASC) is not reverse
            parts.append([*equal, (name, ">" if forward else "<", after[name])])
            equal.append((name, "=", after[name]))
        return parts[::-1]

    def _where(self, bounds: Sequence[Bound]) -> tuple[str, tuple[bytes | None, ...]]:
        text = " AND ".join(f"{quoted(name)}{sign}?" for name, sign, _ in bounds)
        names = [name for name, _, _ in bounds]
        return text, self._records.bound(names, [value for _, _, value in bounds])

    def _select(self, bounds: Sequence[Bound], extra: str = "") -> Statement:
        text, values = self._where(bounds)
        return Statement(f"{self._head} WHERE {text}{extra}" if text else self._head, values)


def _of_range(schema: TableSchema, range_: KeyRange) -> list[Bound]:
    """The bounds of clustering columns; equal leading ones are named once."""
    found: list[Bound] = []
    for values, inclusive, sign in (
        (range_.start, range_.start_inclusive, ">"),
        (range_.end, range_.end_inclusive, "<"),
    ):
        if not values:
            continue
        names = schema.clustering_key[: len(values)]
        *leading, last = zip(names, values, strict=True)
        found += [(name, "=", value) for name, value in leading]
        name, value = last
        whole_sign = f"{sign}=" if inclusive else sign
        if isinstance(value, float) and value == 0:
            value = _ZEROS[whole_sign]
        found.append((name, whole_sign, value))
    return list(dict.fromkeys(found)) if range_.start and range_.end else found


def merged(bounds: Iterable[Bound]) -> list[Bound] | None:
    """The same bounds, of each column the narrowest only; None if no row can be within all."""
    columns: dict[str, list[Bound]] = {}
    for bound in bounds:
        columns.setdefault(bound[0], []).append(bound)
    found: list[Bound] = []
    for several in columns.values():
        narrowest = _narrowest(several)
        if narrowest is None:
            return None
        found += narrowest
    return found


def _narrowest(bounds: list[Bound]) -> list[Bound] | None:
    """One column's bounds as at most one of each side, or as one value."""
    equal = [bound for bound in bounds if bound[1] == "="]
    if equal:
        value = sort_key(equal[0][2])
        within = all(_MEANS[sign](value, sort_key(other)) for _, sign, other in bounds)
        return equal[:1] if within else None
    # Of two bounds at one value the exclusive one is the narrower.
    lower = [bound for bound in bounds if bound[1][0] == ">"]
    upper = [bound for bound in bounds if bound[1][0] == "<"]
    lower.sort(key=lambda bound: (sort_key(bound[2]), bound[1] == ">"), reverse=True)
    upper.sort(key=lambda bound: (sort_key(bound[2]), bound[1] == "<="))
    return [*lower[:1], *upper[:1]]

"""What may a transaction's client not do any more, for what it has written itself? (20.1)

The library shows a transaction its own writes in every scan. ScalarDB refuses such scans, and a put
over an own delete, and its clients may count on it; so the requests are looked at before the
library has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.model.operations import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.operations import Scan
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Row, Value

    Written = tuple[Put | Delete, TableSchema]


class OwnWrites:
    """The records that a client has written, each with the last that it wrote of them."""

    def __init__(self) -> None:
        self._puts: dict[tuple[str, tuple[Value, ...]], Row] = {}
        self._deleted: set[tuple[str, tuple[Value, ...]]] = set()

    def check_writes(self, writes: Sequence[Written]) -> None:
        """RefusedError if a put is one over an own delete."""
        deleted = set(self._deleted)
        for mutation, schema in writes:
            if isinstance(mutation, Delete):
                deleted.add(_record(mutation, schema))
            elif _record(mutation, schema) in deleted:
                raise invalid("CORE-10104: Writing already-deleted data is not allowed")

    def note(self, writes: Sequence[Written]) -> None:
        """Keep what was written."""
        for mutation, schema in writes:
            record = _record(mutation, schema)
            if isinstance(mutation, Delete):
                self._puts.pop(record, None)
                self._deleted.add(record)
            else:
                self._puts[record] = {**self._puts.get(record, {}), **mutation.values}

    def check_scan(self, scan: Scan, schema: TableSchema) -> None:
        """RefusedError if what was put may be among what the scan would find."""
        if any(
            name == scan.table and _is_among(values, scan, schema)
            for (name, _), values in self._puts.items()
        ):
            raise invalid("CORE-10106: Reading already-written data is not allowed")


def _record(mutation: Put | Delete, schema: TableSchema) -> tuple[str, tuple[Value, ...]]:
    values = mutation.key if isinstance(mutation, Delete) else mutation.values
    return mutation.table, tuple(values[name] for name in schema.primary_key)


def _is_among(values: Row, scan: Scan, schema: TableSchema) -> bool:
    if scan.whole_table:
        return True
    if scan.index is not None:
        return scan.index.items() <= values.items()
    if scan.partition is None or not scan.partition.items() <= values.items():
        return False
    return not (
        _is_beyond(values, scan.start, schema, after=False, inclusive=scan.start_inclusive)
        or _is_beyond(values, scan.end, schema, after=True, inclusive=scan.end_inclusive)
    )


def _is_beyond(
    values: Row,
    bound: Mapping[str, Value] | None,
    schema: TableSchema,
    *,
    after: bool,
    inclusive: bool,
) -> bool:
    """Is a record outside of a range, behind its end or else before its start?"""
    if bound is None:
        return False
    names = schema.clustering_key[: len(bound)]
    here: Any = [values[name] for name in names]
    there: Any = [bound[name] for name in names]
    if here == there:
        return not inclusive
    return bool(here > there) is after

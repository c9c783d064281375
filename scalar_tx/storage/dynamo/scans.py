"""Which requests does a scan become? (Storage specification 4.7)

A partition is read between two bounds of key bytes that hold at least the range; the values of each
row then decide, by the rules that hold on every storage. The bounds also say where a scan goes on:
DynamoDB refuses to begin at a place outside of the range it was asked for.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.storage.dynamo.codec import encode
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY, Interval
from scalar_tx.storage.interface import IndexSource, PartitionSource, WholeTableSource
from scalar_tx.storage.ordering import in_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.statements import Request, TableStatements
    from scalar_tx.storage.interface import ScanRequest

_LARGEST_PAGE = 1000


class ScanPlan:
    """A scan as a chain of requests, and which of the items found belong to it."""

    def __init__(self, statements: TableStatements, request: ScanRequest) -> None:
        self._statements = statements
        self._request = request
        self._columns = request.table.schema.clustering_key
        self._size = max(1, min(request.page_size, _LARGEST_PAGE))
        self._after = self._place_after()
        self.is_query = not isinstance(request.source, WholeTableSource)
        self._first = self._make()

    def _place_after(self) -> Item | None:
        after = self._request.after
        if after is None:
            return None
        return self._statements.keys.item_key(self._request.table.key_of(after))

    def _make(self) -> Request | None:
        source = self._request.source
        request: Request = {
            "TableName": self._statements.physical,
            "Limit": self._size,
        }
        match source:
            case PartitionSource():
                return self._partition(request, source)
            case IndexSource():
                return self._index(request, source)
            case WholeTableSource():
                if source.order:
                    raise InvalidOperationError(
                        "DynamoDB can't order a whole table",
                        advice="Sort the rows after reading them",
                        code="STX-3034",
                    )
                request["ConsistentRead"] = True
                if self._after is not None:
                    request["ExclusiveStartKey"] = self._after
                return request

    def _partition(self, request: Request, source: PartitionSource) -> Request | None:
        keys = self._statements.keys
        values: dict[str, Any] = {":pk": {"B": keys.partition(source.partition)}}
        condition = f"{PARTITION_KEY} = :pk"
        interval = keys.interval(source.range)
        if self._after is not None:
            if not keys.clustered:
                return None  # the only record of its partition was seen
            place = self._after[CLUSTERING_KEY]["B"]
            rest = Interval(high=place) if source.reverse else Interval(low=place)
            interval = interval.within(rest)
        if interval.empty:
            return None
        low, high = interval.low, interval.high
        if low is not None:
            values[":sck"] = {"B": low}
        if high is not None:
            values[":eck"] = {"B": high}
        if low is not None and high is not None:
            condition += f" AND {CLUSTERING_KEY} BETWEEN :sck AND :eck"
        elif low is not None:
            condition += f" AND {CLUSTERING_KEY} >= :sck"
        elif high is not None:
            condition += f" AND {CLUSTERING_KEY} <= :eck"
        return request | {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not source.reverse,
            "ConsistentRead": True,
        }

    def _index(self, request: Request, source: IndexSource) -> Request | None:
        table = self._request.table
        if source.column not in table.schema.secondary_index:
            raise InvalidOperationError(
                f"{table.name}.{source.column} has no index",
                advice="Create one, or scan the partition or the whole table",
                code="STX-3015",
            )
        if source.value in (None, "", b""):
            return None  # DynamoDB has no such item in an index
        value = encode(source.value, table.schema.columns[source.column])
        request |= {
            "IndexName": self._statements.names.index(table.name, source.column),
            "KeyConditionExpression": "#col0 = :val0",
            "ExpressionAttributeNames": {"#col0": source.column},
            "ExpressionAttributeValues": {":val0": value},
        }
        if self._after is not None:
            request["ExclusiveStartKey"] = {**self._after, source.column: value}
        return request

    def request(self, behind: Item | None) -> Request | None:
        """The request for the next page, behind the place where the last one ended; None: none."""
        if behind is None or self._first is None:
            return self._first
        self._size = min(self._request.page_after(self._size), _LARGEST_PAGE)
        return self._first | {"ExclusiveStartKey": behind, "Limit": self._size}

    def row_of(self, item: Item) -> Row | None:
        """The row of an item; None if it does not belong to the scan."""
        row = self._statements.decode(item)
        self._check_place(item, row)
        source = self._request.source
        if isinstance(source, PartitionSource):
            if self._after is not None and item[CLUSTERING_KEY] == self._after[CLUSTERING_KEY]:
                return None
            if not in_range(source.range, [row[name] for name in self._columns]):
                return None
        return row

    def _check_place(self, item: Item, row: Row) -> None:
        """A record that stands elsewhere than its key says is found by no get."""
        found = misplaced(self._statements, item, row)
        if found is not None:
            raise SchemaError(
                f"{self._request.table.name} {found!r}: the item stands at other key bytes than "
                "its key columns have, so that it can be scanned but neither read nor written by "
                "its key; some releases of the Java library write such items when one transaction "
                "writes two tables",
                advice="Repair the table's keys before using it",
                code="STX-3607",
            )


def misplaced(
    statements: TableStatements, item: Mapping[str, Any], row: Row
) -> tuple[Value, ...] | None:
    """The key of a record whose item stands at other bytes; None: it is where it should be."""
    key = statements.table.key_of(row)
    if None in key:
        return key
    # DynamoDB drops the sign of a zero in the column, not in the key bytes: each may be either. A
    # 0.0 at the bytes of another order looks like a -0.0 at its own and is left alone.
    choices = [
        (0.0, -0.0) if isinstance(value, float) and value == 0 else (value,) for value in key
    ]
    for one in itertools.product(*choices):
        wanted = statements.keys.item_key(one)
        if all(item[name] == wanted[name] for name in wanted):
            return None
    return key

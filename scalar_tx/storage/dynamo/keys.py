"""Which bytes are a record's keys, and which are the bounds of a range? (Storage spec. 4.2, 4.7)

The two binary attributes hold the encoded key columns one behind the other. The columns of a
clustering key end themselves (fixed width, or a terminator), so that the records which begin with
certain values are those whose bytes begin with certain bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.encoding import ordered_bytes
from scalar_tx.model.table import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import KeyRange

PARTITION_KEY: Final = "concatenatedPartitionKey"
CLUSTERING_KEY: Final = "concatenatedClusteringKey"

MOST_PARTITION_BYTES: Final = 2048
MOST_CLUSTERING_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Interval:
    """Bytes from ``low`` to ``high``, both included; None: without that bound."""

    low: bytes | None = None
    high: bytes | None = None

    @property
    def empty(self) -> bool:
        """Can nothing lie in it?"""
        return self.low is not None and self.high is not None and self.low > self.high

    def within(self, other: Interval) -> Interval:
        """What lies in both."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Interval(max(lows, default=None), min(highs, default=None))


def following(data: bytes) -> bytes | None:
    """The least bytes behind all that begin with these; None: there are none.

    >>> following(bytes.fromhex("01ff")).hex(), following(b"")
    ('02', None)
    """
    stem = data.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


class Keys:
    """The key bytes of one table, by its own clustering orders."""

    __slots__ = ("_clustering", "_partition", "_table")

    def __init__(self, table: Table) -> None:
        schema = table.schema
        self._table = table
        self._partition = tuple(schema.columns[name] for name in schema.partition_key)
        self._clustering = tuple(
            (schema.columns[name], order) for name, order in schema.clustering_orders.items()
        )

    @property
    def clustered(self) -> bool:
        """Does the table have a clustering key?"""
        return bool(self._clustering)

    def partition(self, values: Sequence[Value]) -> bytes:
        """The bytes of a partition key; its columns always ascend."""
        found = b"".join(
            ordered_bytes(value, data_type)
            for value, data_type in zip(values, self._partition, strict=True)
        )
        return self._fitting(found, MOST_PARTITION_BYTES, "partition")

    def clustering(self, values: Sequence[Value]) -> bytes:
        """The bytes of the leading clustering columns, each in its own order."""
        return b"".join(
            ordered_bytes(value, data_type, order)
            for value, (data_type, order) in zip(values, self._clustering, strict=False)
        )

    def item_key(self, key: Sequence[Value]) -> dict[str, dict[str, bytes]]:
        """The key of a record's item, from the values of the primary key."""
        width = len(self._partition)
        found = {PARTITION_KEY: {"B": self.partition(key[:width])}}
        if self._clustering:
            clustering = self.clustering(key[width:])
            found[CLUSTERING_KEY] = {
                "B": self._fitting(clustering, MOST_CLUSTERING_BYTES, "clustering")
            }
        return found

    def interval(self, range_: KeyRange) -> Interval:
        """The key bytes that a range can hold, perhaps a few more: its values decide in the end.

        A zero has two encodings that are one value, so no bound is drawn next to it.
        """
        found = Interval()
        for bound, is_start, inclusive in (
            (range_.start, True, range_.start_inclusive),
            (range_.end, False, range_.end_inclusive),
        ):
            if bound:
                found = found.within(self._one_bound(bound, is_start=is_start, inclusive=inclusive))
        return Interval(_short(found.low), _short_end(found.high))

    def _one_bound(self, bound: Sequence[Value], *, is_start: bool, inclusive: bool) -> Interval:
        stem = self.clustering(bound[:-1])
        _, order = self._clustering[len(bound) - 1]
        value = bound[-1]
        low: bytes | None = stem or None
        high = following(stem)
        if value == 0 and isinstance(value, float):
            nearest = stem + min(self._last(-0.0, bound), self._last(0.0, bound))
            farthest = stem + max(self._last(-0.0, bound), self._last(0.0, bound))
            inclusive = True
        else:
            nearest = farthest = stem + self._last(value, bound)
        if is_start is (order is Order.ASC):
            low = nearest if inclusive else following(farthest)
            if low is None:
                return Interval(b"\x01", b"\x00")
        elif inclusive:
            behind = following(farthest)
            high = behind if behind is not None else high
        else:
            # What begins with these bytes begins behind them, but for the bytes themselves, which
            # are no whole key or are left out by value.
            high = nearest
        return Interval(low, high)

    def _last(self, value: Value, bound: Sequence[Value]) -> bytes:
        data_type, order = self._clustering[len(bound) - 1]
        return ordered_bytes(value, data_type, order)

    def _fitting(self, found: bytes, most: int, which: str) -> bytes:
        if len(found) > most:
            raise InvalidOperationError(
                f"the {which} key of a record of {self._table.name} is {len(found):,} bytes long; "
                f"DynamoDB holds {most:,}",
                advice="Use shorter keys",
                code="STX-3602",
            )
        return found


def _short(low: bytes | None) -> bytes | None:
    # DynamoDB refuses a bound longer than a key can be; no key lies between it and its beginning.
    return None if low is None else low[:MOST_CLUSTERING_BYTES] or None


def _short_end(high: bytes | None) -> bytes | None:
    if high is None or len(high) <= MOST_CLUSTERING_BYTES:
        return high
    return following(high[:MOST_CLUSTERING_BYTES])

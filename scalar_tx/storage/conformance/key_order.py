"""Do clustering keys of every type sort by value, and are bounds taken by value too?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.encoding import ordered_bytes
from scalar_tx.model.table import Order
from scalar_tx.storage.conformance.judging import by_value, same_rows
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.conformance.values import BOTH_ORDERS, EVERY_TYPE, distinct, schema_for
from scalar_tx.storage.interface import KeyRange, PartitionSource, ScanRequest

if TYPE_CHECKING:
    from scalar_tx.model.types import DataType, Value
    from scalar_tx.storage.conformance.lab import Lab


class KeyOrder(Topic):
    """One clustering column of each type in each order."""

    @BOTH_ORDERS
    @EVERY_TYPE
    async def test_a_partition_is_in_the_order_of_the_key_bytes(
        self, lab: Lab, data_type: DataType, order: str
    ) -> None:
        if not lab.subject.supports(data_type, Role.CLUSTERING_KEY):
            return
        table = await lab.table(schema_for(Role.CLUSTERING_KEY, data_type, order))
        values = distinct(lab, data_type, Role.CLUSTERING_KEY)
        await lab.load(table, [{"p": 1, "v": v} for v in values])
        for reverse in (False, True):
            found = await lab.rows(ScanRequest(table, PartitionSource((1,), reverse=reverse)))
            descending = (order == "DESC") is not reverse
            wanted = sorted(values, key=by_value, reverse=descending)
            assert [by_value(row["v"]) for row in found] == [by_value(v) for v in wanted]
            kind = Order.DESC if descending else Order.ASC
            keys = [key for row in found if (key := _bytes(row["v"], data_type, kind)) is not None]
            assert keys == sorted(keys)
            assert len(keys) >= 2

    @BOTH_ORDERS
    @EVERY_TYPE
    async def test_bounds_are_by_value(self, lab: Lab, data_type: DataType, order: str) -> None:
        if not lab.subject.supports(data_type, Role.CLUSTERING_KEY):
            return
        table = await lab.table(schema_for(Role.CLUSTERING_KEY, data_type, order))
        ascending = sorted(distinct(lab, data_type, Role.CLUSTERING_KEY), key=by_value)
        rows = await lab.load(table, [{"p": 1, "v": v} for v in ascending])
        await lab.load(table, [{"p": 2, "v": v} for v in ascending])
        for index, value in enumerate(ascending):
            for inclusive in (True, False):
                low = KeyRange(start=(value,), start_inclusive=inclusive)
                high = KeyRange(end=(value,), end_inclusive=inclusive)
                from_here = rows[index + (not inclusive) :]
                until_here = rows[: index + inclusive]
                for range_, wanted in ((low, from_here), (high, until_here)):
                    source = PartitionSource((1,), range_)
                    found = await lab.rows(ScanRequest(table, source))
                    if order == "DESC":
                        found.reverse()
                    assert same_rows(found, wanted), range_


def _bytes(value: Value, data_type: DataType, order: Order) -> bytes | None:
    try:
        return ordered_bytes(value, data_type, order)
    except InvalidOperationError:
        return None  # no key where keys are such bytes; the order by value was checked

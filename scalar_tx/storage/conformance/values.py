"""Does every value come back as it was handed in, whichever column it stands in?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.judging import by_value, same_row, same_rows
from scalar_tx.storage.conformance.lab import Lab, refused
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
)

if TYPE_CHECKING:
    from scalar_tx.model.types import Value

EVERY_TYPE: Final = pytest.mark.parametrize("data_type", DataType, ids=lambda t: t.value)
BOTH_ORDERS: Final = pytest.mark.parametrize("order", ["ASC", "DESC"])


def schema_for(role: Role, data_type: DataType, order: str = "ASC") -> TableSchema:
    """A table which has a column ``v`` of that type in that role."""
    columns = {"p": DataType.INT, "v": data_type, "n": DataType.INT}
    match role:
        case Role.PARTITION_KEY:
            return TableSchema(columns={"v": data_type, "n": DataType.INT}, partition_key=["v"])
        case Role.CLUSTERING_KEY:
            return TableSchema(columns, partition_key=["p"], clustering_key=[f"v {order}"])
        case Role.INDEX:
            return TableSchema(columns, partition_key=["p"], secondary_index=["v"])
        case Role.COLUMN:
            return TableSchema(columns, partition_key=["p"])


class Values(Topic):
    """All types at their limits."""

    @EVERY_TYPE
    async def test_a_plain_column_keeps_its_values(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.COLUMN):
            return
        table = await lab.table(schema_for(Role.COLUMN, data_type))
        values = [*lab.samples(data_type), None]
        rows = await lab.load(table, [{"p": p, "v": v} for p, v in enumerate(values)])
        for p, row in enumerate(rows):
            found = await lab.get(table, p)
            assert same_row(found, row), f"{str(row['v'])[:80]!r} became {str(found)[:200]}"
        scanned = await lab.rows(ScanRequest(table, WholeTableSource()))
        assert same_rows(sorted(scanned, key=lambda row: by_value(row["p"])), rows)

    @EVERY_TYPE
    async def test_a_partition_key_keeps_its_values(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.PARTITION_KEY):
            return
        table = await lab.table(schema_for(Role.PARTITION_KEY, data_type))
        values = distinct(lab, data_type, Role.PARTITION_KEY)
        rows = await lab.load(table, [{"v": v, "n": n} for n, v in enumerate(values)])
        for row in rows:
            found = await lab.get(table, row["v"])
            assert same_row(found, row), f"the key {row['v']!r} finds {found}"
            request = ScanRequest(table, PartitionSource((row["v"],)))
            assert same_rows(await lab.rows(request), [row])
        assert len(await lab.rows(ScanRequest(table, WholeTableSource()))) == len(rows)
        for n, row in enumerate(rows):
            await lab.storage.mutate([Erase(table, (row["v"],))])
            assert await lab.get(table, row["v"]) is None
            left = await lab.rows(ScanRequest(table, WholeTableSource()))
            assert len(left) == len(rows) - n - 1, f"erasing {row['v']!r} erased others too"

    @BOTH_ORDERS
    @EVERY_TYPE
    async def test_a_clustering_key_keeps_its_values(
        self, lab: Lab, data_type: DataType, order: str
    ) -> None:
        if not lab.subject.supports(data_type, Role.CLUSTERING_KEY):
            return
        table = await lab.table(schema_for(Role.CLUSTERING_KEY, data_type, order))
        values = distinct(lab, data_type, Role.CLUSTERING_KEY)
        rows = await lab.load(table, [{"p": 1, "v": v, "n": n} for n, v in enumerate(values)])
        for row in rows:
            found = await lab.get(table, 1, row["v"])
            assert same_row(found, row), f"the key {row['v']!r} finds {found}"
        scanned = await lab.rows(ScanRequest(table, PartitionSource((1,))))
        assert same_rows(sorted(scanned, key=lambda row: by_value(row["n"])), rows)

    @EVERY_TYPE
    async def test_an_index_finds_its_values(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.INDEX):
            return
        table = await lab.table(schema_for(Role.INDEX, data_type))
        values = [*distinct(lab, data_type, Role.INDEX), None]
        rows = await lab.load(
            table, [{"p": 2 * p + n, "v": v} for p, v in enumerate(values) for n in (0, 1)]
        )
        for p, value in enumerate(values[:-1]):
            found = await lab.rows(ScanRequest(table, IndexSource("v", value)))
            wanted = [rows[2 * p], rows[2 * p + 1]]
            assert same_rows(sorted(found, key=lambda row: by_value(row["p"])), wanted), value

    @EVERY_TYPE
    async def test_a_negative_zero_is_found_again(self, lab: Lab, data_type: DataType) -> None:
        zeros = [v for v in lab.samples(data_type, Role.PARTITION_KEY) if _negative_zero(v)]
        if not lab.subject.supports(data_type, Role.PARTITION_KEY):
            return
        table = await lab.table(schema_for(Role.PARTITION_KEY, data_type))
        for zero in zeros:
            await lab.load(table, [{"v": zero, "n": 1}])
            assert same_row(await lab.get(table, zero), {"v": zero, "n": 1})

    async def test_unsupported_roles_are_refused(self, lab: Lab) -> None:
        for data_type, role in lab.subject.unsupported:
            columns = schema_for(role, data_type)
            await refused(lab.table(columns, which="unsupported"))


def _negative_zero(value: object) -> bool:
    return isinstance(value, float) and value == 0 and str(value).startswith("-")


def distinct(lab: Lab, data_type: DataType, role: Role) -> list[Value]:
    """Sample values that are different keys everywhere."""
    # Whether the two zeros are one key is the database's business.
    return [value for value in lab.samples(data_type, role) if not _negative_zero(value)]

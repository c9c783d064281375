"""Are namespaces, tables and indexes made, described, changed and removed as asked?"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.lab import Lab, refused
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import IndexSource, ScanRequest, WholeTableSource, Write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIMPLE: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "n": "INT", "t": "TEXT"},
    partition_key=["p"],
    clustering_key=["c DESC"],
    secondary_index=["n"],
)
EVERY_TYPE_SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", **{f"v_{t.value.lower()}": t for t in DataType}},
    partition_key=["p"],
    clustering_key=["c"],
)
SCHEMAS: Final = {
    "one column": TableSchema(columns={"p": "TEXT"}, partition_key=["p"]),
    "orders": TableSchema(
        columns={"a": "INT", "b": "TEXT", "c": "BIGINT", "d": "DATE", "v": "BLOB"},
        partition_key=["b", "a"],
        clustering_key=["d DESC", "c ASC"],
    ),
    "indexes": TableSchema(
        columns={"z": "INT", "y": "TEXT", "x": "DOUBLE", "w": "TIME"},
        partition_key=["z"],
        secondary_index=["x", "y", "w"],
    ),
    "every type": EVERY_TYPE_SCHEMA,
}
OPTIONS: Final = {"an-option-nobody-knows": "1"}


def supported(lab: Lab, schema: TableSchema) -> TableSchema:
    """The schema without the columns whose types the database lacks."""
    keys = {*schema.primary_key, *schema.secondary_index}
    columns = {
        name: data_type
        for name, data_type in schema.columns.items()
        if name in keys or lab.subject.supports(data_type, Role.COLUMN)
    }
    orders = [f"{name} {order.value}" for name, order in schema.clustering_orders.items()]
    return TableSchema(columns, schema.partition_key, orders, schema.secondary_index)


@asynccontextmanager
async def made(lab: Lab, schema: TableSchema, name: str | None = None) -> AsyncIterator[Table]:
    """A table of its own, dropped afterwards."""
    table = Table(name or lab.fresh_name(), schema)
    await lab.storage.admin.drop_table(table.name, if_exists=True)
    await lab.storage.admin.create_table(table)
    try:
        yield table
    finally:
        await lab.storage.admin.drop_table(table.name, if_exists=True)


class Administration(Topic):
    """Tables, indexes, namespaces."""

    @pytest.mark.parametrize("which", SCHEMAS)
    async def test_a_table_is_described_as_it_was_made(self, lab: Lab, which: str) -> None:
        async with made(lab, supported(lab, SCHEMAS[which])) as table:
            described = await lab.storage.admin.table(table.name)
            assert described == table
            assert described is not None
            orders = described.schema.clustering_orders
            assert list(orders.items()) == list(table.schema.clustering_orders.items())

    async def test_a_table_exists_between_create_and_drop(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            assert table.name in await admin.tables(table.namespace)
            assert table.namespace in await admin.namespaces()
            await admin.drop_table(table.name)
            assert await admin.table(table.name) is None
            assert table.name not in await admin.tables(table.namespace)
            await refused(admin.drop_table(table.name))
            await admin.drop_table(table.name, if_exists=True)

    async def test_a_table_is_made_once(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            rows = await lab.load(table, [{"p": 1, "c": 1, "n": 1}])
            await refused(admin.create_table(table))
            await refused(admin.create_table(Table(table.name, SCHEMAS["one column"])))
            await admin.create_table(table, if_not_exists=True)
            assert await admin.table(table.name) == table
            assert await lab.rows(ScanRequest(table, WholeTableSource())) == rows

    async def test_a_table_made_anew_is_empty(self, lab: Lab) -> None:
        async with made(lab, SIMPLE) as table:
            await lab.load(table, [{"p": 1, "c": 1, "n": 1}])
        other = TableSchema(columns={"k": "TEXT", "n": "TEXT"}, partition_key=["k"])
        async with made(lab, other, table.name) as again:
            assert await lab.storage.admin.table(table.name) == again
            assert await lab.rows(ScanRequest(again, WholeTableSource())) == []
            await lab.load(again, [{"k": "x", "n": "text now"}])
            assert await lab.get(again, "x") == {"k": "x", "n": "text now"}

    async def test_options_nobody_knows_are_ignored(self, lab: Lab) -> None:
        admin = lab.storage.admin
        table = Table(lab.fresh_name("conformance3"), SIMPLE)
        await admin.create_namespace("conformance3", if_not_exists=True, options=OPTIONS)
        await admin.create_table(table, options=OPTIONS)
        await admin.create_index(table, "t", options=OPTIONS)
        await admin.repair_table(table, options=OPTIONS)
        await admin.drop_table(table.name)
        await admin.drop_namespace("conformance3", if_exists=True)

    async def test_truncating_removes_rows_only(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table, made(lab, SIMPLE) as neighbour:
            rows = [{"p": p, "c": 1, "n": 1} for p in range(5)]
            stored = await lab.load(neighbour, [dict(row) for row in rows])
            await lab.load(table, [dict(row) for row in rows])
            await admin.truncate_table(table.name)
            assert await lab.rows(ScanRequest(table, WholeTableSource())) == []
            assert await lab.rows(ScanRequest(table, IndexSource("n", 1))) == []
            assert await lab.get(table, 1, 1) is None
            assert await admin.table(table.name) == table
            assert len(await lab.rows(ScanRequest(neighbour, WholeTableSource()))) == len(stored)
            assert len(await lab.load(table, [{"p": 1, "c": 1}])) == 1
        await refused(admin.truncate_table(table.name))

    async def test_dropping_a_table_leaves_its_neighbours(self, lab: Lab) -> None:
        async with made(lab, SIMPLE) as table, made(lab, SIMPLE) as neighbour:
            rows = await lab.load(neighbour, [{"p": 1, "c": 1, "n": 5}])
            await lab.storage.admin.drop_table(table.name)
            assert await lab.storage.admin.table(neighbour.name) == neighbour
            assert await lab.rows(ScanRequest(neighbour, IndexSource("n", 5))) == rows

    async def test_an_index_is_made_and_dropped(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            rows = await lab.load(table, [{"p": 1, "c": c, "n": c, "t": "x"} for c in (2, 1)])
            await admin.create_index(table, "t")
            with_index = await admin.table(table.name)
            assert with_index is not None
            assert set(with_index.schema.secondary_index) == {"n", "t"}
            found = await lab.rows(ScanRequest(with_index, IndexSource("t", "x")))
            assert sorted(str(row["c"]) for row in found) == ["1", "2"]
            await refused(admin.create_index(with_index, "t"))
            await refused(admin.create_index(with_index, "nothing"))
            await admin.drop_index(with_index, "t")
            assert await admin.table(table.name) == table
            await refused(admin.drop_index(table, "t"))
            assert len(await lab.rows(ScanRequest(table, IndexSource("n", 1)))) == 1
            assert len(await lab.rows(ScanRequest(table, WholeTableSource()))) == len(rows)

    async def test_an_index_of_a_missing_table_is_refused(self, lab: Lab) -> None:
        table = Table(lab.fresh_name(), SIMPLE)
        await refused(lab.storage.admin.create_index(table, "t"))
        await refused(lab.storage.admin.drop_index(table, "n"))

    async def test_repair_makes_what_is_missing(self, lab: Lab) -> None:
        admin = lab.storage.admin
        table = Table(lab.fresh_name(), SIMPLE)
        await admin.repair_table(table)
        try:
            assert await admin.table(table.name) == table
            rows = await lab.load(table, [{"p": 1, "c": 1, "n": 5}])
            await admin.drop_index(table, "n")
            await admin.repair_table(table)
            assert await admin.table(table.name) == table
            assert await lab.rows(ScanRequest(table, IndexSource("n", 5))) == rows
            await admin.repair_table(table)
            assert await lab.get(table, 1, 1) == rows[0]
        finally:
            await admin.drop_table(table.name, if_exists=True)

    async def test_columns_are_added(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            await lab.load(table, [{"p": 1, "c": 1, "n": 1, "t": "kept"}])
            new = {
                f"new_{data_type.value.lower()}": data_type
                for data_type in DataType
                if lab.subject.supports(data_type, Role.COLUMN)
            }
            await admin.add_columns(table, {**new, "t": DataType.TEXT})
            await admin.add_columns(table, new)
            wider = await admin.table(table.name)
            assert wider is not None
            assert dict(wider.schema.columns) == {**table.schema.columns, **new}
            assert wider.schema.clustering_orders == table.schema.clustering_orders
            assert wider.schema.secondary_index == table.schema.secondary_index
            before = {"p": 1, "c": 1, "n": 1, "t": "kept", **dict.fromkeys(new)}
            assert await lab.get(wider, 1, 1) == before
            await lab.storage.mutate([Write(wider, (1, 1), {"new_int": 5, "new_text": "x"})])
            assert await lab.get(wider, 1, 1) == {**before, "new_int": 5, "new_text": "x"}

    async def test_columns_of_a_missing_table_are_refused(self, lab: Lab) -> None:
        table = Table(lab.fresh_name(), SIMPLE)
        await refused(lab.storage.admin.add_columns(table, {"x": DataType.INT}))

    async def test_a_missing_table_is_described_as_none(self, lab: Lab) -> None:
        assert await lab.storage.admin.table("conformance.missing") is None
        assert await lab.storage.admin.table("conformance_missing.missing") is None
        assert await lab.storage.admin.tables("conformance_missing") == []

    async def test_namespaces(self, lab: Lab) -> None:
        admin = lab.storage.admin
        name = "conformance4"
        table = Table(f"{name}.t", SIMPLE)
        await admin.drop_table(table.name, if_exists=True)
        await admin.drop_namespace(name, if_exists=True)
        assert name not in await admin.namespaces()
        await admin.create_namespace(name)
        await admin.create_namespace(name, if_not_exists=True)
        await admin.create_table(table)
        assert name in await admin.namespaces()
        assert await admin.tables(name) == [table.name]
        await refused(admin.create_namespace(name))
        await refused(admin.drop_namespace(name))
        assert await admin.table(table.name) == table
        await admin.drop_table(table.name)
        await admin.drop_namespace(name, if_exists=True)
        assert name not in await admin.namespaces()

    async def test_an_empty_namespace_is_remembered(self, lab: Lab) -> None:
        admin = lab.storage.admin
        name = "conformance5"
        if not lab.subject.remembers_empty_namespaces:
            return
        await admin.drop_namespace(name, if_exists=True)
        await admin.create_namespace(name)
        assert name in await admin.namespaces()
        assert await admin.tables(name) == []
        await refused(admin.create_namespace(name))
        await admin.drop_namespace(name)
        assert name not in await admin.namespaces()
        await refused(admin.drop_namespace(name))
        await admin.drop_namespace(name, if_exists=True)

    async def test_a_table_makes_its_namespace(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE, "conformance6.t"):
            assert "conformance6" in await admin.namespaces()
        await admin.drop_namespace("conformance6", if_exists=True)

    async def test_namespaces_do_not_share_tables(self, lab: Lab) -> None:
        # The underscore is a wildcard where names are looked up with LIKE.
        async with (
            made(lab, SIMPLE, "conformance_7.t") as one,
            made(lab, SIMPLE, "conformancex7.t") as other,
        ):
            await lab.load(one, [{"p": 1, "c": 1, "n": 1}])
            assert await lab.get(other, 1, 1) is None
            assert await lab.storage.admin.tables("conformance_7") == [one.name]
            await lab.storage.admin.drop_table(other.name)
            assert await lab.storage.admin.table(one.name) == one
        await lab.storage.admin.drop_namespace("conformance_7", if_exists=True)
        await lab.storage.admin.drop_namespace("conformancex7", if_exists=True)

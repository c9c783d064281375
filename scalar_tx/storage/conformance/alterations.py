"""Are columns and tables dropped, renamed and widened as asked, or refused without a trace?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.administration import SIMPLE, made
from scalar_tx.storage.conformance.lab import Lab, refused
from scalar_tx.storage.conformance.subject import Change
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import IndexSource, ScanRequest, WholeTableSource, Write

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.model.types import Row

ROW: Final[Row] = {"p": 1, "c": 2, "n": 3, "t": "kept"}


class Alterations(Topic):
    """Changes of tables that hold records."""

    async def test_columns_are_dropped(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            await lab.load(table, [ROW])
            if await self._is_refused(lab, Change.DROP, table, admin.drop_columns(table, ["n"])):
                return
            await admin.drop_columns(table, ["n"])
            narrow = TableSchema({"p": "INT", "c": "INT", "t": "TEXT"}, ["p"], ["c DESC"])
            left = await admin.table(table.name)
            assert left == Table(table.name, narrow)
            assert await lab.get(left, 1, 2) == {"p": 1, "c": 2, "t": "kept"}
            await admin.drop_columns(left, ["n"])  # it is not there
            for key in ("p", "c"):
                await refused(admin.drop_columns(left, [key]))
            assert await admin.table(table.name) == left
            # What comes by the same name is new, and so is its index.
            await admin.add_columns(left, {"n": DataType.INT})
            await admin.create_index(left, "n")
            again = await admin.table(table.name)
            assert again == table
            assert await lab.get(table, 1, 2) == {**ROW, "n": None}
            await lab.load(table, [{**ROW, "n": 4}])
            assert len(await lab.rows(ScanRequest(table, IndexSource("n", 4)))) == 1

    async def test_columns_are_dropped_together(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            await lab.load(table, [ROW])
            steps = admin.drop_columns(table, ["t", "n"])
            if await self._is_refused(lab, Change.DROP, table, steps):
                return
            await admin.drop_columns(table, ["t", "n"])
            left = await admin.table(table.name)
            assert left == Table(
                table.name, TableSchema({"p": "INT", "c": "INT"}, ["p"], ["c DESC"])
            )
            assert await lab.get(left, 1, 2) == {"p": 1, "c": 2}

    async def test_columns_are_renamed(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table:
            await lab.load(table, [ROW])
            names = {"n": "number", "t": "text"}
            steps = admin.rename_columns(table, names)
            if await self._is_refused(lab, Change.RENAME, table, steps):
                return
            await admin.rename_columns(table, names)
            wanted = TableSchema(
                {"p": "INT", "c": "INT", "number": "INT", "text": "TEXT"},
                ["p"],
                ["c DESC"],
                ["number"],
            )
            now = await admin.table(table.name)
            assert now == Table(table.name, wanted)
            row: Row = {"p": 1, "c": 2, "number": 3, "text": "kept"}
            assert await lab.get(now, 1, 2) == row
            assert await lab.rows(ScanRequest(now, IndexSource("number", 3))) == [row]
            for wrong in ({"n": "x"}, {"number": "text"}, {"number": "p"}):
                await refused(admin.rename_columns(now, wrong))
            assert await admin.table(table.name) == now
            # The old name, and that of its index, are free.
            await admin.add_columns(now, {"n": DataType.INT})
            await admin.create_index(now, "n")
            await lab.storage.mutate([Write(now, (1, 2), {"number": 5})])
            both = await admin.table(table.name)
            assert both is not None
            assert await lab.get(both, 1, 2) == {**row, "number": 5, "n": None}
            assert len(await lab.rows(ScanRequest(both, IndexSource("number", 5)))) == 1

    async def test_columns_of_the_key_are_renamed(self, lab: Lab) -> None:
        admin = lab.storage.admin
        schema = TableSchema({"p": "INT", "c": "TEXT", "n": "INT"}, ["p"], ["c DESC"])
        async with made(lab, schema) as table:
            await lab.load(table, [{"p": 1, "c": letter, "n": 1} for letter in "ab"])
            steps = admin.rename_columns(table, {"p": "part", "c": "cluster"})
            if await self._is_refused(lab, Change.RENAME_KEY, table, steps):
                return
            await admin.rename_columns(table, {"p": "part", "c": "cluster"})
            now = await admin.table(table.name)
            assert now is not None
            assert now.schema.partition_key == ("part",)
            assert [(n, o.value) for n, o in now.schema.clustering_orders.items()] == [
                ("cluster", "DESC")
            ]
            assert await lab.get(now, 1, "a") == {"part": 1, "cluster": "a", "n": 1}
            assert len(await lab.rows(ScanRequest(now, WholeTableSource()))) == 2

    async def test_types_are_widened(self, lab: Lab) -> None:
        admin = lab.storage.admin
        schema = TableSchema({"p": "INT", "n": "INT", "f": "FLOAT", "t": "TEXT"}, ["p"])
        async with made(lab, schema) as table:
            await lab.load(table, [{"p": 1, "n": 7, "f": 1.5, "t": "x"}])
            wider = {"n": DataType.BIGINT, "f": DataType.DOUBLE}
            steps = admin.alter_types(table, wider)
            if await self._is_refused(lab, Change.TYPES, table, steps):
                return
            await admin.alter_types(table, wider)
            now = await admin.table(table.name)
            assert now == Table(table.name, TableSchema({**schema.columns, **wider}, ["p"]))
            assert await lab.get(now, 1) == {"p": 1, "n": 7, "f": 1.5, "t": "x"}
            large: Row = {"n": 2**40, "f": 1.1}
            await lab.storage.mutate([Write(now, (1,), dict(large))])
            assert await lab.get(now, 1) == {"p": 1, "t": "x", **large}
            await refused(admin.alter_types(now, {"nothing": DataType.TEXT}))

    async def test_a_table_is_renamed(self, lab: Lab) -> None:
        admin = lab.storage.admin
        async with made(lab, SIMPLE) as table, made(lab, SIMPLE) as neighbour:
            rows = await lab.load(table, [ROW])
            name = lab.fresh_name()
            await admin.drop_table(name, if_exists=True)
            steps = admin.rename_table(table.name, name)
            if await self._is_refused(lab, Change.RENAME_TABLE, table, steps):
                return
            await refused(admin.rename_table(table.name, neighbour.name))
            await refused(admin.rename_table(f"{table.namespace}.missing", name))
            assert await admin.table(table.name) == table
            await admin.rename_table(table.name, name)
            now = Table(name, SIMPLE)
            try:
                assert await admin.table(name) == now
                assert await admin.table(table.name) is None
                assert await lab.rows(ScanRequest(now, IndexSource("n", 3))) == rows
                # The old name, and those of its indexes, are free.
                await admin.create_table(table)
                assert await lab.rows(ScanRequest(table, WholeTableSource())) == []
                await lab.load(table, [{**ROW, "t": "new"}])
                assert await lab.get(now, 1, 2) == ROW
                await admin.drop_index(now, "n")
                assert len(await lab.rows(ScanRequest(table, IndexSource("n", 3)))) == 1
            finally:
                await admin.drop_table(name)

    async def test_changes_of_a_missing_table_are_refused(self, lab: Lab) -> None:
        admin = lab.storage.admin
        table = Table(lab.fresh_name(), SIMPLE)
        await refused(admin.drop_columns(table, ["n"]))
        await refused(admin.rename_columns(table, {"n": "m"}))
        await refused(admin.alter_types(table, {"n": DataType.BIGINT}))
        await refused(admin.rename_table(table.name, lab.fresh_name()))
        await refused(admin.foreign_table(table.name, {}))

    @staticmethod
    async def _is_refused(
        lab: Lab, change: Change, table: Table, steps: Coroutine[Any, Any, None]
    ) -> bool:
        """Where the storage can't: does it say so, and leave everything as it was?"""
        if change not in lab.subject.refuses:
            steps.close()
            return False
        rows = await lab.rows(ScanRequest(table, WholeTableSource()))
        await refused(steps)
        assert await lab.storage.admin.table(table.name) == table
        assert await lab.rows(ScanRequest(table, WholeTableSource())) == rows
        return True

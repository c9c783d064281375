"""Faults of what a storage declares, and of its tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError, ReplyLostError
from scalar_tx.model.conditions import (
    Comparison,
    Operator,
    matches,
)
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import (
    AtomicityUnit,
    ReadKind,
    StorageInfo,
)
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import DataType, Value


class ObjectsToEverydayValues(MemoryStorage):
    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        return "numbers below zero are not our thing" if value == -1 else None


class ObjectsWithoutWords(MemoryStorage):
    def objection(self, table: str, data_type: DataType, value: Value, *, in_key: bool) -> Any:
        return True if value != value else None  # noqa: PLR0124  # NaN


class PromisesTooFew(MemoryStorage):
    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), atomicity_unit=AtomicityUnit.PARTITION)


class AdminFault(MemoryStorage):
    """Replaces one of the administration's methods."""

    def __init__(self) -> None:
        super().__init__()
        admin = self._admin
        contents = self._contents

        async def drop_table(name: str, *, if_exists: bool = False) -> None:
            contents.pop(name, None)

        async def create_table(table: Table, **_: object) -> None:
            if table.name not in contents:
                await type(admin).create_table(admin, table)

        async def truncate_table(name: str) -> None:
            schema = contents[name].table.schema
            plain = TableSchema(schema.columns, schema.partition_key, schema.clustering_key)
            await drop_table(name)
            await type(admin).create_table(admin, Table(name, plain))

        async def table(name: str) -> Table | None:
            found = await type(admin).table(admin, name)
            if found is None:
                return None
            schema = found.schema
            return Table(
                name,
                TableSchema(
                    schema.columns,
                    schema.partition_key,
                    schema.clustering_key,
                    schema.secondary_index,
                ),
            )

        async def tables(namespace: str) -> list[str]:
            pattern = Comparison("n", Operator.LIKE, f"{namespace}.%", "")
            return sorted(name for name in contents if matches(pattern, {"n": name}))

        async def add_columns(table: Table, columns: dict[str, DataType]) -> None:
            rows = {key: dict(row) for key, row in contents[table.name].rows.items()}
            await type(admin).add_columns(admin, table, columns)
            contents[table.name].rows.update(rows)

        async def repair_table(table: Table, **_: object) -> None:
            await drop_table(table.name)
            await type(admin).create_table(admin, table)

        async def drop_namespace(namespace: str, *, if_exists: bool = False) -> None:
            admin._namespaces.discard(namespace)

        method = locals()[self.faulty]
        setattr(admin, self.faulty, method)

    faulty = "drop_table"


class DropsWhatIsNotThere(AdminFault):
    faulty = "drop_table"


class CreatesTwice(AdminFault):
    faulty = "create_table"


class TruncatesIndexesToo(AdminFault):
    faulty = "truncate_table"


class ForgetsOrders(AdminFault):
    faulty = "table"


class ListsByWildcard(AdminFault):
    faulty = "tables"


class AddsColumnsToNewRowsOnly(AdminFault):
    faulty = "add_columns"


class ChangeFault(MemoryStorage):
    """Replaces one of the changes of a table that holds records."""

    def __init__(self) -> None:
        super().__init__()
        admin = self._admin
        contents = self._contents

        async def drop_columns(table: Table, columns: Sequence[str]) -> None:
            rows = {key: dict(row) for key, row in contents[table.name].rows.items()}
            await type(admin).drop_columns(admin, table, columns)
            for key, row in rows.items():
                contents[table.name].rows[key] |= row

        async def rename_columns(table: Table, names: dict[str, str]) -> None:
            await type(admin).rename_columns(admin, table, names)
            for row in contents[table.name].rows.values():
                row.update(dict.fromkeys(names.values()))

        async def alter_types(table: Table, columns: dict[str, DataType]) -> None:
            await type(admin).alter_types(admin, table, dict(list(columns.items())[:1]))

        async def rename_table(name: str, new_name: str) -> None:
            await type(admin).rename_table(admin, name, new_name)
            await type(admin).create_table(admin, Table(name, contents[new_name].table.schema))

        method = locals()[self.faulty]
        setattr(admin, self.faulty, method)

    faulty = "drop_columns"


class KeepsTheValuesOfDroppedColumns(ChangeFault):
    faulty = "drop_columns"


class LosesTheValuesOfRenamedColumns(ChangeFault):
    faulty = "rename_columns"


class WidensTheFirstColumnOnly(ChangeFault):
    faulty = "alter_types"


class LeavesTheOldTableBehind(ChangeFault):
    faulty = "rename_table"


class RefusesByHalves(MemoryStorage):
    """Drops the column, then says that it can't."""

    def __init__(self) -> None:
        super().__init__()
        admin = self._admin

        async def drop_columns(table: Table, columns: Sequence[str]) -> None:
            await type(admin).drop_columns(admin, table, columns)
            raise InvalidOperationError("no columns are dropped here")

        admin.drop_columns = drop_columns  # type: ignore[method-assign]


class RepairsByMakingAnew(AdminFault):
    faulty = "repair_table"


class DropsFullNamespaces(AdminFault):
    faulty = "drop_namespace"


class DeclaresLateGets(MemoryStorage):
    def info(self, table: str) -> StorageInfo:
        info = super().info(table)
        return replace(info, linearizable=info.linearizable - {ReadKind.GET})


class CantDescribeWhatIsNotThere(MemoryStorage):
    def __init__(self) -> None:
        super().__init__()
        describe = self._admin.table

        async def table(name: str) -> Table | None:
            found = await describe(name)
            if found is None:
                raise InvalidOperationError(f"there is no table {name}")
            return found

        self._admin.table = table  # type: ignore[method-assign]


class CreateChange(MemoryStorage):
    """Does something else when a table is made."""

    def __init__(self) -> None:
        super().__init__()
        make = self._admin.create_table

        async def create_table(table: Table, **arguments: Any) -> None:
            self.check(table, arguments)
            await make(table, **arguments)
            self.after(table)

        self._admin.create_table = create_table  # type: ignore[method-assign]

    def check(self, table: Table, arguments: dict[str, Any]) -> None:
        """Nothing to say against it."""

    def after(self, table: Table) -> None:
        """Nothing to add."""


class ForgetsTheNamespace(CreateChange):
    def after(self, table: Table) -> None:
        self._admin._namespaces.discard(table.namespace)


class RefusesUnknownOptions(CreateChange):
    def check(self, table: Table, arguments: dict[str, Any]) -> None:
        if arguments.get("options"):
            raise InvalidOperationError("unknown options")


class PutsNamesIntoStatementsAsTheyAre(CreateChange):
    def check(self, table: Table, arguments: dict[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.]+", "".join((table.name, *table.columns))):
            raise ReplyLostError("syntax error")


class IndexesAnything(MemoryStorage):
    def __init__(self) -> None:
        super().__init__()
        index = self._admin.create_index

        async def create_index(table: Table, column: str, **arguments: Any) -> None:
            if table.name in self._contents:
                await index(table, column, **arguments)

        self._admin.create_index = create_index  # type: ignore[method-assign]


class FoldsNames(MemoryStorage):
    """Tables whose names differ in case only are one."""

    def __init__(self) -> None:
        super().__init__()
        original = self._admin.contents
        made = self._admin.create_table

        def contents(name: str) -> Any:
            same = [one for one in self._contents if one.lower() == name.lower()]
            return original(same[0] if same else name)

        async def create_table(table: Table, *, if_not_exists: bool = False, **_: Any) -> None:
            await made(table, if_not_exists=if_not_exists)

        self._admin.contents = contents  # type: ignore[method-assign]
        self._admin.create_table = create_table  # type: ignore[method-assign]

"""How are tables administered, if a node has the databases?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.client.node_calls import ADMINISTRATION
from scalar_tx.cluster.messages.schemas import schema_message, schema_of
from scalar_tx.cluster.rpc.v1 import administration_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.consensus_commit.table_changes import checked_options, checked_types
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import check_flags, wrong
from scalar_tx.model.table import TableSchema, split_name
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.cluster.client.node_calls import NodeCalls

    Options = Mapping[str, object]


class RemoteAdministration:
    """Schema changes that a node makes."""

    def __init__(self, calls: NodeCalls, changed: Callable[[], None]) -> None:
        self._calls = calls
        self._changed = changed

    async def _ask(self, method: str, answer: Any, *, harmless: bool = False, **ask: Any) -> Any:
        request = rpc.Change(**ask)
        return await self._calls.ask(
            f"{ADMINISTRATION}{method}", request, answer, harmless=harmless
        )

    async def _change(self, method: str, **ask: Any) -> None:
        try:
            await self._ask(method, rpc.Done, **ask)
        finally:
            self._changed()

    async def _change_table(self, method: str, name: str, *, transaction: bool, **ask: Any) -> None:
        check_flags(transaction=transaction)
        split_name(name)
        await self._change(method, table=name, without_transactions=not transaction, **ask)

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool, options: Options
    ) -> None:
        """Make a namespace."""
        check_flags(if_not_exists=if_not_exists)
        await self._change(
            "CreateNamespace",
            namespace=_name(namespace),
            if_not_exists=if_not_exists,
            options=_options(options),
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool) -> None:
        """Remove an empty namespace."""
        check_flags(if_exists=if_exists)
        await self._change("DropNamespace", namespace=_name(namespace), if_exists=if_exists)

    async def namespaces(self) -> list[str]:
        """The namespaces there are."""
        return list((await self._ask("ListNamespaces", values_pb2.Names, harmless=True)).names)

    async def create_table(
        self,
        name: str,
        schema: TableSchema,
        *,
        if_not_exists: bool,
        transaction: bool,
        options: Options,
    ) -> None:
        """Make a table."""
        check_flags(if_not_exists=if_not_exists)
        await self._change_table(
            "CreateTable",
            name,
            schema=schema_message(schema),
            if_not_exists=if_not_exists,
            transaction=transaction,
            options=_options(options),
        )

    async def drop_table(self, name: str, *, if_exists: bool) -> None:
        """Remove a table."""
        check_flags(if_exists=if_exists)
        split_name(name)
        await self._change("DropTable", table=name, if_exists=if_exists)

    async def truncate_table(self, name: str) -> None:
        """Remove all records of a table."""
        split_name(name)
        await self._change("TruncateTable", table=name)

    async def tables(self, namespace: str) -> list[str]:
        """The transactional tables of a namespace."""
        names = values_pb2.Names
        found = await self._ask("ListTables", names, harmless=True, namespace=_name(namespace))
        return list(found.names)

    async def table(self, name: str) -> TableSchema:
        """A table's schema."""
        split_name(name)
        found = await self._ask("DescribeTable", rpc.Description, harmless=True, table=name)
        return schema_of(found.schema)

    async def stored_tables(self, namespace: str) -> list[str]:
        """All tables of a namespace."""
        names = values_pb2.Names
        found = await self._ask(
            "ListStoredTables", names, harmless=True, namespace=_name(namespace)
        )
        return list(found.names)

    async def stored_table(self, name: str) -> TableSchema | None:
        """A table's schema as it is stored."""
        split_name(name)
        found = await self._ask("DescribeStoredTable", rpc.Description, harmless=True, table=name)
        return schema_of(found.schema) if found.HasField("schema") else None

    async def add_column(
        self,
        name: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool,
        transaction: bool,
    ) -> None:
        """Append a column."""
        check_flags(if_not_exists=if_not_exists)
        await self._change_table(
            "AddColumn",
            name,
            column=_name(column),
            data_type=DataType.parse(data_type).value,
            if_not_exists=if_not_exists,
            transaction=transaction,
        )

    async def drop_column(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column."""
        check_flags(if_exists=if_exists)
        await self._change_table(
            "DropColumn",
            name,
            column=_name(column),
            if_exists=if_exists,
            transaction=transaction,
        )

    async def rename_column(
        self, name: str, column: str, new_name: str, *, transaction: bool
    ) -> None:
        """Give a column another name."""
        await self._change_table(
            "RenameColumn",
            name,
            column=_name(column),
            new_name=_name(new_name),
            transaction=transaction,
        )

    async def alter_column_type(
        self, name: str, column: str, data_type: str | DataType, *, transaction: bool
    ) -> None:
        """Widen a column."""
        await self._change_table(
            "AlterColumnType",
            name,
            column=_name(column),
            data_type=DataType.parse(data_type).value,
            transaction=transaction,
        )

    async def rename_table(self, name: str, new_name: str, *, transaction: bool) -> None:
        """Give a table another name."""
        check_flags(transaction=transaction)
        split_name(name)
        split_name(new_name)
        await self._change(
            "RenameTable", table=name, new_name=new_name, without_transactions=not transaction
        )

    async def import_table(
        self,
        name: str,
        *,
        override_types: Mapping[str, str] | Mapping[str, DataType] | None,
        transaction: bool,
        options: Options,
    ) -> None:
        """Make a table of another program one of ours."""
        types = checked_types(override_types)
        await self._change_table(
            "ImportTable",
            name,
            override_types={_name(column): one.value for column, one in types.items()},
            transaction=transaction,
            options=_options(options),
        )

    async def create_index(
        self, name: str, column: str, *, if_not_exists: bool, transaction: bool, options: Options
    ) -> None:
        """Index a column."""
        check_flags(if_not_exists=if_not_exists)
        await self._change_table(
            "CreateIndex",
            name,
            column=_name(column),
            if_not_exists=if_not_exists,
            transaction=transaction,
            options=_options(options),
        )

    async def drop_index(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column's index."""
        check_flags(if_exists=if_exists)
        await self._change_table(
            "DropIndex",
            name,
            column=_name(column),
            if_exists=if_exists,
            transaction=transaction,
        )

    async def repair_table(
        self, name: str, schema: TableSchema | None, *, transaction: bool, options: Options
    ) -> None:
        """Make whatever is missing of a table."""
        if schema is not None and not isinstance(schema, TableSchema):
            raise wrong(f"schema is {schema!r:.60}", "Give a TableSchema, or None")
        await self._change_table(
            "RepairTable",
            name,
            schema=None if schema is None else schema_message(schema),
            transaction=transaction,
            options=_options(options),
        )

    async def upgrade(self, *, options: Options, dry_run: bool) -> list[str]:
        """Make what tables of older releases lack."""
        check_flags(dry_run=dry_run)
        names = values_pb2.Names
        found = await self._ask("Upgrade", names, options=_options(options), dry_run=dry_run)
        return list(found.names)

    async def create_coordinator_tables(self, *, if_not_exists: bool, options: Options) -> None:
        """Make the table of decisions."""
        check_flags(if_not_exists=if_not_exists)
        await self._change(
            "CreateCoordinatorTables", if_not_exists=if_not_exists, options=_options(options)
        )

    async def drop_coordinator_tables(self, *, if_exists: bool) -> None:
        """Remove the table of decisions."""
        check_flags(if_exists=if_exists)
        await self._change("DropCoordinatorTables", if_exists=if_exists)

    async def truncate_coordinator_tables(self) -> None:
        """Forget all decisions."""
        await self._change("TruncateCoordinatorTables")

    async def repair_coordinator_tables(self, options: Options) -> None:
        """Make whatever is missing of the table of decisions."""
        await self._change("RepairCoordinatorTables", options=_options(options))

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        found = await self._ask("CoordinatorTablesExist", rpc.Existing, harmless=True)
        return bool(found.exists)


def _name(given: object) -> str:
    if isinstance(given, str) and given.isprintable():
        return given
    raise InvalidOperationError(
        f"{given!r:.60} is no name",
        advice="Give a text of printable characters",
        code="STX-3012",
    )


def _options(options: Options) -> dict[str, str]:
    return {_name(name): _name(text) for name, text in checked_options(options).items()}

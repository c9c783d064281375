"""Tables and namespaces, for threads and for asyncio: the same calls, awaited on the latter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import run_blocking

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.consensus_commit.administration import Administration
    from scalar_tx.model.types import DataType

Options: TypeAlias = Mapping[str, object]
T = TypeVar("T")

_NONE: Final[Options] = {}


class Admin:
    """Administration for threads; made by a manager's ``admin``."""

    def __init__(self, steps: Administration) -> None:
        self._steps = steps

    def create_namespace(
        self, namespace: str, *, if_not_exists: bool = False, options: Options = _NONE
    ) -> None:
        """Make a namespace."""
        run_blocking(
            self._steps.create_namespace(namespace, if_not_exists=if_not_exists, options=options)
        )

    def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        run_blocking(self._steps.drop_namespace(namespace, if_exists=if_exists))

    def namespaces(self) -> list[str]:
        """The namespaces there are."""
        return run_blocking(self._steps.namespaces())

    def create_table(
        self,
        table: str,
        schema: TableSchema | None = None,
        *,
        columns: Mapping[str, str] | Mapping[str, DataType] | None = None,
        partition_key: Sequence[str] = (),
        clustering_key: Sequence[str] = (),
        secondary_index: Sequence[str] = (),
        transaction: bool = True,
        if_not_exists: bool = False,
        options: Options = _NONE,
    ) -> None:
        """Make a table, and its namespace if that is missing.

        Give a ``TableSchema`` or the same as keywords. ``transaction=False`` leaves the transaction
        columns out; ``options`` are the storage's, such as ``{"replication-factor": 3}``.
        """
        wanted = _schema(schema, columns, partition_key, clustering_key, secondary_index)
        run_blocking(
            self._steps.create_table(
                table,
                wanted,
                if_not_exists=if_not_exists,
                transaction=transaction,
                options=options,
            )
        )

    def drop_table(self, table: str, *, if_exists: bool = False) -> None:
        """Remove a table and all its records."""
        run_blocking(self._steps.drop_table(table, if_exists=if_exists))

    def truncate_table(self, table: str) -> None:
        """Remove all records of a table at once, outside any transaction."""
        run_blocking(self._steps.truncate_table(table))

    def tables(self, namespace: str) -> list[str]:
        """The full names of the transactional tables of a namespace."""
        return run_blocking(self._steps.tables(namespace))

    def table(self, table: str) -> TableSchema:
        """A table's columns, keys and indexes."""
        return run_blocking(self._steps.table(table))

    def stored_tables(self, namespace: str) -> list[str]:
        """The full names of all tables of a namespace, those without transactions included."""
        return run_blocking(self._steps.stored_tables(namespace))

    def stored_table(self, table: str) -> TableSchema | None:
        """A table as it is stored, transaction columns included; None: there is none."""
        return run_blocking(self._steps.stored_table(table))

    def add_column(
        self,
        table: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool = False,
        transaction: bool = True,
    ) -> None:
        """Append a column; it is NULL in the records that are there.

        ``transaction=False`` is for a table that was made so; the same goes for the calls below.
        """
        run_blocking(
            self._steps.add_column(
                table, column, data_type, if_not_exists=if_not_exists, transaction=transaction
            )
        )

    def create_index(
        self,
        table: str,
        column: str,
        *,
        if_not_exists: bool = False,
        transaction: bool = True,
        options: Options = _NONE,
    ) -> None:
        """Index a column, so that it can be read by ``index={column: value}``."""
        run_blocking(
            self._steps.create_index(
                table, column, if_not_exists=if_not_exists, transaction=transaction, options=options
            )
        )

    def drop_index(
        self, table: str, column: str, *, if_exists: bool = False, transaction: bool = True
    ) -> None:
        """Remove a column's index."""
        run_blocking(
            self._steps.drop_index(table, column, if_exists=if_exists, transaction=transaction)
        )

    def repair_table(
        self,
        table: str,
        schema: TableSchema | None = None,
        *,
        transaction: bool = True,
        options: Options = _NONE,
    ) -> None:
        """Make whatever is missing of a table: itself, transaction columns, indexes, metadata."""
        run_blocking(
            self._steps.repair_table(table, schema, transaction=transaction, options=options)
        )

    def create_coordinator_tables(
        self, *, if_not_exists: bool = False, options: Options = _NONE
    ) -> None:
        """Make the table that holds the decisions."""
        run_blocking(
            self._steps.create_coordinator_tables(if_not_exists=if_not_exists, options=options)
        )

    def drop_coordinator_tables(self, *, if_exists: bool = False) -> None:
        """Remove the table of decisions; nothing undecided can be settled afterwards."""
        run_blocking(self._steps.drop_coordinator_tables(if_exists=if_exists))

    def truncate_coordinator_tables(self) -> None:
        """Forget all decisions; only safe while no record is undecided."""
        run_blocking(self._steps.truncate_coordinator_tables())

    def repair_coordinator_tables(self, *, options: Options = _NONE) -> None:
        """Make whatever is missing of the table of decisions."""
        run_blocking(self._steps.repair_coordinator_tables(options))

    def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        return run_blocking(self._steps.coordinator_tables_exist())


class Drive(Protocol):
    """Runs steps to their end as the storage waits."""

    async def __call__(self, steps: Coroutine[Any, Any, T], *, whole: bool = ...) -> T:
        """The steps' result."""
        ...


class AsyncAdmin:
    """Administration for asyncio; made by a manager's ``admin``."""

    def __init__(self, steps: Administration, drive: Drive) -> None:
        self._steps = steps
        self._drive = drive

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool = False, options: Options = _NONE
    ) -> None:
        """Make a namespace."""
        await self._drive(
            self._steps.create_namespace(namespace, if_not_exists=if_not_exists, options=options)
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        await self._drive(self._steps.drop_namespace(namespace, if_exists=if_exists))

    async def namespaces(self) -> list[str]:
        """The namespaces there are."""
        return await self._drive(self._steps.namespaces())

    async def create_table(
        self,
        table: str,
        schema: TableSchema | None = None,
        *,
        columns: Mapping[str, str] | Mapping[str, DataType] | None = None,
        partition_key: Sequence[str] = (),
        clustering_key: Sequence[str] = (),
        secondary_index: Sequence[str] = (),
        transaction: bool = True,
        if_not_exists: bool = False,
        options: Options = _NONE,
    ) -> None:
        """Make a table, and its namespace if that is missing.

        Give a ``TableSchema`` or the same as keywords. ``transaction=False`` leaves the transaction
        columns out; ``options`` are the storage's, such as ``{"replication-factor": 3}``.
        """
        wanted = _schema(schema, columns, partition_key, clustering_key, secondary_index)
        await self._drive(
            self._steps.create_table(
                table,
                wanted,
                if_not_exists=if_not_exists,
                transaction=transaction,
                options=options,
            )
        )

    async def drop_table(self, table: str, *, if_exists: bool = False) -> None:
        """Remove a table and all its records."""
        await self._drive(self._steps.drop_table(table, if_exists=if_exists))

    async def truncate_table(self, table: str) -> None:
        """Remove all records of a table at once, outside any transaction."""
        await self._drive(self._steps.truncate_table(table))

    async def tables(self, namespace: str) -> list[str]:
        """The full names of the transactional tables of a namespace."""
        return await self._drive(self._steps.tables(namespace))

    async def table(self, table: str) -> TableSchema:
        """A table's columns, keys and indexes."""
        return await self._drive(self._steps.table(table))

    async def stored_tables(self, namespace: str) -> list[str]:
        """The full names of all tables of a namespace, those without transactions included."""
        return await self._drive(self._steps.stored_tables(namespace))

    async def stored_table(self, table: str) -> TableSchema | None:
        """A table as it is stored, transaction columns included; None: there is none."""
        return await self._drive(self._steps.stored_table(table))

    async def add_column(
        self,
        table: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool = False,
        transaction: bool = True,
    ) -> None:
        """Append a column; it is NULL in the records that are there.

        ``transaction=False`` is for a table that was made so; the same goes for the calls below.
        """
        await self._drive(
            self._steps.add_column(
                table, column, data_type, if_not_exists=if_not_exists, transaction=transaction
            )
        )

    async def create_index(
        self,
        table: str,
        column: str,
        *,
        if_not_exists: bool = False,
        transaction: bool = True,
        options: Options = _NONE,
    ) -> None:
        """Index a column, so that it can be read by ``index={column: value}``."""
        await self._drive(
            self._steps.create_index(
                table, column, if_not_exists=if_not_exists, transaction=transaction, options=options
            )
        )

    async def drop_index(
        self, table: str, column: str, *, if_exists: bool = False, transaction: bool = True
    ) -> None:
        """Remove a column's index."""
        await self._drive(
            self._steps.drop_index(table, column, if_exists=if_exists, transaction=transaction)
        )

    async def repair_table(
        self,
        table: str,
        schema: TableSchema | None = None,
        *,
        transaction: bool = True,
        options: Options = _NONE,
    ) -> None:
        """Make whatever is missing of a table: itself, transaction columns, indexes, metadata."""
        await self._drive(
            self._steps.repair_table(table, schema, transaction=transaction, options=options)
        )

    async def create_coordinator_tables(
        self, *, if_not_exists: bool = False, options: Options = _NONE
    ) -> None:
        """Make the table that holds the decisions."""
        await self._drive(
            self._steps.create_coordinator_tables(if_not_exists=if_not_exists, options=options)
        )

    async def drop_coordinator_tables(self, *, if_exists: bool = False) -> None:
        """Remove the table of decisions; nothing undecided can be settled afterwards."""
        await self._drive(self._steps.drop_coordinator_tables(if_exists=if_exists))

    async def truncate_coordinator_tables(self) -> None:
        """Forget all decisions; only safe while no record is undecided."""
        await self._drive(self._steps.truncate_coordinator_tables())

    async def repair_coordinator_tables(self, *, options: Options = _NONE) -> None:
        """Make whatever is missing of the table of decisions."""
        await self._drive(self._steps.repair_coordinator_tables(options))

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        return await self._drive(self._steps.coordinator_tables_exist())


def _schema(
    schema: TableSchema | None,
    columns: Mapping[str, str] | Mapping[str, DataType] | None,
    partition_key: Sequence[str],
    clustering_key: Sequence[str],
    secondary_index: Sequence[str],
) -> TableSchema:
    keywords = columns is not None or partition_key or clustering_key or secondary_index
    if isinstance(schema, TableSchema) and not keywords:
        return schema
    if schema is not None or columns is None:
        raise SchemaError(
            "create_table needs a TableSchema or columns=, not both",
            advice="Write create_table('ns.t', columns={'id': 'INT'}, partition_key=['id'])",
        )
    return TableSchema(columns, partition_key, clustering_key, secondary_index)

"""Tables and namespaces, for asyncio: the calls of ``admin``, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from scalar_tx.admin import NO_OPTIONS, named, one_schema

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from scalar_tx.admin import Options
    from scalar_tx.backend import AdministrationSteps
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import DataType

T = TypeVar("T")


class Drive(Protocol):
    """Runs steps to their end as the storage waits."""

    async def __call__(self, steps: Coroutine[Any, Any, T], *, whole: bool = ...) -> T:
        """The steps' result."""
        ...


class AsyncAdmin:
    """Administration for asyncio; made by a manager's ``admin``."""

    def __init__(self, steps: AdministrationSteps, drive: Drive) -> None:
        self._steps = steps
        self._drive = drive

    async def _told(self, steps: Coroutine[Any, Any, T]) -> T:
        return await self._drive(named(steps))

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool = False, options: Options = NO_OPTIONS
    ) -> None:
        """Make a namespace."""
        await self._told(
            self._steps.create_namespace(namespace, if_not_exists=if_not_exists, options=options)
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        await self._told(self._steps.drop_namespace(namespace, if_exists=if_exists))

    async def namespaces(self) -> list[str]:
        """The namespaces there are."""
        return await self._told(self._steps.namespaces())

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
        options: Options = NO_OPTIONS,
    ) -> None:
        """Make a table, and its namespace if that is missing.

        Give a ``TableSchema`` or the same as keywords. ``transaction=False`` leaves the transaction
        columns out; ``options`` are the storage's, such as ``{"replication-factor": 3}``.
        """
        wanted = one_schema(schema, columns, partition_key, clustering_key, secondary_index)
        await self._told(
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
        await self._told(self._steps.drop_table(table, if_exists=if_exists))

    async def truncate_table(self, table: str) -> None:
        """Remove all records of a table at once, outside any transaction."""
        await self._told(self._steps.truncate_table(table))

    async def tables(self, namespace: str) -> list[str]:
        """The full names of the transactional tables of a namespace."""
        return await self._told(self._steps.tables(namespace))

    async def table(self, table: str) -> TableSchema:
        """A table's columns, keys and indexes."""
        return await self._told(self._steps.table(table))

    async def stored_tables(self, namespace: str) -> list[str]:
        """The full names of all tables of a namespace, those without transactions included."""
        return await self._told(self._steps.stored_tables(namespace))

    async def stored_table(self, table: str) -> TableSchema | None:
        """A table as it is stored, transaction columns included; None: there is none."""
        return await self._told(self._steps.stored_table(table))

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
        await self._told(
            self._steps.add_column(
                table, column, data_type, if_not_exists=if_not_exists, transaction=transaction
            )
        )

    async def drop_column(
        self, table: str, column: str, *, if_exists: bool = False, transaction: bool = True
    ) -> None:
        """Remove a column with its values and its index; no column of the key.

        What transactions have prepared in the table is settled first: ConflictError
        (``retry_after``) while one of them may be alive. Programs that have the table in use learn
        of it within 60 seconds (``metadata.cache_expiration_time_secs``), and fail until then.
        InvalidOperationError, STX-3074: the storage can't. The same goes for the calls below.
        """
        await self._told(
            self._steps.drop_column(table, column, if_exists=if_exists, transaction=transaction)
        )

    async def rename_column(
        self, table: str, column: str, new_name: str, *, transaction: bool = True
    ) -> None:
        """Give a column another name; on Cassandra only one of the key.

        Let a minute pass before the old name is given to another column.
        """
        await self._told(
            self._steps.rename_column(table, column, new_name, transaction=transaction)
        )

    async def alter_column_type(
        self, table: str, column: str, data_type: str | DataType, *, transaction: bool = True
    ) -> None:
        """Widen a column without index: INT to BIGINT, FLOAT to DOUBLE, anything to TEXT.

        On PostgreSQL and MySQL only. How a value looks as text is the database's own way.
        """
        await self._told(
            self._steps.alter_column_type(table, column, data_type, transaction=transaction)
        )

    async def rename_table(self, table: str, new_name: str, *, transaction: bool = True) -> None:
        """Give a table another name, ``namespace.table`` of the same namespace.

        Let a minute pass before a table is made by the old name.
        """
        await self._told(self._steps.rename_table(table, new_name, transaction=transaction))

    async def import_table(
        self,
        table: str,
        *,
        override_types: Mapping[str, str] | Mapping[str, DataType] | None = None,
        transaction: bool = True,
        options: Options = NO_OPTIONS,
    ) -> None:
        """Make a table that another program made one of ours, with its records.

        Its primary key becomes the partition key. The transaction columns are added, NULL in every
        record, which counts as committed (Consensus Commit specification 1.7). ``override_types``
        chooses where a column's own type leaves a choice. From then on every writer must go
        through transactions. InvalidOperationError, STX-3075: it holds what no table of ours can;
        the message names the column.
        """
        await self._told(
            self._steps.import_table(
                table, override_types=override_types, transaction=transaction, options=options
            )
        )

    async def create_index(
        self,
        table: str,
        column: str,
        *,
        if_not_exists: bool = False,
        transaction: bool = True,
        options: Options = NO_OPTIONS,
    ) -> None:
        """Index a column, so that it can be read by ``index={column: value}``."""
        await self._told(
            self._steps.create_index(
                table, column, if_not_exists=if_not_exists, transaction=transaction, options=options
            )
        )

    async def drop_index(
        self, table: str, column: str, *, if_exists: bool = False, transaction: bool = True
    ) -> None:
        """Remove a column's index."""
        await self._told(
            self._steps.drop_index(table, column, if_exists=if_exists, transaction=transaction)
        )

    async def repair_table(
        self,
        table: str,
        schema: TableSchema | None = None,
        *,
        transaction: bool = True,
        options: Options = NO_OPTIONS,
    ) -> None:
        """Make whatever is missing of a table: itself, transaction columns, indexes, metadata."""
        await self._told(
            self._steps.repair_table(table, schema, transaction=transaction, options=options)
        )

    async def upgrade(self, *, options: Options = NO_OPTIONS, dry_run: bool = False) -> list[str]:
        """Make what tables of older releases of ScalarDB lack; what was done, or would be.

        Releases before 3.18 made no index on the previous values of an indexed column, without
        which reads by index are refused at SERIALIZABLE. The coordinator's table gets the columns
        that the settings ask for. The namespaces table of ScalarDB 4 is not made: no 3.x knows it.
        """
        return await self._told(self._steps.upgrade(options=options, dry_run=dry_run))

    async def create_coordinator_tables(
        self, *, if_not_exists: bool = False, options: Options = NO_OPTIONS
    ) -> None:
        """Make the table that holds the decisions."""
        await self._told(
            self._steps.create_coordinator_tables(if_not_exists=if_not_exists, options=options)
        )

    async def drop_coordinator_tables(self, *, if_exists: bool = False) -> None:
        """Remove the table of decisions; nothing undecided can be settled afterwards."""
        await self._told(self._steps.drop_coordinator_tables(if_exists=if_exists))

    async def truncate_coordinator_tables(self) -> None:
        """Forget all decisions; only safe while no record is undecided."""
        await self._told(self._steps.truncate_coordinator_tables())

    async def repair_coordinator_tables(self, *, options: Options = NO_OPTIONS) -> None:
        """Make whatever is missing of the table of decisions."""
        await self._told(self._steps.repair_coordinator_tables(options))

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        return await self._told(self._steps.coordinator_tables_exist())

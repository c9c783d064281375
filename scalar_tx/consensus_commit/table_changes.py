"""How is a transactional table changed that has records already, and one that had none of our own?

Every change of a column is one of its twin over previous values, too (Consensus Commit
specification 1.1 to 1.3, 1.7). Where columns or the table get another name, type or end, records
that a transaction has prepared are settled first: their writer would not find them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.left_behind import settle_all
from scalar_tx.consensus_commit.metadata import (
    BEFORE,
    TX_COLUMNS,
    TransactionalTable,
    is_transactional,
    with_transaction_columns,
    without_transaction_columns,
)
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import check_flags, wrong
from scalar_tx.model.table import Table, TableSchema, renamed, split_name
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context

DECOUPLED: Final = "STX-3306"  # a table whose transaction columns are kept apart
DECOUPLING: Final = "transaction-metadata-decoupling"
# What a column's type may become (Storage specification 2.9); any but TEXT may become TEXT.
_WIDER: Final = {DataType.INT: DataType.BIGINT, DataType.FLOAT: DataType.DOUBLE}


class TableChanges:
    """Changes of one table, as steps for both faces."""

    def __init__(self, context: Context, closed_namespace: str) -> None:
        self._context = context
        self._closed_namespace = closed_namespace

    async def add_column(
        self,
        name: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool,
        transaction: bool,
    ) -> None:
        """Append a column and, to a transactional table, the one for its previous value."""
        check_flags(if_not_exists=if_not_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = user_schema(table, transaction=transaction)
        wanted = DataType.parse(data_type)
        if not isinstance(column, str):
            raise InvalidOperationError(
                f"{column!r:.60} is not a column name",
                advice="Give the name as text",
                code="STX-3012",
            )
        if column in user.columns:
            if if_not_exists and user.columns[column] is wanted:
                return
            raise InvalidOperationError(
                f"{name} has a column {column!r} already; it is {user.columns[column].value}",
                advice="Choose another name; a column keeps the type it was made with",
                code="STX-3018",
            )
        wider = TableSchema(
            {**user.columns, column: wanted},
            user.partition_key,
            [f"{n} {order.value}" for n, order in user.clustering_orders.items()],
            user.secondary_index,
        )
        stored = self._stored_form(name, wider, transaction=transaction).schema.columns
        added = {n: stored[n] for n in (column, BEFORE + column) if n in stored}
        await self._context.storage.admin.add_columns(table, added)
        self._context.catalog.forget(name)

    async def create_index(
        self,
        name: str,
        column: str,
        *,
        if_not_exists: bool,
        transaction: bool,
        options: Mapping[str, object],
    ) -> None:
        """Index a column and, in a transactional table, its previous value with it."""
        check_flags(if_not_exists=if_not_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = user_schema(table, transaction=transaction)
        _check_column(name, user, column)
        wanted = [column]
        if (
            transaction
            and column not in user.primary_key
            and self._context.options.before_index_check
        ):
            wanted.append(BEFORE + column)
        admin, there = self._context.storage.admin, table.schema.secondary_index
        for one in wanted:
            # The second may be missing where the first is there: a crash came between.
            if one not in there or (one == column and not if_not_exists):
                await admin.create_index(table, one, options=checked_options(options))
        self._context.catalog.forget(name)

    async def drop_index(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column's index and its twin."""
        check_flags(if_exists=if_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        if column not in table.schema.secondary_index and if_exists:
            return
        admin = self._context.storage.admin
        await admin.drop_index(table, column)
        if transaction and BEFORE + column in table.schema.secondary_index:
            await admin.drop_index(table, BEFORE + column)
        self._context.catalog.forget(name)

    async def drop_column(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column with its values, its index and its twin."""
        check_flags(if_exists=if_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = user_schema(table, transaction=transaction)
        if if_exists and isinstance(column, str) and column not in user.columns:
            return
        _check_column(name, user, column)
        if column in user.primary_key:
            raise _stays(f"{name}.{column} is of the key")
        await self._settle(table, transaction=transaction)
        # Its twin first: what is left by a crash is then a table that repair completes.
        going = [BEFORE + column, column] if transaction else [column]
        await self._context.storage.admin.drop_columns(table, going)
        self._context.catalog.forget(name)

    async def rename_column(
        self, name: str, column: str, new_name: str, *, transaction: bool
    ) -> None:
        """Give a column another name, and its twin with it."""
        check_flags(transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = user_schema(table, transaction=transaction)
        _check_column(name, user, column)
        if not isinstance(new_name, str):
            raise InvalidOperationError(
                f"{new_name!r:.60} is not a column name",
                advice="Give the name as text",
                code="STX-3012",
            )
        self._stored_form(name, renamed(user, {column: new_name}), transaction=transaction)
        await self._settle(table, transaction=transaction)
        names = {column: new_name}
        if transaction and column not in user.primary_key:
            names[BEFORE + column] = BEFORE + new_name
        await self._context.storage.admin.rename_columns(table, names)
        self._context.catalog.forget(name)

    async def alter_column_type(
        self, name: str, column: str, data_type: str | DataType, *, transaction: bool
    ) -> None:
        """Widen a column and its twin: INT to BIGINT, FLOAT to DOUBLE, anything to TEXT."""
        check_flags(transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = user_schema(table, transaction=transaction)
        _check_column(name, user, column)
        wanted, present = DataType.parse(data_type), user.columns[column]
        if wanted is present:
            return
        if column in user.primary_key or column in user.secondary_index:
            raise _stays(f"{name}.{column} is of the key or has an index")
        if wanted is not DataType.TEXT and _WIDER.get(present) is not wanted:
            raise _stays(f"{name}.{column} is {present.value}, which is not made {wanted.value}")
        await self._settle(table, transaction=transaction)
        columns = [column, BEFORE + column] if transaction else [column]
        await self._context.storage.admin.alter_types(table, dict.fromkeys(columns, wanted))
        self._context.catalog.forget(name)

    async def rename_table(self, name: str, new_name: str, *, transaction: bool) -> None:
        """Give a table another name in its namespace."""
        check_flags(transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        namespace, _ = split_name(new_name)
        if namespace != table.namespace:
            raise InvalidOperationError(
                f"{name} can't become {new_name}: a table stays in its namespace",
                advice=f"Name it {table.namespace}.…",
                code="STX-3074",
            )
        if new_name == name:
            return
        await self._settle(table, transaction=transaction)
        await self._context.storage.admin.rename_table(name, new_name)
        self._context.catalog.forget(name)
        self._context.catalog.forget(new_name)

    async def import_table(
        self,
        name: str,
        *,
        override_types: Mapping[str, str] | Mapping[str, DataType] | None,
        transaction: bool,
        options: Mapping[str, object],
    ) -> None:
        """Describe a table that another program made, and add the transaction columns."""
        check_flags(transaction=transaction)
        self._open(split_name(name)[0])
        checked = checked_options(options)
        refuse_decoupling(checked)
        types = checked_types(override_types)
        admin = self._context.storage.admin
        found = await admin.foreign_table(name, types)
        schema = found.schema
        if transaction and is_transactional(schema) and await admin.table(name) == found:
            raise InvalidOperationError(
                f"the table {name} is ready for transactions already",
                advice="Use it; repair_table makes what it may lack",
                code="STX-3018",
            )
        if transaction and all(schema.columns.get(n) is kind for n, kind in TX_COLUMNS.items()):
            schema = without_transaction_columns(schema)  # left by an import that was cut short
        table = self._stored_form(name, schema, transaction=transaction)
        await admin.repair_table(table, options=checked)
        self._context.catalog.forget(name)

    async def _settle(self, table: Table, *, transaction: bool) -> None:
        if transaction:
            await settle_all(self._context, TransactionalTable(table))

    def _stored_form(self, name: str, schema: TableSchema, *, transaction: bool) -> Table:
        if not transaction:
            return Table(name, schema)
        return with_transaction_columns(
            name, schema, before_indexes=self._context.options.before_index_check
        )

    async def _stored(self, name: str) -> Table:
        self._open(split_name(name)[0])
        table = await self._context.storage.admin.table(name)
        if table is None:
            raise InvalidOperationError(
                f"there is no table {name}", advice="Create it first", code="STX-3017"
            )
        return table

    async def _stored_as(self, name: str, *, transaction: bool) -> Table:
        """The table, with transaction columns or without, as the caller takes it to be."""
        if transaction:
            return await self._transactional(name)
        table = await self._stored(name)
        if is_transactional(table.schema):
            raise InvalidOperationError(
                f"{name} has transaction columns",
                advice="Leave transaction=False out of the call",
                code="STX-3019",
            )
        return table

    async def _transactional(self, name: str) -> Table:
        table = await self._stored(name)
        if not is_transactional(table.schema):
            raise InvalidOperationError(
                f"{name} has no transaction columns",
                advice="Create it through db.admin.create_table, or use scalar_tx.open_storage",
                code="STX-3019",
            )
        return table

    def _open(self, namespace: str) -> None:
        if not isinstance(namespace, str) or not namespace or "." in namespace:
            raise InvalidOperationError(
                f"{namespace!r} is not a namespace",
                advice="Use a non-empty text without dots",
                code="STX-3011",
            )
        if namespace == self._closed_namespace:
            raise InvalidOperationError(
                f"the namespace {namespace} is the coordinator's",
                advice="Use the …_coordinator_tables calls",
                code="STX-3017",
            )


def _check_column(name: str, user: TableSchema, column: object) -> None:
    if not isinstance(column, str) or column not in user.columns:
        raise InvalidOperationError(
            f"{name} has no column {column!r:.60}",
            advice=f"Its columns are {', '.join(user.columns)}",
            code="STX-3012",
        )


def _stays(why: str) -> InvalidOperationError:
    return InvalidOperationError(
        why,
        advice="Make a table that is as you want it, and copy the rows",
        code="STX-3074",
    )


def user_schema(table: Table, *, transaction: bool) -> TableSchema:
    """The columns that a table's users know."""
    return TransactionalTable(table).user if transaction else table.schema


def checked_options(options: Mapping[str, object]) -> Mapping[str, str]:
    """A storage's options as the texts it takes."""
    if not isinstance(options, Mapping):
        raise wrong(
            f"options={options!r:.60} is no mapping", "Write options={'replication-factor': 3}"
        )
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }


def checked_types(
    given: Mapping[str, str] | Mapping[str, DataType] | None,
) -> dict[str, DataType]:
    """The types that a caller chooses for some columns."""
    if given is not None and not isinstance(given, Mapping):
        raise wrong(
            f"override_types={given!r:.60} is no mapping",
            "Write override_types={'at': 'TIMESTAMPTZ'}",
        )
    return {column: DataType.parse(kind) for column, kind in (given or {}).items()}


def refuse_decoupling(options: Mapping[str, str]) -> None:
    """InvalidOperationError if the transaction columns are to be kept apart (1.8)."""
    if options.get(DECOUPLING, "").lower() == "true":
        raise InvalidOperationError(
            "tables whose transaction columns are kept apart are not supported",
            advice=f"Leave the option {DECOUPLING} out, or make and use the table with the Java "
            "library",
            code=DECOUPLED,
        )

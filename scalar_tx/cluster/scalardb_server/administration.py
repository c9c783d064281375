"""How are namespaces, tables and indexes administered by clients? (11)

The two services have the same calls over what they see. Whatever stands in a call's way is an
illegal argument, in the Java server's words.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.protobuf import empty_pb2

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.metadata import metadata_message, schema_of, type_of
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.cluster.scalardb_server.table_checks import check_table, check_types
from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from scalar_tx.cluster.scalardb_server.tables_seen import TablesSeen
    from scalar_tx.model.table import TableSchema

    Dropped = Callable[[str], Awaitable[None]]
    OfTable = (
        rpc.DropTableRequest
        | rpc.TruncateTableRequest
        | rpc.CreateIndexRequest
        | rpc.DropIndexRequest
        | rpc.AddNewColumnToTableRequest
    )

_DONE = empty_pb2.Empty


async def _nothing_else(_: str) -> None:
    """Nobody else has to hear of what is dropped."""


class Administration:
    """The twelve calls that both services have.

    ``dropped`` is told of each table and namespace that was, by its name: others may remember it.
    """

    def __init__(self, seen: TablesSeen, dropped: Dropped | None = None) -> None:
        self._seen = seen
        self._dropped = dropped or _nothing_else

    async def create_namespace(self, request: rpc.CreateNamespaceRequest) -> empty_pb2.Empty:
        """Make a namespace."""
        name = request.namespace
        self._seen.check_namespace(name)
        there = not self._seen.are_only_names(name) and await self._seen.has_namespace(name)
        if there and not request.if_not_exists:
            raise invalid(f"CORE-10050: The namespace already exists. Namespace: {name}")
        await self._seen.create_namespace(name, dict(request.options))
        return _DONE()

    async def drop_namespace(self, request: rpc.DropNamespaceRequest) -> empty_pb2.Empty:
        """Remove an empty namespace; tables that this service does not see count too."""
        name = request.namespace
        self._seen.check_not_reserved(name)
        if not await self._seen.has_namespace(name):
            if request.if_exists:
                return _DONE()
            raise invalid(f"CORE-10051: The namespace does not exist. Namespace: {name}")
        tables = sorted(split_name(one)[1] for one in await self._seen.all_tables(name))
        if tables:
            raise invalid(
                f"CORE-10053: The namespace is not empty. Namespace: {name}; "
                f"Tables in the namespace: [{', '.join(tables)}]"
            )
        await self._seen.drop_namespace(name)
        await self._dropped(name)
        return _DONE()

    async def create_table(self, request: rpc.CreateTableRequest) -> empty_pb2.Empty:
        """Make a table, and its namespace if that is missing."""
        self._seen.check_namespace(request.namespace)
        name = _name(request.namespace, request.table)
        if await self._seen.stored(name) is not None:
            # One that this service does not see is not what the client wants.
            if request.if_not_exists and await self._seen.table(name) is not None:
                return _DONE()
            raise invalid(f"CORE-10052: The table already exists. Table: {name}")
        check_table(request.table_metadata)
        with _illegal_if_no_table():
            schema = schema_of(request.table_metadata)
            await self._seen.create_table(name, schema, dict(request.options))
        return _DONE()

    async def drop_table(self, request: rpc.DropTableRequest) -> empty_pb2.Empty:
        """Remove a table."""
        if request.if_exists and not await self._is_there(request):
            return _DONE()
        await self._table(request)
        name = _name(request.namespace, request.table)
        await self._seen.drop_table(name)
        await self._dropped(name)
        return _DONE()

    async def truncate_table(self, request: rpc.TruncateTableRequest) -> empty_pb2.Empty:
        """Remove all records of a table."""
        await self._table(request)
        await self._seen.truncate_table(_name(request.namespace, request.table))
        return _DONE()

    async def create_index(self, request: rpc.CreateIndexRequest) -> empty_pb2.Empty:
        """Index a column."""
        schema, column = await self._table(request), request.column_name
        if column not in schema.columns:
            raise _of_column("10054: The column does not exist", request)
        if column in schema.secondary_index:
            if request.if_not_exists:
                return _DONE()
            raise _of_column("10055: The index already exists", request)
        name = _name(request.namespace, request.table)
        await self._seen.create_index(name, column, dict(request.options))
        return _DONE()

    async def drop_index(self, request: rpc.DropIndexRequest) -> empty_pb2.Empty:
        """Remove a column's index."""
        if request.if_exists and not await self._is_there(request):
            return _DONE()
        schema = await self._table(request)
        if request.column_name not in schema.secondary_index:
            if request.if_exists:
                return _DONE()
            raise _of_column("10056: The index does not exist", request)
        await self._seen.drop_index(_name(request.namespace, request.table), request.column_name)
        return _DONE()

    async def get_table_metadata(
        self, request: rpc.GetTableMetadataRequest
    ) -> rpc.GetTableMetadataResponse:
        """Describe a table; without description: there is none."""
        try:
            name = _name(request.namespace, request.table)
        except InvalidOperationError:
            return rpc.GetTableMetadataResponse()
        schema = await self._seen.table(name)
        if schema is None:
            return rpc.GetTableMetadataResponse()
        return rpc.GetTableMetadataResponse(table_metadata=metadata_message(schema, name))

    async def get_namespace_table_names(
        self, request: rpc.GetNamespaceTableNamesRequest
    ) -> rpc.GetNamespaceTableNamesResponse:
        """The tables of a namespace, without the namespace's name."""
        names = sorted(split_name(one)[1] for one in await self._seen.tables(request.namespace))
        return rpc.GetNamespaceTableNamesResponse(table_names=names)

    async def namespace_exists(
        self, request: rpc.NamespaceExistsRequest
    ) -> rpc.NamespaceExistsResponse:
        """Is there such a namespace?"""
        exists = await self._seen.has_namespace(request.namespace)
        return rpc.NamespaceExistsResponse(exists=exists)

    async def repair_table(self, request: rpc.RepairTableRequest) -> empty_pb2.Empty:
        """Make whatever is missing of a table."""
        self._seen.check_namespace(request.namespace)
        name = _name(request.namespace, request.table)
        check_table(request.table_metadata)
        with _illegal_if_no_table():
            schema = schema_of(request.table_metadata)
            await self._seen.repair_table(name, schema, dict(request.options))
        return _DONE()

    async def add_new_column_to_table(
        self, request: rpc.AddNewColumnToTableRequest
    ) -> empty_pb2.Empty:
        """Append a column, NULL in the records that are there."""
        if request.column_name in (await self._table(request)).columns:
            raise _of_column("10057: The column already exists", request)
        check_types((request.column_type,))
        name = _name(request.namespace, request.table)
        with _illegal_if_no_table():
            data_type = type_of(request.column_type)
            await self._seen.add_column(name, request.column_name, data_type)
        return _DONE()

    async def _table(self, request: OfTable) -> TableSchema:
        schema = await self._find(request)
        if schema is None:
            name = f"{request.namespace}.{request.table}"
            raise invalid(f"CORE-10016: The table does not exist. Table: {name}")
        return schema

    async def _is_there(self, request: OfTable) -> bool:
        return await self._find(request) is not None

    async def _find(self, request: OfTable) -> TableSchema | None:
        self._seen.check_not_reserved(request.namespace)
        if not request.namespace or not request.table:
            return None
        return await self._seen.table(f"{request.namespace}.{request.table}")


def _name(namespace: str, table: str) -> str:
    split_name(f"{namespace}.{table}")
    return f"{namespace}.{table}"


@contextmanager
def _illegal_if_no_table() -> Iterator[None]:
    """What can't be a table is the client's mistake, where elsewhere it means damage."""
    try:
        yield
    except SchemaError as error:
        raise invalid(str(error)) from error


def _of_column(
    what: str,
    request: rpc.CreateIndexRequest | rpc.DropIndexRequest | rpc.AddNewColumnToTableRequest,
) -> Exception:
    return invalid(
        f"CORE-{what}. Table: {request.namespace}.{request.table}; Column: {request.column_name}"
    )

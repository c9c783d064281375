"""How are tables made, changed and removed? (Storage specification 4.1, 4.3 and 4.8)

A table is made first and described after; what a crash leaves between the two is completed by
``repair_table``. Definitions change slowly: each call waits until the table can be used.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
)
from scalar_tx.model.table import Table, TableSchema, split_name
from scalar_tx.storage.dynamo import capacity, metadata, rows
from scalar_tx.storage.dynamo.fixed_tables import FixedTables
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY
from scalar_tx.storage.dynamo.patience import Patience
from scalar_tx.storage.later_steps import begun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.dynamo.client import Client
    from scalar_tx.storage.dynamo.names import Names

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})
_MISSING: Final = "STX-3017"
# Between making a table and describing it: its scaling and its backups, if they are asked for.
_DESCRIPTION_SECONDS: Final = 60.0
_DESCRIPTION_PAUSE: Final = 0.2


class DynamoAdmin(FixedTables):
    """Tables of one account. A namespace is the beginning of a table's name, no object of its own.

    Options: ``ru``, the read and write units of a table and of each of its indexes (10 unless
    given); ``no-scaling`` and ``no-backup``: given as false they ask for automatic scaling and for
    point-in-time recovery, which are otherwise left as the account has them.
    """

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._names = names

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Check the name; there is nothing to make."""
        self._names.check_namespace(namespace)
        if not if_not_exists and self._tables_of(namespace):
            raise _state(f"the namespace {namespace} exists", "Pass if_not_exists=True")

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Nothing can be removed: with tables it is not empty, without them it is not there."""
        if self._tables_of(namespace):
            raise _state(f"the namespace {namespace} is not empty", "Drop its tables first")
        if not if_exists:
            raise _state(f"the namespace {namespace} is not there", "Pass if_exists=True")

    async def namespaces(self) -> list[str]:
        """The namespaces of all tables, and that of the metadata."""
        found = {split_name(name)[0] for name in self._described_names()}
        return sorted(found | {self._names.metadata_namespace})

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make the table with its indexes, then describe it."""
        self._names.check_makeable(table)
        units = capacity.units(options)
        if self._described(table.name) is not None:
            if if_not_exists:
                return
            raise _state(f"the table {table.name} exists", "Pass if_not_exists=True")
        if self._found(table.name) is not None:
            if not if_not_exists:
                raise self._undescribed(table.name)
            self._wait_until_described(table.name)
            return
        try:
            self._make(table, units, options)
        except StorageBusyError:
            if not if_not_exists or self._found(table.name) is None:
                raise
            self._wait_until_described(table.name)
            return
        with begun(f"making {table.name}"):
            self._describe(table, options)

    def _wait_until_described(self, name: str) -> None:
        """Another process may be making the table; one that has ended describes it no more."""
        self._wait_until_active(self._names.table(name))
        until = time.monotonic() + _DESCRIPTION_SECONDS
        while self._described(name) is None:
            if time.monotonic() > until:
                raise self._undescribed(name)
            time.sleep(_DESCRIPTION_PAUSE)

    def _undescribed(self, name: str) -> InvalidOperationError:
        return _state(
            f"DynamoDB holds a table {self._names.table(name)} already, without metadata",
            "Repair the table if it is the same one, or choose another name",
        )

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table and its metadata, and the metadata table with the last of them."""
        split_name(name)
        described = self._described(name)
        if described is None and if_exists:
            return
        if described is None:
            raise _no_table(name)
        found = self._found(name)
        # A table that was lost is no reason to keep its metadata.
        if found is not None:
            capacity.stop_scaling(self._client, self._names, described)
            self._remove(self._names.table(name))
        key = {metadata.HASH_KEY: {"S": self._names.table(name)}}
        with begun(f"dropping {name}"):
            self._client.write("delete_item", {"TableName": self._names.metadata, "Key": key})
            if next(rows.items(self._client, self._names.metadata, limit=1), None) is None:
                self._remove(self._names.metadata)

    async def truncate_table(self, name: str) -> None:
        """Remove all rows, one by one: DynamoDB has nothing else."""
        table = self._current(name)
        names = [PARTITION_KEY, *([CLUSTERING_KEY] if table.schema.clustering_key else [])]
        rows.remove_all(self._client, self._names.table(name), names)

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a namespace's tables."""
        return self._tables_of(namespace)

    async def table(self, name: str) -> Table | None:
        """A table as its metadata describe it."""
        split_name(name)
        return self._described(name)

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column, wait until what is stored is in the index, then describe it."""
        current = self._with_column(table.name, column)
        if column in current.schema.secondary_index:
            raise _state(f"{table.name}.{column} has an index", "Nothing needs to be done")
        self._names.check_indexes(current, [column])
        self._make_index(current, column, capacity.units(options), options)
        with begun(f"indexing {table.name}.{column}"):
            self._describe(_indexed(current, (*current.schema.secondary_index, column)), options)

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index from the description, then from the table."""
        current = self._with_column(table.name, column)
        indexes = current.schema.secondary_index
        if column not in indexes:
            raise InvalidOperationError(
                f"{table.name}.{column} has no index",
                advice="Nothing needs to be done",
                code="STX-3015",
            )
        self._describe(_indexed(current, [one for one in indexes if one != column]), _NO_OPTIONS)
        with begun(f"dropping the index on {table.name}.{column}"):
            if self._names.index(table.name, column) in self._indexes(table.name):
                capacity.stop_index_scaling(self._client, self._names, table.name, column)
                request = metadata.drop_index_request(current, self._names, column)
                self._client.write("update_table", request)
                self._wait_until_active(self._names.table(table.name))

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make what is missing of the table, its indexes and its metadata."""
        self._names.check_makeable(table)
        units = capacity.units(options)
        found = self._found(table.name)
        if found is None:
            self._make(table, units, options)
        else:
            self._check_keys(table, found)
            there = self._indexes(table.name)
            for column in table.schema.secondary_index:
                if self._names.index(table.name, column) not in there:
                    self._make_index(table, column, units, options)
            capacity.set_up(self._client, self._names, table, units, options)
        if self._described(table.name) != table:
            self._describe(table, options)

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Describe the table with more columns; its items need no change."""
        current = self._current(table.name)
        schema = current.schema
        added = {n: t for n, t in columns.items() if n not in schema.columns}
        if not added:
            return
        orders = [f"{name} {order.value}" for name, order in schema.clustering_orders.items()]
        wider = replace(
            current,
            schema=TableSchema(
                {**schema.columns, **added}, schema.partition_key, orders, schema.secondary_index
            ),
        )
        self._names.check_makeable(wider)
        self._describe(wider, _NO_OPTIONS)

    # What is there.

    def _described_names(self) -> list[str]:
        items = _if_there(lambda: list(rows.items(self._client, self._names.metadata))) or []
        found = [self._names.ours(item[metadata.HASH_KEY]["S"]) for item in items]
        return sorted(name for name in found if name is not None)

    def _tables_of(self, namespace: str) -> list[str]:
        return [name for name in self._described_names() if split_name(name)[0] == namespace]

    def _described(self, name: str) -> Table | None:
        request = {
            "TableName": self._names.metadata,
            "Key": {metadata.HASH_KEY: {"S": self._names.table(name)}},
            "ConsistentRead": True,
        }
        item = (_if_there(lambda: self._client.read("get_item", request)) or {}).get("Item")
        return None if item is None else metadata.table_from_item(name, item)

    def _current(self, name: str) -> Table:
        table = self._described(name)
        if table is None:
            raise _no_table(name)
        return table

    def _with_column(self, name: str, column: str) -> Table:
        current = self._current(name)
        if column not in current.columns:
            raise InvalidOperationError(
                f"{name} has no column {column}",
                advice=f"Its columns are {', '.join(current.columns)}",
                code="STX-3012",
            )
        return current

    def _found(self, name: str) -> dict[str, Any] | None:
        return self._physical(self._names.table(name))

    def _physical(self, physical: str) -> dict[str, Any] | None:
        answer = _if_there(lambda: self._client.read("describe_table", {"TableName": physical}))
        return None if answer is None else answer["Table"]

    def _indexes(self, name: str) -> set[str]:
        """The indexes, once none is being made or removed: one that goes is still among them."""
        if self._found(name) is None:
            return set()
        found = self._wait_until_active(self._names.table(name))
        return {index["IndexName"] for index in found.get("GlobalSecondaryIndexes", [])}

    def _check_keys(self, table: Table, found: Mapping[str, Any]) -> None:
        there = sorted(key["AttributeName"] for key in found["KeySchema"])
        keys = [
            key["AttributeName"]
            for key in metadata.create_request(table, self._names, 1)["KeySchema"]
        ]
        if there != sorted(keys):
            raise SchemaError(
                f"table {table.name} in DynamoDB has the keys {', '.join(there)}, not "
                f"{', '.join(keys)}",
                advice="Make the table anew and copy its rows",
                code="STX-3611",
            )

    # Making and removing.

    def _make(self, table: Table, units: int, options: Mapping[str, str]) -> None:
        try:
            self._client.write("create_table", metadata.create_request(table, self._names, units))
        except ReplyLostError:
            self._check_rivals(self._names.table(table.name))
            raise
        with begun(f"making {table.name}"):
            self._wait_until_active(self._names.table(table.name))
            capacity.set_up(self._client, self._names, table, units, options)

    def _check_rivals(self, physical: str) -> None:
        """DynamoDB Local on a file fails at names that differ in case only, unlike the service."""
        for other in self._client.tables():
            if other != physical and other.lower() == physical.lower():
                raise InvalidOperationError(
                    f"this server can't tell a table {physical!r} from {other!r}",
                    advice="Use another name",
                    code="STX-3603",
                )

    def _make_index(
        self, table: Table, column: str, units: int, options: Mapping[str, str]
    ) -> None:
        if self._names.index(table.name, column) not in self._indexes(table.name):
            request = metadata.create_index_request(table, self._names, column, units)
            self._client.write("update_table", request)
        with begun(f"indexing {table.name}.{column}"):
            self._wait_until_active(self._names.table(table.name))
            resource = capacity.index_resource(self._names, table.name, column)
            capacity.scale_index(self._client, resource, units, options)

    def _describe(self, table: Table, options: Mapping[str, str]) -> None:
        if self._physical(self._names.metadata) is None:
            try:
                self._client.write("create_table", metadata.metadata_table_request(self._names))
            except StorageBusyError:
                if self._physical(self._names.metadata) is None:
                    raise
        self._wait_until_active(self._names.metadata)
        capacity.back_up(self._client, self._names.metadata, options)
        item = metadata.metadata_item(table, self._names)
        request = {"TableName": self._names.metadata, "Item": item}
        # The parts of the service learn of a new table one after the other.
        wait = Patience(f"the table {self._names.metadata} can't be written")
        while _if_there(lambda: self._client.write("put_item", request)) is None:
            wait.pause()

    def _remove(self, physical: str) -> None:
        _if_there(lambda: self._client.write("delete_table", {"TableName": physical}))
        wait = Patience(f"the table {physical} is still being deleted")
        while self._physical(physical) is not None:
            wait.pause()

    def _wait_until_active(self, physical: str) -> dict[str, Any]:
        wait = Patience(f"the table {physical} is not ready")
        while True:
            found = self._physical(physical)
            if found is not None:
                parts = [found["TableStatus"]]
                indexes = found.get("GlobalSecondaryIndexes", [])
                parts += [index.get("IndexStatus", "ACTIVE") for index in indexes]
                if all(status == "ACTIVE" for status in parts):
                    return found
            wait.pause()


def _if_there(call: Callable[[], Any]) -> Any:
    """What a call returns; None if it finds no such table."""
    try:
        return call()
    except InvalidOperationError as error:
        if error.code != _MISSING:
            raise
        return None


def _indexed(table: Table, columns: Any) -> Table:
    schema = table.schema
    orders = [f"{name} {order.value}" for name, order in schema.clustering_orders.items()]
    return replace(
        table, schema=TableSchema(schema.columns, schema.partition_key, orders, tuple(columns))
    )


def _state(message: str, advice: str) -> InvalidOperationError:
    return InvalidOperationError(message, advice=advice, code="STX-3018")


def _no_table(name: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"there is no table {name}", advice="Create it first", code=_MISSING
    )

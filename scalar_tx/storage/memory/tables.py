"""The tables of a memory storage: their definitions and their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Table, TableSchema, renamed, without
from scalar_tx.model.types import DataType
from scalar_tx.storage.refusals import COPY, cannot

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.types import Row, Value

_NO_OPTIONS: Final[Mapping[str, str]] = {}
_NO_COLUMNS: Final[Mapping[str, DataType]] = {}


class Contents:
    """One table's definition and rows; partitions keep their rows together for scans."""

    __slots__ = ("partitions", "rows", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: dict[tuple[Value, ...], Row] = {}
        self.partitions: dict[tuple[Value, ...], set[tuple[Value, ...]]] = {}

    def put(self, key: tuple[Value, ...], row: Row) -> None:
        """Add or replace a row."""
        if key not in self.rows:
            width = len(self.table.schema.partition_key)
            self.partitions.setdefault(key[:width], set()).add(key)
        self.rows[key] = row

    def remove(self, key: tuple[Value, ...]) -> None:
        """Take a row away if it is there."""
        if self.rows.pop(key, None) is not None:
            partition = key[: len(self.table.schema.partition_key)]
            mates = self.partitions[partition]
            mates.discard(key)
            if not mates:
                del self.partitions[partition]


class MemoryAdmin:
    """Namespaces are names; a table is its definition and an empty dictionary of rows."""

    def __init__(self, lock: threading.RLock, contents: dict[str, Contents]) -> None:
        self._lock = lock
        self._contents = contents
        self._namespaces: set[str] = set()

    def contents(self, name: str) -> Contents:
        """The table of that name. The caller holds the lock."""
        try:
            return self._contents[name]
        except KeyError:
            raise InvalidOperationError(
                f"there is no table {name}", advice="Create it first", code="STX-3017"
            ) from None

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Remember the name."""
        with self._lock:
            if namespace in self._namespaces and not if_not_exists:
                raise InvalidOperationError(
                    f"the namespace {namespace} exists",
                    advice="Pass if_not_exists=True",
                    code="STX-3018",
                )
            self._namespaces.add(namespace)

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Forget the name; it must hold no tables."""
        with self._lock:
            if namespace not in self._namespaces:
                if if_exists:
                    return
                raise InvalidOperationError(
                    f"there is no namespace {namespace}",
                    advice="Pass if_exists=True",
                    code="STX-3018",
                )
            if any(c.table.namespace == namespace for c in self._contents.values()):
                raise InvalidOperationError(
                    f"the namespace {namespace} is not empty",
                    advice="Drop its tables first",
                    code="STX-3018",
                )
            self._namespaces.discard(namespace)

    async def namespaces(self) -> list[str]:
        """All names, sorted."""
        with self._lock:
            return sorted(self._namespaces)

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make an empty table."""
        with self._lock:
            if table.name in self._contents:
                if if_not_exists:
                    return
                raise InvalidOperationError(
                    f"the table {table.name} exists",
                    advice="Pass if_not_exists=True",
                    code="STX-3018",
                )
            self._namespaces.add(table.namespace)
            self._contents[table.name] = Contents(table)

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table and its rows."""
        with self._lock:
            if if_exists and name not in self._contents:
                return
            self.contents(name)
            del self._contents[name]

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""
        with self._lock:
            self._contents[name] = Contents(self.contents(name).table)

    async def tables(self, namespace: str) -> list[str]:
        """The full names, sorted."""
        with self._lock:
            return sorted(n for n, c in self._contents.items() if c.table.namespace == namespace)

    async def table(self, name: str) -> Table | None:
        """The definition as it is."""
        with self._lock:
            content = self._contents.get(name)
            return None if content is None else content.table

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Allow index reads of a column."""
        with self._lock:
            schema = self.contents(table.name).table.schema
            _check_column(table.name, schema, column)
            if column in schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has an index",
                    advice="Nothing needs to be done",
                    code="STX-3018",
                )
            self._redefine(table.name, schema, index=(*schema.secondary_index, column))

    async def drop_index(self, table: Table, column: str) -> None:
        """Forbid index reads of a column."""
        with self._lock:
            schema = self.contents(table.name).table.schema
            if column not in schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has no index",
                    advice="Nothing needs to be done",
                    code="STX-3015",
                )
            index = tuple(name for name in schema.secondary_index if name != column)
            self._redefine(table.name, schema, index=index)

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make the table if it is missing, add columns and indexes that are."""
        with self._lock:
            self._namespaces.add(table.namespace)
            content = self._contents.setdefault(table.name, Contents(table))
            missing = {
                name: data_type
                for name, data_type in table.schema.columns.items()
                if name not in content.table.schema.columns
            }
            schema = content.table.schema
            index = dict.fromkeys((*schema.secondary_index, *table.schema.secondary_index))
            self._redefine(table.name, schema, added=missing, index=tuple(index))

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Take columns and their indexes out of the definition and out of every row."""
        with self._lock:
            schema = self.contents(table.name).table.schema
            for column in columns:
                if column in schema.primary_key:
                    raise InvalidOperationError(
                        f"{table.name}.{column} belongs to the key", advice=COPY, code="STX-3012"
                    )
            kept = without(schema, columns)
            self._replace(table.name, kept, {name: name for name in kept.columns})

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Change names in the definition and in every row."""
        with self._lock:
            schema = self.contents(table.name).table.schema
            now = renamed(schema, names)
            self._replace(table.name, now, {n: names.get(n, n) for n in schema.columns})

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Change numbers' types; how a value looks as text is every database's own matter."""
        if DataType.TEXT in columns.values():
            raise cannot("memory", "turn values into texts")
        with self._lock:
            schema = self.contents(table.name).table.schema
            for name in columns:
                _check_column(table.name, schema, name)
            self._redefine(table.name, schema, added=columns, index=tuple(schema.secondary_index))

    async def rename_table(self, name: str, new_name: str) -> None:
        """Put the rows under another name."""
        with self._lock:
            content = self.contents(name)
            if new_name in self._contents:
                raise InvalidOperationError(
                    f"the table {new_name} exists",
                    advice="Choose another name",
                    code="STX-3018",
                )
            self._contents[new_name] = content
            del self._contents[name]
            content.table = Table(new_name, content.table.schema)

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """Every table here was made by its manager."""
        raise cannot("memory", "hold tables that another program made", "Create the table")

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns, NULL in every row."""
        with self._lock:
            schema = self.contents(table.name).table.schema
            added = {name: kind for name, kind in columns.items() if name not in schema.columns}
            self._redefine(table.name, schema, added=added, index=tuple(schema.secondary_index))

    def _replace(self, name: str, schema: TableSchema, names: Mapping[str, str]) -> None:
        """Define a table anew; ``names`` maps what is kept of its columns to what it is called."""
        content = self._contents[name]
        content.table = Table(name, schema)
        for key, row in content.rows.items():
            content.rows[key] = {names[one]: value for one, value in row.items() if one in names}

    def _redefine(
        self,
        name: str,
        schema: TableSchema,
        *,
        index: tuple[str, ...],
        added: Mapping[str, DataType] = _NO_COLUMNS,
    ) -> None:
        content = self._contents[name]
        clustering = [f"{column} {o.value}" for column, o in schema.clustering_orders.items()]
        content.table = Table(
            name,
            TableSchema(
                columns={**schema.columns, **added},
                partition_key=schema.partition_key,
                clustering_key=clustering,
                secondary_index=index,
            ),
        )
        for row in content.rows.values():
            row.update({one: row.get(one) for one in added})


def _check_column(name: str, schema: TableSchema, column: str) -> None:
    if column not in schema.columns:
        raise InvalidOperationError(
            f"{name} has no column {column}",
            code="STX-3012",
            advice=f"Its columns are {', '.join(schema.columns)}",
        )

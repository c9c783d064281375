"""What keyspaces, tables and indexes are there? (Storage specification 3.3)

Cassandra's own schema tables are the only metadata: read anew each time, since the driver's copy
lags behind what other processes make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Table, TableSchema, split_name
from scalar_tx.storage.cassandra.codec import DATA_TYPES, text_map
from scalar_tx.storage.cassandra.session import ONE
from scalar_tx.storage.cassandra.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.cassandra.session import Session

_KEYSPACES: Final = "SELECT keyspace_name, replication FROM system_schema.keyspaces"
_TABLES: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name=?"
_COLUMNS: Final = (
    "SELECT column_name, kind, position, clustering_order, type FROM system_schema.columns "
    "WHERE keyspace_name=? AND table_name=?"
)
_TIME_TO_LIVE: Final = (
    "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name=? AND table_name=?"
)
_INDEXES: Final = (
    "SELECT index_name, options FROM system_schema.indexes WHERE keyspace_name=? AND table_name=?"
)
_INDEX_TABLES: Final = (
    "SELECT index_name, table_name FROM system_schema.indexes WHERE keyspace_name=?"
)
# A node's own word on its indexes; what it calls the table's name is the keyspace.
_BUILT: Final = 'SELECT index_name FROM system."IndexInfo" WHERE table_name=? AND index_name=?'


def _text(cell: bytes | None) -> str:
    return "" if cell is None else cell.decode()


class Catalog:
    """Reads the schema tables."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def _rows(self, text: str, *values: str) -> list[Sequence[bytes | None]]:
        statement = Statement(text, tuple(value.encode() for value in values))
        found: list[Sequence[bytes | None]] = []
        page = None
        while True:
            answer = await self._session.read(statement, ONE, "the schema tables", page=page)
            found.extend(answer.rows)
            page = answer.next_page
            if page is None:
                return found

    async def keyspaces(self) -> dict[str, dict[str, str]]:
        """Every keyspace and its replication."""
        return {
            _text(name): text_map(replication) for name, replication in await self._rows(_KEYSPACES)
        }

    async def tables(self, keyspace: str) -> list[str]:
        """The short names of a keyspace's tables."""
        return sorted(_text(name) for (name,) in await self._rows(_TABLES, keyspace))

    async def time_to_live(self, name: str) -> int:
        """After how many seconds what is written to a table vanishes; 0: never."""
        found = await self._rows(_TIME_TO_LIVE, *split_name(name))
        return max(
            (int.from_bytes(cell or b"", "big", signed=True) for (cell,) in found), default=0
        )

    async def indexes(self, name: str) -> dict[str, str]:
        """Indexed column -> name of its index."""
        found = await self._rows(_INDEXES, *split_name(name))
        return {
            _target(text_map(options).get("target", "")): _text(index) for index, options in found
        }

    async def index_tables(self, keyspace: str) -> dict[str, str]:
        """Name of an index -> short name of its table; a keyspace has each name once."""
        found = await self._rows(_INDEX_TABLES, keyspace)
        return {_text(index): _text(table) for index, table in found}

    async def is_built(self, keyspace: str, index: str) -> bool:
        """Has every node that is up finished the index? Until then reads of it fail."""
        statement = Statement(_BUILT, (keyspace.encode(), index.encode()))
        for host in await self._session.hosts():
            answer = await self._session.read(statement, ONE, "the built indexes", host=host)
            if not answer.rows:
                return False
        return True

    async def table(self, name: str) -> Table | None:
        """A table; None if there is none. SchemaError: it holds a type that ScalarDB lacks."""
        rows = await self._rows(_COLUMNS, *split_name(name))
        if not rows:
            return None
        indexes = await self.indexes(name)
        return table_from_rows(name, rows, list(indexes))


def table_from_rows(
    name: str, rows: Sequence[Sequence[bytes | None]], indexes: Sequence[str]
) -> Table:
    """The table that rows of ``system_schema.columns`` describe."""
    partition: dict[int, str] = {}
    clustering: dict[int, str] = {}
    columns: dict[str, DataType] = {}
    for column_cell, kind_cell, position_cell, order_cell, type_cell in rows:
        column, kind, cql_type = _text(column_cell), _text(kind_cell), _text(type_cell)
        position = int.from_bytes(position_cell or b"", "big", signed=True)
        data_type = DATA_TYPES.get(cql_type)
        if data_type is None or kind == "static":
            what = "a static column" if kind == "static" else f"of the type {cql_type}"
            raise SchemaError(
                f"{name}.{column} is {what}, which no ScalarDB table has",
                advice="Leave this table to the program that made it",
                code="STX-3505",
            )
        columns[column] = data_type
        if kind == "partition_key":
            partition[position] = column
        elif kind == "clustering":
            clustering[position] = f"{column} {_text(order_cell).upper()}"
    keys = [partition[at] for at in sorted(partition)]
    orders = [clustering[at] for at in sorted(clustering)]
    return Table(name, TableSchema(columns, keys, orders, sorted(indexes)))


def _target(text: str) -> str:
    """The column that an index's target names, which is quoted where it is no plain name."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text

"""Which statements make and change keyspaces, tables and indexes? (Storage specification 3.2)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.cassandra.codec import cql_type
from scalar_tx.storage.cassandra.names import index_name, quoted, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType

STRATEGY: Final = "replication-strategy"
FACTOR: Final = "replication-factor"
COMPACTION: Final = "compaction-strategy"
# ScalarDB's name of the only data center of a NetworkTopologyStrategy.
_DATA_CENTER: Final = "dc1"
_DATA_CENTER_OPTION: Final = "replication-data-center"
_COMPACTIONS: Final = {
    "STCS": "SizeTieredCompactionStrategy",
    "LCS": "LeveledCompactionStrategy",
    "TWCS": "TimeWindowCompactionStrategy",
}


def create_keyspace(name: str, options: Mapping[str, str], *, if_not_exists: bool) -> str:
    """Make a keyspace with the replication that the options ask for."""
    guard = "IF NOT EXISTS " if if_not_exists else ""
    return f"CREATE KEYSPACE {guard}{quoted(name)} WITH REPLICATION = {_replication(options)}"


def _replication(options: Mapping[str, str]) -> str:
    strategy = options.get(STRATEGY, "SimpleStrategy")
    factor = options.get(FACTOR, "1").strip()
    if not (factor.isascii() and factor.isdecimal() and int(factor) > 0):
        raise InvalidOperationError(
            f"the option {FACTOR} is {factor!r}",
            advice="Give a number of replicas, 3 in production",
            code="STX-3503",
        )
    match strategy.strip().lower():
        case "simplestrategy":
            return f"{{'class':'SimpleStrategy','replication_factor':'{factor}'}}"
        case "networktopologystrategy":
            center = options.get(_DATA_CENTER_OPTION, _DATA_CENTER).replace("'", "''")
            return f"{{'class':'NetworkTopologyStrategy','{center}':'{factor}'}}"
    raise InvalidOperationError(
        f"the option {STRATEGY} is {strategy!r}",
        advice="Give SimpleStrategy or NetworkTopologyStrategy",
        code="STX-3503",
    )


def create_table(table: Table, options: Mapping[str, str], *, if_not_exists: bool = False) -> str:
    """Make a table: partition key, clustering key, then the other columns."""
    guard = "IF NOT EXISTS " if if_not_exists else ""
    schema = table.schema
    columns = ", ".join(f"{quoted(c)} {cql_type(schema.columns[c])}" for c in table.columns)
    partition = ", ".join(map(quoted, schema.partition_key))
    key = ", ".join([f"({partition})", *map(quoted, schema.clustering_key)])
    text = f"CREATE TABLE {guard}{table_name(table.name)} ({columns}, PRIMARY KEY ({key}))"
    properties = []
    if schema.clustering_key:
        orders = (f"{quoted(c)} {o.value}" for c, o in schema.clustering_orders.items())
        properties.append(f"CLUSTERING ORDER BY ({', '.join(orders)})")
    properties.append(f"compaction = {{'class':'{_compaction(options)}'}}")
    return f"{text} WITH {' AND '.join(properties)}"


def _compaction(options: Mapping[str, str]) -> str:
    word = options.get(COMPACTION, "STCS").strip().upper()
    if word not in _COMPACTIONS:
        raise InvalidOperationError(
            f"the option {COMPACTION} is {word!r}",
            advice=f"Give one of {', '.join(_COMPACTIONS)}",
            code="STX-3503",
        )
    return _COMPACTIONS[word]


def create_index(table: Table, column: str, *, if_not_exists: bool = False) -> str:
    """Index a column; ``if_not_exists``: unless any table of the keyspace has one of that name."""
    guard = "IF NOT EXISTS " if if_not_exists else ""
    name = index_name(table.short_name, column)
    target = f"{table_name(table.name)} ({quoted(column)})"
    return f"CREATE INDEX {guard}{quoted(name)} ON {target}"


def drop_index(table: Table, name: str) -> str:
    """Remove an index of the table's keyspace."""
    return f"DROP INDEX {quoted(table.namespace)}.{quoted(name)}"


def add_column(table: str, column: str, data_type: DataType) -> str:
    """Append a column."""
    return f"ALTER TABLE {table_name(table)} ADD {quoted(column)} {cql_type(data_type)}"


def drop_column(table: str, column: str) -> str:
    """Remove a column and its values."""
    return f"ALTER TABLE {table_name(table)} DROP {quoted(column)}"


def rename_column(table: str, old: str, new: str) -> str:
    """Give a column of the primary key another name; Cassandra renames no others."""
    return f"ALTER TABLE {table_name(table)} RENAME {quoted(old)} TO {quoted(new)}"


def drop_keyspace(name: str) -> str:
    """Remove a keyspace."""
    return f"DROP KEYSPACE {quoted(name)}"


def drop_table(name: str) -> str:
    """Remove a table."""
    return f"DROP TABLE {table_name(name)}"


def truncate_table(name: str) -> str:
    """Remove all rows."""
    return f"TRUNCATE {table_name(name)}"

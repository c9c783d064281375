"""How are tables, indexes and their metadata laid out? (Storage specification 5.2 to 5.4)"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.storage.sql.dialect import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.dialect import Dialect

DEFAULT_METADATA_SCHEMA: Final = "scalardb"
METADATA_TABLE: Final = "metadata"
VIRTUAL_TABLES: Final = "virtual_tables"

_SIDES: Final = ("left", "right")
_LONGEST_INDEX_NAME: Final = 63
_INDEX: Final = "index_"
_CLUSTERING_INDEX: Final = "index_clustering_order_"

# full_table_name, column_name, data_type, key_type, clustering_order, indexed, ordinal_position
MetadataRow = tuple[str, str, str, str | None, str | None, bool, int]


def role_of(schema: TableSchema, column: str) -> Role:
    """What a column is for."""
    if column in schema.primary_key:
        return Role.KEY
    return Role.INDEX if column in schema.secondary_index else Role.PLAIN


def create_table(dialect: Dialect, table: Table) -> str:
    """The table's definition, columns in the order key, clustering key, rest."""
    schema = table.schema
    columns = ",".join(
        f"{dialect.quote(name)} {dialect.column_type(schema.columns[name], role_of(schema, name))}"
        for name in table.columns
    )
    key = ",".join(dialect.quote(name) for name in schema.primary_key)
    if dialect.orders_in_key and Order.DESC in schema.clustering_orders.values():
        key = _ordered_key(dialect, schema)
    reference = dialect.table(table.namespace, table.short_name)
    return f"CREATE TABLE {reference}({columns}, PRIMARY KEY ({key}))"


def _ordered_key(dialect: Dialect, schema: TableSchema) -> str:
    orders = schema.clustering_orders
    return ",".join(
        f"{dialect.quote(name)} {orders.get(name, Order.ASC).value}" for name in schema.primary_key
    )


def create_clustering_index(dialect: Dialect, table: Table) -> str | None:
    """The index in the clustering order, where a key of both orders needs one (5.2)."""
    if not dialect.clustering_index or len(set(table.schema.clustering_orders.values())) < 2:
        return None
    reference = dialect.table(table.namespace, table.short_name)
    name = dialect.quote(clustering_index_name(table))
    return f"CREATE UNIQUE INDEX {name} ON {reference} ({_ordered_key(dialect, table.schema)})"


def clustering_index_name(table: Table) -> str:
    """The name of that index (Storage specification 5.2 and 5.3).

    >>> schema = TableSchema({"id": "INT"}, ["id"])
    >>> clustering_index_name(Table("ns.tbl", schema))
    'index_clustering_order_ns_tbl'
    """
    name = f"{_CLUSTERING_INDEX}{table.namespace}_{table.short_name}"
    return name if _is_short(name) else _hashed(name, _CLUSTERING_INDEX)


def add_column(dialect: Dialect, table: Table, column: str, data_type: DataType) -> str:
    """Append a plain column."""
    reference = dialect.table(table.namespace, table.short_name)
    declared = dialect.column_type(data_type, Role.PLAIN)
    return f"ALTER TABLE {reference} ADD {dialect.quote(column)} {declared}"


def alter_table(dialect: Dialect, table: Table, clauses: Sequence[str]) -> list[str]:
    """Change a table's columns; in one statement where nothing else keeps the changes together."""
    begin = f"ALTER TABLE {dialect.table(table.namespace, table.short_name)} "
    if dialect.alters_together and clauses:
        return [begin + ", ".join(clauses)]
    return [begin + clause for clause in clauses]


def long_index_name(table: Table, column: str) -> str:
    """The name of an index before names were shortened; older releases still have it."""
    return f"index_{table.namespace}_{table.short_name}_{column}"


def _is_short(name: str) -> bool:
    return len(name) <= _LONGEST_INDEX_NAME


def _hashed(name: str, prefix: str = _INDEX) -> str:
    return prefix + hashlib.sha256(name.encode()).hexdigest()[:32]


def index_name(table: Table, column: str) -> str:
    """The name of a column's index (Storage specification 5.3).

    >>> schema = TableSchema({"id": "INT", "c": "INT"}, ["id"])
    >>> index_name(Table("ns.tbl", schema), "c")
    'index_ns_tbl_c'
    """
    name = long_index_name(table, column)
    return name if _is_short(name) else _hashed(name)


def other_index_name(table: Table, column: str) -> str:
    """A name for where another table's index has taken the ordinary one.

    ``a.b_c`` with column ``d`` and ``a_b.c`` with column ``d`` are both ``index_a_b_c_d``.
    """
    return _hashed(f"{table.namespace}.{table.short_name}.{column}")


def create_index(dialect: Dialect, table: Table, column: str, name: str) -> str:
    """Index one column under that name."""
    reference = dialect.table(table.namespace, table.short_name)
    return f"CREATE INDEX {dialect.quote(name)} ON {reference} ({dialect.quote(column)})"


def create_metadata_table(dialect: Dialect, schema: str) -> str:
    """The metadata table's definition; its rows are inserted by position."""
    types = dialect.metadata_types
    columns = (
        ("full_table_name", types.name),
        ("column_name", types.name),
        ("data_type", f"{types.data_type} NOT NULL"),
        ("key_type", types.key_type),
        ("clustering_order", types.clustering_order),
        ("indexed", f"{types.flag} NOT NULL"),
        ("ordinal_position", f"{types.position} NOT NULL"),
    )
    listed = ",".join(f"{dialect.quote(name)} {declared}" for name, declared in columns)
    key = f"{dialect.quote('full_table_name')}, {dialect.quote('column_name')}"
    return f"CREATE TABLE {dialect.table(schema, METADATA_TABLE)}({listed},PRIMARY KEY ({key}))"


def insert_metadata(dialect: Dialect, schema: str) -> str:
    """Insert one ``MetadataRow``."""
    holes = ",".join([dialect.placeholder] * 7)
    return f"INSERT INTO {dialect.table(schema, METADATA_TABLE)} VALUES ({holes})"


def delete_metadata(dialect: Dialect, schema: str) -> str:
    """Remove all rows of a table; takes its full name."""
    return (
        f"DELETE FROM {dialect.table(schema, METADATA_TABLE)} "
        f"WHERE {_is(dialect, 'full_table_name')}"
    )


def _is(dialect: Dialect, column: str) -> str:
    quoted = dialect.quote(column)
    if not dialect.equal_by_code_point:
        quoted = dialect.by_code_point.format(column=quoted)
    return f"{quoted}={dialect.placeholder}"


def select_metadata(dialect: Dialect, schema: str) -> str:
    """The rows of a table, without its name, in order; takes its full name."""
    names = ("column_name", "data_type", "key_type", "clustering_order", "indexed")
    return (
        f"SELECT {','.join(map(dialect.quote, names))} "
        f"FROM {dialect.table(schema, METADATA_TABLE)} "
        f"WHERE {_is(dialect, 'full_table_name')} "
        f"ORDER BY {dialect.quote('ordinal_position')}"
    )


def select_table_names(dialect: Dialect, schema: str, table: str = METADATA_TABLE) -> str:
    """All full table names of the metadata table, or of the table of virtual tables."""
    return f"SELECT DISTINCT {dialect.quote('full_table_name')} FROM {dialect.table(schema, table)}"


def select_virtual_tables(dialect: Dialect, schema: str) -> str:
    """Each virtual table with the two tables it is made of (Storage specification 7.1)."""
    names = ("full_table_name", *(f"{side}_source_table_full_table_name" for side in _SIDES))
    return (
        f"SELECT {','.join(map(dialect.quote, names))} FROM {dialect.table(schema, VIRTUAL_TABLES)}"
    )


def mark_indexed(dialect: Dialect, schema: str) -> str:
    """Set a column's flag; takes the flag, the table's full name and the column."""
    hole = dialect.placeholder
    return (
        f"UPDATE {dialect.table(schema, METADATA_TABLE)} SET {dialect.quote('indexed')}={hole} "
        f"WHERE {_is(dialect, 'full_table_name')} AND {_is(dialect, 'column_name')}"
    )


def metadata_rows(table: Table) -> list[MetadataRow]:
    """A table's rows in the metadata table."""
    schema = table.schema
    rows: list[MetadataRow] = []
    for position, name in enumerate(table.columns, start=1):
        key_type: str | None = None
        order: str | None = None
        if name in schema.partition_key:
            key_type = "PARTITION"
        elif name in schema.clustering_orders:
            key_type, order = "CLUSTERING", schema.clustering_orders[name].value
        indexed = name in schema.secondary_index
        data_type = schema.columns[name].value
        rows.append((table.name, name, data_type, key_type, order, indexed, position))
    return rows


def table_from_rows(name: str, rows: Iterable[Sequence[object]]) -> Table:
    """The table that the rows of ``select_metadata`` describe."""
    columns: dict[str, str] = {}
    partition: list[str] = []
    clustering: list[str] = []
    indexed: list[str] = []
    for column, data_type, key_type, order, flag in rows:
        if not isinstance(column, str) or not isinstance(data_type, str):
            raise SchemaError(
                f"the metadata of {name} names a column {column!r} of type {data_type!r}",
                advice="Repair the table with the schema it was made with",
            )
        columns[column] = data_type
        if key_type == "PARTITION":
            partition.append(column)
        elif key_type == "CLUSTERING":
            clustering.append(_ordered(column, order))
        elif key_type is not None:
            raise SchemaError(
                f"the metadata of {name} gives column {column!r} the key type {key_type!r}",
                advice="Repair the table with the schema it was made with",
            )
        if flag:
            indexed.append(column)
    try:
        schema = TableSchema(columns, partition, clustering, indexed)
    except SchemaError as error:
        raise SchemaError(
            f"the metadata of {name} describes no table: {error.message}",
            advice="Repair the table with the schema it was made with",
        ) from error
    return Table(name, schema)


def _ordered(column: str, order: object) -> str:
    # ASC is left unsaid: a column may itself be called "a ASC".
    return f"{column} DESC" if order == Order.DESC.value else column


def widened(schema: TableSchema, added: Mapping[str, DataType]) -> TableSchema:
    """The schema with further columns at its end."""
    return TableSchema(
        {**schema.columns, **added},
        schema.partition_key,
        [_ordered(name, order.value) for name, order in schema.clustering_orders.items()],
        schema.secondary_index,
    )


def namespace_of(full_table_name: str) -> str:
    """The text before the first dot."""
    return full_table_name.partition(".")[0]

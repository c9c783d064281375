"""How is a name written in CQL? (Storage specification 3.1 and 3.2)"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from scalar_tx.model.table import Table

_PLAIN: Final = re.compile(r"[a-z][a-z0-9_]*")
# What Cassandra takes as a name of a keyspace, table or index, in whichever case.
_OBJECT: Final = re.compile(r"[a-zA-Z0-9_]+")
_LONGEST: Final = 48  # characters of a keyspace or table name, in every version
# An index has files of its own, named after its table and itself.
_LONGEST_INDEX: Final = 222
# The words that are no names without quotes, in every version; quoting too often does no harm.
_RESERVED: Final = frozenset(
    (  # noqa: SIM905  # a list of one word a line is no easier to check
        "add allow alter and apply asc authorize batch begin by columnfamily create default "
        "delete desc describe drop entries execute from full grant if in index infinity insert "
        "into is keyspace limit materialized mbean mbeans modify nan norecursive not null of on "
        "or order primary rename replace revoke schema select set table to token truncate "
        "unlogged unset update use using view where with "
    ).split()
)


@lru_cache(maxsize=4096)
def quoted(name: str) -> str:
    """A name as CQL takes it: in double quotes unless it is a plain one."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A full table name as CQL takes it."""
    namespace, short_name = split_name(name)
    return f"{quoted(namespace)}.{quoted(short_name)}"


def index_name(table: str, column: str) -> str:
    """The name of a column's index, as Cassandra holds it: ScalarDB never quotes it."""
    return f"{table}_index_{column}".lower()


def check_namespace(namespace: str) -> None:
    """InvalidOperationError where Cassandra can't have a keyspace of that name."""
    _check(namespace, f"the namespace {namespace!r}", _LONGEST)


def check_makeable(table: Table) -> None:
    """InvalidOperationError where Cassandra can't have the table or one of its indexes."""
    check_namespace(table.namespace)
    _check(table.short_name, f"the table {table.name!r}", _LONGEST)
    taken: dict[str, str] = {}
    for column in table.schema.secondary_index:
        name = check_index(table, column)
        if name in taken:
            raise InvalidOperationError(
                f"the indexes on {table.name}.{taken[name]} and .{column} would both be {name}",
                advice="Rename one of the columns: the names of indexes are in lower case",
                code="STX-3502",
            )
        taken[name] = column


def check_index(table: Table, column: str) -> str:
    """The name of a column's index; InvalidOperationError where Cassandra can't have it."""
    name = index_name(table.short_name, column)
    _check(name, f"the index on {table.name}.{column}", _LONGEST_INDEX - len(table.short_name))
    return name


def _check(name: str, what: str, longest: int) -> None:
    if not _OBJECT.fullmatch(name):
        raise InvalidOperationError(
            f"{what}: Cassandra has names of ASCII letters, digits and _ only",
            advice="Choose another name",
            code="STX-3502",
        )
    if len(name) > longest:
        raise InvalidOperationError(
            f"{what}: its name {name!r} is longer than the {longest} characters of Cassandra",
            advice="Choose a shorter name",
            code="STX-3502",
        )

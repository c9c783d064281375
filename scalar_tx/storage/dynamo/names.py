"""What are tables, indexes and namespaces called in DynamoDB? (Storage specification 4.1)"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import DataType
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.table import Table

METADATA_TABLE: Final = "metadata"
_ALLOWED: Final = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MOST_NAME_BYTES: Final = 255


class Names:
    """The names of one account's tables, all of which begin with the same prefix."""

    def __init__(self, prefix: str = "", metadata_namespace: str = "scalardb") -> None:
        self._prefix = prefix
        self.metadata_namespace = metadata_namespace
        self.metadata = f"{prefix}{metadata_namespace}.{METADATA_TABLE}"

    def table(self, name: str) -> str:
        """What a table of that full name is called."""
        return self._prefix + name

    def ours(self, physical: str) -> str | None:
        """The full name of a table that is called so; None: it is none of ours."""
        if not physical.startswith(self._prefix):
            return None
        name = physical.removeprefix(self._prefix)
        return name if name.count(".") == 1 and not name.startswith(".") else None

    def index(self, table: str, column: str) -> str:
        """What the index of a column is called."""
        return f"{self.table(table)}.global_index.{column}"

    def check_makeable(self, table: Table) -> None:
        """Can there be such a table? InvalidOperationError names what can't."""
        self._check(self.table(table.name), f"the table name {table.name!r}")
        schema = table.schema
        for column in schema.columns:
            if column in (PARTITION_KEY, CLUSTERING_KEY) or not _encodable(column):
                raise InvalidOperationError(
                    f"{table.name} can't have a column {column!r} in DynamoDB",
                    advice="Use another name",
                    code="STX-3603",
                )
        for name in schema.partition_key[:-1]:
            if schema.columns[name] is DataType.BLOB:
                raise _type_refused(
                    f"{table.name}.{name} is BLOB, which DynamoDB takes as the last column of a "
                    "partition key only",
                    "Put it last, or use another type",
                )
        for name in schema.clustering_key:
            if schema.columns[name] is DataType.BLOB:
                raise _type_refused(
                    f"{table.name}.{name} is BLOB, which can't be in a clustering key in DynamoDB",
                    "Use another type",
                )
        self.check_indexes(table, schema.secondary_index)

    def check_indexes(self, table: Table, columns: Iterable[str]) -> None:
        """Can these columns be indexed?"""
        for column in columns:
            if table.schema.columns[column] is DataType.BOOLEAN:
                raise _type_refused(
                    f"{table.name}.{column} is BOOLEAN, which can't be indexed in DynamoDB",
                    "Index an INT in its place",
                )
            self._check(
                self.index(table.name, column), f"the name of an index on {table.name}.{column}"
            )

    def check_namespace(self, namespace: str) -> None:
        """Can there be such a namespace?"""
        self._check(f"{self._prefix}{namespace}.x", f"the namespace {namespace!r}")

    @staticmethod
    def _check(name: str, place: str) -> None:
        if not _ALLOWED.fullmatch(name):
            raise InvalidOperationError(
                f"{place} would be called {name!r:.300} in DynamoDB, where names are 3 to 255 of "
                "the characters a-z A-Z 0-9 _ . -",
                advice="Use another name",
                code="STX-3603",
            )


def _encodable(column: str) -> bool:
    try:
        return len(column.encode()) <= _MOST_NAME_BYTES
    except UnicodeEncodeError:
        return False


def _type_refused(message: str, advice: str) -> InvalidOperationError:
    return InvalidOperationError(message, advice=advice, code="STX-3604")

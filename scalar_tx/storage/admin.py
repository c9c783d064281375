"""What is asked of a storage to make and change its namespaces, tables and indexes?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType


class StorageAdmin(Protocol):
    """Namespaces, tables and indexes of a storage. Names are checked by the caller.

    What is there already or is missing is InvalidOperationError, unless ``if_exists`` /
    ``if_not_exists`` says that it is fine. Options a storage does not know are ignored, as in
    ScalarDB (Storage specification 8.1).
    """

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool = False, options: Mapping[str, str] = ...
    ) -> None:
        """Make a namespace."""
        ...

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        ...

    async def namespaces(self) -> list[str]:
        """All namespaces that hold tables or were made, the system's included."""
        ...

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = ...,
    ) -> None:
        """Make a table, its namespace too, its indexes and its metadata."""
        ...

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove a table and its metadata."""
        ...

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""
        ...

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a namespace's tables."""
        ...

    async def table(self, name: str) -> Table | None:
        """A table as it is, technical columns included; None if there is none."""
        ...

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = ...
    ) -> None:
        """Index a column of an existing table."""
        ...

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index."""
        ...

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = ...) -> None:
        """Make whatever is missing: the table, its indexes, its metadata rows."""
        ...

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append nullable columns; those already there are left alone."""
        ...

    # A storage that can't do one of the following raises InvalidOperationError, STX-3074.

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Remove columns outside the key, their indexes before them; a missing one is no error."""
        ...

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Give columns other names; values, keys and indexes stay."""
        ...

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Widen columns outside key and indexes: INT to BIGINT, FLOAT to DOUBLE, any to TEXT."""
        ...

    async def rename_table(self, name: str, new_name: str) -> None:
        """Give a table another name in its namespace; its indexes follow."""
        ...

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """A table that another program made and that has no metadata, as they would describe it.

        Its key is a partition key, its indexes are left out. ``types`` chooses where a column's own
        type leaves a choice. ``repair_table`` makes what then is missing. InvalidOperationError,
        STX-3075: it holds what no table of ours can.
        """
        ...

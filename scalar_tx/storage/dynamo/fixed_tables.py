"""What of a table stays as it was made? (Storage specification 2.9)

A service without schema renames nothing: each item bears the names it was written with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.refusals import cannot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType


class FixedTables:
    """Refuses what the Java library refuses too."""

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Items would keep the attributes, and a column made anew would find them."""
        raise cannot("DynamoDB", "drop columns")

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Attributes keep their names."""
        raise cannot("DynamoDB", "rename columns")

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Attributes keep their types."""
        raise cannot("DynamoDB", "alter the type of a column")

    async def rename_table(self, name: str, new_name: str) -> None:
        """Tables keep their names."""
        raise cannot("DynamoDB", "rename a table")

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """A table made elsewhere lacks the two attributes that are the key here."""
        raise cannot("DynamoDB", "use a table with the key of another program")

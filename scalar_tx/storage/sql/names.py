"""How are one table's columns written in statements?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.conditions import Encoder, Rendering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.dialect import Dialect


class Names:
    """A table's names, quoted, and the encoders of its columns.

    ``full`` are the columns with their table's name: SQLite takes a quoted name that is no column
    for a text literal, but never one that names a table.
    """

    def __init__(
        self, dialect: Dialect, table: Table, encoders: Mapping[DataType, Encoder]
    ) -> None:
        self.dialect: Final = dialect
        self.table: Final = table
        self.encoders: Final = encoders
        self.types: Final = table.schema.columns
        self.columns: Final = table.columns
        self.key: Final = table.schema.primary_key
        self.key_set: Final = frozenset(self.key)
        self.reference: Final = dialect.table(table.namespace, table.short_name)
        self.bare: Final = {name: dialect.quote(name) for name in self.columns}
        self.full: Final = {name: f"{self.reference}.{text}" for name, text in self.bare.items()}
        listed = ",".join(self.full[name] for name in self.columns)
        self.select: Final = f"SELECT {listed} FROM {self.reference}"
        self.by_key: Final = " AND ".join(
            f"{self.full[name]}={dialect.placeholder}" for name in self.key
        )

    def encoders_of(self, names: Sequence[str]) -> list[Encoder | None]:
        """The encoder of each column; None: stored as it is."""
        return [self.encoders.get(self.types[name]) for name in names]

    def rendering(self, *, loose: bool) -> Rendering:
        """A rendering of conditions over this table."""
        return Rendering(self.dialect, self.full, self.types, self.encoders, loose=loose)

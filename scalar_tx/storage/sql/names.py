"""How are one table's columns written in statements?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.conditions import Encoder, Rendering

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.dialect import Dialect


class Names:
    """A table's names, quoted, and the encoders of its columns.

    ``full`` are the columns with their table's name: SQLite takes a quoted name that is no column
    for a text literal, but never one that names a table. ``unequal`` are text columns that the
    database takes for equal where they are not, ``unordered`` those that it orders otherwise than
    by code point; ``compared`` and ``ordered`` are the columns as such comparisons need them.
    """

    def __init__(
        self,
        dialect: Dialect,
        table: Table,
        encoders: Mapping[DataType, Encoder],
        *,
        unequal: Collection[str] = (),
        unordered: Collection[str] = (),
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
        exact = {
            name: dialect.by_code_point.format(column=self.full[name])
            for name in {*unequal, *unordered}
        }
        self.compared: Final = {**self.full, **{name: exact[name] for name in unequal}}
        self.ordered: Final = {**self.full, **exact}
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
        return Rendering(self, loose=loose)

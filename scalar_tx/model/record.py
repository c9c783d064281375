"""What a read hands to the caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import Value


class Record(Mapping[str, "Value"]):
    """An immutable mapping of column to value; compares by value, prints itself.

    Made by the library; the mappings given to it are its own from then on.

    ``record["balance"]`` reads a column, ``record.key`` is the mapping of the primary key's
    columns, whichever columns were asked for.
    """

    __slots__ = ("_key", "_table", "_values")

    def __init__(self, table: str, key: Mapping[str, Value], values: Mapping[str, Value]) -> None:
        self._table = table
        self._key = key
        self._values = values

    @classmethod
    def from_row(
        cls,
        table: str,
        key_columns: Sequence[str],
        columns: Sequence[str],
        row: Mapping[str, Value],
    ) -> Record:
        """Choose ``columns`` of a row as a storage returns it."""
        key = {name: row[name] for name in key_columns}
        return cls(table, key, {name: row[name] for name in columns})

    @property
    def table(self) -> str:
        """The table's full name."""
        return self._table

    @property
    def key(self) -> dict[str, Value]:
        """The primary key as a mapping that can be handed to get, update and delete."""
        return dict(self._key)

    def __getitem__(self, column: str) -> Value:
        try:
            return self._values[column]
        except KeyError:
            raise KeyError(
                f"{column!r} is not among the columns of this record: {', '.join(self._values)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return (
                self._table == other._table
                and self._key == other._key
                and self._values == other._values
            )
        if isinstance(other, Mapping):
            return self._values == dict(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self._table, tuple(sorted(self._key.items(), key=lambda item: item[0]))))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"<{self._table} {inner}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (Record, (self._table, dict(self._key), dict(self._values)))

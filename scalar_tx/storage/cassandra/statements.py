"""Which statements read and write single records? (Storage specification 3.4)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import Existence
from scalar_tx.storage.cassandra.codec import encode
from scalar_tx.storage.cassandra.names import quoted, table_name
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.cassandra.conditions import Term
    from scalar_tx.storage.interface import StorageMutation


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and the bytes bound to its question marks."""

    text: str
    values: tuple[bytes | None, ...] = ()
    conditional: bool = False


class RecordStatements:
    """The statements of one table. Values are bound, columns are named one by one."""

    def __init__(self, table: Table) -> None:
        self.table = table
        schema = table.schema
        self.name = table_name(table.name)
        self.columns = ", ".join(map(quoted, table.columns))
        self._where = " AND ".join(f"{quoted(name)}=?" for name in schema.primary_key)
        self._get = f"SELECT {self.columns} FROM {self.name} WHERE {self._where}"

    def bound(self, names: Sequence[str], values: Sequence[Value]) -> tuple[bytes | None, ...]:
        """Values of these columns as bytes."""
        types = self.table.schema.columns
        return tuple(encode(v, types[n]) for n, v in zip(names, values, strict=True))

    def key(self, key: tuple[Value, ...]) -> tuple[bytes | None, ...]:
        """A primary key as bytes."""
        return self.bound(self.table.schema.primary_key, key)

    def get(self, key: tuple[Value, ...]) -> Statement:
        """Read one record."""
        return self.get_by(self.key(key))

    def get_by(self, key: tuple[bytes | None, ...]) -> Statement:
        """Read one record by its key as bytes."""
        return Statement(self._get, key)

    def plain(self, mutation: StorageMutation) -> Statement:
        """A write without condition, or one that rests on the record's existence alone."""
        existence = mutation.condition
        if isinstance(mutation, Write):
            if existence is Existence.IF_EXISTS:
                return self._update(mutation.key, mutation.values, " IF EXISTS", ())
            return self._insert(mutation, new=existence is Existence.IF_NOT_EXISTS)
        if existence is Existence.IF_EXISTS:
            return self._delete(mutation.key, " IF EXISTS", ())
        return self._delete(mutation.key, "", ())

    def conditional(self, mutation: StorageMutation, terms: Sequence[Term]) -> Statement:
        """A write that rests on terms; they are false of a missing record."""
        text = " IF " + " AND ".join(f"{quoted(t.column)}{t.sign}?" for t in terms)
        values = tuple(term.value for term in terms)
        if isinstance(mutation, Write):
            return self._update(mutation.key, mutation.values, text, values)
        return self._delete(mutation.key, text, values)

    def _insert(self, write: Write, *, new: bool) -> Statement:
        schema = self.table.schema
        names = [*schema.primary_key, *write.values]
        values = self.bound(names, [*write.key, *write.values.values()])
        listed = ", ".join(map(quoted, names))
        marks = ", ".join("?" * len(names))
        text = f"INSERT INTO {self.name} ({listed}) VALUES ({marks})"
        return Statement(f"{text} IF NOT EXISTS" if new else text, values, conditional=new)

    def _update(
        self, key: tuple[Value, ...], row: Row, condition: str, values: tuple[bytes | None, ...]
    ) -> Statement:
        if not row:
            raise InvalidOperationError(
                "CQL has no update that sets nothing", advice="Set a column", code="STX-3016"
            )
        sets = ", ".join(f"{quoted(name)}=?" for name in row)
        text = f"UPDATE {self.name} SET {sets} WHERE {self._where}{condition}"
        written = self.bound(list(row), list(row.values()))
        return Statement(text, (*written, *self.key(key), *values), conditional=True)

    def _delete(
        self, key: tuple[Value, ...], condition: str, values: tuple[bytes | None, ...]
    ) -> Statement:
        text = f"DELETE FROM {self.name} WHERE {self._where}{condition}"
        return Statement(text, (*self.key(key), *values), conditional=bool(condition))

"""Does a request fit its table?

Keys must be complete and nothing but complete, columns must exist, values must be of their types.
Every error names table and column and says what would be right (Storage specification 2.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import Value, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scalar_tx.model.table import TableSchema

    Objection = Callable[..., str | None]


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks against one table: its name for errors, the columns a caller may name.

    ``objection(table, data_type, value, in_key=…)`` is the storage's own word on a value.
    """

    table: str
    schema: TableSchema
    objection: Objection
    wide_bigint: bool = False

    def value(self, column: str, value: object, *, in_key: bool) -> Value:
        """One column's value as it will be stored."""
        data_type = self.schema.columns[column]
        place = f"{self.table}.{column}"
        found = checked(value, data_type, place, wide_bigint=self.wide_bigint)
        if in_key:
            if found is None or found in ("", b""):
                what = "NULL" if found is None else "empty"
                raise InvalidOperationError(
                    f"{place} is part of the primary key and can't be {what}",
                    advice="Give a value for every key column",
                    code="STX-3014",
                )
        elif found is None:
            return None
        self._object(column, found, in_key=in_key)
        return found

    def _object(self, column: str, value: Value, *, in_key: bool) -> None:
        data_type = self.schema.columns[column]
        reason = self.objection(self.table, data_type, value, in_key=in_key)
        if reason is not None:
            raise InvalidOperationError(
                f"{self.table}.{column}: {reason}", advice="Store another value", code="STX-3014"
            )

    def key(self, key: object, columns: Sequence[str], what: str) -> tuple[Value, ...]:
        """The values of ``columns``, all of them and no other, in their order."""
        mapping = self.mapping(key, what)
        try:
            values = tuple([self.value(name, mapping[name], in_key=True) for name in columns])
        except KeyError:
            missing = [name for name in columns if name not in mapping]
            raise InvalidOperationError(
                f"the {what} of {self.table} lacks {_names(missing)}",
                advice=f"It is made of {_names(columns)}",
                code="STX-3014",
            ) from None
        if len(mapping) != len(columns):
            surplus = [str(name) for name in mapping if name not in columns]
            raise InvalidOperationError(
                f"the {what} of {self.table} does not have {_names(surplus)}",
                advice=f"It is made of {_names(columns)}",
                code="STX-3014",
            )
        return values

    def values(
        self, values: object, *, with_key: bool
    ) -> tuple[tuple[Value, ...], dict[str, Value]]:
        """The key (empty if not ``with_key``) and the other columns of a write."""
        mapping = self.mapping(values, "values")
        key_columns = self.schema.primary_key
        columns: dict[str, Value] = {}
        for name, value in mapping.items():
            if name in key_columns:
                if not with_key:
                    raise InvalidOperationError(
                        f"{self.table}.{name} is part of the primary key and can't be changed",
                        advice="Delete the record and insert another one",
                        code="STX-3014",
                    )
            elif name in self.schema.columns:
                found = columns[name] = self.value(name, value, in_key=False)
                if found is not None and name in self.schema.secondary_index:
                    self._object(name, found, in_key=True)  # an index holds it as a key does
            else:
                raise self.no_column(name)
        if not with_key:
            return (), columns
        given = {name: mapping[name] for name in key_columns if name in mapping}
        return self.key(given, key_columns, "primary key"), columns

    def projection(self, columns: object) -> tuple[str, ...]:
        """The columns to return, checked."""
        if not isinstance(columns, list | tuple):
            raise InvalidOperationError(
                f"columns={columns!r} is no list of names",
                advice="Write columns=['name', …]",
                code="STX-3012",
            )
        for name in columns:
            if not isinstance(name, str) or name not in self.schema.columns:
                raise self.no_column(name)
        return tuple(dict.fromkeys(columns))

    def mapping(self, given: object, what: str) -> Mapping[str, object]:
        """The argument if it is a mapping."""
        if type(given) is not dict and not isinstance(given, Mapping):
            raise InvalidOperationError(
                f"the {what} of {self.table} is {type(given).__name__} {given!r:.60}",
                advice="Give a mapping of column to value, such as {'id': 1}",
                code="STX-3014",
            )
        return given

    def no_column(self, name: object) -> InvalidOperationError:
        """The error about a column that isn't there."""
        return InvalidOperationError(
            f"{self.table} has no column {name!r}",
            advice=f"Its columns are {_names(self.schema.columns)}",
            code="STX-3012",
        )

    def indexed(self, index: object) -> tuple[str, Value]:
        """The column and value of an index read."""
        mapping = self.mapping(index, "index")
        if len(mapping) != 1:
            raise InvalidOperationError(
                f"index names {len(mapping)} columns of {self.table}",
                advice="Give one column: index={'owner': 'me'}",
                code="STX-3015",
            )
        ((name, value),) = mapping.items()
        if name not in self.schema.columns:
            raise self.no_column(name)
        if name not in self.schema.secondary_index:
            known = _names(self.schema.secondary_index) or "none"
            raise InvalidOperationError(
                f"{self.table}.{name} has no secondary index",
                advice=f"Indexed are: {known}. Create one with db.admin.create_index, or scan",
                code="STX-3015",
            )
        found = self.value(name, value, in_key=False)
        if found is None:
            raise InvalidOperationError(
                f"the index value for {self.table}.{name} is NULL, which no index finds",
                advice="Scan with where=column(…).is_null()",
                code="STX-3015",
            )
        return name, found

    def bound(self, given: object, which: str) -> tuple[Value, ...]:
        """The values of a range's start or end: leading clustering columns."""
        if given is None:
            return ()
        mapping = self.mapping(given, which)
        clustering = self.schema.clustering_key
        leading = clustering[: len(mapping)]
        if not mapping or set(mapping) != set(leading):
            names = _names(clustering) or "no columns, so it has no ranges"
            raise InvalidOperationError(
                f"{which} of a scan of {self.table} names {_names(map(str, mapping)) or 'nothing'}",
                advice=f"Name the leading clustering columns; the clustering key has {names}",
                code="STX-3032",
            )
        return self.key(mapping, leading, which)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(str, names))

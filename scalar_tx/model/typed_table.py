"""Does a class fit its table, and how do its objects become records, and records its objects?"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.record import Record
    from scalar_tx.model.record_class import RecordClass
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Value

_MOST_KEPT: Final = 16  # definitions of one table, or tables of several databases


class TypedTable:
    """A class and the definition of its table, which fit.

    ``columns`` are those that a read asks for; None: all there are.
    """

    def __init__(self, record_class: RecordClass, schema: TableSchema) -> None:
        fields = record_class.fields
        self.record_class = record_class
        self.key_columns = tuple(schema.primary_key)
        self.columns = None if len(fields) == len(schema.columns) else tuple(fields)
        self._names = tuple(fields)
        self._of_object: Callable[[Any], tuple[Any, ...]] = _several(attrgetter, self._names)
        self._of_record: Callable[[Any], tuple[Any, ...]] = _several(itemgetter, self._names)
        self._make = record_class.make
        self._required = [n for n, field in enumerate(fields.values()) if not field.optional]
        self._to_columns = {
            name: field.to_column for name, field in fields.items() if field.to_column is not None
        }
        self._from_columns = {
            name: field.from_column
            for name, field in fields.items()
            if field.from_column is not None
        }

    # From the database.

    def object_of(self, record: Record) -> Any:
        """A record as an object; SchemaError if what is stored can't be one."""
        try:
            found = self._of_record(record._values)  # noqa: SLF001  # no call for each column
        except KeyError as column:
            raise SchemaError(
                f"{self._place(record)} was read without {column}: the table was changed meanwhile",
                advice=f"Read it again; if the column is gone, {self.record_class.name} has to go "
                "without it",
                code="STX-3095",
            ) from None
        if None in found:
            self._refuse_stored_nulls(found, record)
        values = dict(zip(self._names, found, strict=True))
        for name, convert in self._from_columns.items():
            value = values[name]
            if value is not None:
                try:
                    values[name] = convert(value)
                except ValueError as error:
                    raise self._not_stored_so(
                        record, f"holds {value!r:.60} in {name!r}, which is no {self._shown(name)}"
                    ) from error
        try:
            return self._make(values)
        except (TypeError, ValueError) as error:  # a pydantic ValidationError is a ValueError
            raise self._not_stored_so(
                record, f"makes no {self.record_class.name}: {_reason(error)}"
            ) from error

    def _refuse_stored_nulls(self, found: Sequence[Any], record: Record) -> None:
        for number in self._required:
            if found[number] is None:
                name = self._names[number]
                raise SchemaError(
                    f"{self._place(record)} holds NULL in {name!r}, and {self.record_class.name}."
                    f"{name} is {self._shown(name)}",
                    advice=f"Declare it '{name}: {self._shown(name)} | None', or store a value",
                    code="STX-3096",
                )

    def _not_stored_so(self, record: Record, what: str) -> SchemaError:
        return SchemaError(
            f"{self._place(record)} {what}",
            advice=f"Correct what is stored, or what {self.record_class.name} declares",
            code="STX-3096",
        )

    def _place(self, record: Record) -> str:
        return f"the record {record.key} of {self.record_class.table}"

    def _shown(self, name: str) -> str:
        return self.record_class.fields[name].shown

    # To the database.

    def values_of(self, record: object) -> dict[str, Value]:
        """An object as the values of a write; InvalidOperationError if a field holds no such."""
        found = self._of_object(record)
        if None in found:
            self._refuse_nulls(found)
        values: dict[str, Value] = self.stored(dict(zip(self._names, found, strict=True)))
        return values

    def key_of(self, record: object) -> dict[str, Value]:
        """The key of an object."""
        key: dict[str, Value] = self.stored({one: getattr(record, one) for one in self.key_columns})
        return key

    def key_and_values_of(self, record: object) -> tuple[dict[str, Value], dict[str, Value]]:
        """The key of an object, and its other fields."""
        values = self.values_of(record)
        return {name: values.pop(name) for name in self.key_columns}, values

    def stored(self, given: Any) -> Any:
        """A mapping whose values are as columns hold them; of an enumeration its value, say."""
        if not self._to_columns or not isinstance(given, Mapping):
            return given
        stored: dict[str, Any] | None = None
        for name, convert in self._to_columns.items():
            value = given.get(name)
            if value is None:
                continue
            try:
                converted = convert(value)
            except (TypeError, ValueError) as error:
                raise InvalidOperationError(
                    f"{self.record_class.name}.{name} is {self._shown(name)}, not "
                    f"{type(value).__name__} {value!r:.60}",
                    advice="Give one of its values",
                    code="STX-3010",
                ) from error
            if converted is not value:
                stored = stored or dict(given)
                stored[name] = converted
        return given if stored is None else stored

    def stored_values(self, given: Any) -> Any:
        """The values of a write as ``stored``; NULL is refused where an object can't hold it."""
        if isinstance(given, Mapping) and None in given.values():
            self._refuse_nulls([given.get(name, name) for name in self._names])
        return self.stored(given)

    def _refuse_nulls(self, found: Sequence[Any]) -> None:
        for number in self._required:
            if found[number] is None:
                name = self._names[number]
                raise InvalidOperationError(
                    f"{self.record_class.name}.{name} is None, and it is declared "
                    f"{self._shown(name)}",
                    advice=f"Give a value, or declare it '{name}: {self._shown(name)} | None'",
                    code="STX-3010",
                )


def typed_table(record_class: RecordClass, schema: TableSchema) -> TypedTable:
    """A class beside its table as it is now; SchemaError tells all that does not fit."""
    # Each schema is held beside what was made of it, so its id is no other one's.
    kept = record_class.fitted
    known = kept.get(id(schema))
    if known is not None:
        return known[1]
    found = next((fit for equal, fit in [*kept.values()] if equal == schema), None)
    if found is None:
        _check(record_class, schema)
        found = TypedTable(record_class, schema)
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[id(schema)] = (schema, found)
    return found


def _reason(error: Exception) -> str:
    """Why an object could not be made; of pydantic's many lines what was wrong in which field."""
    wrong = getattr(error, "errors", None)
    if not callable(wrong):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong())


def _several(getter: Any, names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    found: Callable[[Any], Any] = getter(*names)
    return found if len(names) > 1 else lambda given: (found(given),)


def _check(record_class: RecordClass, schema: TableSchema) -> None:
    fields, name = record_class.fields, record_class.name
    wrong = [
        f"{name}.{field} is no column{_near(field, schema.columns)}"
        for field in fields
        if field not in schema.columns
    ]
    wrong += [
        f"the key column {column!r} is no field"
        for column in schema.primary_key
        if column not in fields
    ]
    wrong += [
        f"{name}.{field} is {kind.shown}, and its column is {schema.columns[field].value}, "
        f"which takes {_FIELDS[schema.columns[field]]}"
        for field, kind in fields.items()
        if field in schema.columns and schema.columns[field] not in kind.columns
    ]
    if wrong:
        columns = ", ".join(f"{n} {t.value}" for n, t in schema.columns.items())
        raise SchemaError(
            f"{name} does not fit {record_class.table}: {'; '.join(wrong)}",
            advice=f"Change the class, or the table; its columns are {columns}",
            code="STX-3095",
        )


def _near(field: str, columns: Mapping[str, DataType]) -> str:
    near = get_close_matches(field, columns, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


_FIELDS: Final[Mapping[DataType, str]] = {
    DataType.BOOLEAN: "bool",
    DataType.INT: "int",
    DataType.BIGINT: "int",
    DataType.FLOAT: "float",
    DataType.DOUBLE: "float",
    DataType.TEXT: "str",
    DataType.BLOB: "bytes",
    DataType.DATE: "datetime.date",
    DataType.TIME: "datetime.time",
    DataType.TIMESTAMP: "datetime.datetime",
    DataType.TIMESTAMPTZ: "datetime.datetime",
}

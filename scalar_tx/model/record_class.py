"""Which class stands for a table's records, and what do its fields say of their columns?

``table`` names the table of a dataclass or a pydantic model. What is known of the class alone is
here; ``typed_table`` sees whether it fits the table as it is.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import inspect
import sys
import types
import typing
from dataclasses import dataclass
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias, TypeVar

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import split_name
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.typed_table import TypedTable


class DataclassObject(Protocol):
    """An object of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class PydanticObject(Protocol):
    """An object of a pydantic model."""

    __pydantic_fields__: ClassVar[dict[str, Any]]


RecordObject: TypeAlias = DataclassObject | PydanticObject
RecordT = TypeVar("RecordT", bound=RecordObject)
ClassT = TypeVar("ClassT", bound=type[Any])
Conversion: TypeAlias = "Callable[[Any], Any]"

# Which columns hold the values of a field declared so.
COLUMN_TYPES: Final[Mapping[Any, tuple[DataType, ...]]] = {
    bool: (DataType.BOOLEAN,),
    int: (DataType.INT, DataType.BIGINT),
    float: (DataType.FLOAT, DataType.DOUBLE),
    str: (DataType.TEXT,),
    bytes: (DataType.BLOB,),
    dt.date: (DataType.DATE,),
    dt.time: (DataType.TIME,),
    dt.datetime: (DataType.TIMESTAMP, DataType.TIMESTAMPTZ),
}
KNOWN_TYPES: Final = (
    "bool, int, float, str, bytes, datetime.date, datetime.time, datetime.datetime, an Enum or "
    "Literal of texts or of ints, and each of these with '| None'"
)
_HELD: Final = "__scalar_tx_record_class__"
_ANY_NUMBER: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_ORDER: Final = "Write @scalar_tx.table('namespace.table') above @dataclass, not below it"


class UnknownTypeError(Exception):
    """No column holds values of a field's type."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a field says of its column.

    ``to_column`` and ``from_column`` change values that are not None; None where they stay as they
    are. A value that can't be is a ValueError.
    """

    shown: str
    columns: tuple[DataType, ...]
    optional: bool = False
    to_column: Conversion | None = None
    from_column: Conversion | None = None


class RecordClass:
    """A class whose objects are records of a table."""

    def __init__(self, kind: type[Any], table: str) -> None:
        self.kind = kind
        self.table = table
        self.make: Callable[[dict[str, Any]], Any] = lambda values: kind(**values)
        self._fields: dict[str, FieldType] | None = None
        # typed_table's own: what it made of the class for each definition of its table.
        self.fitted: dict[int, tuple[TableSchema, TypedTable]] = {}
        self.is_model = _is_pydantic(kind)
        if self.is_model:
            self.make = lambda values: kind.model_validate(values, by_alias=False, by_name=True)

    @property
    def name(self) -> str:
        """The class's name, for messages."""
        return self.kind.__qualname__.rpartition("<locals>.")[2]

    @property
    def fields(self) -> dict[str, FieldType]:
        """The fields that are columns; InvalidOperationError tells all that can't be."""
        # Looked at late: a field's type may be declared behind the class.
        if self._fields is None:
            self._fields = self._found_fields()
        return self._fields

    def _found_fields(self) -> dict[str, FieldType]:
        field_type: Callable[[Any], FieldType] = plain_field_type
        if self.is_model:
            from scalar_tx.model import pydantic_fields

            field_type = functools.partial(
                pydantic_fields.field_type, strict=pydantic_fields.is_strict(self.kind)
            )
            declared = pydantic_fields.field_types(self.kind)
        else:
            declared = self._hints()
        found, wrong = {}, []
        for name, hint in declared.items():
            try:
                found[name] = field_type(hint)
            except UnknownTypeError:
                wrong.append(f"{self.name}.{name} is {shown(hint)}, which no column holds")
        if wrong:
            raise self.cannot_be("; ".join(wrong), f"Use {KNOWN_TYPES}")
        return found

    def _hints(self) -> dict[str, Any]:
        try:
            hints = typing.get_type_hints(self.kind)
        except NameError as error:
            raise self.cannot_be(
                f"the type of a field of {self.name} is not known when the program runs: {error}",
                "Import what the annotations name outside of 'if TYPE_CHECKING', and declare it in "
                "the module, not in a function",
            ) from error
        return {
            one.name: hints.get(one.name, one.type)
            for one in dataclasses.fields(self.kind)
            if one.init
        }

    def cannot_be(self, message: str, advice: str) -> InvalidOperationError:
        """The error about a class that can be no table's."""
        return InvalidOperationError(message, advice=advice, code="STX-3094")


def table(name: str) -> Callable[[ClassT], ClassT]:
    """Say that a dataclass, or a pydantic model, holds the records of a table.

    Its fields are named as the columns. A transaction and a manager then take the class where they
    take a table's name, and its objects where they take a record's values::

        @scalar_tx.table("bank.account")
        @dataclass(frozen=True, slots=True)
        class Account:
            id: int
            owner: str
            balance: int
            note: str | None = None

        tx.insert(Account(1, "me", 1000))
        account = tx.get(Account, {"id": 1})  # Account | None

    Every field is a column and every key column a field; which columns are the key, the table
    knows. Other columns of the table may be left out: they are not read, an insert leaves them
    NULL, an update leaves them alone. ``bool`` is BOOLEAN, ``int`` INT or BIGINT, ``float`` FLOAT
    or DOUBLE, ``str`` TEXT, ``bytes`` BLOB, ``date`` DATE, ``time`` TIME, ``datetime`` TIMESTAMP or
    TIMESTAMPTZ; an ``Enum`` or a ``Literal`` is what all its values are, text or int. ``X | None``
    for a column that may be NULL. Fields with ``init=False`` are no columns. A pydantic model
    validates what is read; a type of pydantic's that it writes as text is TEXT.

    InvalidOperationError here: what is decorated can't be a table's. SchemaError at first use:
    class and table don't fit; all that is wrong is named.
    """
    if not isinstance(name, str):
        raise InvalidOperationError(
            f"scalar_tx.table was given {name!r:.60} instead of a table's name",
            advice="Write @scalar_tx.table('namespace.table'), with the name in parentheses",
            code="STX-3094",
        )
    split_name(name)

    def decorate(kind: ClassT) -> ClassT:
        refuse_other_classes(kind)
        setattr(kind, _HELD, RecordClass(kind, name))
        return kind

    return decorate


def refuse_other_classes(kind: object) -> None:
    """InvalidOperationError: no dataclass, no pydantic model, or none that a record can make."""
    if not isinstance(kind, type):
        raise InvalidOperationError(
            f"scalar_tx.table is for classes, not for {kind!r:.60}",
            advice="Put it above a class that is a dataclass or a pydantic model",
            code="STX-3094",
        )
    if _is_pydantic(kind):
        return
    if not dataclasses.is_dataclass(kind):
        raise InvalidOperationError(
            f"{kind.__qualname__} is no dataclass and no pydantic model, or not yet",
            advice=_ORDER,
            code="STX-3094",
        )
    fields = {one.name for one in dataclasses.fields(kind) if one.init}
    others = [
        one.name
        for one in inspect.signature(kind).parameters.values()
        if one.name not in fields and one.default is one.empty and one.kind not in _ANY_NUMBER
    ]
    if others:
        raise InvalidOperationError(
            f"{kind.__qualname__} can't be made of a record: it also takes {', '.join(others)}",
            advice="Give it a default, or make it a field",
            code="STX-3094",
        )


def record_class(kind: type[Any]) -> RecordClass | None:
    """What ``table`` has said of a class, or of one that it is derived from."""
    found: RecordClass | None = getattr(kind, _HELD, None)
    if found is not None and found.kind is not kind:
        refuse_other_classes(kind)
        found = RecordClass(kind, found.table)
        setattr(kind, _HELD, found)
    return found


def _is_pydantic(kind: type[Any]) -> bool:
    pydantic = sys.modules.get("pydantic")  # a model can't be there without it
    return pydantic is not None and issubclass(kind, pydantic.BaseModel)


def shown(hint: Any) -> str:
    """A type as a program declares it."""
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def plain_field_type(hint: Any) -> FieldType:
    """What a declared type says of its column; UnknownTypeError."""
    inner, optional = without_none(hint)
    while isinstance(inner, typing.NewType):
        inner = inner.__supertype__
    columns = COLUMN_TYPES.get(inner) if isinstance(inner, type) else None
    if columns is not None:
        return FieldType(shown(hint), columns, optional)
    if isinstance(inner, type) and issubclass(inner, Enum):
        return _enumeration(inner, shown(hint), optional=optional)
    if typing.get_origin(inner) is Literal:
        return _literal(typing.get_args(inner), shown(hint), optional=optional)
    raise UnknownTypeError


def without_none(hint: Any) -> tuple[Any, bool]:
    """The type beside None, and whether there is a None."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    others = [one for one in typing.get_args(hint) if one is not types.NoneType]
    if len(others) != 1:
        raise UnknownTypeError
    return others[0], True


def _enumeration(kind: type[Enum], name: str, *, optional: bool) -> FieldType:
    columns = _columns_of([member.value for member in kind])
    if issubclass(kind, Flag):
        raise UnknownTypeError
    return FieldType(name, columns, optional, lambda value: kind(value).value, kind)


def _literal(values: tuple[Any, ...], name: str, *, optional: bool) -> FieldType:
    known = dict.fromkeys(values)

    def one_of_them(value: Any) -> Any:
        if value in known:
            return value
        raise ValueError(f"{value!r:.60} is none of {', '.join(map(repr, known))}")

    optional = optional or None in known
    given = [value for value in values if value is not None]
    return FieldType(name, _columns_of(given), optional, one_of_them, one_of_them)


def _columns_of(values: list[Any]) -> tuple[DataType, ...]:
    kinds = {type(value) for value in values}
    if kinds in ({str}, {int}):
        return COLUMN_TYPES[kinds.pop()]
    raise UnknownTypeError

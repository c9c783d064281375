"""Which columns hold the fields of a pydantic model?

Imported only where a model is used, so that pydantic need not be installed. What a model reads it
validates by itself; here is what of its types a column can hold, and in which form.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

import pydantic

from scalar_tx.model.record_class import (
    COLUMN_TYPES,
    FieldType,
    UnknownTypeError,
    plain_field_type,
    shown,
    without_none,
)
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

_CORE_TYPES: Final[Mapping[str, type]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "bytes": bytes,
    "date": dt.date,
    "time": dt.time,
    "datetime": dt.datetime,
}


def field_types(kind: type[Any]) -> dict[str, Any]:
    """The declared type of each field, with what pydantic has added to it."""
    model: type[pydantic.BaseModel] = kind
    model.model_rebuild()  # nothing, unless a type was declared behind the model
    found = {}
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        for one in field.metadata:
            annotation = Annotated[annotation, one]
        found[name] = annotation
    return found


def field_type(annotation: Any) -> FieldType:
    """What a field's type says of its column; UnknownTypeError."""
    bare = (
        getattr(annotation, "__origin__", annotation) if _is_annotated(annotation) else annotation
    )
    try:
        found = plain_field_type(bare)
    except UnknownTypeError:
        found = _of_pydantic(annotation)
    # The model itself makes an enumeration's member of a value, and refuses what is none.
    return FieldType(found.shown, found.columns, found.optional, found.to_column)


def _is_annotated(annotation: Any) -> bool:
    return hasattr(annotation, "__metadata__")


def _of_pydantic(annotation: Any) -> FieldType:
    bare = annotation.__origin__ if _is_annotated(annotation) else annotation
    inner, optional = without_none(bare)
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(inner)
    core = _CORE_TYPES.get(str(adapter.core_schema["type"]))
    if core is not None:
        return FieldType(shown(bare), COLUMN_TYPES[core], optional)
    try:
        schema = adapter.json_schema(mode="serialization")
    except pydantic.errors.PydanticInvalidForJsonSchema:
        raise UnknownTypeError from None
    if schema.get("type") != "string" or schema.get("writeOnly"):  # a secret is written as stars
        raise UnknownTypeError

    def as_text(value: Any) -> Any:
        return adapter.dump_python(value, mode="json", warnings="error")

    return FieldType(shown(bare), (DataType.TEXT,), optional, as_text)

"""Which columns hold the fields of a pydantic model?

Imported only where a model is used, so that pydantic need not be installed. What a model reads it
validates by itself; here is what of its types a column can hold, and in which form.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

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


def is_strict(kind: type[Any]) -> bool:
    """Does a model take values of its fields' own types only?"""
    model: type[pydantic.BaseModel] = kind
    return bool(model.model_config.get("strict"))


def field_types(kind: type[Any]) -> dict[str, Any]:
    """The declared type of each field, without what a model only validates by."""
    model: type[pydantic.BaseModel] = kind
    model.model_rebuild()  # nothing, unless a type was declared behind the model
    return {name: field.annotation for name, field in model.model_fields.items()}


def field_type(hint: Any, *, strict: bool) -> FieldType:
    """What a field's type says of its column; UnknownTypeError."""
    try:
        found = plain_field_type(hint)
    except UnknownTypeError:
        found = _of_pydantic(hint)
    # Unless it is strict, the model itself makes of a text what the field holds.
    return found if strict else dataclasses.replace(found, from_column=None)


def _of_pydantic(hint: Any) -> FieldType:
    inner, optional = without_none(hint)
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(inner)
    core = _CORE_TYPES.get(str(adapter.core_schema["type"]))
    if core is not None:
        return FieldType(shown(hint), COLUMN_TYPES[core], optional)
    try:
        schema = adapter.json_schema(mode="serialization")
    except pydantic.errors.PydanticInvalidForJsonSchema:
        raise UnknownTypeError from None
    if schema.get("type") != "string" or schema.get("writeOnly"):  # a secret is written as stars
        raise UnknownTypeError

    def as_text(value: Any) -> Any:
        return adapter.dump_python(value, mode="json", warnings="error")

    def from_text(value: Any) -> Any:
        return adapter.validate_python(value, strict=False)

    return FieldType(shown(hint), (DataType.TEXT,), optional, as_text, from_text)

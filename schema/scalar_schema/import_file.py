"""Which tables does an import file name? (Storage specification 8.1)

The Java loader's format: ``namespace.table`` to an object that may hold ``transaction``,
``override-columns-type`` and options. What a schema file says of columns, keys and indexes is
ignored, as there: the database knows them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_schema.json_text import parse
from scalar_schema.schema_file import (
    DECOUPLING,
    NOT_A_SCHEMA,
    OLD_NAMES,
    check_name,
    is_transactional,
    option,
    refusal,
    text_of,
)
from scalar_tx.errors import SchemaError
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_schema.json_text import Member, Place

OVERRIDES: Final = "override-columns-type"
_IGNORED: Final = ("columns", "partition-key", "clustering-key", "secondary-index")
_SAMPLE: Final = f'Write {{"namespace.table": {{"{OVERRIDES}": {{"at": "TIMESTAMPTZ"}}}}}}'
_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class TableImport:
    """One table that a file asks to import."""

    name: str
    override_types: Mapping[str, DataType]
    transaction: bool
    options: Mapping[str, str]
    place: Place


def read_import_files(
    paths: Iterable[str | os.PathLike[str]], options: Mapping[str, str] = _NO_OPTIONS
) -> tuple[TableImport, ...]:
    """The tables of several files, in their order; no table may stand in two of them.

    ``options`` go to every table that does not give them itself. SchemaError names file, line,
    column and key.
    """
    found: dict[str, TableImport] = {}
    for path in paths:
        root = parse(text_of(Path(path)), os.fspath(path))
        if not isinstance(root.value, dict):
            raise refusal(root.place, f"the file holds {root.kind}, not an object", _SAMPLE)
        for name, member in root.value.items():
            one = _import(name, member, options)
            other = found.setdefault(name, one)
            if other is not one:
                raise one.place.error(
                    f"the table is named in {other.place.file}:{other.place.line} already",
                    advice="Name each table and each file once",
                    code=NOT_A_SCHEMA,
                )
    return tuple(found.values())


def _import(name: str, member: Member, options: Mapping[str, str]) -> TableImport:
    check_name(name, member.place)
    node = member.value
    if not isinstance(node.value, dict):
        raise refusal(node.place, f"a table is an object, not {node.kind}", _SAMPLE)
    own = {}
    for key, field in node.value.items():
        if key in ("transaction", OVERRIDES, *_IGNORED):
            continue
        own[OLD_NAMES.get(key, key)] = option(key, field)
        if key == DECOUPLING and own[key].lower() == "true":
            raise refusal(
                field.value.place,
                "tables whose transaction columns are kept apart are not supported",
                "Remove the option, or import and use the table with the Java library",
            )
    return TableImport(
        name,
        _types(node.value.get(OVERRIDES)),
        is_transactional(node.value),
        MappingProxyType({**options, **own}),
        member.place,
    )


def _types(member: Member | None) -> dict[str, DataType]:
    if member is None:
        return {}
    if not isinstance(member.value.value, dict):
        raise refusal(
            member.value.place, f"{OVERRIDES} is {member.value.kind}, not an object", _SAMPLE
        )
    found = {}
    for column, one in member.value.value.items():
        word = one.value.value
        if not isinstance(word, str):
            raise refusal(one.value.place, f"a type is a text, not {one.value.kind}", _SAMPLE)
        try:
            found[column] = DataType.parse(word)
        except SchemaError as error:
            raise refusal(one.value.place, error.message, error.advice) from None
    return found

"""Which tables does a schema file ask for? (Storage specification 8.1)

The Java loader's format: an object whose keys are ``namespace.table``. What Java would drop in
silence (a third part of a name) or fail on half-way is refused here, before anything is done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_schema.json_text import NOT_READABLE, Member, Node, Number, Place, parse
from scalar_tx.consensus_commit.metadata import with_transaction_columns
from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Order, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.outcome_table import OUTCOME, OUTCOME_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_A_SCHEMA: Final = "STX-3061"  # the JSON is fine, what it says is not
LARGEST_FILE: Final = 16 << 20  # bytes

REPLICATION_STRATEGY: Final = "replication-strategy"
DECOUPLING: Final = "transaction-metadata-decoupling"
OLD_NAMES: Final = {"network-strategy": REPLICATION_STRATEGY}
OPTIONS: Final = (
    REPLICATION_STRATEGY,
    "replication-factor",
    "compaction-strategy",
    "ru",
    "no-scaling",
    "no-backup",
    DECOUPLING,
)
_FIELDS: Final = ("columns", "partition-key", "clustering-key", "secondary-index", "transaction")
_SAMPLE: Final = (
    'Write {"namespace.table": {"partition-key": ["id"], "columns": {"id": "INT"}}}; '
    "the fields are " + ", ".join(_FIELDS)
)
_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class TableDefinition:
    """One table that a file asks for. ``options`` are texts, as the storages take them."""

    name: str
    schema: TableSchema
    transaction: bool
    options: Mapping[str, str]
    place: Place
    remarks: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


def read_files(
    paths: Iterable[str | os.PathLike[str]], options: Mapping[str, str] = _NO_OPTIONS
) -> tuple[TableDefinition, ...]:
    """The tables of several files, in their order; no table may stand in two of them.

    ``options`` go to every table; one that a file gives as well is an error, as in the Java loader.
    SchemaError names file, line, column and key.
    """
    found: dict[str, TableDefinition] = {}
    for path in paths:
        for definition in parse_schema(text_of(Path(path)), os.fspath(path), options):
            other = found.setdefault(definition.name, definition)
            if other is not definition:
                raise definition.place.error(
                    f"the table is defined in {other.place.file}:{other.place.line} already",
                    advice="Keep one of the two definitions, and name each file once",
                    code=NOT_A_SCHEMA,
                )
    return tuple(found.values())


def outcome_definition(options: Mapping[str, str] = _NO_OPTIONS) -> TableDefinition:
    """The library's own table of results of calls with a key."""
    return TableDefinition(
        OUTCOME, OUTCOME_SCHEMA, transaction=True, options=options, place=Place(OUTCOME, 1, 1)
    )


def parse_schema(
    text: str, file: str, options: Mapping[str, str] = _NO_OPTIONS
) -> tuple[TableDefinition, ...]:
    """The tables of one file's text; ``file`` is what its places are called by."""
    root = parse(text, file)
    if not isinstance(root.value, dict):
        raise refusal(root.place, f"the file holds {root.kind}, not an object", _SAMPLE)
    return tuple(_definition(name, one, options) for name, one in root.value.items())


def text_of(path: Path) -> str:
    """A file's text; SchemaError names what keeps it from being read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SchemaError(
            f"{path}: the schema file can't be read: {reason}",
            advice="Name a readable schema file (JSON)",
            code=NOT_READABLE,
        ) from error
    if len(data) > LARGEST_FILE:
        raise SchemaError(
            f"{path}: the file is larger than {LARGEST_FILE >> 20} MiB",
            advice="Name a schema file (JSON), or split it",
            code=NOT_READABLE,
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - before.rfind(b"\n")
        raise Place(os.fspath(path), before.count(b"\n") + 1, column).error(
            f"the byte 0x{data[error.start]:02x} is no UTF-8",
            advice="Save the file as UTF-8",
            code=NOT_READABLE,
        ) from error


def refusal(place: Place, what: str, advice: str) -> SchemaError:
    """The error about a file that describes no tables."""
    return place.error(what, advice=advice, code=NOT_A_SCHEMA)


def _definition(name: str, member: Member, options: Mapping[str, str]) -> TableDefinition:
    place = member.place
    check_name(name, place)
    node = member.value
    if not isinstance(node.value, dict):
        raise refusal(node.place, f"a table is an object, not {node.kind}", _SAMPLE)
    fields = node.value
    columns = _columns(fields, place)
    partition_key = _names(fields, "partition-key", columns)
    if not partition_key:
        at = fields["partition-key"].value.place if "partition-key" in fields else place
        raise refusal(at, "the partition key is missing", 'Write "partition-key": ["column"]')
    clustering_key = _clustering_key(fields, columns)
    transaction = is_transactional(fields)
    try:
        schema = TableSchema(
            columns,
            partition_key,
            [f"{column} {order.value}" for column, order in clustering_key.items()],
            _names(fields, "secondary-index", columns),
        )
        if transaction:
            with_transaction_columns(name, schema)  # refuses the names that it needs itself
    except SchemaError as error:
        if error.code == NOT_A_SCHEMA:
            raise
        raise refusal(place, error.message, error.advice) from error
    own, remarks = _own_options(fields, options)
    return TableDefinition(
        name, schema, transaction, MappingProxyType({**own, **options}), place, remarks
    )


def check_name(name: str, place: Place) -> None:
    """SchemaError unless it is ``namespace.table``."""
    parts = name.split(".")
    if len(parts) > 2 and all(parts):
        raise refusal(
            place,
            f"{name!r} has more than one dot",
            f"Name the table {'.'.join(parts[:2])!r} if that is meant (the Java loader takes no "
            "notice of the rest), or join the parts by another sign",
        )
    if len(parts) != 2 or not all(parts) or "\x00" in name:
        raise refusal(
            place, f"{name!r} is no table name", "Write 'namespace.table', both parts non-empty"
        )


def _columns(fields: Mapping[str, Member], place: Place) -> dict[str, DataType]:
    member = fields.get("columns")
    if member is None or member.value.value == {}:
        at = place if member is None else member.value.place
        raise refusal(at, "the columns are missing", 'Write "columns": {"name": "TYPE"}')
    if not isinstance(member.value.value, dict):
        raise refusal(
            member.value.place,
            f"columns is {member.value.kind}, not an object",
            'Write "columns": {"name": "TYPE"}',
        )
    return {name: _type(name, one) for name, one in member.value.value.items()}


def _type(name: str, member: Member) -> DataType:
    if not name or "\x00" in name:
        raise refusal(member.place, f"{name!r} is no column name", "Use a non-empty text")
    node = member.value
    if not isinstance(node.value, str):
        raise refusal(
            node.place,
            f"the column type is {node.kind}, not a text",
            f"Use one of {', '.join(one.value for one in DataType)}",
        )
    words = node.value.split()
    if len(words) == 2 and words[1].upper() == "ENCRYPTED":
        raise refusal(
            node.place,
            f"{node.value!r}: encrypted columns are not supported",
            f"Write {words[0]!r}, and encrypt the value before it is stored if need be",
        )
    try:
        return DataType.parse(node.value)
    except SchemaError as error:
        raise refusal(node.place, error.message, error.advice) from None


def _texts(fields: Mapping[str, Member], field: str) -> list[tuple[str, Node]]:
    member = fields.get(field)
    if member is None:
        return []
    nodes = member.value.value
    if not isinstance(nodes, list):
        raise refusal(
            member.value.place,
            f"{field} is {member.value.kind}, not an array",
            f'Write "{field}": ["column"]',
        )
    found = []
    for node in nodes:
        if not isinstance(node.value, str):
            raise refusal(
                node.place, f"{field} holds {node.kind}, not a text", "Name columns of the table"
            )
        found.append((node.value, node))
    return found


def _no_column(node: Node, field: str, name: str, columns: Mapping[str, DataType]) -> SchemaError:
    near = get_close_matches(name, columns, n=1)
    advice = f"Did you mean {near[0]!r}? " if near else ""
    return refusal(
        node.place,
        f"{field} names {name!r}, which is not a column",
        f"{advice}The columns are {', '.join(columns)}",
    )


def _names(fields: Mapping[str, Member], field: str, columns: Mapping[str, DataType]) -> list[str]:
    names: list[str] = []
    for name, node in _texts(fields, field):
        if name not in columns:
            raise _no_column(node, field, name, columns)
        if name in names:
            raise refusal(node.place, f"{field} names {name!r} twice", "Name it once")
        names.append(name)
    return names


def _clustering_key(
    fields: Mapping[str, Member], columns: Mapping[str, DataType]
) -> dict[str, Order]:
    field = "clustering-key"
    key: dict[str, Order] = {}
    for text, node in _texts(fields, field):
        # A column's own name may hold blanks.
        words = [text] if text in columns else text.rsplit(None, 1)
        name = words[0].strip() if words else text
        if len(words) == 2 and words[1].upper() not in Order.__members__:
            raise refusal(
                node.place,
                f"{text!r} has the order {words[1]!r}",
                "Write 'column', 'column ASC' or 'column DESC'",
            )
        if name not in columns:
            raise _no_column(node, field, name, columns)
        if name in key:
            raise refusal(node.place, f"{field} names {name!r} twice", "Name it once")
        key[name] = Order[words[1].upper()] if len(words) == 2 else Order.ASC
    return key


def is_transactional(fields: Mapping[str, Member]) -> bool:
    """The field ``transaction``, true unless given."""
    member = fields.get("transaction")
    if member is None:
        return True
    if not isinstance(member.value.value, bool):
        raise refusal(
            member.value.place,
            f"transaction is {member.value.kind}, not true or false",
            "Write true or false without quotes",
        )
    return member.value.value


def _own_options(
    fields: Mapping[str, Member], given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    own: dict[str, str] = {}
    remarks = []
    for key, member in fields.items():
        if key in _FIELDS:
            continue
        name = OLD_NAMES.get(key, key)
        if name in own:
            raise refusal(
                member.place, f"{key} means {name}, which is there as well", "Keep one of the two"
            )
        if name in given:
            raise refusal(
                member.place,
                f"{name} is given here and on the command line",
                "Give it in one of the two places",
            )
        own[name] = option(key, member)
        if name == DECOUPLING and own[name].lower() == "true":
            raise refusal(
                member.value.place,
                "tables whose transaction columns are kept apart are not supported",
                "Remove the option, or make and use the table with the Java library",
            )
        if name not in OPTIONS:
            remarks.append(f"{member.place}: no storage knows the option {key!r}{_meant(key)}")
    return own, tuple(remarks)


def option(key: str, member: Member) -> str:
    """A field's value as the text that storages take."""
    match member.value.value:
        case bool() as flag:
            return "true" if flag else "false"
        case Number(text):
            return text
        case str() as text:
            return text
    raise refusal(
        member.value.place,
        f"{key} is {member.value.kind}; an option is a text, a number, true or false",
        f"The fields are {', '.join(_FIELDS)}{_meant(key)}",
    )


def _meant(key: str) -> str:
    near = get_close_matches(key, (*_FIELDS, *OPTIONS), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""

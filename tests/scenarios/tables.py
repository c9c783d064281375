"""The tables that scenarios speak of, and what is in them before the first line.

The later ones are the tables of the simulated workloads, empty until a script writes into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scalar_tx.model.table import TableSchema
from tests.scenarios.script import ScriptError
from tests.scenarios.words import column_value, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.types import Value
    from tests.protocol.world import World

SEED = "seed"  # the writer of the first contents; not named in answers


@dataclass(frozen=True)
class ScriptTable:
    """A table under its short name; places are written accounts/7 or items/s/3."""

    short: str
    name: str
    schema: TableSchema

    @cached_property
    def first(self) -> str:
        """The column that a bare value means."""
        return self.schema.other_columns[0]

    @property
    def clustering(self) -> tuple[str, ...]:
        """The clustering columns."""
        return tuple(self.schema.clustering_key)

    def value(self, name: str, text: str) -> Value:
        """A column's value from its text."""
        return column_value(self.schema.columns[name], text, 0)

    def pair(self, text: str) -> dict[str, Value]:
        """name=value."""
        name, _, value = text.partition("=")
        return {name: self.value(name, value)}

    def key(self, place: str) -> dict[str, Value]:
        """The primary key of a place."""
        texts = place.split("/")[1:]
        return {
            n: self.value(n, text) for n, text in zip(self.schema.primary_key, texts, strict=True)
        }

    def partition(self, place: str) -> dict[str, Value]:
        """The partition key of a place."""
        texts = place.split("/")[1:]
        names = self.schema.partition_key
        return {n: self.value(n, text) for n, text in zip(names, texts, strict=True)}

    def bound(self, text: str) -> dict[str, Value]:
        """A bound of the first clustering column."""
        return {self.clustering[0]: self.value(self.clustering[0], text)}

    def values_in_words(self, row: Mapping[str, Value], prefix: str = "") -> str:
        """The first value bare, the others by name where they are not NULL."""
        first, *others = self.schema.other_columns
        words = [shown(row[prefix + first])]
        words += [f"{n}={shown(row[prefix + n])}" for n in others if row[prefix + n] is not None]
        return " ".join(words)


_LISTS = TableSchema(
    columns={"shelf": "TEXT", "name": "INT", "elements": "TEXT"},
    partition_key=["shelf"],
    clustering_key=["name"],
)
_SEEDED = (
    ScriptTable(
        "accounts",
        "bank.accounts",
        TableSchema(columns={"id": "INT", "balance": "INT", "name": "TEXT"}, partition_key=["id"]),
    ),
    ScriptTable(
        "items",
        "bank.items",
        TableSchema(
            columns={"shop": "TEXT", "no": "INT", "price": "INT", "kind": "TEXT"},
            partition_key=["shop"],
            clustering_key=["no"],
            secondary_index=["kind"],
        ),
    ),
)
_EMPTY = (
    ScriptTable(
        "receipts",
        "bank.receipts",
        TableSchema(
            columns={"number": "INT", "payer": "INT", "payee": "INT", "amount": "INT"},
            partition_key=["number"],
        ),
    ),
    ScriptTable("even", "lists.even", _LISTS),
    ScriptTable("odd", "lists.odd", _LISTS),
    ScriptTable(
        "seats",
        "seats.seats",
        TableSchema(
            columns={"room": "TEXT", "seat": "INT", "guest": "INT"},
            partition_key=["room"],
            clustering_key=["seat"],
        ),
    ),
    ScriptTable(
        "guests",
        "rooms.guests",
        TableSchema(
            columns={"id": "INT", "room": "INT"}, partition_key=["id"], secondary_index=["room"]
        ),
    ),
)
TABLES = {table.short: table for table in (*_SEEDED, *_EMPTY)}
SECOND = frozenset({"bank.items", "bank.receipts", "lists.odd"})  # in the second of two storages


def table_of(place: str) -> ScriptTable:
    """The table of a place such as accounts/7."""
    short = place.partition("/")[0]
    if short not in TABLES:
        raise ScriptError(f"there is no table {short!r}, only {', '.join(TABLES)}")
    return TABLES[short]


def table_named(name: str) -> ScriptTable:
    """The table with a full name."""
    return next(table for table in TABLES.values() if table.name == name)


def seed(world: World) -> None:
    """accounts 7 and 8 with 100; items s/1 to s/5 at 10 to 50, odd ones toys, even ones books."""
    for table in _SEEDED:
        world.create_table(table.name, table.schema)
    tx = world.begin(SEED)
    for number in (7, 8):
        tx.insert("bank.accounts", {"id": number, "balance": 100})
    for number in range(1, 6):
        kind = "toy" if number % 2 else "book"
        row: dict[str, Value] = {"shop": "s", "no": number, "price": 10 * number, "kind": kind}
        tx.insert("bank.items", row)
    tx.commit()
    world.storage.calls.clear()

"""In what do the SQL databases differ?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.model.table import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.model.types import DataType


class Role(Enum):
    """What a column is for; some databases give keys and indexed columns another type."""

    PLAIN = "plain"
    KEY = "key"
    INDEX = "index"


@dataclass(frozen=True)
class MetadataTypes:
    """The column types of the metadata table (Storage specification 5.4)."""

    name: str
    data_type: str
    key_type: str
    clustering_order: str
    flag: str
    position: str


@dataclass(frozen=True)
class Dialect:
    """One database's spelling.

    ``joint``: the sign between namespace and table inside one identifier, or None where a namespace
    is an object of its own. ``like``: a template with ``{column}`` and two ``{value}`` (pattern and
    escape) that is exact, or None. ``holds_nan``: can a column hold NaN, and does it then compare
    as in ``model.conditions``? ``null_is_least``: does NULL come first in ascending order unasked?
    ``upsert`` makes the begin and the end of an INSERT that changes the row if there is one, from
    the quoted key columns and the quoted other columns.
    """

    quote_sign: str
    placeholder: str
    joint: str | None
    types: Mapping[DataType, str]
    metadata_types: MetadataTypes
    upsert: Callable[[Sequence[str], Sequence[str]], tuple[str, str]]
    key_types: Mapping[DataType, str] = field(default_factory=dict)
    like: str | None = None
    holds_nan: bool = False
    null_is_least: bool = True
    row_values: bool = True  # does an index serve (a, b) > (?, ?)?

    def quote(self, identifier: str) -> str:
        """An identifier as a statement holds it, its quotes and placeholder signs escaped."""
        sign = self.quote_sign
        inner = identifier.replace(sign, sign + sign)
        if self.placeholder == "%s":
            inner = inner.replace("%", "%%")
        return f"{sign}{inner}{sign}"

    def table(self, namespace: str, name: str) -> str:
        """The quoted reference to a table."""
        if self.joint is None:
            return f"{self.quote(namespace)}.{self.quote(name)}"
        return self.quote(f"{namespace}{self.joint}{name}")

    def column_type(self, data_type: DataType, role: Role) -> str:
        """The declared type of a column."""
        if role is not Role.PLAIN and data_type in self.key_types:
            return self.key_types[data_type]
        return self.types[data_type]

    def order_term(self, column: str, order: Order) -> str:
        """One term of ORDER BY: NULL first in ASC, last in DESC."""
        nulls = ""
        if not self.null_is_least:
            nulls = " NULLS FIRST" if order is Order.ASC else " NULLS LAST"
        return f"{column} {order.value}{nulls}"


def upsert_on_conflict(keys: Sequence[str], others: Sequence[str]) -> tuple[str, str]:
    """The upsert of SQLite and PostgreSQL."""
    target = ",".join(keys)
    if not others:
        return "INSERT INTO", f" ON CONFLICT ({target}) DO NOTHING"
    changes = ",".join(f"{column}=excluded.{column}" for column in others)
    return "INSERT INTO", f" ON CONFLICT ({target}) DO UPDATE SET {changes}"

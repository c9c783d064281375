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


def _as_they_are(pattern: str, escape: str) -> tuple[str, str]:
    return pattern, escape


@dataclass(frozen=True)
class Dialect:
    """One database's spelling.

    ``joint``: the sign between namespace and table inside one identifier, or None where a namespace
    is an object of its own. ``like``: a template with ``{column}`` and two ``{value}`` (pattern and
    escape, as ``like_values`` gives them) that is exact, or None. ``holds_nan``: can a column hold
    NaN, and does it then compare as in ``model.conditions``? ``null_is_least``: does NULL come
    first in ascending order unasked?
    ``upsert`` makes the begin and the end of an INSERT that changes the row if there is one, from
    the quoted key columns and the quoted other columns. ``if_absent`` ends an INSERT that leaves a
    row alone which is there, so that the count tells; empty: a duplicate key is an error.
    ``by_code_point``: a template with ``{column}`` that compares a text by code point where the
    column's own collation does not. ``equal_by_code_point``: are texts of the metadata table equal
    only if they are the same? ``orders_in_key``: does the primary key say ASC and DESC?
    ``clustering_index``: does a key of both orders get an index of its own?
    ``on_duplicate``: does an INSERT that turns into an update say ON DUPLICATE KEY UPDATE?
    ``truncate`` begins the statement that removes all rows. ``alters_together``: does only one
    statement change several columns together?
    """

    quote_sign: str
    placeholder: str
    joint: str | None
    types: Mapping[DataType, str]
    metadata_types: MetadataTypes
    upsert: Callable[[Sequence[str], Sequence[str]], tuple[str, str]]
    key_types: Mapping[DataType, str] = field(default_factory=dict)
    like: str | None = None
    like_values: Callable[[str, str], tuple[str, str]] = _as_they_are
    holds_nan: bool = False
    null_is_least: bool = True
    row_values: bool = True  # does an index serve (a, b) > (?, ?)?
    holds_infinity: bool = True
    if_absent: str = ""
    by_code_point: str = "{column}"
    equal_by_code_point: bool = True
    orders_in_key: bool = False
    clustering_index: bool = False
    on_duplicate: bool = False
    truncate: str = "TRUNCATE TABLE"
    alters_together: bool = False

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

    def order_term(self, column: str, order: Order, *, in_key: bool) -> str:
        """One term of ORDER BY: NULL first in ASC, last in DESC."""
        nulls = ""
        # A key holds no NULL here, and its index would not serve an order that speaks of it.
        if not self.null_is_least and not in_key:
            nulls = " NULLS FIRST" if order is Order.ASC else " NULLS LAST"
        return f"{column} {order.value}{nulls}"


def upsert_on_conflict(keys: Sequence[str], others: Sequence[str]) -> tuple[str, str]:
    """The upsert of SQLite and PostgreSQL."""
    target = ",".join(keys)
    if not others:
        return "INSERT INTO", f" ON CONFLICT ({target}) DO NOTHING"
    changes = ",".join(f"{column}=excluded.{column}" for column in others)
    return "INSERT INTO", f" ON CONFLICT ({target}) DO UPDATE SET {changes}"

"""Which columns does a transactional table have beyond the user's, and what are they for?

Consensus Commit specification 1.1 to 1.3: five ``tx_`` columns describe the image a row holds, five
``before_tx_`` columns and one ``before_`` twin of each column outside the primary key describe the
image it replaces while its writer is undecided.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ConflictError, InvalidOperationError, SchemaError
from scalar_tx.model.checks import Checks
from scalar_tx.model.table import Table, TableSchema, split_name, without
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.checks import Objection
    from scalar_tx.model.types import Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Storage

BEFORE: Final = "before_"
TX_COLUMNS: Final[Mapping[str, DataType]] = {
    "tx_id": DataType.TEXT,
    "tx_state": DataType.INT,
    "tx_version": DataType.INT,
    "tx_prepared_at": DataType.BIGINT,
    "tx_committed_at": DataType.BIGINT,
}
BEFORE_TX_COLUMNS: Final[Mapping[str, DataType]] = {
    BEFORE + name: data_type for name, data_type in TX_COLUMNS.items()
}

_LONGEST_MEANT: Final = 200  # characters; for one of a million, it takes a second to compare


def _no_objection(*_: object, **__: object) -> None:
    return None


class TransactionalTable:
    """A table as transactions see it: the stored columns, sorted by their purpose."""

    __slots__ = (
        "before_columns",
        "before_of",
        "checks",
        "cleared",
        "key_columns",
        "name",
        "stored",
        "user",
        "value_columns",
    )

    def __init__(
        self,
        stored: Table,
        objection: Objection = _no_objection,
        *,
        wide_bigint: bool = False,
    ) -> None:
        schema = stored.schema
        self.stored = stored
        self.name = stored.name
        self.key_columns = tuple(schema.primary_key)
        self.user = without_transaction_columns(schema)
        self.checks = Checks(stored.name, self.user, objection, wide_bigint)
        self.value_columns = self.user.other_columns
        # Every column of an image but the key, with the column that keeps its previous value.
        self.before_of: dict[str, str] = {
            name: BEFORE + name for name in (*self.value_columns, *TX_COLUMNS)
        }
        self.before_columns = tuple(self.before_of.values())
        self.cleared: dict[str, Value] = dict.fromkeys(self.before_columns)

    def has_before_index(self, column: str) -> bool:
        """Can rows be found by the value this column had before an undecided write?"""
        return (
            column in self.stored.schema.primary_key
            or BEFORE + column in self.stored.schema.secondary_index
        )

    def missing_before_indexes(self) -> list[str]:
        """The twins of indexed columns that have no index: releases before 3.18 made none (1.2)."""
        return [
            BEFORE + column
            for column in self.user.secondary_index
            if not self.has_before_index(column)
        ]

    def key_mapping(self, key: tuple[Value, ...]) -> dict[str, Value]:
        """A key as a mapping, for errors and records."""
        return dict(zip(self.key_columns, key, strict=True))


def without_transaction_columns(schema: TableSchema) -> TableSchema:
    """The user's part of a table that has transaction columns, or some of them."""
    keys = set(schema.primary_key)
    technical = {*TX_COLUMNS, *BEFORE_TX_COLUMNS} - keys
    for name in schema.columns:
        if name not in keys and name.startswith(BEFORE) and name[len(BEFORE) :] in schema.columns:
            technical.add(name)
    return without(schema, technical)


def is_transactional(schema: TableSchema) -> bool:
    """Does the table have everything a transaction needs? (Specification 1.3)"""
    columns = schema.columns
    fixed = {*TX_COLUMNS, *BEFORE_TX_COLUMNS}
    if any(columns.get(name) is not kind for name, kind in TX_COLUMNS.items()):
        return False
    if any(columns.get(name) is not kind for name, kind in BEFORE_TX_COLUMNS.items()):
        return False
    for name in schema.other_columns:
        if name in fixed or BEFORE + name in columns:
            continue
        if not (name.startswith(BEFORE) and name[len(BEFORE) :] in columns):
            return False
    return True


def with_transaction_columns(
    name: str, schema: TableSchema, *, before_indexes: bool = True
) -> Table:
    """The stored form of a user's schema; SchemaError names a column that can't be called so."""
    namespace, short_name = split_name(name)
    fixed = {*TX_COLUMNS, *BEFORE_TX_COLUMNS}
    for column in schema.columns:
        if column in fixed:
            raise SchemaError(
                f"the column {column!r} of {name} is reserved for transactions",
                advice="Choose another name",
            )
    for column in schema.other_columns:
        if BEFORE + column in schema.columns:
            raise SchemaError(
                f"{name} has the columns {column!r} and {BEFORE + column!r}; the second name is "
                "kept for the first one's previous value",
                advice=f"Rename {BEFORE + column!r}",
            )
    columns = {
        **schema.columns,
        **TX_COLUMNS,
        **BEFORE_TX_COLUMNS,
        **{BEFORE + column: schema.columns[column] for column in schema.other_columns},
    }
    index = list(schema.secondary_index)
    if before_indexes:
        keys = set(schema.primary_key)
        index += [BEFORE + column for column in schema.secondary_index if column not in keys]
    return Table(
        f"{namespace}.{short_name}",
        TableSchema(
            columns=columns,
            partition_key=schema.partition_key,
            clustering_key=[f"{n} {o.value}" for n, o in schema.clustering_orders.items()],
            secondary_index=index,
        ),
    )


def check_unchanged(
    first: TransactionalTable, now: TransactionalTable, transaction_id: str | None
) -> None:
    """ConflictError if a table's definition has changed since a transaction first used it.

    Rows read before lack the new columns, and so would the image kept of them.
    """
    if first is not now and first.stored != now.stored:
        raise ConflictError(
            f"the definition of {now.name} was changed while this transaction was open",
            transaction_id=transaction_id,
            code="STX-1020",
        )


class Catalog:
    """The tables this process has met, looked up once and again after a while.

    ``expiry`` in seconds, negative: never (``scalar.db.metadata.cache_expiration_time_secs``). That
    a table is missing is never remembered. The coordinator's tables are not handed out.
    """

    def __init__(
        self,
        storage: Storage,
        runtime: Runtime,
        *,
        expiry: float,
        coordinator_namespace: str,
        wide_bigint: bool = False,
    ) -> None:
        self._storage = storage
        self._runtime = runtime
        self._expiry = expiry
        self._closed_namespace = coordinator_namespace
        self._wide_bigint = wide_bigint
        self._known: dict[str, tuple[TransactionalTable, float]] = {}

    def known(self, name: str) -> TransactionalTable | None:
        """The table of that name if it was looked up not long ago; nothing is awaited for it."""
        known = self._known.get(name) if type(name) is str else None
        if known is not None and (
            self._expiry < 0 or self._runtime.elapsed() - known[1] < self._expiry
        ):
            return known[0]
        return None

    async def table(self, name: str) -> TransactionalTable:
        """The table of that name; InvalidOperationError if there is none or it can't be used."""
        return self.known(name) or await self._look_up(name)

    async def _look_up(self, name: str) -> TransactionalTable:
        namespace, _ = split_name(name)
        if type(name) is not str:  # an enumeration's member, say, whose hash is not the text's
            return await self.table(str.__str__(name))
        if namespace == self._closed_namespace:
            raise InvalidOperationError(
                f"{name} belongs to the coordinator",
                advice="Use db.state and db.settle to ask about decisions",
                code="STX-3017",
            )
        stored = await self._storage.admin.table(name)
        if stored is None:
            raise await self._no_such_table(name, namespace)
        if not is_transactional(stored.schema):
            raise InvalidOperationError(
                f"{name} has no transaction columns",
                advice="Create it through db.admin.create_table or the schema loader, or use "
                "scalar_tx.open_storage for tables without transactions",
                code="STX-3019",
            )
        known = self._known.get(name)
        if known is not None and known[0].stored == stored:
            table = known[0]  # kept, and with it what others derived from it
        else:
            table = TransactionalTable(
                stored, self._storage.objection, wide_bigint=self._wide_bigint
            )
        self._known[name] = (table, self._runtime.elapsed())
        return table

    async def _no_such_table(self, name: str, namespace: str) -> InvalidOperationError:
        near = []
        if len(name) <= _LONGEST_MEANT:
            near = get_close_matches(name, await self._storage.admin.tables(namespace), n=3)
        hint = f"did you mean {' or '.join(near)}? Otherwise create" if near else "Create"
        return InvalidOperationError(
            f"there is no table {name} in the storage {self._storage.info(name).name!r}",
            advice=f"{hint} it with db.admin.create_table or the schema loader",
            code="STX-3017",
        )

    def forget(self, name: str | None = None) -> None:
        """Look the table up anew at its next use; without a name: all of them."""
        if name is None:
            self._known.clear()
        else:
            self._known.pop(name, None)

"""In what does a table that exists differ from what its file asks for?

The transaction columns are compared apart from the user's: a table without them, or with some of
them missing, is repaired, not altered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.metadata import (
    TransactionalTable,
    is_transactional,
    with_transaction_columns,
)
from scalar_tx.model.table import Table, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_schema.schema_file import TableDefinition
    from scalar_tx.model.types import DataType


@dataclass(frozen=True)
class Differences:
    """What the file has and the table has not, and the other way round.

    ``contradictions`` are differences that no change of the table removes: keys, orders, types.
    ``missing_technical`` names transaction columns, and indexes on them, that a release before ours
    did not make or that were lost.
    """

    new_columns: Mapping[str, DataType]
    lost_columns: tuple[str, ...]
    new_indexes: tuple[str, ...]
    dropped_indexes: tuple[str, ...]
    missing_technical: tuple[str, ...]
    contradictions: tuple[str, ...]
    both: TableSchema | None  # what the file has and what the table has; None if that can't be

    def __bool__(self) -> bool:
        return bool(
            self.new_columns
            or self.lost_columns
            or self.new_indexes
            or self.dropped_indexes
            or self.missing_technical
            or self.contradictions
        )


def differences(
    definition: TableDefinition, stored: TableSchema, *, before_indexes: bool
) -> Differences:
    """Compare. ``before_indexes``: does an index need its twin over previous values?"""
    wanted = definition.schema
    transactional = is_transactional(stored)
    there = stored
    if definition.transaction:
        there = TransactionalTable(Table(definition.name, stored)).user
    contradictions = _contradictions(wanted, there)
    if transactional and not definition.transaction:
        contradictions = ("it has transaction columns, by its file it has none",)
    new_columns = {n: t for n, t in wanted.columns.items() if n not in there.columns}
    both = None if contradictions else _both(wanted, there, new_columns)
    return Differences(
        new_columns=new_columns,
        lost_columns=tuple(n for n in there.columns if n not in wanted.columns),
        new_indexes=tuple(n for n in wanted.secondary_index if n not in there.secondary_index),
        dropped_indexes=tuple(n for n in there.secondary_index if n not in wanted.secondary_index),
        missing_technical=_missing_technical(
            definition.name, there, stored, before_indexes=before_indexes
        )
        if definition.transaction
        else (),
        contradictions=contradictions,
        both=both,
    )


def _both(
    wanted: TableSchema, there: TableSchema, new_columns: Mapping[str, DataType]
) -> TableSchema:
    return TableSchema(
        {**there.columns, **new_columns},
        wanted.partition_key,
        ordered(wanted),
        (*there.secondary_index, *wanted.secondary_index),
    )


def ordered(schema: TableSchema) -> list[str]:
    """The clustering key as it is written in a file."""
    return [f"{name} {order.value}" for name, order in schema.clustering_orders.items()]


def _contradictions(wanted: TableSchema, there: TableSchema) -> tuple[str, ...]:
    found = []
    if wanted.partition_key != there.partition_key:
        found.append(
            f"its partition key is {_listed(there.partition_key)}, "
            f"by its file {_listed(wanted.partition_key)}"
        )
    if ordered(wanted) != ordered(there):
        found.append(
            f"its clustering key is {_listed(ordered(there))}, "
            f"by its file {_listed(ordered(wanted))}"
        )
    found += [
        f"{name} is {there.columns[name].value}, by its file {kind.value}"
        for name, kind in wanted.columns.items()
        if there.columns.get(name, kind) is not kind
    ]
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "empty"


def _missing_technical(
    name: str, user: TableSchema, stored: TableSchema, *, before_indexes: bool
) -> tuple[str, ...]:
    whole = with_transaction_columns(name, user, before_indexes=before_indexes).schema
    missing = [column for column in whole.columns if column not in stored.columns]
    missing += [
        f"the index on {column}"
        for column in whole.secondary_index
        if column not in stored.secondary_index
    ]
    return tuple(missing)

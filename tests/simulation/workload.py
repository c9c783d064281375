"""What must a workload bring along to be simulated and judged?"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol

from scalar_tx.consensus_commit.metadata import with_transaction_columns
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from tests.simulation.parts.processes import EPOCH_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from tests.simulation.history import Attempt, Program, WatchedTransaction
    from tests.simulation.judgement import Wrong
    from tests.simulation.parts.dice import Dice
    from tests.simulation.world import World

INITIAL = "initial"


class Workload(Protocol):
    """Tables, programs over them, and what must be true at the end."""

    name: str

    def load(self, world: World) -> None:
        """Make the tables and their first rows."""
        ...

    def program(self, dice: Dice) -> Program:
        """Draw something to do."""
        ...

    def lone_program(self, number: int) -> Program:
        """Something that must commit when nobody else is there and everything is healed."""
        ...

    def tables(self) -> Sequence[Table]:
        """The tables, as stored."""
        ...

    async def look(self, tx: WatchedTransaction) -> object:
        """Read everything, in a form that can be compared."""
        ...

    def judge(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """What is wrong with the rows and the answers? All rows are settled by now."""
        ...


@functools.cache
def transactional(
    name: str,
    columns: tuple[tuple[str, str], ...],
    partition: str,
    clustering: str = "",
    index: str = "",
) -> Table:
    """A table with transaction columns; made once, since it never changes."""
    schema = TableSchema(
        columns={column: DataType[kind] for column, kind in columns},
        partition_key=[partition],
        clustering_key=[clustering] if clustering else [],
        secondary_index=[index] if index else [],
    )
    return with_transaction_columns(name, schema)


def whole(row: Mapping[str, Value], column: str) -> int:
    """The whole number in a column."""
    value = row[column]
    assert isinstance(value, int)
    return value


def make_table(world: World, table: Table, rows: Sequence[Row]) -> None:
    """A table with committed rows."""
    memory = world.make_table(table)
    for row in rows:
        key = tuple(row[name] for name in table.schema.primary_key)
        values = {
            name: value for name, value in row.items() if name not in table.schema.primary_key
        }
        values.update(
            tx_id=INITIAL,
            tx_state=3,
            tx_version=1,
            tx_prepared_at=EPOCH_MS - 1,
            tx_committed_at=EPOCH_MS,
        )
        run_blocking(memory.mutate([Write(table, key, values)]))

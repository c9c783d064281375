"""Who plays a script whose transactions a node runs?

Transactions are whole operations there: scripts that stop a commit half-way, turn the clock or
break the storage can't be played. Ids are made new for each case, since a node remembers them.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from scalar_tx.runtime.blocking import run_blocking
from tests.scenarios.operations import OPERATIONS
from tests.scenarios.player import Player
from tests.scenarios.tables import SEED, TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.types import Row, Value
    from tests.scenarios.script import Case, Line

PLAYED: Final = {
    *OPERATIONS,
    *("begin", "open", "next", "close", "confirm", "commit", "rollback"),
    *("record", "remember", "changed", "coordinator", "state", "settle"),
}
LEFT_OUT: Final = {"calls", "cells"}  # of the node's inside, and of its clock


def playable(case: Case) -> bool:
    """Is it all whole operations, of transactions that come to an end?"""
    verbs = {command.split()[0] for line in case.lines for command in line.commands}
    return case.world is None and verbs <= PLAYED | LEFT_OUT


class NodeTx:
    """A transaction of a node, as players use one."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def _run(self, steps: Any) -> Any:
        return run_blocking(steps)

    def commit(self) -> None:
        """Its end."""
        run_blocking(self.steps.commit())

    def rollback(self) -> None:
        """Its end."""
        run_blocking(self.steps.rollback())


class NodeWorld:
    """A node's database, emptied and filled for one case. ``mark`` stands before its ids."""

    def __init__(self, url: str, file: Path) -> None:
        self._db = scalar_tx.connect(url)
        self._file = file
        self._cases = 0
        self.mark = ""
        self.workers: set[int] = set()
        self._db.admin.create_coordinator_tables(if_not_exists=True)
        for table in TABLES.values():
            self._db.admin.create_table(table.name, table.schema)

    def close(self) -> None:
        """Let go of the connections."""
        self._db.close()

    def fresh(self) -> None:
        """As each case finds it."""
        self._cases += 1
        self.mark = f"{self._cases}~"
        tables = ["coordinator.state", *(table.name for table in TABLES.values())]
        with closing(sqlite3.connect(self._file, timeout=10)) as connection, connection:
            for table in tables:
                connection.execute(f'DELETE FROM "{table.replace(".", "$")}"')
        with self._db.transaction(id=self.mark + SEED) as tx:
            for number in (7, 8):
                tx.insert("bank.accounts", {"id": number, "balance": 100})
            for number in range(1, 6):
                kind = "toy" if number % 2 else "book"
                row: dict[str, Value] = {
                    "shop": "s",
                    "no": number,
                    "price": 10 * number,
                    "kind": kind,
                }
                tx.insert("bank.items", row)

    def begin(self, name: str, level: Isolation, *, read_only: bool) -> NodeTx:
        """A transaction."""
        steps = self._db._here().transaction(
            level, read_only=read_only, caller_id=self.mark + name, timeout=None
        )
        return NodeTx(steps)

    def settle(self, name: str) -> Any:
        """What stands about an id."""
        return self._db.settle(self.mark + name)

    def state(self, name: str) -> str:
        """What is on record about an id."""
        return self._db.state(self.mark + name).value

    def row(self, table: str, *key: Any) -> Row | None:
        """A stored row, names of transactions as the case has them."""
        return self._one(table, next(t for t in TABLES.values() if t.name == table).schema, key)

    def decision_row(self, name: str) -> Row | None:
        """The decision under an id."""
        return self._select("coordinator.state", ["tx_id"], (self.mark + name,))

    def _one(self, table: str, schema: Any, key: tuple[Any, ...]) -> Row | None:
        return self._select(table, list(schema.primary_key), key)

    def _select(self, table: str, names: list[str], key: tuple[Any, ...]) -> Row | None:
        where = " AND ".join(f'"{name}" = ?' for name in names)
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            text = f'SELECT * FROM "{table.replace(".", "$")}" WHERE {where}'
            found = connection.execute(text, key).fetchone()
        if found is None:
            return None
        return {
            name: value.removeprefix(self.mark) if isinstance(value, str) else value
            for name, value in dict(found).items()
        }


class NodePlayer(Player):
    """Plays one case through a node."""

    def __init__(self, world: NodeWorld, level: Isolation) -> None:
        world.fresh()
        super().__init__(world, level, empty=True)  # type: ignore[arg-type]  # as far as it is used

    def _play_line(self, case: Case, line: Line, check: bool) -> None:
        if not {command.split()[0] for command in line.commands} & LEFT_OUT:
            super()._play_line(case, line, check)

    def roll_back_all(self) -> None:
        """End what the case has left open."""
        for tx in self.transactions.values():
            if not tx.steps.finished:
                tx.rollback()

"""Where do the cases happen, and who looks at what they leave?

The observer goes to the server by itself, with the usual patience. Its clock is ahead, so that a
writer which left no decision is dead for it at once, not only after 15 seconds.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.consensus_commit.recover import LIFETIME_MS
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from tests.lost_replies.impatience import OWN_COORDINATOR, SPEECH
from tests.lost_replies.shapes import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from tests.lost_replies.impatience import Speech
    from tests.servers import Cluster

SCHEMA = TableSchema({"p": "INT", "c": "INT", "balance": "INT", "mark": "TEXT"}, ["p"], ["c"])
DECISIONS = "decisions"
FIRST, SECOND = "lost_replies.first", "lost_replies.second"


class Ahead(BlockingRuntime):
    """The real clock, past every writer's time."""

    def now_ms(self) -> int:
        return super().now_ms() + LIFETIME_MS + 5_000


@dataclass
class Place:
    """A server with tables, and an observer."""

    cluster: Cluster
    observer: TransactionManager
    for_shapes: Tables
    stored: dict[str, Table]
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1, 2))

    @property
    def speech(self) -> Speech:
        return SPEECH[self.cluster.kind]

    def row(self, name: str, key: tuple[Value, ...]) -> Row | None:
        """A row as it is stored, whoever wrote it."""
        storage = parts_of(self.observer).context.storage
        return run_blocking(storage.get(self.stored[name], key))

    def decision(self, tx_id: str) -> Row | None:
        """The decision's row about a transaction."""
        return self.row(DECISIONS, (tx_id,))

    def fresh(self) -> int:
        """A number that no record has yet, nor has the next one."""
        return next(self.numbers)


@contextmanager
def prepared_place(cluster: Cluster) -> Iterator[Place]:
    """A server with empty tables of ours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scalar_tx.connection.BlockingRuntime", Ahead)
        observer = scalar_tx.connect(cluster.properties(**OWN_COORDINATOR))
    with observer:
        admin = observer.admin
        admin.drop_coordinator_tables(if_exists=True)
        admin.create_coordinator_tables()
        for name in (FIRST, SECOND):
            admin.drop_table(name, if_exists=True)
            admin.create_table(name, SCHEMA)
        parts = parts_of(observer)
        found = {n: run_blocking(parts.context.catalog.table(n)) for n in (FIRST, SECOND)}
        decisions = run_blocking(parts.coordinator.table())
        stored = {name: table.stored for name, table in found.items()} | {DECISIONS: decisions}
        yield Place(cluster, observer, Tables(found[FIRST], decisions), stored)

"""Does validation hold where one storage can be read at one moment and another can't?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.connection import build
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Upsert
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import BlockingRuntime, attempt, run_blocking
from scalar_tx.settings import load as load_settings
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from scalar_tx.model.operations import Mutation
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Outcome

HERE, THERE = "here.record", "there.record"
SCHEMA = TableSchema(columns={"k": "INT", "v": "INT"}, partition_key=["k"])


class OneByOne(MemoryStorage):
    """A storage without moments; somebody comes in before one of its reads."""

    def __init__(self) -> None:
        super().__init__(moments=False, batches=0)
        self.before_read: Callable[[], None] | None = None

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        action, self.before_read = self.before_read, None
        if action is not None:
            action()
        return await super().get(table, key)


class BackwardsRuntime(BlockingRuntime):
    """Of steps that may run at once, the last one runs first."""

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, Any]]]
    ) -> list[Outcome[Any]]:
        return [attempt(step) for step in reversed(steps)][::-1]


@pytest.mark.parametrize("runtime", [BlockingRuntime, BackwardsRuntime])
def test_what_was_there_is_looked_at_behind_the_absences_of_all_storages(
    runtime: type[BlockingRuntime],
) -> None:
    """A record comes there with a change here, and goes with another one: never seen together."""
    there = OneByOne()
    storages = {"moments": MemoryStorage(), "one by one": there}
    storage = RoutedStorage(storages, default="moments", namespaces={"there": "one by one"})
    parts = build(load_settings("memory://"), storage, runtime())
    for table in (HERE, THERE):
        run_blocking(
            parts.administration.create_table(
                table, SCHEMA, if_not_exists=False, transaction=True, options={}
            )
        )
    run_blocking(parts.administration.create_coordinator_tables(if_not_exists=True, options={}))

    def begin() -> TransactionSteps:
        return TransactionSteps(parts.context, Isolation.SERIALIZABLE)

    def elsewhere(*mutations: Mutation) -> None:
        tx = begin()
        for mutation in mutations:
            run_blocking(tx.mutate(mutation))
        run_blocking(tx.commit())

    elsewhere(Upsert(HERE, {"k": 1, "v": 0}), Upsert(HERE, {"k": 2, "v": 0}))
    tx = begin()
    assert run_blocking(tx.get(Get(THERE, {"k": 9}))) is None
    elsewhere(Insert(THERE, {"k": 9, "v": 1}), Upsert(HERE, {"k": 1, "v": 1}))
    for number, value in ((1, 1), (2, 0)):
        record = run_blocking(tx.get(Get(HERE, {"k": number})))
        assert record is not None
        assert record["v"] == value
    there.before_read = lambda: elsewhere(Delete(THERE, {"k": 9}), Upsert(HERE, {"k": 1, "v": 2}))
    with pytest.raises(ConflictError):
        run_blocking(tx.commit())
    assert there.before_read is None

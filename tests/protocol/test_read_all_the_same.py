"""Which records are read before they are written, although the storage could do without?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decision_removal import can_land_twice
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError
from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit, StorageInfo
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.unread_accounts import (
    ABSENT,
    ACCOUNT,
    BARE,
    THERE,
    delete,
    every_step,
    key,
    opened,
    rows,
    steps_of,
    upsert,
)
from tests.protocol.world import STORAGES, Tx, World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(params=STORAGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = opened(open_inner(request.param, tmp_path))
    yield made
    made.close()


def test_a_table_that_was_scanned_is_read(world: World) -> None:
    """Else the absence that the scan has met would be looked for in vain: the record is ours."""
    tx = world.begin("T")
    free = {"id": ABSENT}
    assert tx.scan(ACCOUNT, {"branch": 1}, start=free, end=free) == []
    other = world.begin("other")
    other.insert(ACCOUNT, {**key(ABSENT), "balance": 1})
    other.commit()
    upsert(tx, ABSENT)
    with pytest.raises(ConflictError):
        tx.commit()
    found = rows(world, ABSENT)
    assert found is not None
    assert found["balance"] == 1


def _hook(world: World) -> None:
    async def hook(event: Any) -> None:
        assert [write.replaced_tx_id for write in event.writes] == ["load-1"]

    world.parts.context.commit_hooks.append(hook)


def _recorded(world: World) -> None:
    world.parts.context.recorded.add(ACCOUNT)


def _every_step_is_taken(world: World) -> None:
    world.parts.context.options = every_step(world)


def _decisions_are_removed(world: World) -> None:
    options = world.parts.context.options
    world.parts.context.options = replace(options, decisions_are_removed=True)


def _no_overwrites(world: World) -> None:
    world.storage.overwrites = False


class Witness:
    def began(self, transaction: Any) -> None:
        pass

    def ended(self, transaction: Any) -> None:
        assert transaction.footprint.reads == [((ACCOUNT, (1, THERE)), "load-1")]


def _observed(world: World) -> None:
    world.parts.context.observers.append(Witness())


@pytest.mark.parametrize(
    "why",
    [_hook, _recorded, _every_step_is_taken, _decisions_are_removed, _no_overwrites, _observed],
)
def test_where_the_version_must_be_known_it_is_read(
    world: World, why: Callable[[World], None]
) -> None:
    why(world)
    tx = world.begin("T")
    upsert(tx, THERE)
    world.storage.calls.clear()
    assert (tx.steps.explain().unread, tx.steps.explain().pre_reads) == (0, 1)
    tx.commit()
    assert steps_of(world)[0] == "read"
    if why is _observed:
        assert world.parts.context.observers, "it has not failed"


@pytest.mark.parametrize("values", [None, {"balance": 1}])
def test_a_write_over_whatever_is_there_could_land_twice(
    world: World, values: dict[str, Any] | None
) -> None:
    """So it is not sent again where the decision that keeps a second one out may be removed."""
    table = world.run(world.parts.context.catalog.table(ACCOUNT))
    write = record.final_unread(table, (1, THERE), values, tx_id="T", at=1)
    assert can_land_twice(write)


def test_where_the_records_alone_tell_of_a_commit_they_are_read() -> None:
    """That is one write, instead of three."""
    world = opened(MemoryStorage(unit=AtomicityUnit.PARTITION))
    tx = Tx(world, TransactionSteps(world.parts.context, Isolation.SERIALIZABLE), "")
    upsert(tx, THERE)
    world.storage.calls.clear()
    assert (tx.steps.explain().path, tx.steps.explain().unread) == ("record-only", 0)
    tx.commit()
    assert steps_of(world) == ["read", "final"]


class KeepsNothingInIndexes(MemoryStorage):
    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), keeps_in_indexes=False)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("prepared", [True, False])
def test_what_is_prepared_is_read_where_its_index_can_not_keep_it(
    indexed: bool, prepared: bool
) -> None:
    world = opened(KeepsNothingInIndexes())
    name = "bank.indexed"
    schema = TableSchema({"id": "INT", "n": "INT"}, ["id"], secondary_index=["n"] * indexed)
    world.create_table(name, schema)
    tx = world.begin("T")
    if prepared:
        tx.get(ACCOUNT, key(THERE))
    tx.upsert(name, {"id": 1, "n": 1})
    assert tx.steps.explain().unread == (not (indexed and prepared))
    tx.commit()


def test_a_condition_reads(world: World) -> None:
    tx = world.begin("T")
    tx.delete(ACCOUNT, key(THERE), where=column("balance") == 100)
    assert steps_of(world) == ["read"]
    assert tx.steps.explain().unread == 0
    tx.commit()


def test_it_is_said_beforehand(world: World) -> None:
    tx = world.begin("T")
    upsert(tx, THERE)
    delete(tx, BARE)
    assert str(tx.steps.explain()) == (
        "2 records, 2 of them unread, commit path: fused (all records and the decision are one "
        "write)\nrequests: 1 to decide; 1 round trips\nSERIALIZABLE leaves possible: nothing"
    )

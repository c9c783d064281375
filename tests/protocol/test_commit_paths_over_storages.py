"""Commits that leave steps out in one of several storages, or as far as one write reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConflictError, StorageUnavailableError
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from tests.protocol.test_commit_paths import (
    ACCOUNT,
    BUSY,
    LOST_AFTER,
    LOST_BEFORE,
    REFUSED,
    SCHEMA,
    UNAVAILABLE,
    Failure,
    Told,
    fail,
    told_by,
)
from tests.protocol.world import World

if TYPE_CHECKING:
    from scalar_tx.storage.interface import StorageInfo
    from tests.protocol.world import Tx


class Narrow(MemoryStorage):
    """Takes few records at once."""

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), max_mutations=3)


def two_storages(near: MemoryStorage) -> World:
    world = World(
        RoutedStorage(
            {"near": near, "far": MemoryStorage()}, default="near", namespaces={"far": "far"}
        ),
        one_phase_commit=True,
    )
    for table in (ACCOUNT, "far.account"):
        world.create_table(table, SCHEMA)
        world.load(table, *({"id": number, "balance": 100} for number in (1, 2, 3)))
    return world


def change_both(world: World) -> Tx:
    tx = world.begin("T")
    for table in (ACCOUNT, "far.account"):
        tx.get(table, {"id": 1})
        tx.update(table, {"id": 1}, {"balance": 200})
    return tx


def both(world: World) -> list[object]:
    world.storage.faults.clear()
    world.runtime.ms += 16_000
    reader = world.begin()
    found = [reader.get(table, {"id": 1}) for table in (ACCOUNT, "far.account")]
    reader.commit()
    return [record["balance"] for record in found if record is not None]


@pytest.mark.parametrize(
    "step,failure,told,decision",
    [
        ("prepare", REFUSED, ConflictError, "none"),
        ("prepare", BUSY, ConflictError, "none"),
        ("prepare", UNAVAILABLE, StorageUnavailableError, "none"),
        ("prepare", LOST_BEFORE, StorageUnavailableError, "ABORTED"),
        ("prepare", LOST_AFTER, StorageUnavailableError, "ABORTED"),
        ("commit-state", REFUSED, ConflictError, "ABORTED"),
        ("commit-state", BUSY, ConflictError, "ABORTED"),
        ("commit-state", UNAVAILABLE, StorageUnavailableError, "ABORTED"),
        ("commit-state", LOST_BEFORE, None, "COMMITTED"),
        ("commit-state", LOST_AFTER, None, "COMMITTED"),
        ("commit", LOST_BEFORE, None, "COMMITTED"),
        ("commit", REFUSED, None, "COMMITTED"),
    ],
)
def test_a_failure_where_another_storage_is_prepared_first(
    step: str, failure: Failure, told: Told, decision: str
) -> None:
    world = two_storages(MemoryStorage())
    tx = change_both(world)
    fail(world, step, failure)
    assert told_by(tx) is told
    assert world.state("T") == decision
    assert both(world) == ([100, 100] if told else [200, 200])


def test_what_does_not_fit_beside_the_decision_is_prepared() -> None:
    world = two_storages(Narrow())
    tx = world.begin("T")
    for number in (1, 2, 3):
        tx.get(ACCOUNT, {"id": number})
        tx.update(ACCOUNT, {"id": number}, {"balance": 200})
    world.storage.calls.clear()
    tx.commit()
    assert world.storage.reached() == [
        "mutate prepare x1",
        "put commit-state x3",
        "mutate commit x1",
    ]

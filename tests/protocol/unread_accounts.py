"""Accounts that the tests about unread records write to: one is there, one imported, one bare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.model.table import TableSchema
from tests.protocol.world import World

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Options
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Storage
    from tests.protocol.world import Tx

ACCOUNT = "bank.account"
SCHEMA = TableSchema(
    columns={"branch": "INT", "id": "INT", "balance": "INT", "owner": "TEXT"},
    partition_key=["branch"],
    clustering_key=["id"],
)
THERE, IMPORTED, BARE, ABSENT = 1, 2, 3, 4


def key(number: int) -> dict[str, Any]:
    return {"branch": 1, "id": number}


def opened(storage: Storage, **options: Any) -> World:
    world = World(storage, one_phase_commit=True, decisions_are_removed=False, **options)
    world.create_table(ACCOUNT, SCHEMA)
    world.load(ACCOUNT, {**key(THERE), "balance": 100, "owner": "ann"}, {**key(9), "balance": 9})
    world.load(ACCOUNT, {**key(BARE)})
    world.write(ACCOUNT, (1, IMPORTED), balance=5)
    return world


def upsert(tx: Tx, number: int) -> None:
    tx.upsert(ACCOUNT, {**key(number), "balance": 200})


def delete(tx: Tx, number: int) -> None:
    tx.delete(ACCOUNT, key(number))


def steps_of(world: World) -> list[str]:
    return [call.step for call in world.storage.calls]


def rows(world: World, number: int) -> Row | None:
    return world.row(ACCOUNT, 1, number)


def every_step(world: World) -> Options:
    """The options of commits that leave nothing out."""
    return replace(world.parts.context.options, one_phase_commit=False)

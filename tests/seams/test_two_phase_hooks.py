"""Each part of a transaction adds to its prepare; the decision knows how many parts there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
)
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import StorageMutation, Write
from tests.protocol.two_parts import (
    ABORTED,
    COMMITTED,
    add,
    balances,
    joined,
    part,
    prepare_it,
    transfer,
    two_part_world,
    validate_it,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.commit_hook import CommitEvent, HookAnswer
    from tests.protocol.world import Tx, World


@pytest.fixture
def world() -> World:
    return two_part_world()


LOG = Table("log.entry", TableSchema({"tx_id": "TEXT", "part": "INT"}, ["tx_id"], ["part"]))


def test_each_part_can_add_to_its_prepare_and_the_decision_knows_how_many(world: World) -> None:
    world.run(world.storage.inner.admin.create_table(LOG))
    prepared: list[CommitEvent] = []
    decided: list[CommitEvent] = []

    async def at_prepare(event: CommitEvent) -> Sequence[StorageMutation]:
        prepared.append(event)
        key = (event.transaction_id, len(prepared))
        return [Write(LOG, key, {}, if_not_exists)]

    async def at_decision(event: CommitEvent) -> HookAnswer | None:
        decided.append(event)
        return None

    world.parts.context.prepare_hooks.append(at_prepare)
    world.parts.context.commit_hooks.append(at_decision)
    payer, payee = transfer(world)
    for each in (payer, payee):
        each.prepare()
    assert decided == []
    entries = [world.run(world.storage.inner.get(LOG, ("T", number))) for number in (1, 2)]
    assert all(entries)
    for each in (payer, payee):
        each.validate()
    payer.commit(parts=2)
    payee.commit()
    assert [event.parts for event in decided] == [2, None]
    assert [[write.key for write in event.writes] for event in prepared] == [
        [{"id": 1}],
        [{"id": 2}],
    ]
    with world_transaction(world) as tx:
        add(tx, 1, 1)
    assert (len(prepared), decided[-1].parts) == (2, 1)


class world_transaction:  # noqa: N801  # reads as a with block
    """An ordinary transaction, committed at the end of the block."""

    def __init__(self, world: World) -> None:
        self.tx = world.begin("ordinary")

    def __enter__(self) -> Tx:
        return self.tx

    def __exit__(self, *_: object) -> None:
        self.tx.commit()


def test_a_hook_that_fails_at_the_decision_aborts_unless_another_part_has_decided(
    world: World,
) -> None:
    async def broken(event: CommitEvent) -> HookAnswer | None:
        raise RuntimeError(f"no log today for {event.transaction_id}")

    first, second = transfer(world)
    for step in (prepare_it, validate_it):
        for each in (first, second):
            step(each)
    world.parts.context.commit_hooks.append(broken)
    with pytest.raises(RuntimeError, match="no log today"):
        first.commit()
    assert (first.outcome, world.state("T")) == (ABORTED, "ABORTED")
    world.parts.context.commit_hooks.clear()
    with pytest.raises(ConflictError):
        second.commit()

    third, fourth = part(world, "U"), joined(world, "U")
    add(third, 1, 1)
    add(fourth, 2, 1)
    for step in (prepare_it, validate_it):
        for each in (third, fourth):
            step(each)
    third.commit()
    world.parts.context.commit_hooks.append(broken)
    fourth.commit()
    assert fourth.outcome is COMMITTED
    assert balances(world) == (11, 11)


@pytest.mark.parametrize("parts", [0, -1, True, "2", 1.0])
def test_a_wrong_number_of_parts_is_refused(world: World, parts: Any) -> None:
    only = part(world, "T")
    add(only, 1, 1)
    only.prepare()
    only.validate()
    with pytest.raises(InvalidOperationError):
        only.commit(parts)
    only.commit(1)
    assert balances(world) == (11, 10)

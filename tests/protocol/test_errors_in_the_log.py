"""Does the log of a commit repeat what a database said in its own words? Those name rows."""

from __future__ import annotations

import itertools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.test_finish_later import asynchronous
from tests.protocol.watched_storage import Fault
from tests.protocol.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

TABLE = "bank.account"
SCHEMA = TableSchema(columns={"id": "TEXT", "n": "INT"}, partition_key=["id"])
CANARY = "canary-key-5d07"
STEPS = ("read", "prepare", "commit", "rollback", "read-state", "commit-state", "abort-state")
ERRORS = (ReplyLostError, StorageBusyError, StorageUnavailableError, WriteRefusedError)
# One for each line of the log that an error ends.
LINES = (
    "are committed later: ",
    "are rolled back later: ",
    "records to lazy recovery: ",
    "could not settle a record of ",
    "could not read a record of ",
    "without saying what it wrote: ",
)


def said(error: type[Exception]) -> Callable[[], Exception]:
    """An error as an adapter tells it, in the words of a driver."""

    def make() -> Exception:
        made = error(f"duplicate key value: Key (id)=({CANARY}) exists")
        made.__cause__ = OSError(f"id={CANARY}")
        return made

    return make


def world_of(unit: AtomicityUnit, *, later: bool, write_sets: bool = False) -> World:
    world = World(MemoryStorage(unit=unit), write_sets=write_sets)
    world.create_table(TABLE, SCHEMA)
    world.load(TABLE, {"id": f"{CANARY}-a", "n": 0}, {"id": f"{CANARY}-b", "n": 0})
    if later:
        asynchronous(world)
    return world


def commit(world: World, fault: Fault) -> None:
    """Change two records and make one, which somebody else may have made; then things go wrong."""
    tx = world.begin("T")
    for letter in "ab":
        tx.get(TABLE, {"id": f"{CANARY}-{letter}"})
        tx.update(TABLE, {"id": f"{CANARY}-{letter}"}, {"n": 1})
    tx.insert(TABLE, {"id": f"{CANARY}-new", "n": 1})
    world.storage.faults.append(fault)
    tx.commit()


def test_no_line_names_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "scalar_tx")
    cases = itertools.product(
        (AtomicityUnit.STORAGE, AtomicityUnit.RECORD), (False, True), (False, True), STEPS, ERRORS
    )
    for unit, later, in_the_way, step, error in cases:
        world = world_of(unit, later=later)
        if in_the_way:  # a dead writer's record, where one is to be made
            dead = world.begin("dead")
            dead.insert(TABLE, {"id": f"{CANARY}-new", "n": 0})
            assert dead.commit_until("commit-state")
            world.runtime.ms += 16_000
        with suppress(ScalarTxError, StorageError):
            commit(world, Fault(step, said(error), times=None))
        world.runtime.run_background()
    refused = world_of(AtomicityUnit.STORAGE, later=False, write_sets=True)
    commit(refused, Fault("commit-state", said(InvalidOperationError)))
    assert [line for line in LINES if line not in caplog.text] == []
    assert CANARY not in caplog.text


def test_what_is_said_instead() -> None:
    made = said(StorageUnavailableError)()
    assert kind_of(made) == "StorageUnavailableError [STX-4001] from OSError"
    assert kind_of(ReplyLostError("x")) == "ReplyLostError"
    made.__cause__ = made
    assert kind_of(made) == "StorageUnavailableError [STX-4001]"

"""How does a history end a transaction that did not end well, or not at all?"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ReplyLostError, StorageUnavailableError, UnknownOutcomeError
from tests.histories.recording.reading import ACCOUNT, check_form, lines, record, told
from tests.protocol.watched_storage import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.protocol.world import Tx, World

ONE = f"{ACCOUNT}/1"


def change(world: World, name: str) -> Tx:
    tx = world.begin(name)
    tx.update(ACCOUNT, {"id": 1}, {"balance": 0})
    return tx


@pytest.mark.parametrize("applied", [True, False])
def test_an_unknown_outcome_is_info_and_stays_so(world: World, path: Path, applied: bool) -> None:
    with record(world, path):
        tx = change(world, "T")
        world.storage.faults += [
            Fault("commit-state", lambda: ReplyLostError("lost"), applied=applied, times=5),
            Fault("read-state", lambda: StorageUnavailableError("away"), times=None),
            Fault("abort-state", lambda: StorageUnavailableError("away"), times=None),
        ]
        with pytest.raises(UnknownOutcomeError):
            tx.commit()
        world.storage.faults.clear()
        world.settle("T")
        later = world.begin("later")
        later.get(ACCOUNT, {"id": 1})
        later.commit()
    found = "T" if applied else "load-1"
    assert told(path) == [
        ("info", [["r", ONE, "load-1"], ["w", ONE, "T"]]),
        ("ok", [["r", ONE, found]]),
    ]
    history = lines(path)
    check_form(history)
    assert [line["process"] for line in history] == [0, 0, 1, 1]


def test_a_transaction_killed_in_its_commit_may_be_committed(world: World, path: Path) -> None:
    with record(world, path):
        tx = change(world, "T")
        tx.commit_until("commit-state")
        tx.crash()
    ((kind, value),) = told(path)
    assert kind == "info"
    assert value[-1] == ["w", ONE, "T"]


def test_a_transaction_killed_before_its_decision_is_not(world: World, path: Path) -> None:
    with record(world, path):
        tx = change(world, "T")
        tx.commit_until("prepare")
        tx.crash()
    assert [kind for kind, _ in told(path)] == ["fail"]


def test_what_is_open_at_the_end_is_unknown(world: World, path: Path) -> None:
    with record(world, path):
        reader, writer = world.begin("reader"), change(world, "writer")
        reader.get(ACCOUNT, {"id": 1})
        writer.commit_until("commit-state")
    writer.commit()
    reader.rollback()
    assert told(path) == [
        ("info", [["r", ONE, "load-1"]]),
        ("info", [["r", ONE, "load-1"], ["w", ONE, "writer"]]),
    ]
    check_form(lines(path))


def test_what_nobody_holds_any_more_will_never_commit(world: World, path: Path) -> None:
    gc.freeze()  # a collection looks at what is made from here on, not at all of the test run
    try:
        with record(world, path):
            for _ in range(50):  # their places in memory are used again
                change(world, "forgotten")
                gc.collect()
            change(world, "last").commit()
            gc.collect()
    finally:
        gc.unfreeze()
    kinds = [kind for kind, _ in told(path)]
    assert kinds.count("fail") == 50
    assert kinds.count("ok") == 1
    check_form(lines(path))


def test_processes_are_few(world: World, path: Path) -> None:
    with record(world, path):
        for _ in range(5):
            first, second = world.begin("A"), world.begin("B")
            second.commit()
            first.rollback()
    history = lines(path)
    check_form(history)
    assert {line["process"] for line in history} == {0, 1}

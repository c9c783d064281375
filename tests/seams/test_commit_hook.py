"""A hook sees each commit before it is decided, and can write with the decision."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, Isolation, TransactionState
from scalar_tx.connection import parts_of
from scalar_tx.consensus_commit.commit_hook import CommitEvent, HookAnswer
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


LOG = Table("log.entry", TableSchema({"tx_id": "TEXT", "writes": "INT"}, ["tx_id"]))


_EVERY_STEP = {"consensus_commit_one_phase_commit_enabled": False}
PATHS: dict[str, dict[str, Any]] = {
    "one write": {},
    "every step": _EVERY_STEP,
    "group commit": {
        "consensus_commit_coordinator_group_commit_enabled": True,
        **_EVERY_STEP,
    },
}


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", "sqlite"])
def db(
    request: pytest.FixtureRequest, path: str, tmp_path: Path
) -> Iterator[scalar_tx.TransactionManager]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/hook.db"
    with scalar_tx.connect(target, **PATHS[path]) as manager:
        manager.admin.create_table(
            "bank.account", columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        manager.upsert("bank.account", {"id": 1, "balance": 10})
        run_blocking(parts_of(manager).storage.admin.create_table(LOG))
        yield manager


class Recorder:
    """A hook that keeps what it saw and answers what it was told to."""

    def __init__(self) -> None:
        self.events: list[CommitEvent] = []
        self.waited = 0
        self.error: Exception | None = None
        self.meeting: threading.Barrier | None = None

    async def __call__(self, event: CommitEvent) -> HookAnswer | None:
        self.events.append(event)
        if self.error is not None:
            raise self.error
        if self.meeting is not None:
            self.meeting.wait(10.0)
        row = Write(LOG, (event.transaction_id,), {"writes": len(event.writes)}, if_not_exists)
        return HookAnswer(mutations=(row,), before_decision=self.wait)

    async def wait(self) -> None:
        self.waited += 1


def test_it_sees_every_write_and_writes_with_the_decision(db: scalar_tx.TransactionManager) -> None:
    hook = Recorder()
    parts_of(db).context.commit_hooks.append(hook)
    first = db.get("bank.account", {"id": 1})
    with db.transaction(isolation=Isolation.SNAPSHOT) as tx:
        tx.update("bank.account", {"id": 1}, {"balance": 11})
        tx.insert("bank.account", {"id": 2, "balance": 5})
    with db.transaction() as late:
        late.delete("bank.account", {"id": 2})
    assert first is not None
    (changes, removal) = hook.events  # reads alone decide nothing
    assert changes.transaction_id == tx.id
    assert changes.isolation is Isolation.SNAPSHOT
    update, insert = changes.writes
    assert (update.table, update.key, update.after, update.version) == (
        "bank.account",
        {"id": 1},
        {"balance": 11},
        2,
    )
    assert update.replaced_tx_id is not None
    assert (insert.replaced_tx_id, insert.version) == (None, 1)
    assert (removal.writes[0].after, removal.writes[0].replaced_tx_id) == (None, tx.id)
    assert hook.waited == 2
    row = run_blocking(parts_of(db).storage.get(LOG, (tx.id,)))
    assert row == {"tx_id": tx.id, "writes": 2}
    assert db.state(tx.id) is TransactionState.COMMITTED


def test_of_a_group_every_member_has_its_row(db: scalar_tx.TransactionManager, path: str) -> None:
    hook = Recorder()
    hook.meeting = threading.Barrier(2)
    parts_of(db).context.commit_hooks.append(hook)
    both = [db.begin(), db.begin()]
    for number, tx in enumerate(both):
        tx.upsert("bank.account", {"id": number, "balance": 7})
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda tx: tx.commit(), both))
    for tx in both:
        assert run_blocking(parts_of(db).storage.get(LOG, (tx.id,))) is not None
        assert db.state(tx.id) is TransactionState.COMMITTED
    [group] = {marks(tx.id).group for tx in both}
    assert (group is not None) == (path == "group commit")


def test_a_refused_row_of_the_hook_means_that_nothing_was_decided(
    db: scalar_tx.TransactionManager,
) -> None:
    tx = db.begin()
    run_blocking(parts_of(db).storage.mutate([Write(LOG, (tx.id,), {"writes": 0})]))
    parts_of(db).context.commit_hooks.append(Recorder())
    tx.update("bank.account", {"id": 1}, {"balance": 99})
    with pytest.raises(ConflictError):
        tx.commit()
    assert tx.outcome is TransactionState.ABORTED
    assert db.settle(tx.id) is TransactionState.ABORTED
    account = db.get("bank.account", {"id": 1})
    assert account is not None
    assert account["balance"] == 10


def test_an_error_of_the_hook_aborts(db: scalar_tx.TransactionManager) -> None:
    hook = Recorder()
    hook.error = RuntimeError("the log is full")
    parts_of(db).context.commit_hooks.append(hook)
    tx = db.begin()
    tx.update("bank.account", {"id": 1}, {"balance": 99})
    with pytest.raises(RuntimeError, match="the log is full"):
        tx.commit()
    parts_of(db).context.commit_hooks.clear()
    assert tx.outcome is TransactionState.ABORTED
    account = db.get("bank.account", {"id": 1})
    assert account is not None
    assert account["balance"] == 10

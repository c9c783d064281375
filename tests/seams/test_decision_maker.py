"""Whoever decides can be somebody else than the coordinator table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.context import Context
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.metadata import Catalog, with_transaction_columns
from scalar_tx.consensus_commit.recover import LIFETIME_MS, Recovery
from scalar_tx.consensus_commit.settle import settle
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Get, Insert, Update
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from scalar_tx.storage.conformance.record_unit import RecordUnitStorage
from scalar_tx.storage.interface import AtomicityUnit, Storage
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.storage.interface import StorageInfo, StorageMutation


@dataclass
class Notebook:
    """Decisions in a dictionary."""

    decided: dict[str, Decision] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def ready(self) -> None:
        self.asked.append("ready")

    def home(self) -> StorageInfo | None:
        return None  # a notebook shares no write with records

    async def decide_with(
        self,
        tx_id: str,
        at: int,
        records: Sequence[StorageMutation],
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        raise AssertionError("it has no home")

    async def decide(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        assert not also
        assert written, "a commit of its own tells what it writes"
        self.asked.append("decide")
        return self.decided.setdefault(tx_id, Decision(TransactionState.COMMITTED, at))

    async def force_abort(
        self, tx_id: str, written: Collection[PendingWrite] | None = None
    ) -> Decision:
        self.asked.append("force_abort")
        return self.decided.setdefault(tx_id, Decision(TransactionState.ABORTED, 1))

    async def read(self, tx_id: str) -> Decision | None:
        self.asked.append("read")
        return self.decided.get(tx_id)


class MovableClock(BlockingRuntime):
    """The real clock, moved at will."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(params=["storage", "record", "record listed first"])
def storage(request: pytest.FixtureRequest) -> Storage:
    if request.param == "storage":
        return MemoryStorage()
    if request.param == "record":
        return MemoryStorage(unit=AtomicityUnit.RECORD, max_mutations=1)
    return RecordUnitStorage(MemoryStorage())


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def context(storage: Storage, notebook: Notebook, clock: MovableClock) -> Context:
    table = with_transaction_columns(
        "bank.account", TableSchema({"id": "INT", "balance": "INT"}, ["id"])
    )
    run_blocking(storage.admin.create_table(table))
    catalog = Catalog(storage, clock, expiry=-1, coordinator_namespace="coordinator")
    return Context(storage, clock, catalog, notebook, Recovery(storage, clock, notebook))


def begin(context: Context) -> TransactionSteps:
    return TransactionSteps(context, Isolation.SERIALIZABLE)


def balance(context: Context) -> object:
    record = run_blocking(begin(context).get(Get("bank.account", {"id": 1})))
    assert record is not None
    return record["balance"]


def test_commit_recovery_and_settling_ask_it(
    context: Context, notebook: Notebook, clock: MovableClock
) -> None:
    first = begin(context)
    run_blocking(first.mutate(Insert("bank.account", {"id": 1, "balance": 10})))
    run_blocking(first.mutate(Insert("bank.account", {"id": 2, "balance": 10})))
    run_blocking(first.commit())
    assert notebook.decided[first.id].state is TransactionState.COMMITTED
    assert notebook.asked == ["ready", "decide"]

    dead = begin(context)
    run_blocking(dead.mutate(Update("bank.account", {"id": 1}, {"balance": 99})))
    context.commit_hooks.append(killed)  # type: ignore[arg-type]  # it never answers
    with pytest.raises(Killed):
        run_blocking(dead.commit())
    context.commit_hooks.clear()
    with pytest.raises(ConflictError) as conflict:
        balance(context)
    assert conflict.value.other_transaction == dead.id
    assert 14 < (conflict.value.retry_after or 0) <= LIFETIME_MS / 1000 + 1

    clock.ahead_ms = LIFETIME_MS + 1
    assert balance(context) == 10
    assert notebook.decided[dead.id].state is TransactionState.ABORTED
    assert run_blocking(settle(notebook, first.id)).state is TransactionState.COMMITTED
    assert run_blocking(settle(notebook, "never begun")).state is TransactionState.ABORTED


class Killed(BaseException):
    """The process is gone."""


async def killed(_: object) -> None:
    raise Killed


def test_an_id_is_made_when_somebody_asks_or_at_the_first_prepare(context: Context) -> None:
    reading = begin(context)
    run_blocking(reading.get(Get("bank.account", {"id": 1})))
    run_blocking(reading.commit())
    assert reading.id_if_known is None
    writing = begin(context)
    run_blocking(writing.mutate(Insert("bank.account", {"id": 3, "balance": 0})))
    assert writing.id_if_known is None
    run_blocking(writing.commit())
    assert writing.id_if_known is not None

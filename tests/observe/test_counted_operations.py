"""What is counted of operations, storages and decisions; and what never becomes a label?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConflictError, InvalidOperationError, ScalarTxError, StorageUnavailableError
from scalar_tx.connection import build, parts_of
from scalar_tx.consensus_commit import meter
from scalar_tx.consensus_commit.meter import Meter
from scalar_tx.errors import (
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.operations import Get, Upsert
from scalar_tx.model.state import TransactionState
from scalar_tx.model.types import DataType
from scalar_tx.observe import protocol_metrics
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from scalar_tx.settings import load
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.watched_storage import KINDS, kind_of
from tests.faces.left_behind import leave_prepared
from tests.observe.counted import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = {"p": 1, "c": 1}
COLUMNS = {"p": "INT", "c": "INT", "v": "INT", "i": "TEXT"}
LOGGED = {"scan_fetch_size": 1, "consensus_commit_coordinator_write_set_logging_enabled": True}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(f"sqlite:///{tmp_path}/a.db", **LOGGED) as db:
        db.admin.create_table(
            "a.b", columns=COLUMNS, partition_key=["p"], clustering_key=["c"], secondary_index=["i"]
        )
        for c in range(3):
            db.insert("a.b", {"p": 1, "c": c, "v": 0, "i": str(c)})
        yield db


@pytest.fixture
def counts(db: scalar_tx.TransactionManager) -> Iterator[Counts]:
    counts = Counts()
    yield counts
    counts.counting.close()


def operations(counts: Counts) -> dict[tuple[str, ...], float]:
    found = counts.labelled("namespace_operation_total")
    times: dict[tuple[str, ...], float] = {}
    for (namespace, operation, _), value in found.items():
        times[namespace, operation] = times.get((namespace, operation), 0) + value
    assert counts.labelled("namespace_operation_seconds_count") == times
    return found


def test_each_operation_counts_once_whatever_it_is_made_of(
    db: scalar_tx.TransactionManager, counts: Counts
) -> None:
    with db.transaction() as tx:
        tx.get("a.b", KEY)
        tx.get("a.b", index={"i": "1"})  # is a scan underneath
        tx.scan("a.b", partition={"p": 1})
        with tx.scanner("a.b", partition={"p": 1}) as rows:
            assert len(list(rows)) == 3
        with tx.scanner("a.b", whole_table=True) as rows:
            next(iter(rows))
        with tx.scanner("a.b", partition={"p": 1}, limit=2) as rows:
            assert len(list(rows)) == 2
        tx.upsert("a.b", {**KEY, "v": 1})
        tx.update("a.b", KEY, {"v": 2})
        tx.insert("a.b", {"p": 2, "c": 2})
        tx.delete("a.b", {"p": 1, "c": 2})
    expected = {
        "get": 2,
        "scan": 4,
        "upsert": 1,
        "update": 1,
        "insert": 1,
        "delete": 1,
        "commit": 1,
    }
    assert operations(counts) == {("a", name, "ok"): times for name, times in expected.items()}


def test_a_scan_that_its_transaction_closes(
    db: scalar_tx.TransactionManager, counts: Counts
) -> None:
    with db.transaction() as tx:
        rows = tx.scanner("a.b", partition={"p": 1})
        next(iter(rows))
        assert operations(counts) == {}
    assert operations(counts) == {("a", "scan", "ok"): 1, ("a", "commit", "ok"): 1}


def test_reads_of_a_batch_have_taken_as_long_as_all_of_them(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(parts_of(db).runtime, "elapsed", lambda: now)
    storage: Any = parts_of(db).storage
    read_many = storage.get_many

    def takes_a_second(wanted: Any) -> Any:
        nonlocal now
        now += 1
        return read_many(wanted)

    monkeypatch.setattr(storage, "get_many", takes_a_second)
    with db.transaction() as tx:
        tx.batch([scalar_tx.Get("a.b", {"p": 1, "c": c}) for c in range(3)])
        tx.get("a.b", KEY)
    assert operations(counts)["a", "get", "ok"] == 4
    labels = {"namespace": "a", "operation": "get"}
    assert counts.of("namespace_operation_seconds_sum", **labels) == 3


def test_scans_of_a_batch_have_taken_as_long_as_all_of_them(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(parts_of(db).runtime, "elapsed", lambda: now)
    storage: Any = parts_of(db).storage
    scan = storage.scan

    def takes_a_second(request: Any) -> Any:
        nonlocal now
        now += 1
        return scan(request)

    monkeypatch.setattr(storage, "scan", takes_a_second)
    scans = [scalar_tx.Scan("a.b", {"p": 1}, start={"c": c}, limit=1) for c in range(3)]
    with db.transaction(isolation=scalar_tx.Isolation.SNAPSHOT) as tx:
        assert [len(rows) for rows in tx.batch(scans)] == [1, 1, 1]
    assert operations(counts)["a", "scan", "ok"] == 3
    labels = {"namespace": "a", "operation": "scan"}
    assert counts.of("namespace_operation_seconds_sum", **labels) == 9


def test_a_batch_whose_reads_fail_is_one_conflict(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: Any) -> Any:
        raise StorageBusyError("planted")

    monkeypatch.setattr(parts_of(db).storage, "scan", busy)
    key = scalar_tx.Get("a.b", {"p": 1, "c": 0})
    tx = db.begin()
    with pytest.raises(ConflictError):
        tx.batch([key, scalar_tx.Scan("a.b", {"p": 1}), scalar_tx.Scan("a.b", {"p": 2})])
    tx.rollback()
    found = operations(counts)
    assert found == {("a", "get", "conflict"): 1, ("a", "scan", "conflict"): 1}
    assert counts.labelled("conflict_total") == {("a", "b", "storage_busy"): 1}


def test_what_goes_wrong(db: scalar_tx.TransactionManager, counts: Counts) -> None:
    tx = db.begin()
    with pytest.raises(ScalarTxError):
        tx.update("a.b", {"p": 9, "c": 9}, {"v": 1})
    with pytest.raises(InvalidOperationError):
        tx.upsert("a.b", {**KEY, "no such column": 1})
    tx.rollback()
    assert operations(counts) == {("a", "update", "not_met"): 1, ("a", "upsert", "failed"): 1}


def test_what_does_not_exist_is_no_label(db: scalar_tx.TransactionManager, counts: Counts) -> None:
    for name in ("a.secret", "secret.b", "secret", ""):
        with pytest.raises(ScalarTxError):
            db.get(name, KEY)
        with pytest.raises(ScalarTxError):
            db.execute(_script_on(name))
    assert operations(counts) == {}
    assert "secret" not in str(list(counts.registry.collect()))


def _script_on(name: str) -> scalar_tx.Script:
    script = scalar_tx.Script()
    script.get(name, KEY)
    return script


def test_there_are_only_so_many_names(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_metrics, "MOST_NAMESPACES", 1)
    monkeypatch.setattr(protocol_metrics, "MOST_TABLES", 1)
    for name in ("x.y", "y.z"):
        db.admin.create_table(name, columns={"id": "INT"}, partition_key=["id"])
        db.insert(name, {"id": 1})
        with pytest.raises(ConflictError):
            db.insert(name, {"id": 1})
    found = operations(counts)
    assert {namespace for namespace, _, _ in found} == {"x", "(others)"}
    assert counts.labelled("conflict_total") == {
        ("x", "y", "record_exists"): 1,
        ("(others)", "(others)", "record_exists"): 1,
    }


@pytest.mark.parametrize(
    "error,kind",
    [
        (StorageUnavailableError("planted"), "unavailable"),
        (StorageBusyError("planted"), "refused"),
        (ReplyLostError("planted"), "timeout"),
        (SchemaError("planted"), "other"),
        (ZeroDivisionError(), "other"),
        (WriteRefusedError("planted"), None),
        (InvalidOperationError("planted"), None),
        (KeyboardInterrupt(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_storages_by_kind(error: BaseException, kind: str | None) -> None:
    assert kind_of(error) == kind
    assert kind is None or kind in KINDS


def test_calls_of_a_storage_that_fail(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = parts_of(db).storage

    def fails(*_: object) -> Callable[..., Any]:
        async def failing(*_: object) -> Any:
            raise StorageUnavailableError("planted")

        return failing

    monkeypatch.setattr(storage, "get", fails())
    with pytest.raises(StorageUnavailableError):
        db.run(lambda tx: tx.get("a.b", KEY), retry=0)
    assert counts.labelled("storage_error_total") == {("sqlite", "unavailable"): 1}
    assert counts.labelled("namespace_operation_total") == {("a", "get", "failed"): 1}
    assert counts.labelled("run_total") == {("failed",): 1}


def test_a_lost_reply_is_settled(
    db: scalar_tx.TransactionManager, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = parts_of(db).storage
    mutate = storage.mutate

    async def loses_each_reply(mutations: Any) -> None:
        await mutate(mutations)
        if any(one.table.name == "coordinator.state" for one in mutations):
            raise ReplyLostError("planted")

    monkeypatch.setattr(storage, "mutate", loses_each_reply)
    monkeypatch.setattr("scalar_tx.consensus_commit.coordinator_state.PAUSES", (0.0,))
    tx = db.begin()
    assert tx.id
    tx.insert("a.b", {"p": 5, "c": 5})
    tx.commit()
    assert counts.of("unknown_outcome_total") == 1
    assert counts.labelled("unknown_settled_total") == {("committed",): 1}
    monkeypatch.setattr(storage, "get", storage.mutate)  # takes one argument: nonsense
    tx = db.begin()
    assert tx.id
    tx.insert("a.b", {"p": 6, "c": 6})
    with pytest.raises(UnknownOutcomeError):
        tx.commit()
    assert counts.of("unknown_outcome_total") == 2
    assert counts.labelled("unknown_settled_total") == {("committed",): 1, ("unknown",): 1}
    assert counts.of("transaction_abort_total") == 0


def test_a_lost_reply_to_a_write_that_is_the_whole_commit(
    counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage(unit=AtomicityUnit.PARTITION)
    parts = build(load("memory://"), storage, BlockingRuntime(0))
    columns = {"p": DataType.INT, "v": DataType.INT}
    schema = scalar_tx.TableSchema(columns=columns, partition_key=["p"])

    def committed(value: int) -> None:
        steps = parts.transaction(None, read_only=False, caller_id=None, timeout=None)
        run_blocking(steps.get(Get("o.t", {"p": 1})))
        run_blocking(steps.mutate(Upsert("o.t", {"p": 1, "v": value})))
        run_blocking(steps.commit())

    administration = parts.administration
    run_blocking(
        administration.create_table(
            "o.t", schema, if_not_exists=False, transaction=True, options={}
        )
    )
    committed(1)
    assert counts.of("unknown_outcome_total") == 0
    mutate = storage.mutate
    monkeypatch.setattr("scalar_tx.consensus_commit.record_only.PAUSES", (0.0, 0.0))
    losing = iter((True, False))

    async def loses_a_reply(mutations: Any) -> None:
        await mutate(mutations)
        if next(losing):
            raise ReplyLostError("planted")

    monkeypatch.setattr(storage, "mutate", loses_a_reply)
    committed(2)
    assert counts.of("unknown_outcome_total") == 1
    assert counts.labelled("unknown_settled_total") == {("committed",): 1}
    assert counts.labelled("storage_error_total") == {("memory", "timeout"): 1}


def test_recoveries_and_decisions(db: scalar_tx.TransactionManager, counts: Counts) -> None:
    leave_prepared(db, "a.b", KEY, {"v": 7}, age=20)
    assert db.recover("a.b", KEY) is TransactionState.ABORTED
    assert counts.labelled("recovery_total") == {("rolled_back",): 1}
    assert counts.labelled("coordinator_row_written_total") == {("aborted",): 1}
    with db.transaction() as tx:
        tx_id = tx.id
        tx.upsert("a.b", {"p": 7, "c": 7})
    assert counts.labelled("coordinator_row_written_total")[("committed",)] == 1
    assert db.finish(tx_id)
    assert counts.of("coordinator_row_cleaned_total") == 1


def test_a_meter_that_fails_harms_nothing(
    db: scalar_tx.TransactionManager, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Meter):
        def transaction_ended(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

    failing = Failing()
    meter.install(failing)
    try:
        with caplog.at_level(logging.ERROR, "scalar_tx.metrics"):
            db.get("a.b", KEY)
            db.get("a.b", KEY)
    finally:
        meter.remove(failing)
    assert len(caplog.records) == 1
    assert counts.of("transaction_total") == 2


def test_counting_asks_the_storage_for_nothing(
    db: scalar_tx.TransactionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    storage: Any = parts_of(db).storage

    def noted(name: str) -> Callable[..., Any]:
        original = getattr(storage, name)

        def call(*how: Any) -> Any:
            calls.append(name)
            return original(*how)

        return call

    for name in ("get", "get_many", "scan", "mutate"):
        monkeypatch.setattr(storage, name, noted(name))

    def work(tx: Any) -> None:
        tx.get("a.b", KEY)
        tx.batch([scalar_tx.Get("a.b", {"p": 1, "c": c}) for c in range(3)])
        tx.scan("a.b", partition={"p": 1})
        tx.update("a.b", KEY, {"v": 1})

    db.run(work)
    uncounted, calls[:] = list(calls), []
    counts = Counts()
    db.run(work)
    counts.counting.close()
    assert calls == uncounted

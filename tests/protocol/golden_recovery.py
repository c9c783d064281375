"""The golden scenarios about records that others left behind, and about ended transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import scalar_tx
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.protocol.golden_stage import ACCOUNT, Replayed, key, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.golden_stage import Stage

RC, SER = Isolation.READ_COMMITTED, Isolation.SERIALIZABLE


def _read(stage: Stage, number: int, level: Isolation = Isolation.SNAPSHOT, **how: Any) -> Any:
    tx = stage.begin(level, **how)
    return told(lambda: tx.get(ACCOUNT, key(number)))


def _left_behind(stage: Stage, seconds: float = 0) -> None:
    stage.load(*stage.ids)
    stage.prepared(*stage.ids)
    stage.world.runtime.ms += round(seconds * 1000)


def read_of_the_living(stage: Stage) -> Replayed:
    _left_behind(stage)
    return stage.result(None, _read(stage, stage.ids[0]))


def read_committed_read(stage: Stage) -> Replayed:
    _left_behind(stage)
    return stage.result(None, _read(stage, stage.ids[0], RC, read_only=True))


def read_committed_update(stage: Stage) -> Replayed:
    _left_behind(stage)
    tx = stage.begin(RC)
    tx.get(ACCOUNT, key(stage.ids[0]))
    tx.update(ACCOUNT, key(stage.ids[0]), {"balance": 5})
    stage.calls_from_here()
    return stage.result(tx.id, told(tx.commit))


def insert_over(seconds: float) -> Callable[[Stage], Replayed]:
    def replay(stage: Stage) -> Replayed:
        _left_behind(stage, seconds)
        tx = stage.begin()
        tx.insert(ACCOUNT, {**key(stage.ids[0]), "balance": 5})
        return stage.result(None, told(tx.commit))

    return replay


def recover(stage: Stage) -> Any:
    """As recoverRecord answers: true where the record is settled now."""

    def settled() -> bool:
        found = stage.world.recover(ACCOUNT, key(stage.ids[0]))
        return found in (None, TransactionState.ABORTED, TransactionState.COMMITTED)

    return told(settled)


def recover_the_living(stage: Stage) -> Replayed:
    _left_behind(stage)
    return stage.result(None, recover(stage))


def recover_the_expired(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    writer = stage.prepared(*stage.ids)
    stage.world.runtime.ms += 16_000
    return stage.result(writer.id, recover(stage))


def recover_again(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    writer = stage.prepared(*stage.ids)
    stage.world.runtime.ms += 16_000
    recover(stage)
    stage.calls_from_here()
    return stage.result(writer.id, recover(stage))


def read_at_13_s(stage: Stage) -> Replayed:
    _left_behind(stage, 13)
    return stage.result(None, _read(stage, stage.ids[0]))


def read_committed_read_of_the_expired(stage: Stage) -> Replayed:
    _left_behind(stage, 16)
    return stage.result(None, _read(stage, stage.ids[0], RC, read_only=True))


def read_at_16_s(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    writer = stage.prepared(*stage.ids)
    stage.world.runtime.ms += 16_000
    return stage.result(writer.id, _read(stage, stage.ids[0]))


def slow_writer_goes_on(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    writer = stage.begin()
    for number in stage.ids:
        writer.get(ACCOUNT, key(number))
        writer.update(ACCOUNT, key(number), {"balance": 200})
    stage.calls_from_here()
    assert writer.commit_until("commit-state")
    stage.world.runtime.ms += 16_000
    _read(stage, stage.ids[0])
    seen = told(writer.commit)
    calls = stage.world.storage.calls
    calls[:] = [call for call in calls if call.actor == writer.id]
    return stage.result(writer.id, seen)


def update_of_the_expired(stage: Stage) -> Replayed:
    _left_behind(stage, 16)
    tx = stage.begin()
    tx.get(ACCOUNT, key(stage.ids[0]))
    tx.update(ACCOUNT, key(stage.ids[0]), {"balance": 200})
    stage.calls_from_here()
    return stage.result(tx.id, told(tx.commit))


def writer_and_reader(of_the_reader: bool) -> Callable[[Stage], Replayed]:
    def replay(stage: Stage) -> Replayed:
        stage.load(*stage.ids)
        writer = stage.begin()
        for number in stage.ids:
            writer.get(ACCOUNT, key(number))
            writer.update(ACCOUNT, key(number), {"balance": 200})
        stage.calls_from_here()
        assert writer.commit_until("commit-state")
        stage.world.runtime.ms += 16_000
        reader = stage.begin()
        reader.upsert(ACCOUNT, {**key(stage.ids[0]), "balance": 1})
        # The upsert's pre-read stands for the reader's get: it can be stopped in the middle.
        assert reader.commit_until("abort-state")
        seen = told(writer.commit)
        assert reader.commit_until("prepare")
        who = reader.id if of_the_reader else writer.id
        calls = stage.world.storage.calls
        calls[:] = [call for call in calls if call.actor == who]
        if of_the_reader:
            seen = told(lambda: reader.steps._snapshot.reads[ACCOUNT, (stage.ids[0], 1)])
            seen = {"ok": {n: seen["ok"][n] for n in SHOWN}}
        return stage.result(writer.id, seen)

    return replay


SHOWN = ("balance", "kind", "name", "id")


def two_dead_rows(stage: Stage) -> Replayed:
    _left_behind(stage)
    stage.load(90)
    stage.world.runtime.ms += 16_000
    tx = stage.begin(SER)
    for number in stage.ids:
        tx.get(ACCOUNT, key(number))
    tx.insert(ACCOUNT, {**key(91), "balance": 1})
    return stage.result(tx.id, told(tx.commit))


def rollback_by_id(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    tx.upsert(ACCOUNT, {**key(stage.ids[0]), "balance": 200})
    tx.commit()
    stage.calls_from_here()
    return stage.result(None, told(lambda: stage.world.settle(tx.id).value))


def rollback_of_an_unknown_id(stage: Stage) -> Replayed:
    return stage.result(None, told(lambda: stage.world.settle("nobody").value))


def its_state(stage: Stage) -> Replayed:
    stage.world.settle("nobody")
    stage.calls_from_here()
    return stage.result(None, told(lambda: stage.world.state("nobody")))


def read_only_upsert(stage: Stage) -> Replayed:
    tx = stage.begin(read_only=True)
    return Replayed(seen=told(lambda: tx.upsert(ACCOUNT, {**key(1), "balance": 1})))


def id_in_use(stage: Stage) -> Replayed:
    with scalar_tx.connect("memory://") as db:
        db.begin(id="mine")
        return Replayed(seen=told(lambda: db.begin(id="mine")))


def after_commit(what: str) -> Callable[[Stage], Replayed]:
    def replay(stage: Stage) -> Replayed:
        tx = stage.begin()
        tx.upsert(ACCOUNT, {**key(1), "balance": 1})
        tx.commit()
        actions = {
            "use": lambda: tx.get(ACCOUNT, key(1)),
            "rollback": tx.rollback,
            "commit": tx.commit,
        }
        return Replayed(seen=told(actions[what]))

    return replay


RECOVERY: dict[str, Callable[[Stage], Replayed]] = {
    "read-only: upsert": read_only_upsert,
    "begin with an id in use": id_in_use,
    "use after commit": after_commit("use"),
    "rollback after commit": after_commit("rollback"),
    "commit twice": after_commit("commit"),
    "read of a row whose writer is alive": read_of_the_living,
    "READ_COMMITTED read of it": read_committed_read,
    "READ_COMMITTED update of it": read_committed_update,
    "insert over it": insert_over(0),
    "recoverRecord of it": recover_the_living,
    "read at 13 s": read_at_13_s,
    "insert over a dead row": insert_over(16),
    "READ_COMMITTED read-only read of an expired row": read_committed_read_of_the_expired,
    "read at 16 s": read_at_16_s,
    "the slow writer goes on after that": slow_writer_goes_on,
    "update of an expired row": update_of_the_expired,
    "writer commits while a reader is about to abort it": writer_and_reader(of_the_reader=False),
    "the reader then": writer_and_reader(of_the_reader=True),
    "recoverRecord of an expired row": recover_the_expired,
    "recoverRecord again": recover_again,
    "SERIALIZABLE: read two dead rows, write a third": two_dead_rows,
    "rollback by id of a committed transaction": rollback_by_id,
    "rollback by id of an unknown transaction": rollback_of_an_unknown_id,
    "its state": its_state,
}

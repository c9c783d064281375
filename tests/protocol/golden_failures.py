"""The golden scenarios in which a call fails between the library and its storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import ReplyLostError, StorageBusyError, WriteRefusedError
from scalar_tx.model.isolation import Isolation
from tests.protocol.golden_stage import ACCOUNT, key, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.golden_stage import Replayed, Stage

PLAIN, RETRIABLE, CONDITION = ReplyLostError, StorageBusyError, WriteRefusedError
# step, error, applied first, how often
FaultSpec = tuple[str, type[Exception], bool, int | None]

COMMITS_OF_TWO: dict[str, tuple[FaultSpec, ...]] = {
    "prepare fails with a plain storage error": (("prepare", PLAIN, False, 1),),
    "prepare fails with a retriable error": (("prepare", RETRIABLE, False, 1),),
    "prepare meets a changed record": (("prepare", CONDITION, False, 1),),
    "prepare is applied but its answer is lost": (("prepare", PLAIN, True, 1),),
    "commit-state fails once": (("commit-state", PLAIN, False, 1),),
    "commit-state is applied but its answer is lost": (("commit-state", PLAIN, True, 1),),
    "commit-state fails 5 times": (("commit-state", PLAIN, False, 5),),
    "commit-state conflicts and nothing is there": (("commit-state", CONDITION, False, 1),),
    "commit-state conflicts and the state cannot be read": (
        ("commit-state", CONDITION, False, 1),
        ("read-state", PLAIN, False, None),
    ),
    "committing the records fails": (("commit", PLAIN, False, 1),),
    "prepare conflicts, abort-state fails 5 times": (
        ("prepare", CONDITION, False, 1),
        ("abort-state", PLAIN, False, 5),
    ),
    "prepare conflicts, abort-state fails once": (
        ("prepare", CONDITION, False, 1),
        ("abort-state", PLAIN, False, 1),
    ),
    "prepare conflicts, writing ABORTED conflicts and nothing is there": (
        ("prepare", CONDITION, False, 1),
        ("abort-state", CONDITION, False, 1),
    ),
    "prepare conflicts, ABORTED is written but its answer is lost": (
        ("prepare", CONDITION, False, 1),
        ("abort-state", PLAIN, True, 1),
    ),
    "prepare applied and lost, rollback of the records fails": (
        ("prepare", PLAIN, True, 1),
        ("rollback", PLAIN, False, 1),
    ),
}


def commit_of_two(stage: Stage, faults: tuple[FaultSpec, ...]) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    for number in stage.ids:
        tx.get(ACCOUNT, key(number))
        tx.update(ACCOUNT, key(number), {"balance": 200})
    stage.calls_from_here()
    for step, error, applied, times in faults:
        stage.fault(step, error, applied=applied, times=times)
    return stage.result(tx.id, told(tx.commit), tx)


def _of_two(name: str) -> Callable[[Stage], Replayed]:
    return lambda stage: commit_of_two(stage, COMMITS_OF_TWO[name])


def a_read_fails(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    stage.fault("read", PLAIN)
    return stage.result(tx.id, told(lambda: tx.get(ACCOUNT, key(stage.ids[0]))))


def pre_read_of_an_upsert_fails(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    tx.upsert(ACCOUNT, {**key(stage.ids[0]), "balance": 1})
    stage.fault("read", PLAIN)
    return stage.result(tx.id, told(tx.commit))


def pre_read_of_a_delete_fails(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    tx.delete(ACCOUNT, key(stage.ids[0]))
    stage.fault("read", PLAIN)
    return stage.result(tx.id, told(tx.commit))


def validation_fails(stage: Stage) -> Replayed:
    read, written = stage.ids
    stage.load(*stage.ids)
    tx = stage.begin(Isolation.SERIALIZABLE)
    tx.get(ACCOUNT, key(read))
    tx.get(ACCOUNT, key(written))
    tx.update(ACCOUNT, key(written), {"balance": 200})
    stage.calls_from_here()
    stage.fault("read", PLAIN)
    return stage.result(tx.id, told(tx.commit))


def validation_finds_a_change(stage: Stage) -> Replayed:
    read, written = stage.ids
    stage.load(*stage.ids)
    tx = stage.begin(Isolation.SERIALIZABLE)
    tx.get(ACCOUNT, key(read))
    tx.get(ACCOUNT, key(written))
    tx.update(ACCOUNT, key(written), {"balance": 200})
    _change(stage, read)
    return stage.result(tx.id, told(tx.commit))


def validation_without_writes_finds_a_change(stage: Stage) -> Replayed:
    stage.load(46, 47)
    tx = stage.begin(Isolation.SERIALIZABLE)
    tx.get(ACCOUNT, key(46))
    tx.get(ACCOUNT, key(47))
    _change(stage, 46)
    return stage.result(tx.id, told(tx.commit))


def _change(stage: Stage, number: int) -> None:
    other = stage.begin()
    other.upsert(ACCOUNT, {**key(number), "balance": 200})
    other.commit()
    stage.calls_from_here()


def rollback_before_commit(stage: Stage) -> Replayed:
    stage.load(*stage.ids)
    tx = stage.begin()
    for number in stage.ids:
        tx.get(ACCOUNT, key(number))
        tx.update(ACCOUNT, key(number), {"balance": 200})
    stage.calls_from_here()
    return stage.result(tx.id, told(tx.rollback))


FAILURES: dict[str, Callable[[Stage], Replayed]] = {
    **{name: _of_two(name) for name in COMMITS_OF_TWO},
    "a read fails": a_read_fails,
    "the pre-read of an upsert fails": pre_read_of_an_upsert_fails,
    "the pre-read of a delete fails": pre_read_of_a_delete_fails,
    "validation fails with a storage error": validation_fails,
    "validation finds a change": validation_finds_a_change,
    "validation of a transaction without writes finds a change": (
        validation_without_writes_finds_a_change
    ),
    "rollback before commit": rollback_before_commit,
}

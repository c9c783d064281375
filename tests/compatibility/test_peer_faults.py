"""A Java writer can be halted, failed and held between any two storage calls.

What it leaves behind has to be what the Consensus Commit specification says (1.4, 4.8): the other
tests of this folder rest on that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    DELETED,
    NOTHING,
    PREPARED,
    account,
    accounts,
    bank,
    images,
    key,
    look,
)
from tests.compatibility.java_peer import (
    JavaError,
    JavaHaltedError,
    JavaPeer,
    JavaTimeoutError,
    decode_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HALTS = [
    ("before", "prepare"),
    ("after", "prepare"),
    ("before", "commit-state"),
    ("after", "commit-state"),
    ("before", "commit"),
    ("after", "commit"),
]


@pytest.mark.parametrize("when,step", HALTS)
def test_a_halted_writer_leaves_the_rows_of_the_specification(
    java: JavaPeer,
    new_java: Callable[..., JavaPeer],
    file: Path,
    when: Any,
    step: str,
) -> None:
    doomed = new_java()
    session = bank(doomed, file, watched=True)
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(2))
        tx.insert(ACCOUNT, account(3))
    first = tx.id
    session.storage_put(ACCOUNT, account(5, 70, "z"))  # as imported: no transaction columns set
    before = accounts(file)

    session.watch.halt(when, step=step)
    writer = session.begin()
    writer.insert(ACCOUNT, account(1))
    writer.update(ACCOUNT, key(2), {"balance": 120})
    writer.delete(ACCOUNT, key(3))
    writer.delete(ACCOUNT, key(4))
    writer.update(ACCOUNT, key(5), {"balance": 80})
    pending = writer.commit_later()
    with pytest.raises(JavaHaltedError):
        pending.result()
    doomed.wait_halted()
    assert not doomed.alive
    with pytest.raises(JavaHaltedError):
        session.begin()

    left, me = accounts(file), writer.id
    decisions = {row["tx_id"]: row["tx_state"] for row in look(file, "coordinator.state")}
    prepared = {
        # A to I of the specification; a prepare never touches tx_committed_at
        1: ((100, "a", me, PREPARED, 1, True, False), NOTHING),
        2: (
            (120, "a", me, PREPARED, 2, True, True),
            (100, "a", first, COMMITTED, 1, True, True),
        ),
        3: (
            (100, "a", me, DELETED, 2, True, True),
            (100, "a", first, COMMITTED, 1, True, True),
        ),
        4: ((None, None, me, DELETED, 1, True, False), NOTHING),
        5: ((80, "z", me, PREPARED, 1, True, False), (70, "z", None, None, 0, False, False)),
    }
    committed = {
        1: ((100, "a", me, COMMITTED, 1, True, True), NOTHING),
        2: ((120, "a", me, COMMITTED, 2, True, True), NOTHING),
        5: ((80, "z", me, COMMITTED, 1, True, True), NOTHING),
    }
    decided = (when, step) in HALTS[3:]
    assert decisions == {first: COMMITTED} | ({me: COMMITTED} if decided else {})
    match when, step:
        case "before", "prepare":
            assert left == before
        case "after", "commit":
            assert {number: images(row) for number, row in left.items()} == committed
        case _:
            assert {number: images(row) for number, row in left.items()} == prepared

    survivor = bank(java, file)
    if decided or (when, step) == ("before", "prepare"):
        expected = committed if decided else {n: images(row) for n, row in before.items()}
    else:
        with pytest.raises(JavaError) as alive, survivor.transaction(isolation="SNAPSHOT") as tx:
            tx.get(ACCOUNT, key(2))
        assert alive.value.kind == "UncommittedRecordException"
        assert survivor.rollback_by_id(me) == "ABORTED"
        expected = {n: images(row) for n, row in before.items()}
    for number in range(1, 6):
        survivor.recover(ACCOUNT, key(number))
    assert {number: images(row) for number, row in accounts(file).items()} == expected
    survivor.close()


def test_a_commit_in_one_step_leaves_a_committed_row_and_no_decision(
    java: JavaPeer, file: Path
) -> None:
    session = bank(java, file, watched=True, settings={"one_phase_commit.enabled": "true"})
    with session.watch.recorded() as calls, session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    assert calls.steps == ["one-phase"]
    assert [images(row) for row in look(file, ACCOUNT)] == [
        ((100, "a", tx.id, COMMITTED, 1, True, True), NOTHING)
    ]
    assert look(file, "coordinator.state") == []
    assert session.state(tx.id) == "UNKNOWN"
    session.close()


# Failing and waiting


def test_the_calls_of_a_transaction_are_seen_in_order(java: JavaPeer, file: Path) -> None:
    session = bank(java, file, watched=True)
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    with session.watch.recorded() as calls, session.transaction(isolation="SERIALIZABLE") as tx:
        tx.get(ACCOUNT, key(1))
        tx.scan(ACCOUNT, {"id": 2})
        tx.update(ACCOUNT, key(1), {"balance": 1})
    assert calls.steps == ["read", "read", "prepare", "read", "commit-state", "commit"]
    prepare = calls[2]["ops"][0]
    assert prepare["key"] | prepare["ck"] == {"id": ["INT", 1], "kind": ["INT", 1]}
    assert prepare["values"]["before_balance"] == ["INT", 100]
    assert prepare["expressions"][0][:2] == ["tx_id", "EQ"]
    with session.transaction() as tx:
        tx.delete(ACCOUNT, key(1))
    assert len(calls) == 6, "nothing is noted after the block"
    session.close()


@pytest.mark.parametrize(
    "fault,consequence",
    [
        (
            {"when": "before", "step": "prepare", "error": "retriable"},
            (
                "CommitConflictException",
                ["read", "prepare: not sent", "abort-state", "read"],
                ABORTED,
            ),
        ),
        (
            {"when": "before", "step": "prepare"},
            (
                "CommitException",
                ["read", "prepare: not sent", "abort-state", "read"],
                ABORTED,
            ),
        ),
        (
            {"when": "after", "step": "commit-state"},
            (
                None,
                [
                    *("read", "prepare", "commit-state: answer lost"),
                    *("commit-state: NoMutationException", "read-state", "commit"),
                ],
                COMMITTED,
            ),
        ),
        (
            {"when": "before", "step": "commit-state", "times": 0},
            (
                "UnknownTransactionStatusException",
                ["read", "prepare", *["commit-state: not sent"] * 5],
                None,
            ),
        ),
        (
            {"when": "before", "step": "commit-state", "times": 2},
            (
                None,
                ["read", "prepare", *["commit-state: not sent"] * 2, "commit-state", "commit"],
                COMMITTED,
            ),
        ),
        (
            {"when": "before", "step": "commit", "error": "runtime"},
            (
                None,
                ["read", "prepare", "commit-state", "commit: not sent"],
                COMMITTED,
            ),
        ),
        (
            {"when": "before", "call": "get", "error": "no_mutation"},
            (
                "CrudException",
                ["read: not sent"],
                None,
            ),
        ),
    ],
)
def test_a_failed_call_has_the_consequence_it_should(
    java: JavaPeer,
    file: Path,
    fault: dict[str, Any],
    consequence: tuple[str | None, list[str], int | None],
) -> None:
    session = bank(java, file, watched=True)
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    rule = session.watch.fail(**fault)
    seen: str | None = None
    with session.watch.recorded() as calls:
        tx = session.begin()
        try:
            tx.upsert(ACCOUNT, account(1, 5))
            tx.get(ACCOUNT, key(1)) if fault.get("call") == "get" else tx.commit()
        except JavaError as error:
            seen = error.kind
    assert rule.matched >= 1
    decisions = {row["tx_id"]: row["tx_state"] for row in look(file, "coordinator.state")}
    assert (seen, calls.steps, decisions.get(tx.id)) == consequence
    session.watch.clear()
    session.close()


def test_a_paused_writer_can_be_overtaken(java: JavaPeer, file: Path) -> None:
    session = bank(java, file, watched=True)
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    pause = session.watch.pause("before", step="commit-state")
    writer = session.begin()
    writer.upsert(ACCOUNT, account(1, 120))
    pending = writer.commit_later()
    (held,) = pause.wait_paused()

    assert held["step"] == "commit-state"
    assert accounts(file)[1]["tx_state"] == PREPARED
    with pytest.raises(JavaTimeoutError):
        pending.result(0.2)
    assert session.rollback_by_id(writer.id) == "ABORTED"
    with session.transaction() as tx:
        assert tx.get(ACCOUNT, key(1)) == account(1)
    pause.release()
    with pytest.raises(JavaError) as late:
        pending.result()
    assert late.value.kind == "CommitConflictException"
    assert accounts(file)[1]["tx_state"] == COMMITTED
    session.close()


def test_a_fault_strikes_only_the_calls_it_means(java: JavaPeer, file: Path) -> None:
    session = bank(java, file, watched=True)
    pause = session.watch.pause("after", step="read", table=ACCOUNT, key=key(2), nth=2)
    with session.transaction() as tx:
        assert tx.get(ACCOUNT, key(1)) is None
        assert tx.get(ACCOUNT, key(2)) is None
    with pytest.raises(JavaTimeoutError):
        pause.wait_paused(0.1)
    reader = session.begin()
    pending = reader.get_later(ACCOUNT, key(2))
    pause.wait_paused()
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(2))  # not a read, and the reader has read already
    assert not pending.done
    session.watch.clear()
    assert pending.result() is None
    with session.transaction() as tx:
        later = tx.get_later(ACCOUNT, key(2)).result()
    assert decode_row(later) == account(2)
    session.close()

"""Group commits, an older release and concurrent writers, all of them Java's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COLUMNS,
    COMMITTED,
    account,
    bank,
    images,
    key,
    look,
)
from tests.compatibility.java_peer import Expression, JavaError, JavaPeer, JavaSession, Transfer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


# Coordinator rows in their other forms


def test_a_group_is_one_row_with_its_children(java: JavaPeer, file: Path) -> None:
    session = bank(
        java,
        file,
        settings={
            "coordinator.group_commit.enabled": "true",
            "coordinator.group_commit.slot_capacity": "3",
        },
    )
    members = [session.begin(f"child-{number}") for number in range(3)]
    parents = {tx.id[:24] for tx in members}
    for number, tx in enumerate(members):
        assert tx.id[24:] == f"$child-{number}"
        tx.insert(ACCOUNT, account(number))
    for pending in [tx.commit_later() for tx in members]:
        pending.result()

    (row,) = look(file, "coordinator.state")
    assert {row["tx_id"]} == parents
    assert row["tx_state"] == COMMITTED
    assert sorted(row["tx_child_ids"].split(",")) == ["child-0", "child-1", "child-2"]
    assert {row["tx_id"] for row in look(file, ACCOUNT)} == {tx.id for tx in members}
    assert [session.state(tx.id) for tx in members] == ["COMMITTED"] * 3

    lone = session.begin("child-lone")
    assert session.rollback_by_id(lone.id) == "ABORTED"
    assert {
        row["tx_id"]: (row["tx_child_ids"], row["tx_state"])
        for row in look(file, "coordinator.state")
        if row["tx_id"].startswith(lone.id[:24])
    } == {lone.id[:24]: (None, ABORTED), lone.id: (None, ABORTED)}
    session.close()


def test_a_write_set_is_logged_when_asked(java: JavaPeer, file: Path) -> None:
    session = bank(java, file, settings={"coordinator.write_set_logging.enabled": "true"})
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    (row,) = look(file, "coordinator.state")
    assert row["tx_write_set"].startswith(b"\x08\x01\x12")
    assert b"account" in row["tx_write_set"]
    assert session.finish(tx.id)
    assert look(file, "coordinator.state") == []
    session.close()


# Several writers at once


def opened(session: JavaSession, accounts: int) -> None:
    session.create_table("bank.money", {"id": "INT", "balance": "BIGINT"}, ["id"])
    session.create_coordinator()
    with session.transaction() as tx:
        for number in range(accounts):
            tx.insert("bank.money", {"id": number, "balance": 1000})


def expected_balances(accounts: int, transfers: Iterable[Transfer]) -> list[int]:
    balances = [1000] * accounts
    for transfer in transfers:
        balances[transfer.source] -= transfer.amount
        balances[transfer.target] += transfer.amount
    return balances


def test_transfers_of_two_releases_at_once_add_up(
    java: JavaPeer, older_java: JavaPeer, file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "transfers.log"
    session, older = java.open_sqlite(file), older_java.open_sqlite(file)
    opened(session, 6)
    pending = older.transfer_load_later("bank.money", accounts=6, seconds=20, commits=40, seed=7)
    report = session.transfer_load(
        "bank.money", accounts=6, seconds=20, commits=40, isolation="SERIALIZABLE", log=log
    )
    other = older.report(pending)

    assert min(report.committed, other.committed) >= 40
    assert report.committed == len(report.acknowledged)
    assert not report.unknown
    assert not other.unknown
    assert len(log.read_text().splitlines()) == report.committed
    with session.transaction(read_only=True) as tx:
        found = [row["balance"] for row in tx.scan("bank.money", order_by=["id"])]
    done = [*report.acknowledged, *other.acknowledged]
    assert len({transfer.id for transfer in done}) == len(done)
    assert found == expected_balances(6, done)
    assert sum(expected_balances(6, done)) == 6000
    session.close()
    older.close()


def test_an_older_release_leaves_stale_images_and_both_go_on(
    java: JavaPeer, older_java: JavaPeer, file: Path
) -> None:
    older = older_java.open_sqlite(file)
    older.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"])
    older.create_coordinator()
    with older.transaction() as tx:
        tx.put(ACCOUNT, account(1))
    with older.transaction() as second:
        assert second.get(ACCOUNT, key(1)) == account(1)
        second.put(ACCOUNT, {**key(1), "balance": 120})
    assert [images(row) for row in look(file, ACCOUNT)] == [
        (
            (120, "a", second.id, COMMITTED, 2, True, True),
            (100, "a", tx.id, COMMITTED, 1, True, True),
        )
    ], "row D' of the specification"

    session = java.open_sqlite(file)
    with session.transaction() as tx:
        assert tx.scan(ACCOUNT, where=[[Expression("balance", "EQ", 100)]]) == []
        tx.update(ACCOUNT, key(1), {"balance": 130})
    with older.transaction() as last:
        assert last.get(ACCOUNT, key(1)) == account(1, 130)
        last.put(ACCOUNT, {**key(1), "balance": 140})
    (row,) = look(file, ACCOUNT)
    assert (row["balance"], row["tx_version"], row["tx_id"]) == (140, 4, last.id)
    with pytest.raises(JavaError) as lacking:
        older.begin(read_only=True)
    assert lacking.value.kind == "UnsupportedOperationException"
    session.close()
    older.close()

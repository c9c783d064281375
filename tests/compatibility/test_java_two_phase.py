"""What do the Java program's commands for transactions in two phases do, Java with Java?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import TransactionState
from tests.compatibility.bank import ABORTED, COMMITTED, PREPARED, accounts, look
from tests.compatibility.bank import account as row
from tests.compatibility.bank import key as key_of
from tests.compatibility.java_peer import JavaError
from tests.compatibility.ours import ours
from tests.compatibility.unfinished import decisions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compatibility.java_peer import JavaPeer, JavaSession

BANK, SHOP = "bank.account", "shop.account"
STRICT = {"scalar.db.consensus_commit.isolation_level": "SERIALIZABLE"}


@pytest.fixture
def sessions(java: JavaPeer, file: Path) -> tuple[JavaSession, JavaSession]:
    """The coordinator and a participant, as two services would have them."""
    first, second = (java.open_sqlite(file, properties=STRICT) for _ in range(2))
    for table in (BANK, SHOP):
        first.create_table(
            table, {"id": "INT", "kind": "INT", "balance": "INT", "name": "TEXT"}, ["id"], ["kind"]
        )
    first.create_coordinator()
    with first.transaction() as tx:
        tx.insert(BANK, row(1))
        tx.insert(SHOP, row(1))
    return first, second


def test_two_parts_commit_together(sessions: tuple[JavaSession, JavaSession], file: Path) -> None:
    coordinator, participant = sessions
    begun = coordinator.two_phase_begin()
    joined = participant.two_phase_join(begun.id)
    assert joined.id == begun.id
    assert begun.get(BANK, key_of(1)) == row(1)
    begun.update(BANK, key_of(1), {"balance": 90})
    same = participant.two_phase_resume(begun.id)
    assert same.get(SHOP, key_of(1)) == row(1)
    same.update(SHOP, key_of(1), {"balance": 110})
    same.insert(SHOP, row(2))
    for part in (begun, joined):
        part.prepare()
    prepared = [*look(file, BANK), *look(file, SHOP)]
    assert [(each["tx_state"], each["tx_id"]) for each in prepared] == [(PREPARED, begun.id)] * 3
    for part in (begun, joined):
        part.validate()
    assert begun.id not in decisions(file)
    begun.commit()
    joined.commit()
    assert decisions(file)[begun.id][0] == COMMITTED
    with ours(file) as db:
        found = [db.get(BANK, key_of(1)), db.get(SHOP, key_of(1)), db.get(SHOP, key_of(2))]
        assert [record and record["balance"] for record in found] == [90, 110, 100]
        assert db.state(begun.id) is TransactionState.COMMITTED


def test_two_parts_roll_back_together(
    sessions: tuple[JavaSession, JavaSession], file: Path
) -> None:
    coordinator, participant = sessions
    begun = coordinator.two_phase_begin("by-hand")
    joined = participant.two_phase_join("by-hand")
    begun.delete(BANK, key_of(1))
    joined.upsert(SHOP, row(1, 7))
    before = accounts(file)
    begun.prepare()
    joined.prepare()
    assert accounts(file) != before
    begun.rollback()
    joined.rollback()
    assert accounts(file) == before
    assert decisions(file)["by-hand"][0] == ABORTED


def test_a_read_of_one_part_that_holds_no_more_is_found(
    sessions: tuple[JavaSession, JavaSession], file: Path
) -> None:
    coordinator, participant = sessions
    begun = coordinator.two_phase_begin()
    joined = participant.two_phase_join(begun.id)
    assert joined.get(SHOP, key_of(1)) == row(1)
    begun.update(BANK, key_of(1), {"balance": 0})
    with ours(file) as db:
        db.update(SHOP, key_of(1), {"balance": 5})
    begun.prepare()
    joined.prepare()
    begun.validate()
    with pytest.raises(JavaError) as conflict:
        joined.validate()
    assert conflict.value.kind == "ValidationConflictException"
    begun.rollback()
    joined.rollback()
    with ours(file) as db:
        assert db.get(BANK, key_of(1)) == row(1)


def test_commands_that_belong_to_the_other_kind_are_refused(
    sessions: tuple[JavaSession, JavaSession],
) -> None:
    coordinator, _ = sessions
    with pytest.raises(JavaError, match="no such command"):
        coordinator.begin()._submit("prepare").result()
    with pytest.raises(JavaError) as unknown:
        coordinator.two_phase_resume("nobody")
    assert unknown.value.kind == "TransactionNotFoundException"

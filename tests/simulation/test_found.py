"""What the simulator has found, as the shortest interleaving that shows it.

Each test names what went wrong, and fails on the protocol as it was before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConflictError
from scalar_tx.model.state import TransactionState
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from tests.simulation.by_hand import TABLE, BackwardsRuntime, Database

if TYPE_CHECKING:
    from scalar_tx.model.types import Row


@pytest.mark.parametrize("limit", [None, 2])
def test_a_scan_that_missed_a_record_is_validated_although_the_record_is_written_later(
    limit: int | None,
) -> None:
    """Found by list-append (cycle: rw and ww between two transactions).

    The own prepared record is passed over by validation, and prepare compares it with what a later
    read saw. That the scan had not seen it was nobody's business.
    """
    database = Database()
    database.elsewhere(put={1: 10, 9: 90})
    tx = database.begin()
    assert tx.scan(limit) == {1: 10, 9: 90}
    database.elsewhere(put={5: 50})
    assert tx.get(5) == 50
    tx.upsert(5, 51)
    with pytest.raises(ConflictError) as raised:
        tx.commit()
    assert raised.value.code == "STX-1020"


def test_a_record_written_behind_the_end_of_a_limited_scan_is_no_conflict() -> None:
    database = Database()
    database.elsewhere(put={1: 10, 2: 20, 9: 90})
    tx = database.begin()
    assert tx.scan(limit=1) == {1: 10}
    database.elsewhere(put={500: 0})
    assert tx.get(500) == 0
    tx.upsert(500, 1)
    tx.upsert(1, 11)
    tx.commit()
    assert database.begin().get(500) == 1


@pytest.mark.parametrize("way", ["get", "scan"])
def test_what_was_read_and_is_gone_by_now_can_not_be_inserted(way: str) -> None:
    """Prepare asks that the record be absent, and so it is; but this transaction has seen it."""
    database = Database()
    database.elsewhere(put={1: 10})
    tx = database.begin()
    assert (tx.get(1) if way == "get" else tx.scan()[1]) == 10
    tx.insert(1, 11)
    database.elsewhere(put={}, remove=[1])
    with pytest.raises(ConflictError) as raised:
        tx.commit()
    assert raised.value.code == "STX-1020"
    assert database.begin().get(1) is None


@pytest.mark.parametrize("what", ["get", "upsert", "get and upsert"])
def test_what_only_a_weak_scan_has_read(what: str) -> None:
    """It is not validated; a later get of the record is. A write over it loses no update."""
    database = Database()
    database.elsewhere(put={1: 10, 2: 20})
    tx = database.begin()
    assert tx.scan(weak=True) == {1: 10, 2: 20}
    database.elsewhere(put={1: 11})
    if "get" in what:
        assert tx.get(1) == 11
    if what == "get":
        database.elsewhere(put={1: 12})
        tx.upsert(2, 21)
    else:
        tx.upsert(1, 13)
    if what == "get and upsert":
        tx.commit()
        assert database.begin().get(1) == 13
    else:
        with pytest.raises(ConflictError):
            tx.commit()


def test_what_a_scan_saw_between_two_absences_is_a_conflict() -> None:
    """The record was absent for the get and is absent for prepare; the scan has seen it."""
    database = Database()
    tx = database.begin()
    assert tx.get(5) is None
    database.elsewhere(put={5: 50})
    assert tx.scan() == {5: 50}
    database.elsewhere(put={}, remove=[5])
    tx.upsert(5, 51)
    with pytest.raises(ConflictError) as raised:
        tx.commit()
    assert raised.value.code == "STX-1020"


def left_behind(database: Database, *, age_ms: int) -> None:
    """An insert of record 1 whose writer has died."""
    at = database.runtime.now_ms() - age_ms
    values: Row = {"v": 0, "tx_id": "dead", "tx_state": 1, "tx_version": 1, "tx_prepared_at": at}
    run_blocking(database.storage.mutate([Write(TABLE, (1, 1), values)]))


def test_a_blind_insert_is_not_blocked_for_ever_by_a_dead_one() -> None:
    """Found by the bank (a lone client could not commit).

    An insert reads nothing, so it recovered nothing either: it failed again and again.
    """
    database = Database()
    left_behind(database, age_ms=15_100)
    first = database.begin()
    first.insert(1, 11)
    with pytest.raises(ConflictError):
        first.commit()
    second = database.begin()
    second.insert(1, 11)
    second.commit()
    assert database.begin().get(1) == 11


def test_a_blind_insert_is_told_how_long_the_record_in_its_way_may_live() -> None:
    database = Database()
    left_behind(database, age_ms=5_000)
    tx = database.begin()
    tx.insert(1, 11)
    with pytest.raises(ConflictError) as raised:
        tx.commit()
    assert raised.value.retryable
    assert raised.value.other_transaction == "dead"
    assert raised.value.retry_after == pytest.approx(10, abs=1)


def test_one_absence_is_validated_before_the_records_that_were_there() -> None:
    """Nobody ever saw record 1 absent while record 2 was 21.

    Validated the other way round, both reads seem to hold: the record comes before the second read,
    and goes between the two looks of validation.
    """
    database = Database(BackwardsRuntime())
    database.elsewhere(put={2: 20})
    tx = database.begin()
    assert tx.get(1) is None
    database.elsewhere(put={1: 10, 2: 21})
    assert tx.get(2) == 21
    database.storage.after_read = {2: [lambda: database.elsewhere(put={2: 22}, remove=[1])]}
    with pytest.raises(ConflictError):
        tx.commit()


def test_the_outcome_of_a_conflict_is_aborted() -> None:
    database = Database()
    database.elsewhere(put={1: 10})
    tx = database.begin()
    tx.get(1)
    tx.upsert(1, 11)
    database.elsewhere(put={1: 12})
    with pytest.raises(ConflictError):
        tx.commit()
    assert tx.steps.outcome is TransactionState.ABORTED

"""Which transactions are found again by their id, and for how long?"""

from __future__ import annotations

import pytest

from scalar_tx.errors import InvalidOperationError, TransactionNotFoundError
from scalar_tx.open_transactions import OpenTransactions


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_was_added_is_found_until_it_is_removed() -> None:
    known: OpenTransactions[str] = OpenTransactions(Clock())
    known.add("a", "first")
    known.add("b", "second")
    assert (known.find("a"), known.find("b"), len(known)) == ("first", "second", 2)
    known.remove("a")
    known.remove("a")
    known.remove(None)
    with pytest.raises(TransactionNotFoundError) as caught:
        known.find("a")
    assert caught.value.transaction_id == "a"
    assert known.find("b") == "second"


def test_an_id_is_of_one_transaction() -> None:
    known: OpenTransactions[object] = OpenTransactions(Clock())
    one, other = object(), object()
    known.add("a", one)
    known.add("a", one)
    with pytest.raises(InvalidOperationError) as caught:
        known.add("a", other)
    assert caught.value.code == "STX-3043"
    assert known.find("a") is one
    known.remove("a")
    known.add("a", other)
    assert known.find("a") is other


def test_what_is_idle_is_forgotten() -> None:
    clock = Clock()
    known: OpenTransactions[str] = OpenTransactions(clock, idle_seconds=10)
    known.add("used", "1")
    known.add("idle", "2")
    clock.now += 9
    assert known.find("used") == "1"
    clock.now += 9
    assert known.find("used") == "1"
    with pytest.raises(TransactionNotFoundError):
        known.find("idle")
    assert len(known) == 1
    clock.now += 11
    known.add("new", "3")
    assert len(known) == 1


def test_the_one_unused_for_longest_makes_room() -> None:
    known: OpenTransactions[str] = OpenTransactions(Clock(), most=2)
    known.add("a", "1")
    known.add("b", "2")
    known.find("a")
    known.add("c", "3")
    assert (known.find("a"), known.find("c"), len(known)) == ("1", "3", 2)
    with pytest.raises(TransactionNotFoundError):
        known.find("b")


def test_without_bounds_nothing_is_forgotten() -> None:
    clock = Clock()
    known: OpenTransactions[int] = OpenTransactions(clock)
    for number in range(1000):
        known.add(str(number), number)
        clock.now += 1000
    assert known.find("0") == 0
    assert len(known) == 1000

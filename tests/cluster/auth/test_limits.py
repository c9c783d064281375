"""How often may somebody try to log in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError

if TYPE_CHECKING:
    from tests.cluster.auth.world import Clock


def refused(limits: LogInLimits, name: str) -> float:
    with pytest.raises(TooManyAttemptsError) as caught:
        limits.admit(name)
    assert (caught.value.code, caught.value.retryable) == ("STX-5204", True)
    return caught.value.retry_after


def test_so_many_a_second(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, elapsed=clock.elapsed)
    for n in range(10):
        limits.admit(f"user{n}")
    assert 0 < refused(limits, "another") <= 0.1
    admitted = 0
    for _ in range(1000):  # ten seconds, a hundred tries each
        clock.move(0.01)
        try:
            limits.admit("somebody")
        except TooManyAttemptsError:
            continue
        admitted += 1
    assert 99 <= admitted <= 100
    clock.move(1000)
    for n in range(10):  # no more than a second's worth is saved up
        limits.admit(f"user{n}")
    refused(limits, "another")


def test_a_pause_that_doubles(clock: Clock) -> None:
    limits = LogInLimits(a_second=1000, elapsed=clock.elapsed)
    pauses = []
    for _ in range(14):
        limits.admit("ada")
        limits.failed("ada")
        try:
            limits.admit("ada")
        except TooManyAttemptsError as error:
            pauses.append(error.retry_after)
            clock.move(error.retry_after)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], abs=0.001)
    limits.admit("bob")  # nobody else waits
    limits.succeeded("ada")
    limits.admit("ada")
    assert limits.remembered == 0


def test_what_is_refused_lengthens_nothing(clock: Clock) -> None:
    limits = LogInLimits(a_second=1000, elapsed=clock.elapsed)
    for _ in range(4):
        limits.failed("ada")
    for _ in range(100):
        refused(limits, "ada")
    clock.move(1)
    limits.admit("ada")


def test_no_more_names_than_a_bound(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, names=100, elapsed=clock.elapsed)
    for n in range(1000):
        for _ in range(4):
            limits.failed(f"user{n}")
    assert limits.remembered == 100
    refused(limits, "user999")
    limits.admit("user1")  # forgotten

"""When is a transaction that lost begun again, and after what pause?"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.retry import Reruns, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.errors import ScalarTxError

    Call = Callable[[Reruns, "Clock", Callable[[], str]], str]


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def elapsed(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


def reruns(policy: RetryPolicy, clock: Clock, *, chance: float = 0.5) -> Reruns:
    return Reruns(policy, lambda: chance, clock.elapsed)


def failing(clock: Clock, *errors: Exception) -> Callable[[], str]:
    """Work that takes 10 ms, fails with these errors in turn, then succeeds."""
    left = list(errors)

    def work() -> str:
        clock.now += 0.01
        if left:
            raise left.pop(0)
        return "done"

    return work


def conflict(other: str | None = None, retry_after: float | None = None) -> ConflictError:
    return ConflictError("lost", other_transaction=other, retry_after=retry_after)


def pauses(
    policy: RetryPolicy, errors: Sequence[ScalarTxError], chance: float = 0.5
) -> list[object]:
    clock = Clock()
    run = reruns(policy, clock, chance=chance)
    found: list[object] = []
    for error in errors:
        pause = run.next_pause(error)
        found.append(pause)
        if pause is None:
            break
        clock.sleep(pause)
    return found


def test_a_policy_is_a_value() -> None:
    policy = RetryPolicy(retries=3, deadline=1)
    assert policy == RetryPolicy(3, 1.0, 0.005, 0.5, 2.0)
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(RetryPolicy(3, 1.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.retries = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"retries": "3"},
        {"deadline": -0.1},
        {"deadline": math.nan},
        {"deadline": math.inf},
        {"deadline": None},
        {"deadline": True},
        {"first_pause": -1},
        {"first_pause": 0.6},
        {"longest_pause": math.inf},
        {"longest_pause": 0.001},
        {"multiplier": 0.99},
        {"multiplier": math.inf},
        {"multiplier": "2"},
    ],
)
def test_a_policy_that_can_t_be_right_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        RetryPolicy(**wrong)  # type: ignore[arg-type]
    assert caught.value.code == "STX-3027"


def test_without_a_deadline_reruns_are_counted() -> None:
    assert RetryPolicy(retries=2, deadline=math.inf).retries == 2


def test_what_retry_means() -> None:
    usual = RetryPolicy(retries=7)
    assert RetryPolicy.of(None) == RetryPolicy()
    assert RetryPolicy.of(None, usual) is usual
    assert RetryPolicy.of(0, usual) == RetryPolicy(retries=0)
    assert RetryPolicy.of(usual) is usual
    for wrong in (True, 1.0, "3", -1):
        with pytest.raises(InvalidOperationError):
            RetryPolicy.of(wrong)  # type: ignore[arg-type]


def test_pauses_grow_to_the_longest_with_full_jitter() -> None:
    policy = RetryPolicy(first_pause=0.1, longest_pause=0.5, multiplier=2, deadline=100)
    assert pauses(policy, [conflict()] * 5, chance=0.5) == [0.05, 0.1, 0.2, 0.25, 0.25]
    assert pauses(policy, [conflict()] * 3, chance=0.0) == [0, 0, 0]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 60))
def test_no_pause_is_longer_than_the_longest(chance: float, count: int) -> None:
    policy = RetryPolicy(multiplier=1e300, deadline=1e6)
    for pause in pauses(policy, [conflict()] * count, chance):
        assert isinstance(pause, float)
        assert 0 <= pause < policy.longest_pause


def test_retries_are_counted() -> None:
    assert pauses(RetryPolicy(retries=0), [conflict()]) == [None]
    assert pauses(RetryPolicy(retries=2), [conflict()] * 9)[2:] == [None]


def test_no_pause_reaches_past_the_deadline() -> None:
    policy = RetryPolicy(deadline=1.0, first_pause=0.4, longest_pause=0.4)
    assert pauses(policy, [conflict()] * 9, chance=0.75) == [
        pytest.approx(0.3),
        pytest.approx(0.3),
        pytest.approx(0.3),
        None,
    ]


PLAIN = RetryPolicy(first_pause=0.1, longest_pause=0.1)


def test_a_live_writer_is_not_waited_for() -> None:
    # Other writers each time, and a writer that is met twice only.
    others = [conflict(name, 12.0) for name in ("a", "b", "a", "b", "b")]
    assert pauses(PLAIN, others) == [0.05] * 5
    # No conflict between the meetings breaks the row.
    broken = [conflict("a", 12.0), conflict("a", 12.0), conflict(), conflict("a", 12.0)]
    assert pauses(PLAIN, broken) == [0.05] * 4
    # Without a name nobody can tell that it is the same.
    assert pauses(PLAIN, [conflict(None, 12.0)] * 4) == [0.05] * 4
    # A slow writer has most of its 15 seconds left, however often it is met.
    assert pauses(PLAIN, [conflict("a", 14.5)] * 6) == [0.05] * 6
    # Decided writers have no expiry.
    assert pauses(PLAIN, [conflict("a")] * 4) == [0.05] * 4


def test_a_writer_met_three_times_is_waited_for_until_it_expires() -> None:
    assert pauses(PLAIN, [conflict("a", 12.0)] * 3) == [0.05, 0.05, 12.05]
    assert pauses(PLAIN, [conflict("b", 1), conflict("a", 9), conflict("a", 9)])[2] == 0.05


def test_the_last_rerun_waits_for_the_expiry() -> None:
    policy = dataclasses.replace(PLAIN, retries=2)
    errors = [conflict("a", 12.0), conflict("b", 12.0), conflict("b", 12.0)]
    assert pauses(policy, errors) == [0.05, 12.05, None]
    assert pauses(dataclasses.replace(PLAIN, retries=1), [conflict("a", -3.0)]) == [0.05]


def test_an_expiry_beyond_the_deadline_is_not_waited_for() -> None:
    policy = dataclasses.replace(PLAIN, deadline=12.0)
    assert pauses(policy, [conflict("a", 12.0)] * 4) == [0.05] * 4


def test_a_loop_ends_with_the_result(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    work = failing(clock, conflict(), StorageUnavailableError("gone"))
    with caplog.at_level(logging.INFO, "scalar_tx.retry"):
        assert reruns(PLAIN, clock).retrying(clock.sleep)(work) == "done"
    assert clock.slept == [0.05, 0.05]
    first, second = caplog.records
    assert (first.name, first.levelname) == ("scalar_tx.retry", "INFO")
    assert first.getMessage() == (
        "attempt 1 failed: ConflictError [STX-1001]; beginning again in 0.050 s"
    )
    assert second.getMessage().startswith("attempt 2 failed: StorageUnavailableError [STX-4001];")


def test_no_value_of_a_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    canary = "canary-key-5e1f"
    lost = ConflictError(
        f"{canary} was changed",
        records=[("shop.b", {"id": canary}), ("shop.a", {"id": canary}), ("shop.a", {"id": 2})],
        transaction_id="T1",
    )
    with caplog.at_level(logging.DEBUG):
        reruns(PLAIN, clock).retrying(clock.sleep)(failing(clock, lost))
    (line,) = caplog.records
    assert line.getMessage() == (
        "attempt 1 failed: ConflictError [STX-1001] on shop.a, shop.b (transaction T1); beginning "
        "again in 0.050 s"
    )
    assert canary in str(lost)
    assert lost.records[0][1] == {"id": canary}


def test_an_error_that_says_when_to_come_back_is_obeyed() -> None:
    busy = StorageUnavailableError("not now", retry_after=2.0)
    assert pauses(PLAIN, [busy, conflict()]) == [2.05, 0.05]
    assert pauses(dataclasses.replace(PLAIN, deadline=2.0), [busy]) == [None]


def test_when_spent_the_last_error_is_raised_with_attempts_and_time() -> None:
    clock = Clock()
    errors = [conflict("a"), conflict("b"), conflict("c")]
    with pytest.raises(ConflictError) as caught:
        reruns(dataclasses.replace(PLAIN, retries=2), clock).retrying(clock.sleep)(
            failing(clock, *errors)
        )
    assert caught.value is errors[2]
    assert caught.value.attempts == 3
    assert caught.value.elapsed == pytest.approx(0.13)
    assert errors[0].attempts is None


@pytest.mark.parametrize(
    "error",
    [
        ValueError("mine"),
        ConditionNotMetError("no"),
        UnknownOutcomeError("?"),
        ConflictError("lost for good", retryable=False),
    ],
)
def test_only_what_a_rerun_can_help_is_rerun(error: Exception) -> None:
    clock = Clock()
    with pytest.raises(type(error)) as caught:
        reruns(PLAIN, clock).retrying(clock.sleep)(failing(clock, error))
    assert caught.value is error
    assert clock.slept == []


def test_what_is_no_exception_passes_through() -> None:
    clock = Clock()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reruns(PLAIN, clock).retrying(clock.sleep)(interrupted)
    assert clock.slept == []


def test_the_inline_form() -> None:
    clock = Clock()
    work = failing(clock, conflict(), conflict())
    results = []
    for attempt in reruns(PLAIN, clock).retrying(clock.sleep):
        with attempt:
            results.append(work())
    assert (results, clock.slept) == (["done"], [0.05, 0.05])


def test_under_asyncio() -> None:
    clock = Clock()
    policy = dataclasses.replace(PLAIN, retries=1)

    async def run(*errors: Exception) -> str:
        work = failing(clock, *errors)

        async def step() -> str:
            return work()

        return await reruns(policy, clock).retrying_async(clock.sleep_async)(step)

    assert asyncio.run(run(conflict())) == "done"
    with pytest.raises(ConflictError) as caught:
        asyncio.run(run(conflict(), conflict()))
    assert caught.value.attempts == 2
    assert clock.slept == [0.05, 0.05]


def called(run: Reruns, clock: Clock, work: Callable[[], str]) -> str:
    return run.call(work, clock.sleep)


def called_under_asyncio(run: Reruns, clock: Clock, work: Callable[[], str]) -> str:
    async def step() -> str:
        return work()

    return asyncio.run(run.call_async(step, clock.sleep_async))


@pytest.mark.parametrize("call", [called, called_under_asyncio])
class TestCall:
    """The first attempt is made before the loop: it must look as if it were the loop's."""

    def test_it_ends_with_the_result(self, call: Call) -> None:
        for failures in range(5):
            clock = Clock()
            work = failing(clock, *(conflict() for _ in range(failures)))
            assert call(reruns(PLAIN, clock), clock, work) == "done"
            assert clock.slept == [0.05] * failures

    def test_when_spent_the_last_error_is_raised(self, call: Call) -> None:
        for retries in range(4):
            clock = Clock()
            errors = [conflict(str(number)) for number in range(5)]
            run = reruns(dataclasses.replace(PLAIN, retries=retries), clock)
            with pytest.raises(ConflictError) as caught:
                call(run, clock, failing(clock, *errors))
            assert caught.value is errors[retries]
            assert caught.value.attempts == retries + 1
            assert len(clock.slept) == retries

    def test_only_what_a_rerun_can_help_is_rerun(self, call: Call) -> None:
        for before in ([], [conflict()]):
            for error in (ValueError("mine"), UnknownOutcomeError("?"), ConditionNotMetError("no")):
                clock = Clock()
                with pytest.raises(type(error)) as caught:
                    call(reruns(PLAIN, clock), clock, failing(clock, *before, error))
                assert caught.value is error
                assert len(clock.slept) == len(before)

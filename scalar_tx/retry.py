"""When, and after what pause, is a transaction that lost begun again?

``RetryPolicy`` is a value. ``Reruns`` is the policy at work in one run: it is asked for the next
pause, and is what tenacity's loops need (their strategies for stop, wait and retry). It reads a
clock and draws chances only through what it is handed.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import AsyncRetrying, RetryCallState, Retrying

T = TypeVar("T")

logger = logging.getLogger("scalar_tx.retry")

# A live writer decides within milliseconds, on a crowded database within a second; one met this
# often in a row, and undecided for longer than that, may well be dead.
MEETINGS_BEFORE_WAITING_FOR_EXPIRY = 3
LONGEST_EXPIRY_WAITED_FOR = 14.0  # of the 15 seconds that every writer has


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long apart, to begin a conflicting transaction again. In seconds.

    ``retries`` counts reruns; None is until ``deadline``, which bounds the whole run, pauses
    included. Pauses are drawn between 0 and a ceiling that begins at ``first_pause``, grows by
    ``multiplier`` and stays at ``longest_pause`` (full jitter). Where the writer in the way is
    undecided and likely dead, a pause reaches to its expiry if the deadline allows; where an error
    says how long nobody need come back, it is longer than that.
    InvalidOperationError says which value can't be right.
    """

    retries: int | None = None
    deadline: float = 30.0
    first_pause: float = 0.005
    longest_pause: float = 0.5
    multiplier: float = 2.0

    def __post_init__(self) -> None:
        retries = self.retries
        if retries is not None and (
            isinstance(retries, bool) or not isinstance(retries, int) or retries < 0
        ):
            raise _wrong("retries", retries, "Give a whole number of reruns from 0, or None")
        for name, least in (
            ("deadline", 0),
            ("first_pause", 0),
            ("longest_pause", 0),
            ("multiplier", 1),
        ):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or math.isnan(value)
                or value < least
            ):
                raise _wrong(name, value, f"Give a number of at least {least}")
        for name in ("first_pause", "longest_pause", "multiplier"):
            if math.isinf(getattr(self, name)):
                raise _wrong(name, math.inf, "Give a finite number")
        if self.retries is None and math.isinf(self.deadline):
            raise _wrong("deadline", self.deadline, "Without an end give a number of retries")
        if self.first_pause > self.longest_pause:
            raise _wrong(
                "first_pause",
                self.first_pause,
                f"It can't be longer than the longest pause, {self.longest_pause}",
            )

    @classmethod
    def of(cls, value: RetryPolicy | int | None, usual: RetryPolicy | None = None) -> RetryPolicy:
        """What ``retry=`` means: a policy, a number of reruns, or None for the usual policy."""
        if isinstance(value, RetryPolicy):
            return value
        if value is None:
            return usual or cls()
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(retries=value)
        raise InvalidOperationError(
            f"retry can't be {value!r}",
            advice="Give a RetryPolicy, a number of reruns, or None",
            code="STX-3027",
        )


def _wrong(name: str, value: object, advice: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"a retry policy's {name} can't be {value!r}", advice=advice, code="STX-3027"
    )


def _cause(error: ScalarTxError) -> str:
    """What a log may hold of it: its message names keys, and keys are its users' data."""
    cause = f"{type(error).__name__} [{error.code}]"
    if isinstance(error, ConflictError) and error.records:
        cause += f" on {', '.join(sorted({table for table, _ in error.records}))}"
    if error.transaction_id is not None:
        cause += f" (transaction {error.transaction_id})"
    return cause


class Reruns:
    """A retry policy at work in one run, which begins now.

    ``chance`` draws from 0 to below 1, ``elapsed`` reads a clock in seconds that never jumps.
    """

    def __init__(
        self, policy: RetryPolicy, chance: Callable[[], float], elapsed: Callable[[], float]
    ) -> None:
        self._policy = policy
        self._chance = chance
        self._elapsed = elapsed
        self._begun = elapsed()
        self._attempts = 0
        self._ceiling = policy.first_pause
        self._other: str | None = None
        self._meetings = 0
        self._pause: float | None = None

    def next_pause(self, error: ScalarTxError) -> float | None:
        """Seconds until the next attempt after one that failed so; None: the policy is spent.

        To be asked once for each failed attempt. When spent, a ConflictError is told its attempts
        and the time elapsed.
        """
        self._attempts += 1
        self._remember_the_other(error)
        spent = self._policy.retries is not None and self._attempts > self._policy.retries
        self._pause = None if spent else self._drawn(error)
        if self._pause is None:
            if isinstance(error, ConflictError):
                error.attempts = self._attempts
                error.elapsed = self._elapsed() - self._begun
        else:
            logger.info(
                "attempt %d failed: %s; beginning again in %.3f s",
                self._attempts,
                _cause(error),
                self._pause,
            )
        return self._pause

    def _drawn(self, error: ScalarTxError) -> float | None:
        pause = self._chance() * self._ceiling
        self._ceiling = min(self._ceiling * self._policy.multiplier, self._policy.longest_pause)
        left = self._policy.deadline - (self._elapsed() - self._begun)
        if isinstance(error, StorageUnavailableError) and error.retry_after is not None:
            told = error.retry_after + pause
            return told if told <= left else None
        expiry = error.retry_after if isinstance(error, ConflictError) else None
        if expiry is not None and self._waiting_pays(expiry):
            # Jitter on top: others wait for the same moment.
            to_expiry = max(expiry, 0.0) + pause
            if to_expiry <= left:
                return to_expiry
        return pause if pause <= left else None

    def _waiting_pays(self, expiry: float) -> bool:
        if self._attempts == self._policy.retries:
            return True
        often = self._meetings >= MEETINGS_BEFORE_WAITING_FOR_EXPIRY
        return often and expiry <= LONGEST_EXPIRY_WAITED_FOR

    def _remember_the_other(self, error: ScalarTxError) -> None:
        other = error.other_transaction if isinstance(error, ConflictError) else None
        again = other is not None and other == self._other
        self._meetings = self._meetings + 1 if again else 1
        self._other = other

    def pause_after_first(self, error: ScalarTxError) -> float:
        """Seconds until the second attempt; raises the error of the first if there is to be none.

        Most first attempts commit, and a loop of tenacity costs more than a transaction in memory:
        the first is made before it.
        """
        pause = self.next_pause(error) if error.retryable else None
        if pause is None:
            raise error
        return pause

    def call(self, attempt: Callable[[], T], sleep: Callable[[float], None]) -> T:
        """The result of an attempt, made again as long as the policy allows."""
        try:
            return attempt()
        except ScalarTxError as error:
            pause = self.pause_after_first(error)
        sleep(pause)
        return self.retrying(sleep)(attempt)

    async def call_async(
        self, attempt: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[None]]
    ) -> T:
        """The same for the asyncio face."""
        try:
            return await attempt()
        except ScalarTxError as error:
            pause = self.pause_after_first(error)
        await sleep(pause)
        return await self.retrying_async(sleep)(attempt)

    def retrying(self, sleep: Callable[[float], None]) -> Retrying:
        """A tenacity loop for the blocking face."""
        from tenacity import Retrying  # not needed to import the library

        return Retrying(sleep=sleep, **self._strategies())

    def retrying_async(self, sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
        """A tenacity loop for the asyncio face."""
        from tenacity import AsyncRetrying  # not needed to import the library

        return AsyncRetrying(sleep=sleep, **self._strategies())

    def _strategies(self) -> dict[str, Any]:
        # tenacity asks retry first, then stop and wait in an order of its release: one decision
        # serves all three.
        return {
            "retry": self._is_worth_it,
            "stop": lambda _: self._pause is None,
            "wait": lambda _: self._pause or 0.0,
            "reraise": True,
        }

    def _is_worth_it(self, state: RetryCallState) -> bool:
        error = None if state.outcome is None else state.outcome.exception()
        if not isinstance(error, ScalarTxError) or not error.retryable:
            return False
        self.next_pause(error)
        return True

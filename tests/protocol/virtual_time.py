"""How does the protocol run where a test decides when time passes and who goes on?

Every storage call is a place to stop: a test drives one transaction to the call before its
decision, lets another one run, and comes back.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.runtime.interface import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

T = TypeVar("T")

START_MS = 1_700_000_000_000


WAITS: Final = "waits for a signal"


class Stop:
    """Awaited before a storage call: whoever drives the coroutine sees the call coming."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __await__(self) -> Generator[str, None, None]:
        yield self.step


def drive(steps: Coroutine[Any, Any, T]) -> T:
    """Run steps to their end without stopping."""
    while True:
        try:
            steps.send(None)
        except StopIteration as done:
            result: T = done.value
            return result


class Signal:
    """Whoever drives the coroutine that waits sees it wait, again and again."""

    def __init__(self, runtime: VirtualRuntime) -> None:
        self.given = False
        self._runtime = runtime

    def give(self) -> None:
        """The next look finds it."""
        self.given = True

    async def wait(self, seconds: float | None = None) -> bool:
        """Stop until it is given, or the test has moved the clock."""
        end = None if seconds is None else self._runtime.elapsed() + seconds
        while not self.given and (end is None or self._runtime.elapsed() < end):
            await Stop(WAITS)
        return self.given


class Later:
    """Background work: done at once, or when somebody asks for it."""

    def __init__(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._step = step
        self.ended = False
        self.error: Exception | None = None

    def run(self) -> None:
        """Do the work unless it is done."""
        if not self.ended:
            self.ended = True
            try:
                drive(self._step())
            except Exception as error:  # noqa: BLE001  # done() hands it on
                self.error = error

    async def done(self) -> None:
        """What waits for a background thread finds the work done."""
        self.run()
        if self.error is not None:
            raise self.error


class VirtualRuntime:
    """A clock that only sleeping and the test move; names instead of random ids.

    ``steps`` counts latencies as Consensus Commit specification 12.1 does: calls that run at once
    count as the longest of them.
    """

    def __init__(self) -> None:
        self.ms = START_MS
        self.steps = 0
        self.slept: list[float] = []
        self.hold_background = False
        self.background: list[Later] = []
        self._named = 0
        self._drawn = 0.5
        self.next_id: str | None = None

    async def wait(self, request: Any) -> Any:
        """No storage here has futures."""
        raise AssertionError(f"awaited a future: {request!r}")

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """One after the other; counted as if at once."""
        outcomes: list[Outcome[T]] = []
        before, longest = self.steps, 0
        for step in steps:
            self.steps = 0
            try:
                outcomes.append(Outcome(value=await step()))
            except Exception as error:  # noqa: BLE001  # the outcome hands it on
                outcomes.append(Outcome(error=error))
            longest = max(longest, self.steps)
        self.steps = before + longest
        return outcomes

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> Later:
        """Off the critical path: not counted."""
        later = Later(step)
        self.background.append(later)
        if not self.hold_background:
            steps = self.steps
            later.run()
            self.steps = steps
        return later

    def run_background(self) -> None:
        """Do what was held back."""
        for later in self.background:
            later.run()
        self.background.clear()

    def signal(self) -> Signal:
        """One driven coroutine lets another go on."""
        return Signal(self)

    def lock(self) -> nullcontext[None]:
        """Who goes on is the test's choice."""
        return nullcontext()

    async def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)

    def now_ms(self) -> int:
        """The virtual clock."""
        return self.ms

    def elapsed(self) -> float:
        """The same clock in seconds."""
        return self.ms / 1000

    def chance(self) -> float:
        """No chance: the same numbers each time."""
        self._drawn = (self._drawn + 0.381966) % 1
        return self._drawn

    def new_id(self) -> str:
        """The name that was asked for, or the next number."""
        if self.next_id is not None:
            named, self.next_id = self.next_id, None
            return named
        self._named += 1
        return f"tx-{self._named}"

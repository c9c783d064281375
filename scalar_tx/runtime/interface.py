"""The few things the protocol may wait for or ask of the world.

The protocol awaits only what a Runtime or a Storage gives it. Under the blocking runtime these
coroutines block and never suspend; under asyncio they suspend; in the simulator the scheduler
answers them, by seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractContextManager

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """How one of several steps ended: by a value, or by an error."""

    value: T | None = None
    error: Exception | None = None

    def result(self) -> T:
        """The value; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # T may itself be optional


class Later(Protocol):
    """Work that was handed to ``run_later``."""

    async def done(self) -> None:
        """Wait until the work has ended; raises what it raised."""
        ...


class Signal(Protocol):
    """What one step waits for and another gives, once."""

    def give(self) -> None:
        """Let the one that waits, or will wait, go on."""
        ...

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is given, at most so long; was it? It can be waited for again if not."""
        ...


class Runtime(Protocol):
    """Waiting, time and chance."""

    async def wait(self, request: Any) -> Any:
        """Wait for a driver's future; adapters of ``Waits.FUTURES`` await nothing else."""
        ...

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Run steps, at once where that helps, and return when **all** have ended.

        A rollback must never overtake a prepare that is still on its way, so one step's error does
        not end the waiting for the others. Steps begun inside a step run inline.
        """
        ...

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> Later:
        """Run a step in the background, at once where the queue is full; done() has its error."""
        ...

    def signal(self) -> Signal:
        """A new signal."""
        ...

    def lock(self) -> AbstractContextManager[Any]:
        """A new lock around a few lines that await nothing."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def now_ms(self) -> int:
        """The wall clock, in milliseconds since 1970."""
        ...

    def elapsed(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""
        ...

    def chance(self) -> float:
        """A random number, at least 0 and below 1."""
        ...

    def new_id(self) -> str:
        """A globally unique text: a UUID of version 4."""
        ...

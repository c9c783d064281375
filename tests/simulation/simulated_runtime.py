"""How does the protocol wait under the seeded scheduler?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.runtime.interface import Outcome
from tests.simulation.parts.scheduler import Join, Sleep, Task, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.processes import Process

T = TypeVar("T")


class _Later:
    def __init__(self, task: Task) -> None:
        self._task = task

    async def done(self) -> None:
        await ask(Join([self._task]))
        outcome: Outcome[None] = self._task.value
        outcome.result()


async def _attempt(step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
    try:
        return Outcome(value=await step())
    except Exception as error:  # noqa: BLE001  # it is the outcome
        return Outcome(error=error)


class SimulatedRuntime:
    """The runtime of one process."""

    def __init__(self, process: Process, dice: Dice) -> None:
        self._process = process
        self._dice = dice
        self._ids = itertools.count(1)

    async def wait(self, request: Any) -> Any:
        """Ask the scheduler."""
        return await ask(request)

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Run steps as tasks that the scheduler interleaves; all have ended when this returns."""
        if len(steps) < 2:
            return [await _attempt(step) for step in steps]
        tasks = [self._process.spawn(_attempt(step)) for step in steps]
        await ask(Join(tasks))
        return [task.value for task in tasks]

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> _Later:
        """Run a step as one more task; it dies with its process."""
        return _Later(self._process.spawn(_attempt(step), f"{self._process.name}~"))

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await ask(Sleep(seconds))

    def now_ms(self) -> int:
        """The process' clock."""
        return self._process.now_ms()

    def elapsed(self) -> float:
        """Virtual time; it never jumps."""
        return self._process.scheduler.now

    def chance(self) -> float:
        """The world's dice for the protocol."""
        return self._dice.random()

    def new_id(self) -> str:
        """A readable id that is never used twice."""
        return f"{self._process.name}-{next(self._ids)}"

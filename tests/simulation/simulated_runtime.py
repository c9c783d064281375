"""How does the protocol wait under the seeded scheduler?"""

from __future__ import annotations

import itertools
from contextlib import nullcontext
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


class _Signal:
    """Given by one task of a process to another."""

    def __init__(self) -> None:
        self._given = False
        self._waits: _Wait | None = None

    def give(self) -> None:
        self._given = True
        if self._waits is not None:
            self._waits.end(given=True)

    async def wait(self, seconds: float | None = None) -> bool:
        if self._given:
            return True
        self._waits = _Wait(seconds)
        given: bool = await ask(self._waits)
        return given


class _Wait:
    """The request of the task that waits."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._task: Task | None = None

    def begin(self, task: Task) -> None:
        self._task = task
        if self._seconds is not None:
            task.scheduler.call_later(self._seconds, lambda: self.end(given=False))

    def end(self, *, given: bool) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.answer = given
            task.scheduler.ready.append(task)


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

    def signal(self) -> _Signal:
        """One task of the process wakes another."""
        return _Signal()

    def lock(self) -> nullcontext[None]:
        """Tasks change only where they await."""
        return nullcontext()

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

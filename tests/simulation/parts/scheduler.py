"""What runs next, and what time is it?

Tasks are coroutines that yield requests. Of everything that could go on, a seeded random picks one
thing at a time; time is virtual and jumps where nothing else is to be done. The same seed gives the
same steps, whatever the machine does. Nothing here knows what is being simulated.
"""

from __future__ import annotations

import heapq
import itertools
import types
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tests.simulation.parts.log import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.log import Log
    from tests.simulation.parts.processes import Process

T = TypeVar("T")

MOST_STEPS: Final = 60_000


class Item(Protocol):
    """Something that can be picked to go on."""

    number: int

    def step(self) -> None:
        """Go on."""
        ...


class Request(Protocol):
    """What a task yields: it says when, and with what, the task goes on."""

    def begin(self, task: Task) -> None:
        """Take note of who waits."""
        ...


@types.coroutine
def ask(request: Request) -> Generator[Request, Any, Any]:
    """Await a request's answer."""
    return (yield request)


class Stuck(Exception):
    """The run does not come to an end."""


class Task:
    """A coroutine on its way. ``process`` may hold it up or drop it; None: it can't be harmed."""

    __slots__ = (
        "answer",
        "coroutine",
        "ended",
        "error",
        "name",
        "number",
        "obstacle",
        "process",
        "scheduler",
        "value",
        "waiting",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        coroutine: Coroutine[Any, Any, Any],
        process: Process | None,
        name: str,
    ) -> None:
        self.scheduler = scheduler
        self.coroutine = coroutine
        self.process = process
        self.name = name
        self.number = scheduler.next_number()
        self.answer: Any = None  # what the next step hands in, or
        self.obstacle: Exception | None = None  # what it raises there
        self.value: Any = None  # how it ended
        self.error: Exception | None = None
        self.ended = False
        self.waiting: list[Join] = []

    def step(self) -> None:
        """Run to the next request or to the end."""
        if self.ended or (self.process is not None and not self.process.lets_run(self)):
            return
        scheduler = self.scheduler
        if scheduler.log is not None:
            scheduler.log.goes_on(self, scheduler.now)
        answer, self.answer = self.answer, None
        obstacle, self.obstacle = self.obstacle, None
        try:
            if obstacle is None:
                request = self.coroutine.send(answer)
            else:
                request = self.coroutine.throw(obstacle)
        except StopIteration as done:
            self.value = done.value
            self._end()
        except Exception as error:  # noqa: BLE001  # whoever joins the task meets it
            self.error = error
            self._end()
        else:
            request.begin(self)

    def drop(self) -> None:
        """Never go on: the process it belonged to is gone."""
        if not self.ended:
            self.coroutine.close()
            self._end()

    def _end(self) -> None:
        self.ended = True
        if self.process is not None:
            self.process.forget(self)
        for join in self.waiting:
            join.one_ended()


class Turn:
    """Let others go first, perhaps."""

    __slots__ = ()

    def begin(self, task: Task) -> None:
        """The task can go on at once; whether it is picked is another matter."""
        task.scheduler.ready.append(task)


TURN: Final = Turn()


class Sleep:
    """Go on after some virtual time, in seconds."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def begin(self, task: Task) -> None:
        """Set the alarm."""
        task.scheduler.at(self._seconds, task)


class Join:
    """Go on when all of some tasks have ended or were dropped."""

    __slots__ = ("_left", "_task", "_tasks")

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._left = 0
        self._task: Task | None = None

    def begin(self, task: Task) -> None:
        """Wait for those that are still running."""
        self._task = task
        running = [one for one in self._tasks if not one.ended]
        self._left = len(running)
        for one in running:
            one.waiting.append(self)
        if not running:
            task.scheduler.ready.append(task)

    def one_ended(self) -> None:
        """Count; the last one wakes the waiter."""
        self._left -= 1
        if self._left == 0 and self._task is not None:
            self._task.scheduler.ready.append(self._task)


class Alarm:
    """A function to be called when its time has come."""

    __slots__ = ("_function", "number")

    def __init__(self, number: int, function: Callable[[], None]) -> None:
        self.number = number
        self._function = function

    def step(self) -> None:
        """Call it."""
        self._function()


class Scheduler:
    """Picks one of the things that could go on, again and again.

    ``pace`` is the virtual time a step takes, in seconds. ``digest`` differs, for all purposes,
    where the order of the steps does.
    """

    def __init__(self, dice: Dice, *, pace: float = 0.0005) -> None:
        self._random = dice.random
        self.pace = pace
        self.now = 0.0
        self.steps = 0
        self.digest = 0
        self.ready: list[Item] = []
        self.lines: list[str] | None = None
        self.log: Log | None = None
        self._alarms: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        """Numbers for whatever takes part, in order of appearance."""
        return next(self._numbers)

    def spawn(
        self, coroutine: Coroutine[Any, Any, Any], process: Process | None, name: str
    ) -> Task:
        """Begin a task."""
        task = Task(self, coroutine, process, name)
        if self.log is not None:
            self.log.add(Kind.SPAWNED, self.log.current, task)
        if process is not None:
            process.remember(task)
        self.ready.append(task)
        return task

    def at(self, seconds: float, item: Item) -> None:
        """Let something go on that many seconds from now."""
        heapq.heappush(self._alarms, (self.now + seconds, self.next_number(), item))

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function that many seconds from now."""
        self.at(seconds, Alarm(self.next_number(), function))

    def run(self, main: Task) -> None:
        """Step until a task has ended; its error is raised here."""
        while not main.ended:
            self._step()
        if main.error is not None:
            raise main.error

    def drain(self) -> None:
        """Step until nothing is left to be done."""
        while self.ready or self._alarms:
            self._step()

    def _step(self) -> None:
        ready = self.ready
        alarms = self._alarms
        if not ready:
            if not alarms:
                raise Stuck("everybody waits for somebody else")
            self.now = max(self.now, alarms[0][0])
        while alarms and alarms[0][0] <= self.now:
            ready.append(heapq.heappop(alarms)[2])
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Stuck(f"no end after {MOST_STEPS} steps")
        self.now += self.pace
        # Counted from the end: the simplest is that whoever was made ready last goes on.
        at = -1 - int(self._random() * len(ready))
        item = ready[at]
        ready[at] = ready[-1]
        ready.pop()
        self.digest = hash((self.digest, item.number))
        if self.log is not None:
            self.log.steps_end(self.now)
        item.step()

    def note(self, who: str, what: str) -> None:
        """Write a line of the trace, where somebody wants to read it."""
        if self.lines is not None:
            self.lines.append(f"{self.steps:6} {self.now:10.4f}s  {who:<8} {what}")

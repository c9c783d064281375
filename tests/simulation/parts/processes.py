"""What can happen to a process: it dies, it stops for a while, its clock is wrong?

A dead process' tasks are dropped where they wait; a paused one goes on later as if nothing had
happened, which makes a zombie of whoever had a deadline. What was sent before is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.parts.log import Kind

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Coroutine

    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.scheduler import Scheduler, Task

EPOCH_MS: Final = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class Hazards:
    """How likely things happen to a process, at each of its steps."""

    crash: float = 0.0
    pause: float = 0.0
    jump: float = 0.0
    pauses: tuple[float, ...] = (0.5, 14.0, 16.0, 40.0)  # seconds
    jumps_ms: tuple[int, ...] = (-20_000, -3_000, 3_000, 20_000)

    @property
    def any(self) -> bool:
        """Can anything happen?"""
        return bool(self.crash or self.pause or self.jump)


SAFE: Final = Hazards()


class Process:
    """Tasks that live and die together, and read one clock."""

    def __init__(
        self,
        scheduler: Scheduler,
        name: str,
        counts: Counter[str],
        dice: Dice,
        *,
        skew_ms: int = 0,
        hazards: Hazards = SAFE,
    ) -> None:
        self.scheduler = scheduler
        self.name = name
        self.alive = True
        self._skew_ms = skew_ms
        self._counts = counts
        self._dice = dice
        self._hazards = hazards if hazards.any else None
        self._tasks: dict[Task, None] = {}
        self._held: list[Task] | None = None
        self._log(Kind.STARTED, skew_ms)

    def _log(self, kind: Kind, what: object = None) -> None:
        if self.scheduler.log is not None:
            self.scheduler.log.add(kind, self, what)

    def now_ms(self) -> int:
        """The wall clock, as wrong as it is here."""
        return EPOCH_MS + int(self.scheduler.now * 1000) + self._skew_ms

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str = "") -> Task:
        """Begin a task of this process."""
        return self.scheduler.spawn(coroutine, self, name or self.name)

    def remember(self, task: Task) -> None:
        """One more task."""
        self._tasks[task] = None

    def forget(self, task: Task) -> None:
        """One task less."""
        self._tasks.pop(task, None)

    def lets_run(self, task: Task) -> bool:
        """May the task make a step? Now is the moment at which something may happen instead."""
        if self._held is not None:
            self._held.append(task)
            return False
        hazards = self._hazards
        if hazards is None:
            return True
        drawn = 1.0 - self._dice.random()
        if drawn < hazards.crash:
            self.crash()
            return False
        drawn -= hazards.crash
        if drawn < hazards.pause:
            self.pause(self._dice.pick(hazards.pauses))
            self._held = [task]
            return False
        if drawn - hazards.pause < hazards.jump:
            self.jump(self._dice.pick(hazards.jumps_ms))
        return True

    def crash(self) -> None:
        """End all tasks where they are."""
        self.alive = False
        self._counts["crash"] += 1
        self.scheduler.note(self.name, "CRASHES")
        self._log(Kind.CRASHED)
        for task in list(self._tasks):
            task.drop()

    def pause(self, seconds: float) -> None:
        """Stand still for a while."""
        self._counts["pause"] += 1
        if seconds > 15:
            self._counts["zombie"] += 1
        self.scheduler.note(self.name, f"PAUSES for {seconds:g} s")
        self._held = []
        self.scheduler.call_later(seconds, self.resume)

    def resume(self) -> None:
        """Go on."""
        held, self._held = self._held, None
        if held is not None and self.alive:
            self.scheduler.note(self.name, "goes on after its pause")
            self.scheduler.ready.extend(held)

    def jump(self, milliseconds: int) -> None:
        """Let the clock jump."""
        self._counts["jump"] += 1
        self.scheduler.note(self.name, f"CLOCK JUMPS by {milliseconds} ms")
        self._log(Kind.JUMPED, milliseconds)
        self._skew_ms += milliseconds

    def keep_safe(self) -> None:
        """From now on nothing happens to this process any more."""
        self._hazards = None
        self.resume()

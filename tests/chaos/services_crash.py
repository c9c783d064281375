"""At which step of a commit does a worker of a node die, by its own hand?

Plugged into each worker. After some writes each dies at the next time of a step that it has drawn,
before or after it, as long as there is a file that says so; and notes which it was.
"""

from __future__ import annotations

import functools
import os
import random
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.connection import parts_of
from tests.chaos.moments import STEPS, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.host import Host
    from scalar_tx.storage.interface import StorageMutation

OFFER: Final = f"{__name__}:offer"
ENVIRONMENT: Final = "CHAOS_STEPS"  # the folder of the two files
ALLOWED: Final = "may-crash"
NOTES: Final = "crashes"
# Aborts and undoing are rare: who waits for one is often killed by others.
_WEIGHTS: Final = (4, 4, 4, 1, 1)
_WRITES: Final = (60, 600)  # of a worker before it dies


class Crash:
    """When this process dies."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder = folder
        self._left = dice.randint(*_WRITES)
        self._when = dice.choice(("before", "after"))
        self._step = dice.choices(STEPS, _WEIGHTS)[0]

    def reached(self, when: str, step: str) -> None:
        """A step is about to begin, or has just ended."""
        self._left -= 1
        if self._left > 0 or (when, step) != (self._when, self._step):
            return
        if not (self._folder / ALLOWED).exists():
            return
        with (self._folder / NOTES).open("a") as notes:
            notes.write(f"{when} {step}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def offer(host: Host) -> Sequence[Any]:
    """No service; but from when the worker serves, it may die."""
    folder = Path(os.environ[ENVIRONMENT])
    crash = Crash(folder, random.Random(f"{os.getpid()} {host.slot}"))

    async def arm() -> None:
        kind: Any = type(parts_of(host.manager).storage)
        mutate = kind.mutate

        @functools.wraps(mutate)
        async def watched(storage: Any, mutations: Sequence[StorageMutation]) -> None:
            step = step_of(mutations[0])
            crash.reached("before", step)
            await mutate(storage, mutations)
            crash.reached("after", step)

        kind.mutate = watched

    host.beside.append(arm)
    return []


def crashes(folder: Path) -> list[str]:
    """At which steps workers have died by their own hand."""
    notes = folder / NOTES
    return notes.read_text().splitlines() if notes.exists() else []

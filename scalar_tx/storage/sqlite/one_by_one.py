"""Which of a process's threads calls SQLite now?

``sqlite3`` lets go of the interpreter's lock for the few microseconds of each step, and must then
fight for it with every thread that wants to run: with 32 threads a transaction that updates one
record was 39 switches between threads, and 6 where calls go in one after the other. It is an order,
not a lock that anything relies on: whoever has waited for a moment goes in by another door, since
the one inside may be waiting for the file.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

_A_MOMENT_S: Final = 0.01
_HAS_GIL: Final = getattr(sys, "_is_gil_enabled", lambda: True)()  # Python 3.13 may be without


class OneByOne:
    """A place that threads enter one after the other, as far as that costs them no time."""

    __slots__ = ("_door",)

    def __init__(self) -> None:
        self._door = threading.Lock()

    def enter(self) -> threading.Lock:
        """Wait for the one inside, if only for a moment; release what is returned, to leave."""
        door = self._door
        if not _HAS_GIL or not door.acquire(timeout=_A_MOMENT_S):
            # Who is inside, or was interrupted there, keeps nobody else waiting as long as this.
            self._door = door = threading.Lock()
            door.acquire()
        return door

"""Which of a process's threads calls SQLite now?

``sqlite3`` lets go of the interpreter's lock for the few microseconds of each step, and must then
fight for it with every thread that wants to run: where eight threads read, every step was a switch
from one to another, and a transaction took twice the processor time that it takes alone. So
whoever is in stays for a slice of time, over several calls and transactions, and the others wait
in the order in which they came.

It is an order, not a lock that anything relies on: a thread that is switched away at a bad moment
lets two of them in. Whoever comes where nobody is inside goes in, and so does, at last, whoever has
waited for long: the one inside may wait for the file.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Final

_SLICE_S: Final = 0.0003
_LONGEST_S: Final = 0.02
_HAS_GIL: Final = getattr(sys, "_is_gil_enabled", lambda: True)()  # Python 3.13 may be without
_NOBODY: Final = 0  # no thread's number, nor is the next one
_ON_ITS_WAY: Final = -1


class OneByOne:
    """A place that threads enter one after the other, as far as that costs them no time."""

    __slots__ = ("_inside", "_until", "_waiting", "_whose")

    def __init__(self) -> None:
        self._whose = _NOBODY  # the thread whose slice it is
        self._inside = False
        self._until = 0.0
        self._waiting: deque[threading.Lock] = deque()

    def enter(self) -> None:
        """Wait for those before; say ``leave`` afterwards, however this ends."""
        me = threading.get_ident()
        if self._whose != me and _HAS_GIL:
            if self._inside or self._waiting or self._whose == _ON_ITS_WAY:
                self._wait()
            self._whose = me
            self._until = time.perf_counter() + _SLICE_S
        self._inside = True

    def leave(self) -> None:
        """Come out; the turn stays this thread's own until its slice is over."""
        self._inside = False
        if self._waiting and time.perf_counter() >= self._until:
            self._pass_on()

    def rest(self) -> None:
        """What comes now is for others, or takes long: let the next one in."""
        if self._whose == threading.get_ident():
            self._pass_on()

    def _pass_on(self) -> None:
        try:
            following = self._waiting.popleft()
        except IndexError:
            self._whose = _NOBODY
        else:
            self._whose = _ON_ITS_WAY
            following.release()

    def _wait(self) -> None:
        mine = threading.Lock()
        mine.acquire()
        self._waiting.append(mine)
        # Whoever has the turn may have gone to do something else, and then passes nothing on.
        patience = 2 * _SLICE_S * len(self._waiting)
        give_up = time.perf_counter() + _LONGEST_S
        while not mine.acquire(timeout=patience):
            if not self._inside or time.perf_counter() >= give_up:
                break
        if mine in self._waiting:
            self._waiting.remove(mine)

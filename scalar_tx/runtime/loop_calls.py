"""How do threads have things done on an event loop, with one wake-up for many?

Waking a loop is a system call, and mostly a switch of threads. Where several threads have something
for it at the same time, the first wakes it, and it then does all that is there.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class LoopCalls:
    """Calls for one loop, made in the order in which they were handed over."""

    __slots__ = ("_calls", "_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False

    def hand(self, call: Callable[[], None]) -> None:
        """Have a call made on the loop, soon; behind the loop's end nobody waits for it."""
        self._calls.append(call)
        # Appended before it is asked: whoever finds the loop woken is not overlooked, since it
        # forgets that it was woken before it looks.
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._make_all)

    def _make_all(self) -> None:
        self._woken = False
        calls = self._calls
        # What is handed over meanwhile wakes the loop again, so that others get their turn.
        for _ in range(len(calls)):
            calls.popleft()()

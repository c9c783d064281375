"""Who does next what takes long, and how often do others get on meanwhile?

What is large is worked on one at a time, in pieces, with a rest behind each of them that is as long
as the piece: half of the event loop's time is left to what is small. Users take turns, so that one
who sends many large messages holds up nobody who sends one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

T = TypeVar("T")

LONGEST_REST: Final = 0.02  # seconds
# Where more than that waits, work goes on without rests: what waits takes memory.
MOST_WAITING: Final = 32 * 2**20  # bytes


class Turns:
    """The turns of one event loop; they need no lock.

    ``clock`` counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waiting_bytes = 0

    @asynccontextmanager
    async def turn(self, owner: str, size: int) -> AsyncIterator[None]:
        """Work on so many bytes in a ``with`` block, when it is this owner's turn."""
        if self._taken:
            await self._wait(owner, size)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def in_pieces(self, work: Generator[None, None, T]) -> T:
        """What work returns that stops behind each of its pieces; others get on there."""
        while True:
            began = self._clock()
            try:
                next(work)
            except StopIteration as ended:
                found: T = ended.value
                return found
            # Also without a rest the loop looks once at what has come.
            rest = 0.0 if self.waiting_bytes > MOST_WAITING else self._clock() - began
            await asyncio.sleep(min(rest, LONGEST_REST))

    async def _wait(self, owner: str, size: int) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(mine)
        self.waiting_bytes += size
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # it was given, and nobody is there to take it
            raise
        finally:
            self.waiting_bytes -= size

    def _pass_on(self) -> None:
        while self._waiting:
            owner, theirs = self._waiting.popitem(last=False)
            following = theirs.popleft()
            if theirs:
                self._waiting[owner] = theirs  # behind all others
            if not following.done():
                following.set_result(None)
                return
        self._taken = False


def at_once(work: Generator[None, None, T]) -> T:
    """What work in pieces returns, done in one go."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            found: T = ended.value
            return found

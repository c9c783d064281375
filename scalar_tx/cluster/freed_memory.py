"""When does a worker give the memory back that it does not need any more?

What many transactions held is free when they have ended, but for what refers to itself: only
Python's collector finds that, and it looks when much is made, not when much has ended. And what is
free the C library keeps for more of them. So behind a peak the one is asked to look, and the other
to give back.

Python's own allocator gives a megabyte back when nothing at all is left in it: some of a peak stays
for the next one. Without it a tenth of the transactions a second would be lost.
"""

from __future__ import annotations

import ctypes
import gc
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PEAK: Final = 16  # open transactions: fewer hold little
_FEW: Final = 8  # behind a peak so small a part of it is open: the collector looks at that, too
_TIMES: Final = 3  # behind each: gRPC keeps some of it until the clients have gone, too
_SECONDS: Final = 5.0  # between two times: it takes some milliseconds

# Objects made and not freed until the collector looks at the newest of them, then how many times it
# has done so until it looks at older ones. All that is open it looks at last of all, and nothing is
# answered meanwhile.
_THRESHOLDS: Final = (1000, 20, 50)


class FreedMemory:
    """Looks at the number of open transactions, and gives memory back behind a peak."""

    def __init__(
        self,
        give_back: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._give_back = give_back or _giving_back()
        self._clock = clock
        self._peak = 0
        self._times = 0
        self._not_before = 0.0

    def look(self, open_now: int) -> None:
        """So many are open now."""
        self._peak = max(self._peak, open_now)
        if self._peak < _PEAK or open_now > self._peak // _FEW or self._clock() < self._not_before:
            return
        self._times += 1
        if self._times == _TIMES:
            self._peak, self._times = open_now, 0
        self._not_before = self._clock() + _SECONDS
        self._give_back()


def collect_less() -> None:
    """What is there by now stays: the collector never looks at it again, and seldom at all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def _giving_back() -> Callable[[], None]:
    trim: Callable[[int], object] | None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        trim = None  # another C library than glibc, which keeps what it likes

    def give_back() -> None:
        gc.collect()
        if trim is not None:
            trim(0)

    return give_back

"""When does a worker give the memory back that it does not need any more?

What many transactions held is free when they have ended, and the C library keeps it for more of
them. After a peak it is asked to give it back.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PEAK: Final = 16  # open transactions: fewer hold little
_TIMES: Final = 3  # behind each: gRPC keeps some of it until the clients have gone, too
_SECONDS: Final = 5.0  # between two times: it takes some milliseconds


class FreedMemory:
    """Looks at the number of open transactions, and gives memory back behind a peak."""

    def __init__(
        self,
        give_back: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._give_back = give_back or _trim()
        self._clock = clock
        self._peak = 0
        self._times = 0
        self._not_before = 0.0

    def look(self, open_now: int) -> None:
        """So many are open now."""
        self._peak = max(self._peak, open_now)
        if self._peak < _PEAK or open_now > self._peak // 2 or self._clock() < self._not_before:
            return
        self._times += 1
        if self._times == _TIMES:
            self._peak, self._times = open_now, 0
        self._not_before = self._clock() + _SECONDS
        self._give_back()


def _trim() -> Callable[[], None]:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return lambda: None  # another C library than glibc, which keeps what it likes

    def give_back() -> None:
        trim(0)

    return give_back

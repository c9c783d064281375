"""How many log-ins are tried, and how soon may somebody try again?

Two bounds, both before a hash is spent: so many tries a second in a process, and for a user name
whose passwords were wrong a pause that doubles. What is refused here does not lengthen the pause,
so that whoever keeps on guessing keeps nobody out for longer than the longest one at a time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.refusals import TooManyAttemptsError

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE: Final = 3  # wrong passwords before the first pause
_LONGEST: Final = 60.0  # seconds


@dataclass(slots=True)
class _Failures:
    number: int
    not_before: float


class LogInLimits:
    """The bounds of one process.

    ``a_second``: tries a second, of all users together. ``names``: of how many user names wrong
    passwords are remembered; the one that failed longest ago is forgotten first.
    """

    def __init__(
        self,
        *,
        a_second: int = 10,
        names: int = 10_000,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = a_second
        self._left = float(a_second)
        self._filled_at = elapsed()
        self._most = names
        self._elapsed = elapsed
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def admit(self, name: str) -> None:
        """Count a try. TooManyAttemptsError, STX-5204: it is too early for it."""
        now = self._elapsed()
        known = self._failures.get(name)
        if known is not None and now < known.not_before:
            raise _too_early(known.not_before - now)
        self._left = min(self._rate, self._left + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._left < 1:
            raise _too_early((1 - self._left) / self._rate)
        self._left -= 1

    def failed(self, name: str) -> None:
        """The password was wrong."""
        known = self._failures.pop(name, None) or _Failures(0, 0)
        known.number += 1
        if known.number > _FREE:
            pause = min(_LONGEST, 2.0 ** min(known.number - _FREE - 1, 10))
            known.not_before = self._elapsed() + pause
        self._failures[name] = known
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """The password was right: forget the wrong ones."""
        self._failures.pop(name, None)

    @property
    def remembered(self) -> int:
        """Of how many names wrong passwords are remembered."""
        return len(self._failures)


def _too_early(seconds: float) -> TooManyAttemptsError:
    return TooManyAttemptsError("too many log-ins were tried", retry_after=seconds, code="STX-5204")

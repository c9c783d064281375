"""For how long is a change of tables waited for?"""

from __future__ import annotations

import time
from typing import Final

from scalar_tx.errors import StorageUnavailableError

_LONGEST_WAIT: Final = 600.0  # seconds; an index over many records takes its time
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 3.0


class Patience:
    """Pauses that grow, for so many seconds in all."""

    def __init__(self, what: str, seconds: float = _LONGEST_WAIT) -> None:
        self._what = what
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE

    def pause(self) -> None:
        """Let time pass; StorageUnavailableError when there is none left."""
        if time.monotonic() > self._until:
            raise StorageUnavailableError(
                f"DynamoDB: {self._what} after {self._seconds:g} s",
                advice="Wait until it is, then repair the table",
                code="STX-4608",
            )
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

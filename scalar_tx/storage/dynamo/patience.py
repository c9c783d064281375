"""For how long is a change of tables waited for, and what if its later steps fail?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_WAIT: Final = 600.0  # seconds; an index over many records takes its time
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 3.0
_NOT_READY: Final = "STX-4608"


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
                code=_NOT_READY,
            )
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


@contextmanager
def begun(what: str) -> Iterator[None]:
    """Steps behind the first one: no error of theirs may say that nothing was done."""
    try:
        yield
    except (StorageBusyError, StorageUnavailableError) as error:
        if getattr(error, "code", None) == _NOT_READY:
            raise
        raise ReplyLostError(f"DynamoDB: {what} is not finished: {error}") from error

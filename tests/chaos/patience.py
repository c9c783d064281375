"""How long is a server waited for that serves, but has only just come back?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_tx.errors import StorageError, StorageUnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_S: Final = 60.0
PAUSE_S: Final = 0.5


def patiently(step: Callable[[], T]) -> T:
    """What a step returns; a step that failed for want of a server is done again."""
    until = time.monotonic() + LONGEST_S
    while True:
        try:
            return step()
        except (StorageError, StorageUnavailableError, UnknownOutcomeError):
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_S)

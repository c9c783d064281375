"""How is a stream ended whose client is not waited for any longer?

Only while it waits for its client: a step, and a commit above all, runs to its end first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_tx.cluster.sessions import Expiry
from scalar_tx.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

_WHY: Final = {
    Expiry.IDLE: "nothing was asked of it for too long",
    Expiry.LIFETIME: "it was open for too long",
    Expiry.SHUTDOWN: "the node is shutting down",
}


class Expiring:
    """One stream's waiting for its client; made by the task that serves it."""

    def __init__(self, tx_id: str) -> None:
        self._tx_id = tx_id
        self._task = asyncio.current_task()
        self._waits = False
        self._reason: Expiry | None = None

    def expire(self, reason: Expiry) -> None:
        """Wait no longer: at once, or behind the step that runs."""
        self._reason = reason
        if self._waits and self._task is not None:
            self._task.cancel()

    async def wait(self, client: Awaitable[T]) -> T:
        """What the client does next; StorageUnavailableError: it is not waited for any longer."""
        self._waits = True
        try:
            if self._reason is not None and self._task is not None:
                self._task.cancel()  # so that what was to be awaited is ended in the same way
            return await client
        except asyncio.CancelledError:
            if self._reason is None or self._task is None:
                raise
            self._task.uncancel()
            raise self._gone(self._reason) from None
        finally:
            self._waits = False

    def _gone(self, reason: Expiry) -> StorageUnavailableError:
        return StorageUnavailableError(
            f"the transaction was rolled back: {_WHY[reason]}",
            advice="Begin again, and keep transactions short",
            transaction_id=self._tx_id,
            code="STX-5058",
        )

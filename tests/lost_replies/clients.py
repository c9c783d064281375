"""How does a transfer run on either face?"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import scalar_tx
from scalar_tx.runtime.blocking import run_blocking

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

SECONDS = 120.0


class Client(Protocol):
    """A manager, and what its steps run on."""

    face: str
    db: Any

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps to their end."""
        ...

    def close(self) -> None:
        """Close the manager."""
        ...


class OnThread:
    """The blocking face."""

    face = "blocking"

    def __init__(self, properties: dict[str, str]) -> None:
        self.db: Any = scalar_tx.connect(properties)

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        return run_blocking(steps)

    def close(self) -> None:
        self.db.close()


class OnLoop:
    """The asyncio face, on a loop that several share."""

    face = "asyncio"

    def __init__(self, properties: dict[str, str], loop: asyncio.AbstractEventLoop) -> None:
        self.db: Any = scalar_tx.connect_async(properties)
        self._loop = loop

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(SECONDS)

    def close(self) -> None:
        self.run(self.db.close())


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="loop", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()

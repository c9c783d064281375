"""What is to go wrong with a request, and has it happened yet?"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_SECONDS = 30.0


class Way(Enum):
    """A direction."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


class Deed(Enum):
    """What a fault does to the request that it meets, or to its reply."""

    HOLD = "hold the request"
    LOSE_REQUEST = "lose the request"
    LOSE_REPLY = "lose the reply"
    TEAR_REQUEST = "cut in the middle of the request"
    TEAR_REPLY = "cut in the middle of the reply"


@dataclass(eq=False)
class Fault:
    """Something that happens once, to one request, unless it lasts.

    ``closes``: the client's connection ends with it; otherwise the client hears nothing. ``after``
    is how many bytes a torn frame has. ``skip``: so many requests that match go by before.
    ``lasting``: it happens to every request that matches, until ``Proxy.forget_faults``.
    """

    deed: Deed
    matches: Callable[[bytes], bool]
    loop: asyncio.AbstractEventLoop
    closes: bool = False
    after: int = 1
    skip: int = 0
    lasting: bool = False
    request: bytes = b""
    reply: bytes = b""
    dropped: bool = False
    _met: threading.Event = field(default_factory=threading.Event)
    _answered: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, request: bytes) -> bool:
        """Is this the request?"""
        if not self.matches(request):
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.request = request
        return True

    def happened(self) -> None:
        """The request was held, lost or torn; or its reply was."""
        self._met.set()

    def answered(self) -> None:
        """The server's whole reply is here: whatever the request does was done."""
        self._answered.set()

    def drop(self) -> None:
        """The connection of a held request has ended: unless it is answered it never will be."""
        if not self._answered.is_set():
            self.dropped = True
            self._answered.set()

    def wait(self, seconds: float = WAIT_SECONDS) -> bytes:
        """Return the request when the fault has happened to it.

        For a lost or torn reply that is when the reply was there. TimeoutError: it did not happen.
        """
        if not self._met.wait(seconds):
            raise TimeoutError(f"no chance to {self.deed.value} in {seconds} s")
        return self.request

    def deliver(self, seconds: float = WAIT_SECONDS) -> bytes:
        """Send a held request on, though its client may be gone; return the server's reply.

        TimeoutError: none was held, or no reply came. ConnectionResetError: the connection
        to the server has ended without one.
        """
        self.wait(seconds)
        self.loop.call_soon_threadsafe(self.released.set)
        if not self._answered.wait(seconds):
            raise TimeoutError(f"no reply to the delivered request in {seconds} s")
        if self.dropped:
            raise ConnectionResetError("the held request's connection has ended")
        return self.reply

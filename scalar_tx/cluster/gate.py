"""May work begin now, and is what had begun finished? The gate that a pause closes.

A pause closes it, so that nothing new begins, and waits until nothing is outstanding: then a
backup of the databases sees no transaction half done (ScalarDB Server's protocol, 12). What was
admitted goes on as if nothing were, whole transactions included.

It belongs to one event loop, and needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class GateClosedError(Exception):
    """Nothing new begins now; nothing was done. The same request may be sent again later."""


class Gate:
    """Counts what has begun and not ended, and refuses to begin anything while it is closed."""

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._outstanding = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._opened = asyncio.Event()
        if not closed:
            self._opened.set()

    @property
    def closed(self) -> bool:
        """Is everything new refused?"""
        return self._closed

    @property
    def outstanding(self) -> int:
        """How many admissions are not released yet."""
        return self._outstanding

    def admit(self) -> Admission:
        """Let one piece of work begin: a call, or a transaction of many calls.

        Whoever was admitted releases the admission, however the work ends. GateClosedError.
        """
        if self._closed:
            raise GateClosedError
        self._outstanding += 1
        self._empty.clear()
        return Admission(self)

    def close(self) -> None:
        """Refuse everything new. May be called twice."""
        self._closed = True
        self._opened.clear()

    def open(self) -> None:
        """Admit again. May be called twice."""
        self._closed = False
        self._opened.set()

    async def admit_later(self, seconds: float) -> Admission:
        """``admit``, once the gate is open; GateClosedError: it was not, for so long."""
        # Not by wait_for: in Python 3.11 it swallows a cancellation that meets the end of the wait.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._opened.wait()
        return self.admit()

    async def drained(self, seconds: float) -> bool:
        """Wait until nothing is outstanding, at most so long; was it so?

        It says nothing of what begins afterwards: close the gate before.
        """
        if not self._outstanding:
            return True
        try:
            async with asyncio.timeout(seconds):
                return await self._empty.wait()
        except TimeoutError:
            return False

    def _release(self) -> None:
        self._outstanding -= 1
        if not self._outstanding:
            self._empty.set()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Gate {state}, {self._outstanding} outstanding>"


class Admission:
    """One piece of work that was let in. A context manager, or call ``release``."""

    __slots__ = ("_gate",)

    def __init__(self, gate: Gate) -> None:
        self._gate: Gate | None = gate

    def release(self) -> None:
        """The work has ended. Whoever is not sure calls it again: it counts once."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate._release()  # noqa: SLF001  # one count, kept by the two together

    def __enter__(self) -> Self:
        """Hand the admission to a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release."""
        self.release()

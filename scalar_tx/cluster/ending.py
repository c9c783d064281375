"""In which steps does a node end, and how is it hurried? (Operators' expectations 4)

SIGTERM: it is not ready any more, and still accepts everything for a while; then only what is open
goes on; then the rest is rolled back. SIGINT leaves the first step out. A further signal goes on to
the next step at once.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from enum import IntEnum
from typing import Final

_log = logging.getLogger("scalar_tx.cluster.ending")

SAME_SECONDS: Final = 0.2


class Step(IntEnum):
    """How far a node has gone towards its end."""

    DECOMMISSION = 0
    DRAIN = 1
    ROLL_BACK = 2


class Ending:
    """The steps that signals ask for, in one event loop."""

    def __init__(self) -> None:
        self._reached = [asyncio.Event() for _ in Step]
        self._last_step: Step | None = None
        self._last_at = 0.0

    def listen(self) -> None:
        """Let the signals of this process ask for it."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask, Step.DECOMMISSION)
        loop.add_signal_handler(signal.SIGINT, self.ask, Step.DRAIN)

    def over(self) -> None:
        """All steps are done: what signals ask for from now on, this process does anyway."""
        loop = asyncio.get_running_loop()
        for late in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(late)
            signal.signal(late, signal.SIG_IGN)

    def ask(self, least: Step) -> None:
        """Go on to that step; if it was reached before, to the next one."""
        # Who ends a group of processes may reach this one twice.
        now = asyncio.get_running_loop().time()
        if (least, True) == (self._last_step, now - self._last_at < SAME_SECONDS):
            return
        self._last_step, self._last_at = least, now
        begun = sum(step.is_set() for step in self._reached)  # how many steps were asked for
        wanted = min(max(least, begun), Step.ROLL_BACK)
        _log.info("asked to end: %s", Step(wanted).name)
        for step in self._reached[: wanted + 1]:
            step.set()

    @property
    def begun(self) -> bool:
        """Has anybody asked for the end?"""
        return self._reached[Step.DECOMMISSION].is_set()

    async def until(self, step: Step, seconds: float | None = None) -> bool:
        """Wait until that step is asked for, at most so long; is it?"""
        if self._reached[step].is_set():
            return True  # a wait of no seconds would not look
        try:
            async with asyncio.timeout(seconds):
                return await self._reached[step].wait()
        except TimeoutError:
            return False

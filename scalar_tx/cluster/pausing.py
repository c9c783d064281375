"""How is a whole node paused, and when may one say that it is?

Every answer is given when all workers agree. A worker that dies meanwhile is not waited for: what
it had begun has ended with it, and the one that takes its place is told that the node is paused
before it opens its port (ScalarDB Server's protocol 12).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.control import ChannelClosedError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scalar_tx.cluster.control import Channel, Data

_log = logging.getLogger("scalar_tx.cluster.pausing")

DEFAULT_MILLISECONDS: Final = 30_000
AGREE_SECONDS: Final = 5.0

# The old server's words, which its tool shows (ScalarDB Server's protocol 20.1).
NOT_DRAINED: Final = "failed to finish processing outstanding requests within the time limit."


class PauseFailedError(Exception):
    """The node is not paused; its text says why."""


class Pausing:
    """The pause of one node. ``workers`` gives the channels of those that live."""

    def __init__(
        self, workers: Callable[[], Sequence[Channel]], changed: Callable[[bool], None]
    ) -> None:
        self._workers = workers
        self._changed = changed
        self._turn = 0
        self._openings = 0
        self.wanted = False

    async def pause(
        self,
        *,
        wait: bool,
        milliseconds: int | None = None,
        there: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Let nothing begin any more; ``wait``: until nothing is outstanding, at most so long.

        ``there``: will whoever asked hear of it, where they may have gone? PauseFailedError: they
        will not, it took longer, or somebody unpaused meanwhile; all goes on then.
        """
        self._turn += 1
        turn, openings = self._turn, self._openings
        self._want(wanted=True)
        seconds = (milliseconds or DEFAULT_MILLISECONDS) / 1000
        try:
            if not await self._agree("close", "closed", AGREE_SECONDS):
                raise PauseFailedError("a worker of this node did not close its gate.")
            if wait and not await self._agree(
                "drain", "drained", seconds + AGREE_SECONDS, {"seconds": seconds}
            ):
                raise PauseFailedError(NOT_DRAINED)
            if there is not None and not await there():
                raise PauseFailedError("whoever asked for it has gone.")
            # Also if it is paused again: what began in between has not been waited for.
            if openings != self._openings:
                raise PauseFailedError("the node was unpaused meanwhile.")
        except BaseException:
            # Also if whoever asked has gone: it was told nothing, and would unpause nothing.
            if turn == self._turn:
                self._openings += 1
                self._want(wanted=False)
                for channel in self._workers():
                    channel.tell("open")
            raise
        _log.info("paused; waited for what was open: %s", "yes" if wait else "no")

    async def unpause(self) -> None:
        """Let everything begin again. PauseFailedError: a worker does not answer."""
        self._turn += 1
        self._openings += 1
        self._want(wanted=False)
        if not await self._agree("open", "open", AGREE_SECONDS):
            raise PauseFailedError("a worker of this node did not open its gate.")
        _log.info("unpaused")

    async def paused(self) -> bool:
        """Is everything new refused, by every worker?"""
        return self.wanted and await self._agree("look", "closed", AGREE_SECONDS) and self.wanted

    def _want(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self._changed(wanted)

    async def _agree(self, what: str, word: str, seconds: float, data: Data | None = None) -> bool:
        """Ask all; do all who live say that word?"""
        asked = [_says(channel, what, word, seconds, data) for channel in self._workers()]
        return all(await asyncio.gather(*asked))


async def _says(channel: Channel, what: str, word: str, seconds: float, data: Data | None) -> bool:
    try:
        return (await channel.ask(what, data, seconds=seconds)).get(word) is True
    except ChannelClosedError:
        return True
    except (TimeoutError, RefusedError):
        return False

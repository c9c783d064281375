"""How does a supervisor keep a process of its own running?

It is started, watched, and started again when it ends unasked, after pauses that grow while it
keeps ending. It is never forked: a new Python begins with what the supervisor itself finds, and
gets all that it must know over a channel, so that no secret is in its arguments.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.control import Channel, ChannelClosedError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.control import Data

_log = logging.getLogger("scalar_tx.cluster.child")

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
STEADY_SECONDS: Final = 30.0  # who lived so long is started again without a long pause
PING_SECONDS: Final = 5.0
HANGS_SECONDS: Final = 30.0
LEAVE_SECONDS: Final = 2.0  # from the end of a channel to the end of its process

# OpenTelemetry's interceptor of servers breaks streams that are written to, as ours are; and a
# worker tells its part of a trace by itself.
_LEFT_OUT: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_INTERCEPTOR: Final = "grpc_aio_server"


class Child:
    """One process that is to run; a kind of process is a class derived from this one.

    ``module`` is run by the same Python, with the number of its end of the channel as argument.
    ``descriptors`` are handed down under the same numbers.
    """

    def __init__(self, name: str, module: str, descriptors: Sequence[int] = ()) -> None:
        self.name = name
        self.restarts = 0
        self.channel: Channel | None = None
        self._module = module
        self._descriptors = tuple(descriptors)
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False
        self._end = asyncio.Event()

    # What a kind of process says about itself.

    async def greet(self, channel: Channel) -> None:
        """Tell a new process all that it needs; called at once when it is started."""

    async def answer(self, what: str, data: Data) -> Data:
        """Answer what the process asks."""
        raise LookupError(what)

    def heard(self, what: str, data: Data) -> None:
        """The process told something."""

    def gone(self) -> None:
        """The process has ended; another one may follow."""

    def health(self) -> Data:
        """What is told of it where one asks how the node is."""
        return {"name": self.name, "process": self.process_id, "restarts": self.restarts}

    # Its life.

    @property
    def process_id(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    async def live(self) -> None:
        """Run the process, again and again, until ``end`` is called."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._ending:
            began = loop.time()
            code = await self._run_once()
            if self._ending:
                break
            if loop.time() - began >= STEADY_SECONDS:
                pause = FIRST_PAUSE
            _log.error(
                "%s ended with code %s; it is started again in %.1f s", self.name, code, pause
            )
            self.restarts += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._end.wait()
            pause = min(2 * pause, LONGEST_PAUSE)

    def end(self) -> None:
        """Start it no more; it is up to the caller to tell the process."""
        self._ending = True
        self._end.set()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _run_once(self) -> int | None:
        """The code with which it ended; None: it could not even be started."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = process = await self._start(theirs)
        except OSError as error:
            ours.close()
            _log.error("%s can't be started: %s", self.name, error)
            return None
        self.channel = channel = await Channel.over(ours, self)
        if self._ending:
            self.kill()  # whoever told all processes to end did not know of this one
        watching = [
            asyncio.ensure_future(self._greeted(channel)),
            asyncio.ensure_future(self._kill_when_deaf(channel)),
        ]
        try:
            return await process.wait()
        finally:
            self.kill()
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
            channel.close()
            self.channel = self._process = None
            self.gone()

    async def _greeted(self, channel: Channel) -> None:
        try:
            await self.greet(channel)
        except (ChannelClosedError, RefusedError, TimeoutError) as error:
            _log.error("%s could not begin: %s", self.name, str(error) or type(error).__name__)
            self.kill()

    async def _kill_when_deaf(self, channel: Channel) -> None:
        """A process that no longer answers, or closed the channel, is of no use."""
        try:
            while not await channel.until_closed(PING_SECONDS):
                await channel.ask("ping", seconds=HANGS_SECONDS)
            await asyncio.sleep(LEAVE_SECONDS)
        except ChannelClosedError:
            await asyncio.sleep(LEAVE_SECONDS)
        except (TimeoutError, RefusedError):
            _log.error("%s does not answer any more", self.name)
        self.kill()

    async def _start(self, end: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            self._module,
            str(end.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=(end.fileno(), *self._descriptors),
            # Ctrl-C is the supervisor's: it decides when its processes end.
            process_group=0,
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    # Whatever began with the supervisor, a ``sitecustomize`` say, begins with its processes too.
    left_out = ",".join(filter(None, [os.environ.get(_LEFT_OUT), _INTERCEPTOR]))
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, _LEFT_OUT: left_out}

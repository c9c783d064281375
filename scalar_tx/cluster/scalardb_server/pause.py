"""How do ScalarDB's own tools pause a server, and let it go on? (12)

The service calls whoever pauses: a worker of a node asks for the whole node, a server of one
process its own gate.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import grpc
from google.protobuf import empty_pb2

from scalar_tx.cluster.auth.security_log import Caller, Event, Result, tell
from scalar_tx.cluster.intake import taken
from scalar_tx.cluster.pausing import NOT_DRAINED, PauseFailedError
from scalar_tx.cluster.rpc import scalar_admin_pb2 as admin_rpc
from scalar_tx.cluster.scalardb_server.refusals import cut, invalid
from scalar_tx.cluster.scalardb_server.statuses import end_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.statuses import Context

DEFAULT_MILLISECONDS: Final = 30_000
_GONE_ON: Final = "the server was let go on while this pause was waiting."


class Pauses(Protocol):
    """Whoever can pause what is served."""

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """Admit nothing new; ``wait``: until what was admitted has ended, at most so long.

        ``milliseconds`` None or 0: 30 seconds. PauseFailedError.
        """
        ...

    async def unpause(self) -> None:
        """Admit again. PauseFailedError."""
        ...

    async def paused(self) -> bool:
        """Is nothing new admitted? PauseFailedError."""
        ...


class PauseOfOneProcess:
    """Pauses by closing one gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._wishes = 0  # pauses and their ends; whoever waited sees whether his is the last

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """Close the gate; PauseFailedError if it did not drain in time, or was opened meanwhile."""
        self._wishes += 1
        wish = self._wishes
        self._gate.close()
        if not wait:
            return
        drained = False
        try:
            drained = await self._gate.drained((milliseconds or DEFAULT_MILLISECONDS) / 1000)
        finally:  # also if whoever asked has gone: it was told nothing, and will end no pause
            if not drained and self._wishes == wish:  # else somebody else wants it as it is
                self._gate.open()
        if not drained:
            raise PauseFailedError(NOT_DRAINED)
        if not self._gate.closed:
            raise PauseFailedError(_GONE_ON)

    async def unpause(self) -> None:
        """Open the gate."""
        self._wishes += 1
        self._gate.open()

    async def paused(self) -> bool:
        """Is the gate closed?"""
        return self._gate.closed


class PauseCalls:
    """The service ``rpc.Admin``; FAILED_PRECONDITION: what was asked for did not come about."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses

    async def pause(self, request: admin_rpc.PauseRequest, context: Context) -> empty_pb2.Empty:
        """Pause, and wait if that is wanted."""
        async with _told_by(context):
            taken(request)
            if request.max_pause_wait_time < 0:
                raise invalid("max_pause_wait_time is negative")
            with _told_of(Event.PAUSE, context):
                await self._pauses.pause(
                    request.wait_outstanding, request.max_pause_wait_time or None
                )
        return empty_pb2.Empty()

    async def unpause(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """Go on; harmless where nothing is paused."""
        async with _told_by(context):
            taken(request)
            with _told_of(Event.RESUME, context):
                await self._pauses.unpause()
        return empty_pb2.Empty()

    async def check_paused(
        self, request: empty_pb2.Empty, context: Context
    ) -> admin_rpc.CheckPausedResponse:
        """Is it paused?"""
        paused = False
        async with _told_by(context):
            taken(request)
            paused = await self._pauses.paused()
        return admin_rpc.CheckPausedResponse(paused=paused)


@contextmanager
def _told_of(event: Event, context: Context) -> Iterator[None]:
    """Those who watch over a node hear of a pause, by whichever port it came."""
    by = Caller(peer=context.peer() or "")
    try:
        yield
    except PauseFailedError as error:
        tell(event, by, result=Result.REFUSED, detail=str(error))
        raise
    tell(event, by)


@asynccontextmanager
async def _told_by(context: Context) -> AsyncIterator[None]:
    """An error becomes the call's status."""
    try:
        yield
    except PauseFailedError as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, cut(str(error)))
    except Exception as error:  # noqa: BLE001  # it becomes the call's status
        await end_with(context, error)

"""How do ScalarDB's own tools pause a server, and let it go on? (12)

The service calls whoever pauses: a worker of a node asks for the whole node, a server of one
process its own gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import grpc
from google.protobuf import empty_pb2

from scalar_tx.cluster.rpc import scalar_admin_pb2 as admin_rpc
from scalar_tx.cluster.scalardb_server.refusals import cut, invalid
from scalar_tx.cluster.scalardb_server.statuses import end_with

if TYPE_CHECKING:
    from scalar_tx.cluster.gate import Gate
    from scalar_tx.cluster.scalardb_server.statuses import Context

DEFAULT_MILLISECONDS: Final = 30_000
_NOT_IN_TIME: Final = "failed to finish processing outstanding requests within the time limit."
_GONE_ON: Final = "the server was let go on while this pause was waiting."


class NotPausedError(Exception):
    """The pause did not come about, and everything is admitted again; the text says why."""


class Pauses(Protocol):
    """Whoever can pause what is served."""

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """Admit nothing new; ``wait``: until what was admitted has ended, at most so long.

        ``milliseconds`` None or 0: 30 seconds. NotPausedError.
        """
        ...

    async def unpause(self) -> None:
        """Admit again."""
        ...

    async def paused(self) -> bool:
        """Is nothing new admitted?"""
        ...


class PauseOfOneProcess:
    """Pauses by closing one gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._wishes = 0  # pauses and their ends; whoever waited sees whether his is the last

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """Close the gate; NotPausedError if it did not drain in time, or was opened meanwhile."""
        self._wishes += 1
        wish = self._wishes
        self._gate.close()
        if not wait:
            return
        drained = await self._gate.drained((milliseconds or DEFAULT_MILLISECONDS) / 1000)
        if not drained:
            if self._wishes == wish:  # else somebody else wants it closed, or has opened it
                self._gate.open()
            raise NotPausedError(_NOT_IN_TIME)
        if not self._gate.closed:
            raise NotPausedError(_GONE_ON)

    async def unpause(self) -> None:
        """Open the gate."""
        self._wishes += 1
        self._gate.open()

    async def paused(self) -> bool:
        """Is the gate closed?"""
        return self._gate.closed


class PauseCalls:
    """The service ``rpc.Admin``."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses

    async def pause(self, request: admin_rpc.PauseRequest, context: Context) -> empty_pb2.Empty:
        """Pause; FAILED_PRECONDITION if it did not come about."""
        try:
            if request.max_pause_wait_time < 0:
                raise invalid("max_pause_wait_time is negative")
            await self._pauses.pause(request.wait_outstanding, request.max_pause_wait_time or None)
        except NotPausedError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, cut(str(error)))
        except Exception as error:  # noqa: BLE001  # it becomes the call's status
            await end_with(context, error)
        return empty_pb2.Empty()

    async def unpause(self, _: empty_pb2.Empty) -> empty_pb2.Empty:
        """Go on; harmless where nothing is paused."""
        await self._pauses.unpause()
        return empty_pb2.Empty()

    async def check_paused(self, _: empty_pb2.Empty) -> admin_rpc.CheckPausedResponse:
        """Is it paused?"""
        return admin_rpc.CheckPausedResponse(paused=await self._pauses.paused())

"""How is a stream served, from its first message to its end, however that comes?

A stream is one transaction or one scan. Requests and answers alternate. It is admitted by its first
message and leaves the gate when everything it did has ended: a client that cancels, falls silent,
or closes its side early has its transaction rolled back first, and a commit that runs is let run.

A stream never ends with the status OK while an answer is due: a Java client would wait for it for
ever (8.4).
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import grpc

from scalar_tx.cluster.intake import Large, taken
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.scalardb_server.refusals import Kind, RefusedError
from scalar_tx.cluster.scalardb_server.statuses import end_with
from scalar_tx.cluster.sessions import Expiry
from scalar_tx.runtime.aio import finish_before_cancelling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scalar_tx.cluster.gate import Admission
    from scalar_tx.cluster.scalardb_server.host import Host
    from scalar_tx.cluster.scalardb_server.statuses import Context
    from scalar_tx.cluster.sessions import Session

Request = TypeVar("Request")
Response = TypeVar("Response")

_MOMENT: Final = 1.0  # seconds
_EXPIRED: Final = {
    Expiry.IDLE: "nothing was asked of it for too long",
    Expiry.LIFETIME: "it was open for too long",
    Expiry.SHUTDOWN: "the server shuts down",
}


class Stream(ABC, Generic[Request, Response]):
    """One stream of a client."""

    may_be_left = False  # may a client that was answered close its side, or is that a loss?

    def __init__(self, host: Host, context: Context) -> None:
        self.host = host
        self._context = context
        self._session: Session | None = None
        self._left = False
        self._expired: asyncio.Future[Expiry] = asyncio.get_running_loop().create_future()

    @abstractmethod
    async def answer(self, request: Request) -> tuple[Response, bool]:
        """The answer to one request, and whether the stream ends with it.

        An exception ends the stream by its status.
        """

    @abstractmethod
    async def leave(self) -> None:
        """Give up what is not finished; called once, however the stream ended."""

    async def serve(self) -> None:
        """Serve it to its end."""
        try:
            request = await self._first_message()
        except (MalformedError, RefusedError) as error:
            await end_with(self._context, error)
            return
        if request is None:
            return  # opened and closed without a word
        try:
            admission = self.host.gate.admit()
        except Exception as error:  # noqa: BLE001  # it becomes the stream's status
            await end_with(self._context, error)
            return
        with admission:
            try:
                await self._converse(request, admission)
            finally:
                await finish_before_cancelling(self._leave())

    async def _converse(self, request: Request, admission: Admission) -> None:
        try:
            while True:
                response, ended = await self.answer(request)
                await self._answered(response)
                if ended:
                    return
                following = await self._next()
                if following is None:
                    return
                request = following
        except grpc.aio.InternalError as error:
            raise asyncio.CancelledError from error  # its client has gone, and reads nothing
        except Exception as error:  # noqa: BLE001  # it becomes the stream's status
            # What is open ends before the client hears of it: it may begin anew at once.
            await finish_before_cancelling(self._leave())
            admission.release()  # who does not read never hears of it, and holds up no pause
            await end_with(self._context, error)

    def opened(self, name: str) -> None:
        """Register what the stream has opened; TooManyOpenError."""
        # Nobody logs in here, so whose it is, is told by the connection: a client has one.
        self._session = self.host.sessions.open(name, self._context.peer(), self._expire)

    @property
    def session(self) -> Session:
        """What was registered."""
        if self._session is None:
            raise TypeError("nothing was opened")
        return self._session

    def _expire(self, reason: Expiry) -> None:
        if not self._expired.done():
            self._expired.set_result(reason)

    async def _first_message(self) -> Request | None:
        """The first message. RefusedError: the client was silent for too long."""
        reading = asyncio.ensure_future(self._message())
        reading.add_done_callback(_look_at)
        idle = self.host.sessions.idle_seconds
        await asyncio.wait((reading,), timeout=None if idle == math.inf else idle)
        if not reading.done():
            raise _gone(Expiry.IDLE)
        return reading.result()

    async def _answered(self, response: Response) -> None:
        """Answer. RefusedError: the client does not read what it asked for."""
        writing = asyncio.ensure_future(self._context.write(response))
        writing.add_done_callback(_look_at)
        await asyncio.wait((writing, self._expired), return_when=asyncio.FIRST_COMPLETED)
        if not writing.done():
            # What expired while it was busy: a client that reads hears the end of it.
            await asyncio.wait((writing,), timeout=_MOMENT)
        if not writing.done():
            raise _gone(self._expired.result())
        writing.result()

    async def _next(self) -> Request | None:
        """The next message; None: the client has enough, and may."""
        reading = asyncio.ensure_future(self._message())
        reading.add_done_callback(_look_at)
        # The message is not waited for directly: an expiry must not break into gRPC's own waiting.
        await asyncio.wait((reading, self._expired), return_when=asyncio.FIRST_COMPLETED)
        if self._expired.done():
            raise _gone(self._expired.result())
        request = reading.result()
        if request is None and not self.may_be_left:
            raise RefusedError(
                Kind.LEFT, "the client closed its side of the stream, so all was rolled back"
            )
        return request

    async def _message(self) -> Request | None:
        """The next message; None if there are no more."""
        message: Any = await self._context.read()
        if isinstance(message, Large):
            message = await message.read(self._context.peer() or "")
        return None if message is grpc.aio.EOF else taken(message)

    async def _leave(self) -> None:
        if self._left:
            return
        self._left = True
        try:
            await self.leave()
        finally:
            if self._session is not None:
                self._session.close()


def _gone(reason: Expiry) -> RefusedError:
    return RefusedError(Kind.EXPIRED, f"what was open is rolled back: {_EXPIRED[reason]}")


def _look_at(reading: asyncio.Future[Any]) -> None:
    """Whoever waited for it may be gone, and the loop would report what it ended in."""
    if not reading.cancelled():
        reading.exception()


def served(
    make: Callable[[Host, Context], Stream[Any, Any]], host: Host
) -> Callable[[Any, Context], Coroutine[Any, Any, None]]:
    """The handler of a method whose both sides stream."""

    async def serve(_requests: Any, context: Context) -> None:
        await make(host, context).serve()

    return serve

"""How do a supervisor and a process that it has started talk to each other?

Over a pair of sockets that nobody else can reach: messages of JSON behind their length. Either
side asks and is answered, or tells. The end of the stream means that the other one is gone; so
does anything that is no message, for whoever sent it can't be understood any more.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

if TYPE_CHECKING:
    import socket

_log = logging.getLogger("scalar_tx.cluster.control")

Data = dict[str, Any]

LARGEST_MESSAGE: Final = 1 << 20  # bytes
LARGEST_BACKLOG: Final = 8 << 20  # bytes that the other side has not read yet
_LENGTH: Final = struct.Struct(">I")


class ChannelClosedError(Exception):
    """The other side is gone, or does not read what it is sent."""


class RefusedError(Exception):
    """The other side could not do what it was asked for; the text says why."""


class _GarbageError(Exception):
    """What came is no message."""


class Answers(Protocol):
    """What one side does about the other's messages."""

    async def answer(self, what: str, data: Data) -> Data:
        """Answer a question; an exception is its answer too."""
        ...

    def heard(self, what: str, data: Data) -> None:
        """The other side tells something."""
        ...


class Channel:
    """One end of the conversation, in one event loop."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: Answers
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answers = answers
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[Data]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def over(cls, end: socket.socket, answers: Answers) -> Self:
        """Talk over one end of a pair of sockets, which belongs to the channel from now on."""
        end.setblocking(False)  # noqa: FBT003  # a socket takes it by place only
        reader, writer = await asyncio.open_connection(sock=end)
        return cls(reader, writer, answers)

    @property
    def closed(self) -> bool:
        """Is the other side gone, or this one closed?"""
        return self._gone.is_set()

    async def until_closed(self, seconds: float | None = None) -> bool:
        """Wait until the other side is gone, at most so long; is it?"""
        try:
            # Not wait_for: up to Python 3.11 it loses a cancellation that meets the end.
            async with asyncio.timeout(seconds):
                return await self._gone.wait()
        except TimeoutError:
            return False

    async def ask(self, what: str, data: Data | None = None, *, seconds: float) -> Data:
        """Ask, and wait so long for the answer.

        TimeoutError, ChannelClosedError, RefusedError. The other side begins with what it is asked
        and told in the order in which that was sent.
        """
        self._asked += 1
        number = self._asked
        waiting: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            self._send({"ask": what, "number": number, "data": data or {}})
            async with asyncio.timeout(seconds):
                return await waiting
        finally:
            self._waiting.pop(number, None)

    def tell(self, what: str, data: Data | None = None) -> None:
        """Tell something that needs no answer; nothing happens if the other side is gone."""
        try:
            self._send({"tell": what, "data": data or {}})
        except ChannelClosedError:
            _log.debug("nobody is there any more to be told of %s", what)

    def close(self) -> None:
        """End the conversation. May be called twice."""
        self._listening.cancel()
        self._end()

    def _send(self, message: Data) -> None:
        if self.closed:
            raise ChannelClosedError
        frame = json.dumps(message).encode()
        if len(frame) > LARGEST_MESSAGE:
            raise ValueError(f"a message of {len(frame)} bytes is too long")
        self._writer.write(_LENGTH.pack(len(frame)) + frame)
        if self._writer.transport.get_write_buffer_size() > LARGEST_BACKLOG:
            self.close()
            raise ChannelClosedError

    async def _listen(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > LARGEST_MESSAGE:
                    raise _GarbageError(f"a message of {length} bytes is announced")
                self._take(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            _log.debug("the other side has closed")
        except _GarbageError as error:
            _log.error("what the other side sends can't be understood: %s", error)
        finally:
            self._end()

    def _take(self, frame: bytes) -> None:
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError) as error:
            raise _GarbageError("it is no JSON") from error
        match message:
            case {"ask": str(what), "number": int(number), "data": dict(data)}:
                task = asyncio.ensure_future(self._answer(what, number, data))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
            case {"tell": str(what), "data": dict(data)}:
                # Behind the questions that came before it, whose tasks have yet to begin: a gate
                # that is closed and opened at once must be open.
                asyncio.get_running_loop().call_soon(self._tell, what, data)
            case {"reply": int(number), "data": dict(data)}:
                self._settle(number, data)
            case {"reply": int(number), "error": str(text)}:
                self._settle(number, RefusedError(text))
            case _:
                raise _GarbageError("it is neither question nor answer")

    def _tell(self, what: str, data: Data) -> None:
        try:
            self._answers.heard(what, data)
        except Exception:  # noqa: BLE001  # the channel must live on
            _log.exception("what was told of %s could not be used", what)

    def _settle(self, number: int, found: Data | RefusedError) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None or waiting.done():
            return  # nobody waits for it any longer
        if isinstance(found, RefusedError):
            waiting.set_exception(found)
        else:
            waiting.set_result(found)

    async def _answer(self, what: str, number: int, data: Data) -> None:
        answer: Data
        try:
            answer = {"reply": number, "data": await self._answers.answer(what, data)}
        except Exception as error:  # noqa: BLE001  # whoever asked is told
            _log.exception("%s could not be answered", what)
            answer = {"reply": number, "error": f"{type(error).__name__}: {error}"}
        try:
            self._send(answer)
        except ChannelClosedError:
            _log.debug("nobody waits any more for the answer to %s", what)

    def _end(self) -> None:
        self._gone.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ChannelClosedError())
        self._writer.close()

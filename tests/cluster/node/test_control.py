"""Do both ends of a control channel survive what the other one sends, or its end?"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster import control
from scalar_tx.cluster.control import Channel, ChannelClosedError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.control import Data


class Side:
    """Answers what it is asked, and keeps what it is told."""

    def __init__(self) -> None:
        self.heard_of: list[Any] = []
        self._more = asyncio.Event()

    async def hears(self, number: int) -> list[Any]:
        """What it has heard, once that is so much."""
        async with asyncio.timeout(10):
            while len(self.heard_of) < number:
                self._more.clear()
                await self._more.wait()
        return self.heard_of

    async def answer(self, what: str, data: Data) -> Data:
        self.heard_of.append(what)
        self._more.set()
        if what == "wait":
            await asyncio.sleep(data["seconds"])
        if what == "fail":
            raise ValueError("that can't be")
        return {"said": what}

    def heard(self, what: str, data: Data) -> None:
        self.heard_of.append((what, data))
        self._more.set()
        if what == "fail":
            raise ValueError("that can't be")


def talk(steps: Callable[[Channel, Side, socket.socket], Awaitable[None]]) -> None:
    """Run steps with a channel, and the bare socket at its other end."""

    async def run() -> None:
        ours, theirs = socket.socketpair()
        side = Side()
        channel = await Channel.over(ours, side)
        with theirs:
            await steps(channel, side, theirs)
        channel.close()

    asyncio.run(run())


def both(steps: Callable[[Channel, Side, Channel], Awaitable[None]]) -> None:
    """Run steps with two channels that are connected; the side is the second one's."""

    async def run() -> None:
        ours, theirs = socket.socketpair()
        side = Side()
        first, second = await Channel.over(ours, Side()), await Channel.over(theirs, side)
        await steps(first, side, second)
        first.close()
        second.close()

    asyncio.run(run())


def frame(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def test_questions_are_answered_in_any_order_and_reach_in_theirs() -> None:
    async def steps(first: Channel, side: Side, second: Channel) -> None:
        slow = asyncio.ensure_future(first.ask("wait", {"seconds": 0.1}, seconds=5))
        await asyncio.sleep(0)
        assert await first.ask("now", seconds=5) == {"said": "now"}
        first.tell("told", {"a": [1, None, "ü"]})
        assert await second.ask("back", seconds=5) == {"said": "back"}
        assert await slow == {"said": "wait"}
        assert side.heard_of == ["wait", "now", ("told", {"a": [1, None, "ü"]})]

    both(steps)


def test_what_fails_is_the_answer_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(first: Channel, side: Side, second: Channel) -> None:
        with pytest.raises(RefusedError, match="that can't be"):
            await first.ask("fail", seconds=5)
        first.tell("fail")
        with pytest.raises(TimeoutError):
            await first.ask("wait", {"seconds": 1}, seconds=0.05)
        assert await first.ask("on", seconds=5) == {"said": "on"}

    both(steps)
    assert len(caplog.records) == 2


def test_the_end_of_the_other_side_is_noticed() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        waiting = asyncio.ensure_future(channel.ask("anything", seconds=5))
        assert not await channel.until_closed(0.05)
        end.close()
        with pytest.raises(ChannelClosedError):
            await waiting
        assert channel.closed
        assert await channel.until_closed(0)
        channel.tell("nobody")
        with pytest.raises(ChannelClosedError):
            await channel.ask("anything", seconds=5)

    talk(steps)


GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    struct.pack(">I", control.LARGEST_MESSAGE + 1),
    b"\xff\xff\xff\xff",
    frame(b""),
    frame(b"{"),
    frame(b"\xff\xfe"),
    frame(b"[" * 200_000),
    frame(b"[]"),
    frame(b"null"),
    frame(json.dumps({"ask": "x", "number": "1", "data": {}}).encode()),
    frame(json.dumps({"ask": "x", "number": 1, "data": []}).encode()),
    frame(json.dumps({"ask": 1, "number": 1, "data": {}}).encode()),
    frame(json.dumps({"reply": 1}).encode()),
    frame(json.dumps({"tell": "x"}).encode()),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda one: repr(one[:24]))
def test_who_sends_garbage_is_taken_for_gone(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        waiting = asyncio.ensure_future(channel.ask("anything", seconds=5))
        await asyncio.sleep(0)
        end.sendall(garbage)
        with pytest.raises(ChannelClosedError):
            await waiting
        assert side.heard_of == []

    talk(steps)
    assert "can't be understood" in caplog.text


def test_an_answer_nobody_waits_for_is_no_garbage() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        for answer in ({"reply": 77, "data": {}}, {"reply": 78, "error": "late"}):
            end.sendall(frame(json.dumps(answer).encode()))
        end.sendall(frame(json.dumps({"tell": "still", "data": {}}).encode()))
        assert await side.hears(1) == [("still", {})]

    talk(steps)


def test_what_comes_at_once_is_begun_in_order() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        messages: list[Data] = [
            {"ask": "close", "number": 1, "data": {}},
            {"tell": "open", "data": {}},
            {"ask": "look", "number": 2, "data": {}},
        ]
        end.sendall(b"".join(frame(json.dumps(one).encode()) for one in messages))
        assert await side.hears(3) == ["close", ("open", {}), "look"]

    talk(steps)


def test_messages_in_pieces_are_put_together() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        for byte in frame(json.dumps({"tell": "x", "data": {"y": 1}}).encode()):
            end.sendall(bytes([byte]))
            await asyncio.sleep(0)
        assert await side.hears(1) == [("x", {"y": 1})]

    talk(steps)


def test_who_reads_nothing_is_taken_for_gone_before_memory_is_full() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        big = "x" * (control.LARGEST_MESSAGE // 2)
        for _ in range(64):
            channel.tell("big", {"text": big})
            if channel.closed:
                return
        pytest.fail("64 messages wait to be read")

    talk(steps)


def test_a_message_too_long_is_not_sent() -> None:
    async def steps(channel: Channel, side: Side, end: socket.socket) -> None:
        with pytest.raises(ValueError, match="too long"):
            channel.tell("big", {"text": "x" * (control.LARGEST_MESSAGE + 1)})
        assert not channel.closed

    talk(steps)

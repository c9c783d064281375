"""What may a pause say that was overtaken by others?"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.control import Channel
from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.pausing import PauseFailedError, Pausing
from scalar_tx.cluster.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.control import Data


class Supervisor:
    async def answer(self, what: str, data: Data) -> Data:
        raise LookupError(what)

    def heard(self, what: str, data: Data) -> None:
        raise LookupError(what)


class Worker:
    """A worker's gate, behind a channel. ``drained``: it was asked whether it is."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.drained, self.opened = asyncio.Event(), asyncio.Event()

    async def answer(self, what: str, data: Data) -> Data:
        if what == "close":
            self.gate.close()
        elif what == "open":
            self._open()
        elif what == "drain":
            self.drained.set()
            return {"drained": await self.gate.drained(data["seconds"])}
        return {"closed": self.gate.closed, "open": not self.gate.closed}

    def heard(self, what: str, data: Data) -> None:
        assert (what, data) == ("open", {})
        self._open()

    def _open(self) -> None:
        self.gate.open()
        self.opened.set()


def two_workers(steps: Callable[[Pausing, list[Worker]], Awaitable[None]]) -> None:
    async def run() -> None:
        workers, channels, others = [Worker(), Worker()], [], []
        for worker in workers:
            ours, theirs = socket.socketpair()
            channels.append(await Channel.over(ours, Supervisor()))
            others.append(await Channel.over(theirs, worker))
        await steps(Pausing(lambda: channels, lambda _: None), workers)
        for channel in (*channels, *others):
            channel.close()

    asyncio.run(run())


@pytest.mark.parametrize("how", ["unpaused", "a shorter pause fails"])
def test_what_began_between_two_pauses_was_not_waited_for(how: str) -> None:
    async def steps(pausing: Pausing, workers: list[Worker]) -> None:
        early, late = workers
        open_in_late = late.gate.admit()
        first = asyncio.ensure_future(pausing.pause(wait=True))
        await late.drained.wait()
        await early.drained.wait()
        if how == "unpaused":
            await pausing.unpause()
        else:
            with pytest.raises(PauseFailedError):
                await pausing.pause(wait=True, milliseconds=1)
        await early.opened.wait()
        begun_in_between = early.gate.admit()
        await pausing.pause(wait=False)
        open_in_late.release()
        with pytest.raises(PauseFailedError, match="unpaused meanwhile"):
            await first
        assert await pausing.paused()  # as whoever came last wanted it
        begun_in_between.release()

    two_workers(steps)


def test_two_pauses_at_once_are_one() -> None:
    async def steps(pausing: Pausing, workers: list[Worker]) -> None:
        open_one = workers[0].gate.admit()
        both = [asyncio.ensure_future(pausing.pause(wait=True)) for _ in range(2)]
        await workers[0].drained.wait()
        open_one.release()
        await asyncio.gather(*both)
        assert await pausing.paused()

    two_workers(steps)


def test_the_successor_of_the_worker_that_asked_hears_of_no_pause() -> None:
    async def steps(pausing: Pausing, workers: list[Worker]) -> None:
        slot = WorkerProcess(
            3,
            descriptors=[],
            pausing=pausing,
            first_words=lambda _: {},
            changed=lambda: None,
            ended=lambda _: None,
            failed=lambda _: None,
            first_user=lambda _, __: None,
        )
        (first, died), (second, lives) = socket.socketpair(), socket.socketpair()
        slot.channel = asked_by = await Channel.over(first, Supervisor())
        open_one = workers[0].gate.admit()
        asks = {"wait": True, "milliseconds": 50_000, "call": "1"}
        answer = asyncio.ensure_future(slot.answer("pause", asks))
        await workers[0].drained.wait()
        died.close()
        assert await asked_by.until_closed(5)
        slot.channel = await Channel.over(second, Supervisor())
        open_one.release()
        assert await answer == {"failed": "whoever asked for it has gone."}
        assert not await pausing.paused()
        asked_by.close()
        slot.channel.close()
        lives.close()

    two_workers(steps)

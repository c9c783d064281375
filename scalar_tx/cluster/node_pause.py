"""How does a service of a worker pause the whole node? It asks the supervisor.

Only operators' calls do so: no transaction waits for its answer.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from scalar_tx.cluster.control import ChannelClosedError
from scalar_tx.cluster.pausing import AGREE_SECONDS, DEFAULT_MILLISECONDS, PauseFailedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.control import Channel, Data
    from scalar_tx.cluster.pausing import Pausing

    There = Callable[[], Awaitable[bool]]


class NodePause:
    """The pause of the node that a worker belongs to."""

    def __init__(self, supervisor: Channel) -> None:
        self._supervisor = supervisor

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """As ``Pausing.pause``. PauseFailedError."""
        seconds = (milliseconds or DEFAULT_MILLISECONDS) / 1000
        call = uuid.uuid4().hex
        data = {"wait": wait, "milliseconds": milliseconds, "call": call}
        try:
            await self._ask("pause", seconds, data)
        except asyncio.CancelledError:  # whoever asked has gone, and will unpause nothing
            self._supervisor.tell("pause given up", {"call": call})
            raise

    async def unpause(self) -> None:
        """As ``Pausing.unpause``. PauseFailedError."""
        await self._ask("unpause")

    async def paused(self) -> bool:
        """Is everything new refused, by every worker?"""
        return bool((await self._ask("paused"))["paused"])

    async def _ask(self, what: str, seconds: float = 0, data: Data | None = None) -> Data:
        try:
            answer = await self._supervisor.ask(what, data, seconds=seconds + 4 * AGREE_SECONDS)
        except (ChannelClosedError, TimeoutError) as error:
            raise PauseFailedError("the supervisor of this node does not answer.") from error
        if "failed" in answer:
            raise PauseFailedError(answer["failed"])
        return answer


class AskedPauses:
    """What the supervisor answers to one worker.

    A pause that is waited for ends where nobody hears of it any more: then all goes on.
    """

    def __init__(self, pausing: Pausing) -> None:
        self._pausing = pausing
        self._waiting: dict[str, asyncio.Task[Data]] = {}

    async def answer(self, what: str, data: Data, there: There) -> Data:
        """Answer; ``there``: is who asked? LookupError: it asked for something else."""
        if what != "pause":
            return await self._answer(what, data, there)
        call = str(data["call"])
        self._waiting[call] = asyncio.ensure_future(self._answer(what, data, there))
        try:
            return await self._waiting[call]
        finally:
            del self._waiting[call]

    def give_up(self, call: str) -> None:
        """Whoever asked for that pause has gone."""
        if call in self._waiting:
            self._waiting[call].cancel()

    async def _answer(self, what: str, data: Data, there: There) -> Data:
        try:
            match what:
                case "pause":
                    await self._pausing.pause(
                        wait=data["wait"], milliseconds=data["milliseconds"], there=there
                    )
                case "unpause":
                    await self._pausing.unpause()
                case "paused":
                    return {"paused": await self._pausing.paused()}
                case _:
                    raise LookupError(what)
        except PauseFailedError as error:
            return {"failed": str(error)}
        return {}

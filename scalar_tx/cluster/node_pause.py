"""How does a service of a worker pause the whole node? It asks the supervisor.

Only operators' calls do so: no transaction waits for its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.control import ChannelClosedError
from scalar_tx.cluster.pausing import AGREE_SECONDS, DEFAULT_MILLISECONDS, PauseFailedError

if TYPE_CHECKING:
    from scalar_tx.cluster.control import Channel, Data
    from scalar_tx.cluster.pausing import Pausing


class NodePause:
    """The pause of the node that a worker belongs to."""

    def __init__(self, supervisor: Channel) -> None:
        self._supervisor = supervisor

    async def pause(self, wait: bool, milliseconds: int | None) -> None:  # noqa: FBT001
        """As ``Pausing.pause``. PauseFailedError."""
        seconds = (milliseconds or DEFAULT_MILLISECONDS) / 1000
        await self._ask("pause", seconds, {"wait": wait, "milliseconds": milliseconds})

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


async def answer_pause(pausing: Pausing, what: str, data: Data) -> Data:
    """What the supervisor answers. LookupError: it was asked for something else."""
    try:
        match what:
            case "pause":
                await pausing.pause(wait=data["wait"], milliseconds=data["milliseconds"])
            case "unpause":
                await pausing.unpause()
            case "paused":
                return {"paused": await pausing.paused()}
            case _:
                raise LookupError(what)
    except PauseFailedError as error:
        return {"failed": str(error)}
    return {}

"""How does the supervisor ask its workers what a page wants to know?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.control import ChannelClosedError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.cluster.control import Channel, Data

CALL: Final = "console"  # what it is called on a channel
SECONDS: Final = 30.0
SOON: Final = 2.0  # for what all workers are asked


class AnswerError(Exception):
    """A call was not done; ``data`` is what a page is told of it, ``status`` that of HTTP."""

    def __init__(self, data: Data) -> None:
        super().__init__(data["message"])
        self.data = data
        self.status: int = data["status"]


def refusal(status: int, message: str, advice: str = "") -> AnswerError:
    """An error that no worker was asked about."""
    return AnswerError({"status": status, "code": "", "message": message, "advice": advice})


class Workers:
    """The workers of a node. ``channels``: of those that serve, by slot."""

    def __init__(self, channels: Callable[[], Mapping[int, Channel]]) -> None:
        self._channels = channels

    async def ask_one(
        self, call: str, token: str | None, peer: str, ask: Data | None = None
    ) -> Data:
        """What any worker says. AnswerError."""
        for channel in self._channels().values():
            try:
                answer = await channel.ask(
                    CALL, _question(call, token, peer, ask or {}), seconds=SECONDS
                )
            except (ChannelClosedError, RefusedError):
                continue  # it has just ended; another one answers the same
            except TimeoutError:
                raise refusal(503, "a worker did not answer in time", "Try again") from None
            return _found(answer)
        raise refusal(503, "no worker serves at this moment", "Wait: they are started again")

    async def ask_all(self, call: str, token: str | None, peer: str) -> dict[int, Data]:
        """What each worker says, by slot; who says nothing in time is left out. AnswerError."""
        channels = self._channels()
        question = _question(call, token, peer, {})
        asked = (channel.ask(CALL, question, seconds=SOON) for channel in channels.values())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found = {}
        for slot, answer in zip(channels, answers, strict=True):
            if isinstance(answer, dict):
                found[slot] = _found(answer)
            elif not isinstance(answer, ChannelClosedError | RefusedError | TimeoutError):
                raise answer
        return found


def _question(call: str, token: str | None, peer: str, ask: Data) -> Data:
    return {"call": call, "token": token, "peer": peer, "ask": ask}


def _found(answer: Data) -> Data:
    if "error" in answer:
        raise AnswerError(answer["error"])
    found: Data = answer["found"]
    return found

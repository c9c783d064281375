"""How does the process that has begun a transaction reach the other parts?

Its own part it calls, to the others it writes, again and again until they answer or its patience is
over. Nobody tells it whether an order or its reply was lost.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.parts.messages import Receive
from tests.simulation.parts.scheduler import ask
from tests.simulation.two_phase.participant import carried_out
from tests.simulation.two_phase.words import Join, Order, PartGoneError, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
    from tests.simulation.parts.messages import Post
    from tests.simulation.parts.processes import Process
    from tests.simulation.two_phase.ends import Ends
    from tests.simulation.two_phase.words import What

OWN: Final = 0  # the number of the part of the process that has begun
ASKED: Final = 3  # times, within the patience


class Orders:
    """Gives orders to the parts of one transaction. ``patience`` is in seconds, for each order."""

    def __init__(
        self,
        steps: TwoPhaseSteps,
        process: Process,
        post: Post,
        others: Sequence[str],
        *,
        patience: float,
        ends: Ends,
    ) -> None:
        self.steps = steps
        self.parts = range(1 + len(others))
        self.process = process
        self._post = post
        self._others = others
        self._patience = patience
        self._ends = ends
        self._address = f"{process.name} for {steps.id}"
        self._mailbox = post.open(self._address, process)
        self._lives = [""] * len(others)
        self._numbers = itertools.count(1)

    async def join(self) -> None:
        """Have the others join; PartGoneError."""
        steps = self.steps
        replies = await self.give(Join(steps.isolation, steps.read_only), self.parts[1:])
        for part, reply in replies.items():
            if reply is None or reply.error is not None:
                raise PartGoneError(f"{self._others[part - 1]} did not join")
            self._lives[part - 1] = reply.life

    async def at(self, part: int, what: What) -> Any:
        """Have one part do something and return what it says; raises what it raises."""
        reply = (await self.give(what, [part]))[part]
        if reply is None:
            raise PartGoneError(f"{self._others[part - 1]} did not answer")
        if reply.error is not None:
            raise reply.error
        return reply.value

    async def give(
        self, what: What, parts: Iterable[int], *, own_last: bool = False
    ) -> dict[int, Reply | None]:
        """Give an order to some parts, all at once; None for those that did not answer."""
        replies: dict[int, Reply | None] = dict.fromkeys(parts)
        written = {}
        for part in replies:
            if part != OWN:
                number = next(self._numbers)
                written[number] = part, Order(self.steps.id, number, self._lives[part - 1], what)
        own = OWN in replies
        if own and not own_last:
            # On their way already, while the own part does the same.
            self._send(written)
            replies[OWN] = await self._own(what)
        replies.update(await self._answers(written, is_sent=own and not own_last))
        if own and own_last:
            replies[OWN] = await self._own(what)
        return replies

    async def _own(self, what: What) -> Reply:
        return await carried_out(self.steps, 0, what, self.process.name, self._ends)

    def _send(self, written: Mapping[int, tuple[int, Order]]) -> None:
        for part, order in written.values():
            self._post.send(self._address, self._others[part - 1], order)

    async def _answers(
        self, written: dict[int, tuple[int, Order]], *, is_sent: bool
    ) -> dict[int, Reply]:
        scheduler = self._post.scheduler
        replies: dict[int, Reply] = {}
        end = scheduler.now + self._patience
        while written and scheduler.now < end:
            if not is_sent:
                self._send(written)
            is_sent = False
            again = min(end, scheduler.now + self._patience / ASKED)
            while written and (left := again - scheduler.now) > 0:
                letter = await ask(Receive(self._mailbox, left))
                if letter is None:
                    break
                if letter.content.number in written:
                    part, _ = written.pop(letter.content.number)
                    replies[part] = letter.content
        return replies

"""How is a register read and written, over nodes of which a minority may be gone?

As Attiya, Bar-Noy and Dolev have shown ("Sharing memory robustly in message-passing systems",
1995), with several writers as Lynch and Shvartsman have. Both kinds of operations ask a majority
for the newest value and then have a majority keep one. Any two majorities have a node in common, so
that what one of them has kept cannot be missed by the next.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from tests.simulation.parts.messages import Receive
from tests.simulation.parts.scheduler import ask
from tests.simulation.register.words import Found, Held, Keep, Kept, Look, Round, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.parts.messages import Mailbox, Post

ASKED: Final = 2  # times in a round: all nodes, then those who have not answered


class NotDoneError(Exception):
    """Too few answered in time, and nothing was given to anybody: it certainly did not happen."""


class UnknownError(Exception):
    """Too few answered in time that they have kept it: it may have happened, or happen later."""


class Client:
    """Reads and writes registers, one after the other. ``patience`` is in seconds, for each round.

    ``number`` belongs to this client alone, among all that ever were: a client that comes back
    after a crash does not know its own last tag.
    """

    def __init__(
        self,
        address: str,
        number: int,
        post: Post,
        mailbox: Mailbox,
        *,
        nodes: Sequence[str],
        patience: float,
    ) -> None:
        self.number = number
        self.last_counter = 0
        self._address = address
        self._post = post
        self._mailbox = mailbox
        self._nodes = nodes
        self._patience = patience
        self._rounds = itertools.count(1)

    async def read(self, register: int) -> int | None:
        """The register's value. NotDoneError or UnknownError: it was not learned."""
        newest = await self.look(register)
        # A minority may be all that has it: without this the next read might miss it.
        await self.keep(register, newest)
        return newest.value

    async def write(self, register: int, value: int) -> None:
        """Put a value into the register, whatever is there."""
        newest = await self.look(register)
        await self.keep(register, Held(self.next_tag(newest.tag), value))

    def next_tag(self, newest: Tag) -> Tag:
        """A tag newer than what was found, and than what this client gave away before.

        A write of its own may have failed and reached nobody of the majority that was just asked;
        its tag is used all the same.
        """
        self.last_counter = max(self.last_counter, newest.counter) + 1
        return Tag(self.last_counter, self.number)

    async def look(self, register: int) -> Held:
        """The newest that a majority knows; NotDoneError."""
        answers = await self._ask(lambda round_: Look(round_, register))
        found = [answer.held for answer in answers if isinstance(answer, Found)]
        if not found:
            raise NotDoneError
        return max(found, key=lambda held: held.tag)

    async def keep(self, register: int, held: Held) -> None:
        """Have a majority keep something; UnknownError."""
        if not await self._ask(lambda round_: Keep(round_, register, held)):
            raise UnknownError

    def enough(self) -> int:
        """How many must answer: more than half, whoever else is gone."""
        return len(self._nodes) // 2 + 1

    async def _ask(self, question: Callable[[Round], object]) -> list[object]:
        """Ask all nodes until enough have answered; nothing: too few did."""
        round_ = Round(self.number, next(self._rounds))
        content = question(round_)
        scheduler = self._post.scheduler
        answers: dict[str, object] = {}
        end = scheduler.now + self._patience
        while scheduler.now < end:
            for node in self._nodes:
                if node not in answers:
                    self._post.send(self._address, node, content)
            again = min(end, scheduler.now + self._patience / ASKED)
            while (left := again - scheduler.now) > 0:
                letter = await ask(Receive(self._mailbox, left))
                if letter is None:
                    break
                if self.is_answer(letter.content, round_):
                    answers[letter.source] = letter.content
                    if len(answers) >= self.enough():
                        return list(answers.values())
        return []

    @staticmethod
    def is_answer(content: object, round_: Round) -> bool:
        """Does it answer this round's question?"""
        return isinstance(content, Found | Kept) and content.round == round_

"""What does a node do with a question?

It keeps the newest value of every register and says that it has kept one only after a sync. It
knows nothing of the other nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.parts.messages import Receive
from tests.simulation.parts.scheduler import TURN, ask
from tests.simulation.register.records import Records
from tests.simulation.register.words import Found, Keep, Kept, Look

if TYPE_CHECKING:
    from tests.simulation.parts.disk import Disk
    from tests.simulation.parts.messages import Letter, Post
    from tests.simulation.parts.processes import Process


class Node:
    """One life of a node, from what its disk holds to its end. A sync that fails ends it.

    After a failed sync nobody knows what the disk holds, and a later one that succeeds says nothing
    about it: only reading it anew, after the power was gone, does.
    """

    def __init__(self, address: str, process: Process, post: Post, disk: Disk) -> None:
        self.address = address
        self._process = process
        self._post = post
        self._disk = disk

    async def live(self) -> None:
        """Read what was kept, then answer for ever."""
        self.records = Records(self._disk)
        await ask(TURN)
        mailbox = self._post.open(self.address, self._process)
        while True:
            await self._answer(await ask(Receive(mailbox)))

    async def _answer(self, letter: Letter) -> None:
        question = letter.content
        if isinstance(question, Look):
            self.reply(letter, Found(question.round, self.records.get(question.register)))
        elif isinstance(question, Keep):
            await self.keep(letter, question)
        else:
            raise TypeError(f"{self.address} was asked {question}: a node knows Look and Keep")

    async def keep(self, letter: Letter, question: Keep) -> None:
        """Keep what is newer; who has something newer need not."""
        records = self.records
        if question.held.tag > records.get(question.register).tag:
            records.append(question.register, question.held)
            await ask(TURN)
            records.sync()
            records.take(question.register, question.held)
            await ask(TURN)
        self.reply(letter, Kept(question.round))

    def reply(self, letter: Letter, answer: object) -> None:
        """Answer whoever asked."""
        self._post.send(self.address, letter.source, answer)

"""What does the supervisor know of one of its workers?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.child import Child
from scalar_tx.cluster.control import ChannelClosedError, RefusedError
from scalar_tx.cluster.node_pause import AskedPauses
from scalar_tx.cluster.pausing import AGREE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.cluster.control import Channel, Data
    from scalar_tx.cluster.pausing import Pausing

_log = logging.getLogger("scalar_tx.cluster.worker_process")

MODULE: Final = "scalar_tx.cluster.worker"
BEGIN_SECONDS: Final = 60.0


class WorkerProcess(Child):
    """A worker in one slot of the node.

    ``first_words`` makes what a new process is told, when it is told. ``changed`` is called
    whenever something of it has, ``ended`` with the slot when a process has ended, ``failed`` with
    what a worker says that can't begin: class, message, advice and code of an error; ``first_user``
    with the name and password of the user that was made, since there was none.
    """

    def __init__(
        self,
        slot: int,
        *,
        descriptors: Sequence[int],
        pausing: Pausing,
        first_words: Callable[[int], Data],
        changed: Callable[[], None],
        ended: Callable[[int], None],
        failed: Callable[[list[str]], None],
        first_user: Callable[[str, str], None],
    ) -> None:
        super().__init__(f"worker {slot}", MODULE, descriptors)
        self.slot = slot
        self.serving = False
        self.storage_seen = False  # by any process in this slot
        self.trouble: str | None = None  # None: it has not looked yet
        self._pauses = AskedPauses(pausing)
        self._first_words = first_words
        self._changed = changed
        self._ended = ended
        self._failed = failed
        self._first_user = first_user

    @property
    def ready(self) -> bool:
        """Does it serve, and was what it needs in the storage seen once?"""
        return self.serving and self.storage_seen

    @property
    def has_looked(self) -> bool:
        """Has it said what it has seen of the storage, whatever that is?"""
        return self.serving and self.trouble is not None

    async def answer(self, what: str, data: Data) -> Data:
        """A service of the worker pauses the node."""
        asked_by = self.channel  # of this process: its successor in the slot will hear of nothing

        async def there() -> bool:
            # Asked, not looked at: that several have died at once is not seen at once.
            try:
                if asked_by is not None:
                    await asked_by.ask("ping", seconds=AGREE_SECONDS)
            except (ChannelClosedError, RefusedError, TimeoutError):
                return False
            return asked_by is not None

        return await self._pauses.answer(what, data, there)

    async def greet(self, channel: Channel) -> None:
        """Tell it all, and wait until it serves."""
        answer = await channel.ask("start", self._first_words(self.slot), seconds=BEGIN_SECONDS)
        if "failed" in answer:
            self._failed([str(part) for part in answer["failed"]])
            self.kill()
            return
        self.serving = True
        self._changed()

    def heard(self, what: str, data: Data) -> None:
        """What it tells of itself, and of who has asked it."""
        if what == "storage":
            self.storage_seen = self.storage_seen or bool(data["seen"])
            self.trouble = str(data["trouble"])
            self._changed()
        elif what == "pause given up":
            self._pauses.give_up(str(data["call"]))
        elif what == "first user":
            self._first_user(str(data["name"]), str(data["password"]))

    def gone(self) -> None:
        """What was known of it does not hold for the next, but for what the storage has.

        A storage that is away makes no node unready: no other node would do better, and clients
        would be told less than its own errors tell them.
        """
        self.serving = False
        self.trouble = None
        self._ended(self.slot)

    def health(self) -> Data:
        """How it is."""
        return {**super().health(), "serving": self.serving, "storage_seen": self.storage_seen}

"""How many transactions are open in all workers of a node together, without asking anybody?

One piece of memory is mapped by all of them. Each worker writes the counts in its own slot and
reads those of the others, so that no lock is needed and a worker that was killed leaves nothing
locked: its slot is cleared before another one takes it.

Users are counted in cells by a keyed hash of their name. Two users who share a cell share a limit;
with so many cells that is rare, and who it is can't be chosen from outside.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from typing import Final, Self

CELLS: Final = 1 << 16
_WORDS: Final = 1 + CELLS  # of a slot: the count of all, then the cells
_WIDTH: Final = 4


class SharedCounts:
    """The counts of all slots. The supervisor makes it, each worker opens it by its number."""

    def __init__(self, descriptor: int, slots: int, key: bytes) -> None:
        self.descriptor = descriptor
        self.slots = slots
        self.key = key
        self._memory = mmap.mmap(descriptor, slots * _WORDS * _WIDTH)
        self._words = memoryview(self._memory).cast("I")

    @classmethod
    def made(cls, slots: int) -> Self:
        """New counts, all zero; ``descriptor`` can be handed to a process that is started."""
        descriptor = os.memfd_create("scalar_tx counts", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, slots * _WORDS * _WIDTH)
        return cls(descriptor, slots, os.urandom(16))

    def add(self, slot: int, user: str, by: int) -> None:
        """Count in one's own slot."""
        self._words[slot * _WORDS] += by
        self._words[slot * _WORDS + self._cell(user)] += by

    def in_all(self) -> int:
        """How many are open in the node."""
        return self._sum(0)

    def of_user(self, user: str) -> int:
        """How many a user has open in the node."""
        return self._sum(self._cell(user))

    def clear(self, slot: int) -> None:
        """Forget what a worker counted that is gone."""
        begin = slot * _WORDS * _WIDTH
        self._memory[begin : begin + _WORDS * _WIDTH] = bytes(_WORDS * _WIDTH)

    def close(self) -> None:
        """Let go of the memory."""
        self._words.release()
        self._memory.close()
        os.close(self.descriptor)

    def _sum(self, cell: int) -> int:
        return sum(self._words[slot * _WORDS + cell] for slot in range(self.slots))

    def _cell(self, user: str) -> int:
        digest = hashlib.blake2b(user.encode(), digest_size=4, key=self.key).digest()
        return 1 + int.from_bytes(digest, "big") % CELLS

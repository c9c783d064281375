"""Where does one process of a node find what another one has written, without asking anybody?

In a file that each of them maps, under a lock that the system takes back from a process that dies.
A new file holds zeros, and so does the memory of a process that shares with nobody.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import time
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LOOK_AGAIN: Final = 0.001  # seconds between two tries of the lock


class SharedMemory:
    """Memory of all processes that open the same file; without one, of this process alone.

    ``patience``: how many seconds the lock is waited for. Call ``close`` at the end.
    """

    def __init__(self, size: int, path: str | os.PathLike[str] | None, *, patience: float) -> None:
        self._file = None if path is None else opened(path)
        self._patience = patience
        if self._file is None:
            self._mapped = mmap.mmap(-1, size)
        else:
            os.ftruncate(self._file, size)  # the same for all, and what is there stays
            self._mapped = mmap.mmap(self._file, size)
        self.bytes: Final = memoryview(self._mapped)
        self.integers: Final = self.bytes.cast("Q")
        self.numbers: Final = self.bytes.cast("d")

    async def alone(self, work: Callable[[], T]) -> T:
        """Do something while no other process does.

        TimeoutError: somebody holds the lock for too long, and was stopped in the middle of it.
        """
        if self._file is None:
            return work()
        await self._take(self._file)
        try:
            return work()
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    async def _take(self, file: int) -> None:
        # Looked at again and again: a wait for flock itself would have no bound, and hold up all
        # that this process does.
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError from None
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    def close(self) -> None:
        """Let go of memory and file."""
        for view in (self.numbers, self.integers, self.bytes):
            view.release()
        self._mapped.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None


def opened(path: str | os.PathLike[str]) -> int:
    """A file that all processes of a node open. SettingsError, STX-5206: it can't be made."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(
            f"{os.fspath(path)}, a file by which the processes of a node agree, can't be opened: "
            f"{error.strerror}",
            advice="Name a file in a folder that the node may write",
            code="STX-5206",
        ) from error

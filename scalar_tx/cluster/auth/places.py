"""How many may do something at once, of all processes of a node together?

Each place is a byte of a file that they all open, and whoever takes it locks it. What a process
held that dies, is free.
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Final

_LOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, process


class Places:
    """So many places. ``file``: the one that others open too; None: there are no others.

    ``first``: which byte of it is the first place; other bytes are others' places.
    """

    def __init__(self, number: int, file: int | None = None, *, first: int = 0) -> None:
        self.number: Final = number
        self._first = first
        self._file = file
        self._held: set[int] = set()

    @property
    def held(self) -> int:
        """How many this process has."""
        return len(self._held)

    def take(self) -> int | None:
        """One that is free, to be left again; None: there is none."""
        for place in range(self.number):
            # What one holds already, one could lock once more.
            if place not in self._held and self._locked(place):
                self._held.add(place)
                return place
        return None

    def leave(self, place: int) -> None:
        """Let others have it."""
        self._held.discard(place)
        if self._file is not None:
            self._set(self._file, fcntl.F_UNLCK, place)

    def _locked(self, place: int) -> bool:
        if self._file is None:
            return True
        try:
            self._set(self._file, fcntl.F_WRLCK, place)
        except (BlockingIOError, PermissionError):  # systems say the one or the other
            return False
        return True

    def _set(self, file: int, kind: int, place: int) -> None:
        # Locks of the open file, not of the process: those are lost where any file of the same
        # name is closed.
        lock = struct.pack(_LOCK, kind, os.SEEK_SET, self._first + place, 1, 0)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)

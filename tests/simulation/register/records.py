"""What does a node write on its disk, and what does it believe when it comes back?

A file that only grows: one record of fixed size for each value that was kept, with a checksum. A
record is synced before the next one is written, so that only the last may be torn; it was never
acknowledged and is cut off.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from tests.simulation.register.words import NOTHING, Held, Tag

if TYPE_CHECKING:
    from tests.simulation.parts.disk import Disk

NAME: Final = "records"
_BODY: Final = struct.Struct(">BIII")  # register, counter, client, value
_CHECKSUM: Final = struct.Struct(">I")
SIZE: Final = _CHECKSUM.size + _BODY.size


class Records:
    """The file, and the newest of every register in it."""

    def __init__(self, disk: Disk) -> None:
        self._file = disk.open(NAME, create=True)
        # Without this a power failure could take the file with everything acknowledged in it.
        disk.sync_directory()
        self.newest: dict[int, Held] = {}
        whole = 0
        while (record := self._record(whole)) is not None:
            self.take(*record)
            whole += SIZE
        self.cut_off(whole)

    def cut_off(self, whole: int) -> None:
        """Remove what is torn: nothing that is written behind it would be found again."""
        if self._file.size > whole:
            self._file.truncate(whole)
            self._file.sync()

    def get(self, register: int) -> Held:
        """The newest of a register."""
        return self.newest.get(register, NOTHING)

    def take(self, register: int, held: Held) -> None:
        """Answer with this from now on, if it is newer."""
        if held.tag > self.get(register).tag:
            self.newest[register] = held

    def append(self, register: int, held: Held) -> None:
        """Write; it may be gone after a power failure until it is synced."""
        assert held.value is not None, "nothing is not newer than anything"
        body = _BODY.pack(register, *held.tag, held.value)
        self._file.append(_CHECKSUM.pack(zlib.crc32(body)) + body)

    def sync(self) -> None:
        """Make everything written last."""
        self._file.sync()

    def _record(self, at: int) -> tuple[int, Held] | None:
        data = self._file.read(at, SIZE)
        if len(data) < SIZE or not self.is_whole(data):
            return None
        register, counter, client, value = _BODY.unpack(data[_CHECKSUM.size :])
        return register, Held(Tag(counter, client), value)

    @staticmethod
    def is_whole(data: bytes) -> bool:
        """Is this what was written?"""
        return data[: _CHECKSUM.size] == _CHECKSUM.pack(zlib.crc32(data[_CHECKSUM.size :]))

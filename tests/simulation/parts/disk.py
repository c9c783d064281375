"""What does a disk keep of what was written to it, when the power fails?

What was synced is there. Of every write, truncation and change of the directory that was not, the
disk may have kept all, a part or nothing, in whatever order it liked: a later write may be there
and an earlier one not. A write is torn between sectors or, worse, between bytes; a file that grew
may have its new length and none of its data, and what then stands in the gap is zeros or whatever
the disk held there before.

A new name, a removed one and a changed one last once the *directory* is synced; syncing the file
does not do it. A sync that fails has dropped what it could not write: programs go on reading it, a
later sync succeeds, and the power failure shows that it was never kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Protocol

SECTOR: Final = 512  # bytes


class Chance(Protocol):
    """Where chance comes from; ``random.Random`` is one."""

    def random(self) -> float:
        """At least 0 and below 1."""
        ...


class DiskFullError(OSError):
    """There was no room; a part of the write may be there."""


class SyncFailedError(OSError):
    """What was to be synced is dropped, or a part of it."""


class StaleFileError(ValueError):
    """The file was opened before the last power failure."""


@dataclass(frozen=True, slots=True)
class _Written:
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Truncated:
    size: int


@dataclass(slots=True)
class _Content:
    """A file's bytes: as programs see them, as they would be without power, and what lies between.

    ``kept`` may hold less than ``seen`` without ``changes`` saying why: a sync has failed.
    """

    seen: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    changes: list[_Written | _Truncated] = field(default_factory=list)


class Disk:
    """Files in one directory, by name. ``dice`` decides what a power failure takes.

    ``full``: no file can grow. ``failing_sync``: every sync fails. ``counts`` says what was lost.
    """

    def __init__(self, dice: Chance, *, sector: int = SECTOR) -> None:
        self.full = False
        self.failing_sync = False
        self.counts: Counter[str] = Counter()
        self._dice = dice
        self._sector = sector
        self._crashes = 0
        self._seen: dict[str, _Content] = {}
        self._kept: dict[str, _Content] = {}
        # Each is one step: all its names change, or none of them does.
        self._changes: list[dict[str, _Content | None]] = []

    # The directory.

    def names(self) -> list[str]:
        """What is there."""
        return sorted(self._seen)

    def open(self, name: str, *, create: bool = False) -> File:
        """A file; FileNotFoundError if it is not there and not to be made."""
        if name not in self._seen:
            if not create:
                raise FileNotFoundError(name)
            self._change({name: _Content()})
        return File(self, self._seen[name])

    def delete(self, name: str) -> None:
        """Remove a name; who has the file open keeps it."""
        if name not in self._seen:
            raise FileNotFoundError(name)
        self._change({name: None})

    def rename(self, old: str, new: str) -> None:
        """Move a file, in place of what has the new name."""
        if old not in self._seen:
            raise FileNotFoundError(old)
        if old != new:
            self._change({old: None, new: self._seen[old]})

    def sync_directory(self) -> None:
        """Make all names last."""
        if self.failing_sync:
            self.counts["failed syncs"] += 1
            self._kept = self._names_left(self._dice, self.counts)
            self._changes.clear()
            raise SyncFailedError("the directory could not be synced")
        self._kept = dict(self._seen)
        self._changes.clear()

    def _change(self, names: dict[str, _Content | None]) -> None:
        self._changes.append(names)
        _rename(self._seen, names)

    # Power.

    def crash(self) -> None:
        """The power fails and comes back: what is left is what there is, and it lasts."""
        left = self.remains(self._dice, self.counts)
        self._crashes += 1
        self._seen = {
            name: _Content(bytearray(data), bytearray(data)) for name, data in left.items()
        }
        self._kept = dict(self._seen)
        self._changes.clear()

    def remains(self, dice: Chance, counts: Counter[str] | None = None) -> dict[str, bytes]:
        """What a power failure at this moment could leave; the disk itself goes on as it was."""
        counts = Counter() if counts is None else counts
        # Often a little is lost and sometimes all: how much is drawn for each failure anew.
        lost = min(1.0, 1.15 * dice.random())
        left: dict[str, bytes] = {}
        for name, content in self._names_left(dice, counts).items():
            data = bytearray(content.kept)
            self._survive(data, content.changes, lost, dice, counts)
            left[name] = bytes(data)
        return left

    def _names_left(self, dice: Chance, counts: Counter[str]) -> dict[str, _Content]:
        names = dict(self._kept)
        for change in self._changes:
            if dice.random() < 0.5:
                _rename(names, change)
            else:
                counts["changes of the directory undone"] += 1
                if any(target is None for target in change.values()):
                    counts["deletes undone"] += 1
        return names

    def _survive(
        self,
        data: bytearray,
        changes: list[_Written | _Truncated],
        lost: float,
        dice: Chance,
        counts: Counter[str],
    ) -> None:
        """Apply what survives of changes."""
        for change in changes:
            if dice.random() < lost:
                counts["truncations lost" if isinstance(change, _Truncated) else "writes lost"] += 1
            elif isinstance(change, _Truncated):
                _resize(data, change.size)
            elif dice.random() < 0.4:
                counts["writes torn"] += 1
                self._tear(data, change, dice)
            else:
                _put(data, change.offset, change.data)

    def _tear(self, data: bytearray, write: _Written, dice: Chance) -> None:
        end = write.offset + len(write.data)
        if len(data) < end and dice.random() < 0.5:
            # The new length has reached the disk, and something else than the data stands there.
            data += bytes([int(dice.random() * 256)]) * (end - len(data))
            if dice.random() < 0.3:
                return
        if dice.random() < 0.5:
            cut = int(dice.random() * len(write.data))
            first, last = (0, cut) if dice.random() < 0.5 else (cut, len(write.data))
            _put(data, write.offset + first, write.data[first:last])
            return
        at = write.offset
        while at < end:
            after = min(end, (at // self._sector + 1) * self._sector)
            if dice.random() < 0.5:
                _put(data, at, write.data[at - write.offset : after - write.offset])
            at = after

    def _sync(self, content: _Content) -> None:
        if self.failing_sync:
            self.counts["failed syncs"] += 1
            self._survive(content.kept, content.changes, 0.7, self._dice, self.counts)
            content.changes.clear()
            raise SyncFailedError("the file could not be synced")
        for change in content.changes:
            if isinstance(change, _Truncated):
                _resize(content.kept, change.size)
            else:
                _put(content.kept, change.offset, change.data)
        content.changes.clear()


class File:
    """An open file. Offsets and sizes are in bytes."""

    def __init__(self, disk: Disk, content: _Content) -> None:
        self._disk = disk
        self._content = content
        self._opened_after = disk._crashes

    @property
    def size(self) -> int:
        """The length as programs see it."""
        return len(self._here().seen)

    def read(self, offset: int, size: int) -> bytes:
        """What programs see, synced or not; less than asked for at the end."""
        return bytes(self._here().seen[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        """Write, past the end too; DiskFullError may leave a part of it."""
        content = self._here()
        end = offset + len(data)
        if self._disk.full and end > len(content.seen):
            self._disk.counts["writes without room"] += 1
            room = max(0, len(content.seen) - offset)
            self._put(content, offset, data[:room])
            raise DiskFullError("there is no room on the disk")
        self._put(content, offset, data)

    def append(self, data: bytes) -> None:
        """Write at the end."""
        self.write(self.size, data)

    def truncate(self, size: int) -> None:
        """Set the length; zeros fill what it gains."""
        content = self._here()
        _resize(content.seen, size)
        content.changes.append(_Truncated(size))

    def sync(self) -> None:
        """Make the file's bytes and length last, not its name. SyncFailedError drops them."""
        self._disk._sync(self._here())

    def _here(self) -> _Content:
        if self._opened_after != self._disk._crashes:
            raise StaleFileError("the power has failed since this file was opened; open it again")
        return self._content

    @staticmethod
    def _put(content: _Content, offset: int, data: bytes) -> None:
        if data:
            _put(content.seen, offset, data)
            content.changes.append(_Written(offset, bytes(data)))


def _put(target: bytearray, offset: int, data: bytes) -> None:
    if not data:
        return
    if len(target) < offset:
        target += bytes(offset - len(target))
    target[offset : offset + len(data)] = data


def _resize(target: bytearray, size: int) -> None:
    if size < len(target):
        del target[size:]
    else:
        target += bytes(size - len(target))


def _rename(names: dict[str, _Content], change: dict[str, _Content | None]) -> None:
    for name, content in change.items():
        if content is None:
            names.pop(name, None)
        else:
            names[name] = content

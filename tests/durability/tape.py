"""What did SQLite do to its files, step by step, and what was a caller told meanwhile?

Played onto a simulated disk, a tape says what a power failure behind any of its steps could leave.
The file with the shared index of a WAL is not on it: SQLite takes it for memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from tests.simulation.parts.disk import Disk, File, SyncFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.parts.disk import Chance


@dataclass(frozen=True, slots=True)
class Opened:
    file: int
    name: str


@dataclass(frozen=True, slots=True)
class Written:
    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """``directory``: the first sync of a new journal or WAL makes its name last too."""

    file: int
    directory: bool
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    name: str
    directory: bool


Step: TypeAlias = Opened | Written | Truncated | Synced | Deleted


class Told(Enum):
    """What is known about one piece of work."""

    BEGUN = "its commit was called for"
    DONE = "committed"
    FAILED = "not committed"
    UNKNOWN = "nobody can tell yet"


@dataclass(slots=True)
class Tape:
    """Steps, and what was told before the step of that number."""

    steps: list[Step] = field(default_factory=list)
    told: list[tuple[int, int, Told]] = field(default_factory=list)  # step, number of the work

    def tell(self, number: int, what: Told) -> None:
        self.told.append((len(self.steps), number, what))

    def known_at(self, position: int) -> dict[int, Told]:
        """The last that was told about each piece of work before the step of that number."""
        return {number: what for step, number, what in self.told if step <= position}

    def play(self, dice: Chance) -> Iterator[tuple[int, Disk]]:
        """The disk before the first step and behind each, with the number of steps played."""
        disk = Disk(dice)
        files: dict[int, File] = {}
        yield 0, disk
        for number, step in enumerate(self.steps, start=1):
            _play(disk, files, step)
            yield number, disk


def _play(disk: Disk, files: dict[int, File], step: Step) -> None:
    match step:
        case Opened(file, name):
            files[file] = disk.open(name, create=True)
        case Written(file, offset, data):
            files[file].write(offset, data)
        case Truncated(file, size):
            files[file].truncate(size)
        case Synced(file, directory, failed):
            _sync(disk, files[file], directory=directory, failed=failed)
        case Deleted(name, directory):
            disk.delete(name)
            if directory:
                disk.sync_directory()


def _sync(disk: Disk, file: File, *, directory: bool, failed: bool) -> None:
    disk.failing_sync = failed
    try:
        file.sync()
        if directory:
            disk.sync_directory()
    except SyncFailedError:
        assert failed
    finally:
        disk.failing_sync = False

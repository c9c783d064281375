"""What stands between SQLite and its files: it keeps a tape, and lets operations fail.

Files are real, so that SQLite reads what it wrote; a sync is noted and not done. The directory is
synced when SQLite asks for it on a delete, and by the first sync of a journal or WAL, as SQLite's
own layer for Unix does without asking.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from tests.durability.driver import DriverConnection
from tests.durability.tape import Deleted, Opened, Synced, Tape, Truncated, Written

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "scalar_tx durability"
_BASE: Final = "unix"
_JOURNALS: Final = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
_KEPT: Final = apsw.SQLITE_OPEN_MAIN_DB | _JOURNALS

# operation -> the faults it may meet: a name and SQLite's result code
FAULTS: Final[dict[str, dict[str, int]]] = {
    "open": {"can't open": apsw.SQLITE_CANTOPEN},
    # SQLite's layer for Unix goes on after a short read: above it, it is whole or an error.
    "read": {"read error": apsw.SQLITE_IOERR_READ},
    "write": {
        "disk full": apsw.SQLITE_FULL,
        "write error": apsw.SQLITE_IOERR_WRITE,
        "short write": apsw.SQLITE_IOERR_WRITE,
    },
    "sync": {"sync error": apsw.SQLITE_IOERR_FSYNC},
    "truncate": {"truncate error": apsw.SQLITE_IOERR_TRUNCATE},
    "delete": {"delete error": apsw.SQLITE_IOERR_DELETE},
}


@dataclass(slots=True)
class Fault:
    """One kind of fault, from one operation of its kind on, for a number of operations."""

    name: str
    first: int  # counted from 0 among the operations it may strike
    times: int  # how many of them fail
    seen: int = 0
    hits: int = 0

    def strikes(self, operation: str) -> int:
        """The result code if this operation fails, or 0."""
        code = FAULTS[operation].get(self.name, 0)
        if not code:
            return 0
        number, self.seen = self.seen, self.seen + 1
        if not self.first <= number < self.first + self.times:
            return 0
        self.hits += 1
        return code


NO_FAULT: Final = Fault("none", 0, 0)


class Recorder(apsw.VFS):
    """Files of one directory, on tape. ``fault`` may be changed at any time."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.fault = NO_FAULT
        self.numbers = itertools.count()
        super().__init__(NAME, _BASE)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # apsw names it
        if name is None or not flags[0] & _KEPT:
            return apsw.VFSFile(_BASE, name, flags)
        self.meet("open")
        return RecordedFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # apsw names it
        self.meet("delete")
        super().xDelete(filename, False)
        self.tape.steps.append(Deleted(Path(filename).name, syncdir))

    def meet(self, operation: str) -> None:
        """Raise if this operation fails."""
        code = self.fault.strikes(operation)
        if code:
            raise apsw.exception_for(code)


class RecordedFile(apsw.VFSFile):
    """A database, a journal or a WAL."""

    def __init__(self, recorder: Recorder, name: Any, flags: list[int]) -> None:
        self._recorder = recorder
        self._tape = recorder.tape
        self._number = next(recorder.numbers)
        self._new_journal = bool(flags[0] & _JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)
        super().__init__(_BASE, name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._tape.steps.append(Opened(self._number, Path(path).name))

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802  # apsw names it
        self._recorder.meet("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  # apsw names it
        recorder = self._recorder
        data = bytes(data)
        try:
            recorder.meet("write")
        except apsw.Error:
            if recorder.fault.name != "write error":
                self._write(data[: len(data) // 2], offset)
            raise
        self._write(data, offset)

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._tape.steps.append(Written(self._number, offset, data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  # apsw names it
        self._recorder.meet("truncate")
        super().xTruncate(newsize)
        self._tape.steps.append(Truncated(self._number, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802  # apsw names it
        try:
            self._recorder.meet("sync")
        except apsw.Error:
            self._tape.steps.append(Synced(self._number, self._new_journal, failed=True))
            raise
        self._tape.steps.append(Synced(self._number, self._new_journal))
        self._new_journal = False

    def xDeviceCharacteristics(self) -> int:  # noqa: N802  # apsw names it
        # The one promise of every disk SQLite is used on: a write spoils nothing beside it.
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


def opener(*, checkpoint_pages: int) -> Callable[..., DriverConnection]:
    """What opens connections in place of ``sqlite3.connect``, on the recorder's files.

    ``checkpoint_pages``: how long a WAL becomes, so that a short workload meets checkpoints.
    """

    def connect(
        target: str, *, timeout: float, cached_statements: int, **others: object
    ) -> DriverConnection:
        assert others == {"isolation_level": None, "check_same_thread": False, "uri": True}
        return DriverConnection(
            target, NAME, round(timeout * 1000), cached_statements, checkpoint_pages
        )

    return connect

"""How is a history of one's own program written, for a checker to judge?

Each transaction becomes two lines of JSON in the rw-register form of Jepsen and Elle: ``invoke``
when it begins, then ``ok`` if it is committed, ``fail`` if it certainly is not, ``info`` if nobody
can tell. A register is a record; its value is the id of the transaction that wrote it, so no two
writes are alike, whatever the columns hold. No record is null, and a delete writes null.

A write stands behind a read of the version that it replaced: prepare has compared that one, whether
or not the program read it. So the versions of a record form a chain, and a gap in it is a lost
update.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from scalar_tx.consensus_commit.observer import dismiss
from scalar_tx.errors import InvalidOperationError, StorageUnavailableError
from scalar_tx.model.arguments import check_flags, wrong
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType

    from scalar_tx.consensus_commit.observer import Footprint, Observer
    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.types import Value

_log = logging.getLogger("scalar_tx.histories")
_JSON: Final = json.JSONEncoder(separators=(",", ":"))
_KINDS: Final[dict[TransactionState | None, str]] = {
    TransactionState.COMMITTED: "ok",
    TransactionState.ABORTED: "fail",
}
_UNKNOWN: Final = "info"  # also of what is open when the recording ends: it may yet commit


@dataclass(slots=True)
class _Begun:
    """A transaction whose second line is to come."""

    process: int
    transaction: weakref.ref[TransactionSteps]


class Recording:
    """A history being written; a context manager, or call ``close``.

    ``record_history`` of a manager makes it. Thread-safe; several may run at once. Not in it are
    transactions that began before it, and the reads with ``weak=True`` of a SERIALIZABLE one, to
    which no level's promise applies.
    """

    def __init__(
        self, path: str | os.PathLike[str], observers: list[Observer], *, overwrite: bool = False
    ) -> None:
        check_flags(overwrite=overwrite)
        self.path = _checked_path(path)
        self.transactions = 0  # how many have both lines
        self._observers = observers
        self._file = _opened(self.path, overwrite=overwrite)
        self._process_id = os.getpid()
        self._lock = threading.Lock()
        self._began_at = time.monotonic_ns()
        self._index = 0
        # How many bytes are written, and the lines that are not. One pair, replaced at once: a
        # write that Ctrl-C cuts short is done again, at the same place.
        self._unwritten: tuple[int, list[str]] = (0, [])
        self._open: dict[int, _Begun] = {}
        self._idle: list[int] = []  # processes that may run another transaction: a heap
        self._processes = 0
        self._failure: Exception | None = None
        self._closed = False
        observers.append(self)

    # What a transaction tells: see ``Observer``.

    def began(self, transaction: TransactionSteps) -> None:
        """Write the ``invoke`` of a transaction."""
        with self._lock:
            if self._is_over():
                return
            # A transaction that nobody held on to never ended; its place in memory is in use again.
            forgotten = self._open.pop(id(transaction), None)
            if forgotten is not None:
                self._complete(forgotten, "fail", "[]", "")
            process = heapq.heappop(self._idle) if self._idle else self._new_process()
            self._open[id(transaction)] = _Begun(process, weakref.ref(transaction))
            self._line("invoke", process, "[]", "")

    def ended(self, transaction: TransactionSteps) -> None:
        """Write how a transaction ended; its line has reached the file when this returns."""
        kind = _KINDS.get(transaction.outcome, _UNKNOWN)
        try:
            value, more = _deeds(transaction)
        except Exception as error:
            self._failure = error  # a history with a gap is none: close() tells
            raise
        with self._lock:
            begun = self._open.pop(id(transaction), None)
            if begun is None or self._is_over():
                return
            self._complete(begun, kind, value, more)
            # Whoever sees the commit finds it in the file, also if this process dies next.
            self._write()

    # The file.

    def _new_process(self) -> int:
        self._processes += 1
        return self._processes - 1

    def _complete(self, begun: _Begun, kind: str, value: str, more: str) -> None:
        self._line(kind, begun.process, value, more)
        self.transactions += 1
        # What is unknown may happen at any later time: to Elle its process never comes back.
        if kind != _UNKNOWN:
            heapq.heappush(self._idle, begun.process)

    def _line(self, kind: str, process: int, value: str, more: str) -> None:
        at = time.monotonic_ns() - self._began_at
        index = self._index
        self._index += 1
        self._unwritten[1].append(
            f'{{"index":{index},"type":"{kind}","process":{process},"f":"txn",'
            f'"time":{at},"value":{value}{more}}}\n'
        )

    def _write(self) -> None:
        written, lines = self._unwritten
        left = memoryview("".join(lines).encode())
        after = written + len(left)
        try:
            self._file.seek(written)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._failure = error
            dismiss(self._observers, self)
            with suppress(OSError):  # half a line is better gone, but does no harm
                self._file.truncate(written)
            _log.error(
                "the history %s could not be written and ends here; transactions go on: %s",
                self.path,
                error,
            )
        else:
            self._unwritten = (after, [])

    def _is_over(self) -> bool:
        return self._closed or self._failure is not None

    # The end.

    def close(self) -> None:
        """End the recording; transactions still open are written as ``info``.

        StorageUnavailableError if the file could not be written, the first time. May be called
        twice.
        """
        dismiss(self._observers, self)
        with self._lock:
            if self._closed:
                return
            # A child process has a copy of the lines that its parent is going to write.
            if self._process_id == os.getpid() and self._failure is None:
                self._write_those_open()
            self._closed = True
            self._file.close()
        if self._failure is not None:
            raise StorageUnavailableError(
                f"the history {self.path} could not be written to its end: {self._failure!r}",
                advice="Make room on the disk and record again; what the file holds is usable",
                code="STX-4006",
                retryable=False,
            ) from self._failure

    def _write_those_open(self) -> None:
        for begun in self._open.values():
            transaction = begun.transaction()
            if transaction is None:  # nobody can commit it any more
                self._complete(begun, "fail", "[]", "")
            else:
                self._complete(begun, _UNKNOWN, *_deeds(transaction))
        self._open.clear()
        self._write()

    def __enter__(self) -> Self:
        """Hand the recording to a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; an exception of the block is the one that goes on."""
        try:
            self.close()
        except StorageUnavailableError:
            if error is None:
                raise

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Recording {self.path} {self.transactions} transactions, {state}>"


def _checked_path(path: object) -> Path:
    if isinstance(path, str | os.PathLike) and isinstance(text := os.fspath(path), str):
        return Path(text)
    raise wrong(f"{path!r:.60} is no path of a file", 'Give a path such as "history.jsonl"')


def _opened(path: Path, *, overwrite: bool) -> FileIO:
    try:
        # Without a buffer of Python's: a forked child would write what is in it a second time.
        return path.open("wb" if overwrite else "xb", buffering=0)
    except FileExistsError as error:
        raise InvalidOperationError(
            f"there is a file {path} already",
            advice="Choose another name, or replace it with overwrite=True",
            code="STX-3052",
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidOperationError(
            f"no history can be written to {str(path)!r}: {error}",
            advice="Give the path of a file in a folder that exists and that you may write to",
            code="STX-3052",
        ) from error


# A transaction in JSON.


def _deeds(transaction: TransactionSteps) -> tuple[str, str]:
    """The operations, and what stands behind them in the line."""
    own_id = transaction.id_if_known
    more = "" if own_id is None else f',"id":{_JSON.encode(own_id)}'
    value = _JSON.encode(_operations(transaction.footprint, own_id))
    return value, f'{more},"level":"{transaction.isolation.value}"'


def _operations(footprint: Footprint, own_id: str | None) -> list[list[str | None]]:
    reads: list[list[str | None]] = [
        ["r", _register(*record_id), version] for record_id, version in footprint.reads
    ]
    if own_id is None:
        return reads  # it has prepared nothing, so nobody saw a write of it
    return reads + [
        ["w", _register(*record_id), own_id if stays else None]
        for record_id, stays in footprint.writes
    ]


def _register(table: str, key: tuple[Value, ...]) -> str:
    """The name of a record: no two records of a database have the same."""
    return "/".join(map(_escaped, (table, *map(_as_text, key))))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def _as_text(value: Value) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return repr(value + 0.0)  # -0.0 is the same key as 0.0
    return str(value)

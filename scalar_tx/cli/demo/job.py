"""What is a process of the tour told, and what does it report?

The job is JSON in its argument. It reports by lines of JSON in a log of its own, each written at
once: what a process has reported outlives it, also when it is killed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scalar_tx.cli.demo.bank import Bank

if TYPE_CHECKING:
    from types import TracebackType


class Event(Enum):
    """What happened to a transfer."""

    BEGUN = "begun"
    COMMITTED = "committed"
    GIVEN_UP = "given up"  # in the way of others until its patience ended
    FAILED = "failed"
    PREPARED = "prepared"  # between prepare and decision, waiting to be killed


@dataclass(frozen=True, slots=True)
class Job:
    """Transfers until the file ``end`` appears; ``dies_after`` seconds: halt in mid-commit then.

    ``storages`` are those that the bank is spread over, joined by ``+``.
    """

    name: str
    target: str
    log: str
    end: str
    dies_after: float | None = None
    storages: str = ""

    @property
    def bank(self) -> Bank:
        """The bank that the transfers are made in."""
        return Bank(tuple(self.storages.split("+")) if self.storages else ())

    def to_text(self) -> str:
        """The argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Job:
        """Read the argument."""
        return cls(**json.loads(text))


class LogWriter:
    """Appends lines to a file, each by one unbuffered write."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: Event, reference: str, **more: object) -> None:
        """Report."""
        line = json.dumps({"event": event.value, "reference": reference, **more})
        os.write(self._file, f"{line}\n".encode())

    def __enter__(self) -> Self:
        """Hand the log to a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        os.close(self._file)


class LogReader:
    """Reads what was appended since the last look; half a line waits for its rest."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen = 0

    def new_lines(self) -> list[dict[str, Any]]:
        """The reports since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._seen)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._seen += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

"""What does a writer say about each transaction, so that it can be held to it after its death?

One line an event, appended by a single write: what the kernel has taken survives the process.
``begin`` stands before the transaction's first call, the outcome after its commit has returned.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.chaos.bank import Work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chaos.lists import Operations

OUTCOMES = ("committed", "aborted", "unknown")


class Journal:
    """A file that one thread of one process appends to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def begin(self, tx_id: str, work: Work, element: str, *, rerun: bool) -> None:
        """Before anything is asked of the library under this id."""
        told = {"work": asdict(work), "element": element, "rerun": rerun}
        self._line("begin", tx_id, json.dumps(told))

    def committed(self, tx_id: str, done: Operations) -> None:
        """After the commit has returned: what was done to lists, and seen of them."""
        self._line("committed", tx_id, json.dumps(done))

    def ended(self, outcome: str, tx_id: str, why: str = "") -> None:
        """After the library has said that it is aborted, or unknown."""
        self._line(outcome, tx_id, why)

    def _line(self, event: str, tx_id: str, rest: str) -> None:
        line = f"{event} {tx_id} {time.monotonic_ns()} {rest}".strip().replace("\n", " ") + "\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        """No more events."""
        os.close(self._file)


@dataclass
class Entry:
    """One transaction as its writer told of it; ``outcome`` None: the writer died first.

    ``begun`` and ``ended`` are nanoseconds on the machine's clock that never jumps.
    """

    tx_id: str
    work: Work
    element: str
    rerun: bool
    begun: int
    ended: int | None = None
    outcome: str | None = None
    why: str = ""
    done: Operations | None = None


def entries(path: Path) -> Iterator[Entry]:
    """Everything a writer's file tells, in order; a line cut short ends it."""
    found: dict[str, Entry] = {}
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        event, tx_id, at, *rest = line.decode().rstrip("\n").split(" ", 3)
        if event == "begin":
            told = json.loads(rest[0])
            assert tx_id not in found, f"the id {tx_id} was used twice"
            work = Work(**told["work"])
            found[tx_id] = Entry(tx_id, work, told["element"], told["rerun"], int(at))
            continue
        assert event in OUTCOMES, f"{path.name} says {event!r}"
        entry = found[tx_id]
        assert entry.outcome is None, f"{tx_id} ended twice"
        entry.outcome = event
        entry.ended = int(at)
        if event == "committed":
            entry.done = json.loads(rest[0])
        else:
            entry.why = rest[0] if rest else ""
    yield from found.values()


def last_unfinished(path: Path) -> str | None:
    """The id that its writer had in hand when it died; None: none, or the end was told."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        last = file.read().splitlines()[-1:]
    words = last[0].decode().split(" ", 2) if last else [""]
    return words[1] if words[0] == "begin" else None


def commits_told(path: Path) -> int:
    """How many commits a writer's file tells of so far."""
    with path.open("rb") as file:
        return sum(line.startswith(b"committed ") for line in file)

"""What does a writer say about each transaction, so that it can be held to it after its death?

One line an event, appended by a single write: what the kernel has taken survives the process.
``begin`` stands before the transaction's first call, the outcome after its commit has returned.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.chaos.bank import Work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTCOMES = ("committed", "aborted", "unknown")


class Journal:
    """A file that one process appends to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def begin(self, tx_id: str, work: Work, *, rerun: bool) -> None:
        """Before anything is asked of the library under this id."""
        self._line("begin", tx_id, json.dumps({"work": asdict(work), "rerun": rerun}))

    def ended(self, outcome: str, tx_id: str, why: str = "") -> None:
        """After the library has said what became of it."""
        self._line(outcome, tx_id, why)

    def _line(self, event: str, tx_id: str, rest: str) -> None:
        line = f"{event} {tx_id} {rest}".strip().replace("\n", " ") + "\n"
        os.write(self._file, line.encode())

    def close(self) -> None:
        """No more events."""
        os.close(self._file)


@dataclass
class Entry:
    """One transaction as its writer told of it; ``outcome`` None: the writer died first."""

    tx_id: str
    work: Work
    rerun: bool
    outcome: str | None = None
    why: str = ""


def entries(path: Path) -> Iterator[Entry]:
    """Everything a writer's file tells, in order; a line cut short ends it."""
    found: dict[str, Entry] = {}
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        event, tx_id, *rest = line.decode().rstrip("\n").split(" ", 2)
        if event == "begin":
            told = json.loads(rest[0])
            assert tx_id not in found, f"the id {tx_id} was used twice"
            found[tx_id] = Entry(tx_id, Work(**told["work"]), told["rerun"])
        else:
            assert event in OUTCOMES, f"{path.name} says {event!r}"
            assert found[tx_id].outcome is None, f"{tx_id} ended twice"
            found[tx_id].outcome = event
            found[tx_id].why = rest[0] if rest else ""
    yield from found.values()


def last_unfinished(path: Path) -> str | None:
    """The id that its writer had in hand when it died; None: none, or the end was told."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        last = file.read().splitlines()[-1:]
    words = last[0].decode().split(" ", 2) if last else [""]
    return words[1] if words[0] == "begin" else None

"""How do the recordings of several processes become one history?

Each process records its own by ``record_history``: every record is a register, and every
transaction of the library is in it. Their clock is the machine's, but each counts from its own
beginning, so that beginning is noted, as an interval. A transaction that began at the earliest and
ended at the latest that this allows is only too short on real time, never too long.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scalar_tx.histories import read_history
from tests.chaos.bank import NOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import scalar_tx
    from scalar_tx.histories import History
    from tests.chaos.journal import Entry


@contextmanager
def recorded(db: scalar_tx.TransactionManager, folder: Path, name: str) -> Iterator[None]:
    """Record what a manager does, under a name that no other process has."""
    before = time.monotonic_ns()
    with db.record_history(folder / f"{name}.recording"):
        after = time.monotonic_ns()
        (folder / f"{name}.clock").write_text(f"{before} {after}")
        yield


def merged(folder: Path, into: Path, told: Iterable[Entry]) -> History:
    """One history of all recordings, which is also written to a file.

    A process that was killed did not record what it had in hand. Nobody misses its writes, since
    who read them names the writer; but an erased note is like one that never was, and whoever wrote
    the next one would seem to have missed the one before. So it is added who may have erased one.
    """
    lines: list[tuple[int, int, dict[str, Any]]] = []
    transactions = 0
    for clock in sorted(folder.glob("*.clock")):
        earliest, latest = map(int, clock.read_text().split())
        running: dict[int, int] = {}  # its transactions, by its own name of a process
        for text in clock.with_suffix(".recording").read_bytes().splitlines(keepends=True):
            if not text.endswith(b"\n"):
                break  # its process was killed at that very moment
            line = json.loads(text)
            begins = line["type"] == "invoke"
            at = line["time"] + (earliest if begins else latest)
            if begins:
                running[line["process"]] = transactions
                transactions += 1
            # A process of its own: the end of one and the beginning of the next may overlap here.
            line["process"] = running[line["process"]]
            lines.append((at, 0 if begins else 1, line))
    for entry in told:
        if entry.outcome is None and entry.work.kind == "note":
            value = [["w", f"{NOTE}/{entry.work.number}", None]]
            line = {"type": "invoke", "process": transactions, "f": "txn", "value": value}
            lines.append((entry.begun, 0, line))
            transactions += 1
    lines.sort(key=lambda one: one[:2])
    with into.open("w") as file:
        for index, (at, _, line) in enumerate(lines):
            file.write(json.dumps({**line, "index": index, "time": at}) + "\n")
    return read_history(into.read_text(), into.name)

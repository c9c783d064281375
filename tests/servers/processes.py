"""Which processes belong to a server, and have they ended?

PostgreSQL's backends have sessions of their own: a signal for a process group misses them, hence
the tree of parents and children.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

END_SECONDS = 30.0


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    members = [pid]
    for member in members:
        for thread in _threads(member):
            with suppress(OSError):  # it has ended
                members.extend(int(child) for child in (thread / "children").read_text().split())
    return members


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path("/proc", str(pid), "task").iterdir())
    except OSError:
        return []


def send(pids: list[int], number: signal.Signals) -> None:
    """Signal those that still are."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def stop(pid: int) -> list[int]:
    """Stop the whole family and return it; a child born meanwhile is not missed.

    They stand still when this returns: on a busy machine a thread runs on for a while after the
    signal was sent.
    """
    stopped: list[int] = []
    while new := [member for member in family(pid) if member not in stopped]:
        send(new, signal.SIGSTOP)
        deadline = time.monotonic() + END_SECONDS
        while not all(map(_stands, new)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {new} did not stop in {END_SECONDS:.0f} s")
            time.sleep(0.001)
        stopped += new
    return stopped


def _stands(pid: int) -> bool:
    return all(_state(thread / "stat") in "TtZX" for thread in _threads(pid))


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"  # it has ended


def kill(pid: int) -> list[int]:
    """``kill -9`` the whole family and return it."""
    members = stop(pid)
    send(members, signal.SIGKILL)
    return members


def ended(pid: int) -> bool:
    """Has the process ended? One that only waits to be collected has."""
    return _state(Path("/proc", str(pid), "stat")) in "ZX"


def await_end(pids: list[int]) -> None:
    """Return when all have ended; TimeoutError if one does not."""
    deadline = time.monotonic() + END_SECONDS
    while left := [pid for pid in pids if not ended(pid)]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {left} did not end in {END_SECONDS:.0f} s")
        time.sleep(0.01)

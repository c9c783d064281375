"""Who is told which servers run, so that none outlives us?"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Watcher:
    """A process that outlives us just long enough; started when there is something to tell."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def tell(self, word: str, what: object) -> None:
        """Say that something started, ended or must be removed; the words are watch.py's."""
        with self._lock:
            if self._process is None or self._owner != os.getpid():  # a fork has servers of its own
                self._owner = os.getpid()
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.servers.watch", str(self._owner)],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,  # who reads ours need not wait for it
                    text=True,
                    start_new_session=True,  # ctrl-C is for us
                )
            assert self._process.stdin is not None
            self._process.stdin.write(f"{word} {what}\n")
            self._process.stdin.flush()


watcher = Watcher()

"""Is a server's process alive, does it serve, and what becomes of its data?"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers import places, processes
from tests.servers.artifacts import ServerMissingError
from tests.servers.owner import watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_SECONDS = 240.0  # three Cassandra nodes took 75 on a crowded machine with two cores
LOG_LINES = 20


@dataclass(eq=False)
class Node:
    """One server process. Data and address outlive ``kill`` and ``start``; the log stays for good.

    ``prepare`` makes the data of an empty home, ``answers`` asks the server in its own protocol
    whether it serves: an open port or a line in a log says less. ``disk`` is the size of a file
    system of its own, in megabytes.
    """

    name: str
    host: str
    port: int
    home: Path
    command: list[str]
    answers: Callable[[Node], bool]
    prepare: Callable[[Path], None] = lambda _home: None
    disk: int | None = None
    paused: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """What the process wrote, over all its lives."""
        return self.home.with_suffix(".log")

    @property
    def alive(self) -> bool:
        """Does the process run? A paused one does."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Start on the data that is there; return when the server serves."""
        self.launch()
        self.await_answer()

    def launch(self) -> None:
        """Start the process, and don't wait."""
        if self.alive:
            raise RuntimeError(f"{self.name} runs already, as {self.pid}")
        self._make_home()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                places.as_server_user(self.command),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(self.home), "TMPDIR": str(self.home)},
                start_new_session=True,  # ctrl-C is for us
            )
        watcher.tell("start", self.pid)

    def await_answer(self, seconds: float = START_SECONDS) -> None:
        """Return when the server serves.

        Raises:
            RuntimeError: it ended instead; the end of its log is in the message.
            TimeoutError: it did not serve in time; the same.
        """
        deadline = time.monotonic() + seconds
        while True:
            with suppress(OSError):
                if self.answers(self):
                    return
            if not self.alive:
                raise RuntimeError(f"{self.name} ended before it served:\n{self._log_end()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} took over {seconds:.0f} s:\n{self._log_end()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """``kill -9`` the server with its children; return when they are gone."""
        if self._process is None or self._process.poll() is not None:
            return
        members = processes.kill(self.pid)
        self._process.wait(processes.END_SECONDS)
        processes.await_end(members)
        self.paused = False
        watcher.tell("end", self.pid)

    def restart(self) -> None:
        """``kill -9``, and start on the same data."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open, and nothing answers."""
        processes.stop(self.pid)
        self.paused = True

    def resume(self) -> None:
        """Let a paused server go on."""
        processes.send(processes.family(self.pid), signal.SIGCONT)
        self.paused = False

    def wipe(self) -> None:
        """Take a dead server's data away: the next start finds an empty disk."""
        if self.alive:
            raise RuntimeError(f"{self.name} still runs: kill it before its data goes")
        self._unmount()
        shutil.rmtree(self.home, ignore_errors=True)

    def fill_disk(self) -> None:
        """Leave no byte on the server's own file system."""
        block = bytes(1 << 16)
        with suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:  # a short write is all that fits, and the next one finds no byte
                ballast.write(block)

    def empty_disk(self) -> None:
        """Give the room back that ``fill_disk`` took."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        if self.disk is None:
            raise RuntimeError(f"{self.name} has no file system of its own: start it with disk=…")
        return self.home / "ballast"

    def _make_home(self) -> None:
        if self.home.is_dir():
            return
        self.home.mkdir()
        watcher.tell("folder", self.home)
        if self.disk is not None:
            watcher.tell("mount", self.home)
            command = ["mount", "-t", "tmpfs", "-o", f"size={self.disk}m", "tmpfs", str(self.home)]
            if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
                raise ServerMissingError(f"{self.name}: a disk of its own needs the right to mount")
        if user := places.server_user():
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self.prepare(self.home)

    def _unmount(self) -> None:
        if self.disk is not None and self.home.is_mount():
            subprocess.run(["umount", str(self.home)], check=True)

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_LINES:])


@dataclass(eq=False)
class Cluster:
    """The nodes of one server. ``settings`` are the properties that a client of ours needs."""

    kind: str
    nodes: list[Node] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def endpoints(self) -> list[str]:
        """``host:port`` of each node."""
        return [node.endpoint for node in self.nodes]

    def properties(self, **extra: str) -> dict[str, str]:
        """What a properties file would hold, with further keys: ``**{"scalar.db.…": "…"}``."""
        return {**self.settings, **extra}

    def mend(self) -> None:
        """Let every node serve again, whatever became of it."""
        for node in self.nodes:
            if node.paused:
                node.resume()
            if not node.alive:
                node.launch()
        for node in self.nodes:
            node.await_answer()


@contextmanager
def serving(cluster: Cluster) -> Iterator[Cluster]:
    """Start all nodes at once; at the end kill them and remove their data, but not their logs."""
    try:
        for node in cluster.nodes:
            node.launch()
        for node in cluster.nodes:
            node.await_answer()
        yield cluster
    finally:
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.wipe()

"""Who starts the nodes on one database, kills their processes, and starts them again?"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from tests.chaos.trouble import KILL, RESTART, Hit
from tests.cluster.node.running import Node, lives, until

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BEGIN_S: Final = 90.0  # with databases that answer slowly, on a machine that others use too
WORKER: Final = "worker"
WHOLE: Final = "node"
EVERY_STEP: Final = "scalar.db.consensus_commit.one_phase_commit.enabled=false\n"
SETTLED: Final = 'detail="COMMITTED"'


class NodeFleet:
    """So many nodes, each on a port that it keeps. ``hits`` are the kills.

    ``properties`` say where the database is.

    ``every_step``: commits leave no step out, so that there is more to be killed in the middle of.
    ``options`` and ``environment`` are given to each node besides.
    """

    def __init__(
        self,
        folder: Path,
        properties: str,
        dice: random.Random,
        *,
        nodes: int = 1,
        workers: int = 4,
        every_step: bool = False,
        options: Sequence[str] = (),
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        self._options, self._environment = options, environment
        self._folder, self._dice, self._workers = folder, dice, workers
        self._properties = properties + EVERY_STEP * every_step
        self._ports = _free_ports(nodes)
        self._nodes: dict[int, Node] = {}
        self._logs: list[Path] = []
        self._gone: dict[int, int] = {}  # whole nodes that are away, since when
        self._away: list[tuple[int, int]] = []  # others were, from when until when
        self.hits: list[Hit] = []

    def __enter__(self) -> Self:
        for number in range(len(self._ports)):
            self._start(number)
        for node in self._nodes.values():
            node.begun(BEGIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for node in self._nodes.values():
                stack.callback(node.__exit__)

    @property
    def workers(self) -> int:
        """How many each node has."""
        return self._workers

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return "grpc://" + ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def node(self, number: int = 0) -> Node:
        """A node that runs."""
        return self._nodes[number]

    def _start(self, number: int) -> None:
        folder = self._folder / f"node-{number}-{len(self._logs)}"
        port = str(self._ports[number])
        options = ("--port", port, "--workers", str(self._workers), *self._options)
        node = Node(folder, *options, properties=self._properties, environment=self._environment)
        self._nodes[number] = node
        self._logs.append(node.log_file)

    def processes(self) -> list[int]:
        """Those of all nodes, supervisors and workers."""
        return [one for number in self._nodes for one in self.processes_of(number)]

    def processes_of(self, number: int) -> list[int]:
        """A node's supervisor, and its workers."""
        node = self._nodes[number]
        workers = [one["process"] for one in node.http("/readyz")["workers"] if one["process"]]
        return [node.process.pid, *workers]

    def worker_that_serves(self) -> int:
        """A process, whichever."""
        node = self._nodes[self._dice.choice(list(self._nodes))]
        found: list[int] = []

        def some() -> bool:
            # The supervisor may not have heard yet of who was killed just now.
            found[:] = [process for process in node.workers() if lives(process)]
            return bool(found)

        until(some, "a worker serves", 30)
        return self._dice.choice(found)

    def kill_worker(self, process: int | None = None) -> int:
        """kill -9 of that worker, or of any that serves; when, in nanoseconds."""
        if process is None:
            process = self.worker_that_serves()
        struck = time.monotonic_ns()
        os.kill(process, signal.SIGKILL)
        until(lambda: not lives(process), "it is dead", 5)
        self.hits.append(Hit(WORKER, RESTART, struck, time.monotonic_ns()))
        return struck

    def kill_node(self, number: int, processes: Sequence[int] = ()) -> int:
        """kill -9 of a supervisor and all its workers; when, in nanoseconds.

        ``processes``: those of the node, for who has no time to ask for them.
        """
        processes = processes or self.processes_of(number)
        node = self._nodes.pop(number)
        self._gone[number] = struck = time.monotonic_ns()
        for process in processes:
            with suppress(ProcessLookupError):  # a worker may have been dead already
                os.kill(process, signal.SIGKILL)
        node.__exit__()
        self.hits.append(Hit(WHOLE, KILL, struck, time.monotonic_ns()))
        return struck

    def start(self, number: int) -> None:
        """Start it again, on its port; it serves when this returns."""
        self._start(number)
        self._nodes[number].begun(BEGIN_S)
        self._away.append((self._gone.pop(number), time.monotonic_ns()))

    def seconds_without(self, since: int, until: int) -> float:
        """For how long there was no node at all to ask, between two moments in nanoseconds."""
        if len(self._ports) > 1:
            return 0.0
        away = [*self._away, *((gone, until) for gone in list(self._gone.values()))]
        inside = ((max(since, gone), min(until, back)) for gone, back in away)
        return sum(max(0, end - begin) for begin, end in inside) / 10**9

    def settled_commits(self) -> int:
        """How often a node was asked to settle a transaction that was committed."""
        return sum(path.read_text().count(SETTLED) for path in self._logs)

    def tracebacks(self) -> list[str]:
        """Logs in which something unforeseen was written."""
        return [str(path) for path in self._logs if "Traceback" in path.read_text()]


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()

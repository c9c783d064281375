"""Does a pause stay what it says while workers are killed all the time, under load?"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import grpc
import pytest

from tests.cluster.node.running import Admin, Node, once, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SECONDS = 20


class Storm:
    """Callers and a killer, in threads, around a node that is paused and unpaused."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.chance = random.Random(seed)
        self.pause: int | None = None  # which pause has answered and not ended
        self.served = self.kills = 0
        self.served_while_paused: list[int] = []
        self._ends = threading.Event()
        self._lock = threading.Lock()
        work = [self._call] * 6 + [self._kill]
        self._threads = [threading.Thread(target=one) for one in work]

    def _call(self) -> None:
        while not self._ends.is_set():
            before = self.pause
            with suppress(grpc.RpcError):
                once(self.node.where, "Do", seconds=0.01)
                with self._lock:
                    self.served += 1
                if before is not None and self.pause == before:
                    self.served_while_paused.append(before)

    def _kill(self) -> None:
        while not self._ends.wait(self.chance.random() * 0.8):
            workers = self.node.workers()
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(self.chance.choice(workers), signal.SIGKILL)
                    self.kills += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()


def test_nothing_begins_in_a_pause_whoever_is_killed(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "4") as node, Admin(node.admin) as admin:
        with Storm(node, seed=7) as storm:
            ends = time.monotonic() + SECONDS
            pauses = 0
            while time.monotonic() < ends:
                admin.pause()
                pauses += 1
                storm.pause = pauses
                time.sleep(storm.chance.random() * 0.6)
                assert admin.paused()
                storm.pause = None
                admin.unpause()
                time.sleep(storm.chance.random() * 0.3)
        assert storm.served_while_paused == []
        assert storm.kills >= 5
        assert pauses >= 10
        assert storm.served >= 50
        until(lambda: node.text("/readyz")[0] == 200, "all are back", 30)
        found = node.metrics()
        assert 5 <= found["scalardb_node_worker_restarts_total"] <= storm.kills
        # Whoever was killed may have counted what its caller was not told of; never the other way.
        assert found["scalardb_transaction_total"] >= storm.served
        assert "Traceback" not in node.log

"""What becomes of a node one of whose workers hangs? Nothing waits for it for ever."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.cluster.node.running import Admin, Node, health, lives, once, until, work

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_a_pause_fails_and_all_goes_on(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "2") as node, Admin(node.admin) as admin:
        hangs = node.workers()[0]
        os.kill(hangs, signal.SIGSTOP)
        with pytest.raises(grpc.RpcError, match="did not close its gate"):
            admin.pause()
        assert not admin.paused()
        os.kill(hangs, signal.SIGCONT)
        looks = [once(node.where, "Look") for _ in range(32)]
        assert hangs in {look["process"] for look in looks}
        assert not any(look["paused"] for look in looks)
        assert node.workers()[0] == hangs


def test_it_is_replaced_in_the_end(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "2") as node:
        hangs = node.workers()[0]
        os.kill(hangs, signal.SIGSTOP)
        began = time.monotonic()
        assert node.text("/healthz")[0] == 200
        assert health(node.admin, "liveness") == "SERVING"
        assert time.monotonic() - began < 15
        until(lambda: not lives(hangs) and len(node.workers()) == 2, "another serves", 45)
        assert "worker 0 does not answer any more" in node.log


def test_it_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "1") as node, grpc.insecure_channel(node.where) as channel:
        hangs = node.workers()[0]

        def block() -> None:
            with pytest.raises(grpc.RpcError):
                work(channel, "Block", seconds=40)

        blocking = threading.Thread(target=block)
        blocking.start()
        until(lambda: "blocks" in node.log, "it blocks")
        node.end(signal.SIGKILL)
        until(lambda: not lives(hangs), "it is gone", 15)
        blocking.join()
        assert "this process hangs" in node.log


def test_it_does_not_hold_up_the_end_of_its_node(tmp_path: Path) -> None:
    ends = ("--workers", "2", "--decommission", "0", "--drain", "1")
    properties = "scalar.db.node.rollback_duration_secs=1\n"
    with Node(tmp_path, *ends, properties=properties) as node:
        hangs = node.workers()[0]
        os.kill(hangs, signal.SIGSTOP)
        began = time.monotonic()
        assert node.end(signal.SIGTERM, 30) == 0
        assert time.monotonic() - began < 28
        assert not lives(hangs)
        assert "killed" in node.log

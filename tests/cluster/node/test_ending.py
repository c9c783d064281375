"""Does a node end in order: not ready, then drained, then what is left rolled back?"""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2

from scalar_tx.cluster.ending import SAME_SECONDS
from tests.cluster.node.running import Admin, Node, health, held, lives, once, until, work

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.nodes


def refuses(channel: grpc.Channel) -> bool:
    """Does the node refuse new work?"""
    try:
        work(channel, "Do", wait_for_ready=False)
    except grpc.RpcError:
        return True
    return False


def test_sigterm_goes_through_all_steps(tmp_path: Path) -> None:
    steps = ("--workers", "2", "--decommission", "6", "--drain", "8", "--health-port", "0")
    with Node(tmp_path, *steps) as node, grpc.insecure_channel(node.where) as channel:
        workers = node.workers()
        forgotten = held(channel)
        began = time.monotonic()
        node.process.send_signal(signal.SIGTERM)
        # Not ready at once, and everything is still accepted.
        until(lambda: node.text("/readyz")[0] == 503, "it is not ready", 5)
        assert health(node.where, "readiness") == health(node.where, "") == "NOT_SERVING"
        assert health(node.where, "liveness") == "SERVING"
        assert node.text("/healthz")[0] == 200
        assert once(node.where, "Do")["slot"] in (0, 1)
        # Then nothing new, while what is open goes on.
        finishing = channel.unary_unary(
            "/test.Work/Do",
            request_serializer=lambda data: data,
            response_deserializer=lambda data: data,
        ).future(b'{"seconds": 9}')
        until(lambda: refuses(channel), "it accepts nothing new")
        assert time.monotonic() - began >= 5.9
        assert not finishing.done()
        probed = f"127.0.0.1:{node.told['health_port']}"  # to its end
        assert health(probed, "readiness") == health(probed, "") == "NOT_SERVING"
        assert health(probed, "liveness") == "SERVING"
        assert b"slot" in finishing.result(20)
        # Then the rest is rolled back, and all is over.
        with pytest.raises(grpc.RpcError, match="expired: shutdown"):
            next(forgotten)
        assert node.process.wait(20) == 0
        took = time.monotonic() - began
    assert 13.9 <= took < 40, took
    assert not any(map(lives, workers))
    assert "1 open transactions are rolled back" in node.log


def test_a_second_sigint_rolls_back_at_once(tmp_path: Path) -> None:
    with (
        Node(tmp_path, "--workers", "1", "--drain", "60") as node,
        grpc.insecure_channel(node.where) as channel,
    ):
        forgotten = held(channel)
        began = time.monotonic()
        node.process.send_signal(signal.SIGINT)
        until(lambda: "asked to end: DRAIN" in node.log, "it has heard")
        time.sleep(2 * SAME_SECONDS)  # what comes sooner is taken for the same
        assert node.process.poll() is None
        assert node.end(signal.SIGINT) == 0
        with pytest.raises(grpc.RpcError, match="expired: shutdown"):
            next(forgotten)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_signals_without_end_change_nothing_of_its_end(tmp_path: Path, how: signal.Signals) -> None:
    with Node(tmp_path, "--workers", "1", "--decommission", "0") as node:
        while node.process.poll() is None:
            node.process.send_signal(how)
            time.sleep(0.0005)
        assert node.process.wait() == 0
    assert "the node has ended" in node.log
    assert "Traceback" not in node.log


def test_sigint_leaves_out_the_time_to_turn_away_also_of_a_paused_node(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "2", "--decommission", "60", "--drain", "60") as node:
        with Admin(node.admin) as admin:
            admin.pause()
        began = time.monotonic()
        assert node.end(signal.SIGINT) == 0
    assert time.monotonic() - began < 30


def test_whoever_watches_the_health_is_told_and_holds_up_nothing(tmp_path: Path) -> None:
    with (
        Node(tmp_path, "--workers", "1", "--decommission", "0", "--drain", "60") as node,
        grpc.insecure_channel(node.where) as channel,
    ):
        watching = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest(service="readiness"))
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        with ThreadPoolExecutor(1) as thread:
            others = thread.submit(lambda: [answer.status for answer in watching])
            time.sleep(0.2)  # what comes before somebody waits for it, grpc may lose
            began = time.monotonic()
            assert node.end(signal.SIGTERM) == 0
            assert others.result(5) == [health_pb2.HealthCheckResponse.NOT_SERVING]
    assert time.monotonic() - began < 30

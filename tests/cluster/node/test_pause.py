"""Is a node paused when it says so, all of it, whatever happens to its workers meanwhile?"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest

from scalar_tx.cluster.pausing import NOT_DRAINED
from tests.cluster.node.running import Admin, health, held, once, until, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.node.running import Node


pytestmark = pytest.mark.nodes


@pytest.fixture
def admin(four: Node) -> Iterator[Admin]:
    with Admin(four.admin) as admin:
        yield admin
        admin.unpause()
        until(lambda: len(four.workers()) == 4, "four workers serve")


PAUSED = "the server is paused"


def refused(node: Node) -> bool:
    """Is work refused, over a connection of its own?"""
    try:
        once(node.where, "Do")
    except grpc.RpcError as error:
        if PAUSED not in str(error):
            raise
        return True
    return False


def test_no_worker_admits_anything_once_pause_has_answered(four: Node, admin: Admin) -> None:
    with ThreadPoolExecutor(16) as threads:
        served = list(threads.map(lambda _: once(four.where, "Do")["slot"], range(64)))
        assert set(served) == {0, 1, 2, 3}  # 64 connections do reach all of them
        assert not admin.paused()
        admin.pause()
        assert admin.paused()
        assert all(threads.map(lambda _: refused(four), range(64)))
        assert {once(four.where, "Look")["paused"] for _ in range(8)} == {True}
        admin.unpause()
        assert not admin.paused()
        assert not any(threads.map(lambda _: refused(four), range(64)))


def test_pausing_and_unpausing_twice_is_no_error(four: Node, admin: Admin) -> None:
    admin.unpause()
    admin.pause()
    admin.pause(wait=False)
    assert admin.paused()
    assert four.metrics()["scalardb_node_paused"] == 1
    admin.unpause()
    admin.unpause()
    assert four.metrics()["scalardb_node_paused"] == 0


def test_probes_are_green_while_it_is_paused(four: Node, admin: Admin) -> None:
    admin.pause()
    assert four.text("/healthz")[0] == four.text("/readyz")[0] == 200
    assert four.http("/readyz")["paused"] is True
    for where in (four.where, four.admin):
        for service in ("", "liveness", "readiness"):
            assert health(where, service) == "SERVING"


def test_a_pause_waits_for_what_is_open_and_lets_it_go_on(four: Node, admin: Admin) -> None:
    answered: list[float] = []
    with grpc.insecure_channel(four.where) as channel:
        working = threading.Thread(
            target=work, args=(channel, "Do"), kwargs={"seconds": 0.8, "say": "it works"}
        )
        began = time.monotonic()
        working.start()
        until(lambda: "it works" in four.log, "it has begun")
        admin.pause()
        answered.append(time.monotonic() - began)
        working.join()
    assert answered[0] >= 0.75
    assert admin.paused()


def test_a_pause_that_can_t_wait_longer_opens_everything_again(four: Node, admin: Admin) -> None:
    with grpc.insecure_channel(four.where) as channel:
        call = held(channel)
        with pytest.raises(grpc.RpcError) as failed:
            admin.pause(milliseconds=300)
        call.cancel()
    assert isinstance(failed.value, grpc.Call)
    assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert failed.value.details() == NOT_DRAINED
    assert not admin.paused()
    assert not any(refused(four) for _ in range(16))
    assert four.metrics()["scalardb_node_paused"] == 0


def test_a_pause_that_does_not_wait_ignores_what_is_open(four: Node, admin: Admin) -> None:
    with grpc.insecure_channel(four.where) as channel:
        call = held(channel)
        admin.pause(wait=False)
        assert admin.paused()
        call.cancel()


def test_no_pause_waits_less_than_nothing(four: Node, admin: Admin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        admin.pause(milliseconds=-1)
    assert "negative" in str(caught.value)
    assert not admin.paused()
    assert not refused(four)


def test_unpause_ends_a_pause_that_waits(four: Node, admin: Admin) -> None:
    with grpc.insecure_channel(four.where) as channel, ThreadPoolExecutor(1) as thread:
        call = held(channel)
        waiting = thread.submit(admin.pause)
        until(admin.paused, "the gates are closed")
        admin.unpause()
        call.cancel()
        with pytest.raises(grpc.RpcError, match="unpaused meanwhile"):
            waiting.result(10)
    assert not refused(four)


def test_a_service_of_a_worker_pauses_the_whole_node(four: Node, admin: Admin) -> None:
    assert once(four.where, "Pause", paused=True) == {"paused": True}
    assert admin.paused()
    assert all(refused(four) for _ in range(16))
    assert once(four.where, "Pause", paused=False) == {"paused": False}
    with grpc.insecure_channel(four.where) as channel:
        call = held(channel)
        found = once(four.where, "Pause", paused=True, milliseconds=200)
        call.cancel()
    assert found == {"failed": NOT_DRAINED}
    assert not admin.paused()


def test_workers_killed_while_it_is_paused_come_back_paused(four: Node, admin: Admin) -> None:
    admin.pause()
    before = four.workers()
    admitted: list[object] = []
    ends = threading.Event()

    def knock() -> None:
        """From the moment of the kill on: a port that opens before its gate is closed shows."""
        while not ends.is_set():
            try:
                admitted.append(once(four.where, "Do"))
            except grpc.RpcError:
                continue

    knocking = [threading.Thread(target=knock) for _ in range(4)]
    for thread in knocking:
        thread.start()
    try:
        for process in before:
            os.kill(process, signal.SIGKILL)
        # Nobody waits for the dead: the answer comes while they are away.
        began = time.monotonic()
        assert admin.paused()
        assert time.monotonic() - began < 20
        until(lambda: len(set(four.workers()) - set(before)) == 4, "four others serve")
        assert admin.paused()
        until(lambda: four.text("/readyz")[0] == 200, "it is ready, and paused")
    finally:
        ends.set()
        for thread in knocking:
            thread.join()
    assert admitted == []
    assert all(refused(four) for _ in range(32))
    admin.unpause()
    assert not refused(four)


def test_a_worker_killed_while_a_pause_waits_for_it_is_not_waited_for(
    four: Node, admin: Admin
) -> None:
    with grpc.insecure_channel(four.where) as channel, ThreadPoolExecutor(1) as thread:
        call = held(channel)
        waiting = thread.submit(admin.pause, milliseconds=15_000)
        until(admin.paused, "the gates are closed")
        assert not waiting.done()
        os.kill(call.first["process"], signal.SIGKILL)
        waiting.result(8)
    assert admin.paused()
    until(lambda: len(four.workers()) == 4, "four workers serve")
    assert all(refused(four) for _ in range(16))

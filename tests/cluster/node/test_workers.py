"""Do the workers of a node act as one, and come back when they end?"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import grpc
import pytest

import scalar_tx
from scalar_tx.cli.coordinator_status import status_of
from scalar_tx.cli.opening import opened
from scalar_tx.observe.protocol_metrics import BUCKETS
from tests.cluster.node.conftest import POOL
from tests.cluster.node.running import Node, held, lives, once, until, work

pytestmark = pytest.mark.nodes


def test_a_node_begins_soon(four: Node) -> None:
    assert four.told["workers"] == 4
    assert four.told["ready"] is True
    print(f"ready after {four.seconds_to_begin:.2f} s with 4 workers")


def test_pools_are_divided_and_no_commit_is_told_by_records_alone(four: Node) -> None:
    found = {look["slot"]: look for look in (once(four.where, "Look") for _ in range(64))}
    pools = {slot: look["pool"] for slot, look in found.items()}
    assert pools == {0: [2, 3, 5], 1: [1, 3, 5], 2: [1, 2, 4], 3: [1, 2, 4]}
    assert not any(look["record_only"] for look in found.values())


def test_every_series_stands_at_0_from_the_start_and_is_right_across_workers(four: Node) -> None:
    before = four.metrics()
    slots = set()
    for outcome, own in (("COMMITTED", False), ("ABORTED", False), ("ABORTED", True)):
        for _ in range(10):
            slots.add(once(four.where, "Do", outcome=outcome, own=own, took=0.003)["slot"])
    assert len(slots) > 1
    after = four.metrics()
    counted = {
        name: after[name] - before[name] for name in after if name.startswith("scalardb_transact")
    }
    assert counted.pop("scalardb_transaction_latency_seconds_sum") == pytest.approx(0.09)
    assert counted == {
        "scalardb_transaction_total": 30,
        "scalardb_transaction_abort_total": 10,
        "scalardb_transaction_rollback_total": 10,
        "scalardb_transaction_latency_seconds_count": 30,
    }
    text = four.text("/stats/prometheus")[1]
    for bucket in BUCKETS:
        assert f'scalardb_transaction_latency_seconds_bucket{{le="{bucket}"}} ' in text


def test_a_worker_that_is_killed_comes_back_and_counters_go_on(four: Node) -> None:
    with grpc.insecure_channel(four.where) as channel:
        call = held(channel)
        victim = call.first["process"]
        work(channel, "Do")
        before = four.metrics()
        until(lambda: four.metrics()["scalardb_node_open_transactions"] == 1, "one is seen open", 5)
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in four.workers() and len(four.workers()) == 4, "it is back")
    print(f"back after {time.monotonic() - began:.2f} s")
    after = four.metrics()
    assert after["scalardb_node_worker_restarts_total"] == (
        before["scalardb_node_worker_restarts_total"] + 1
    )
    assert after["scalardb_transaction_total"] == before["scalardb_transaction_total"]
    assert after["scalardb_node_open_transactions"] == 0
    assert after.keys() == before.keys()
    slot = call.first["slot"]
    for _ in range(40):  # the one in its slot counts on where it stood
        if once(four.where, "Do")["slot"] == slot:
            break
    assert four.metrics()["scalardb_transaction_total"] > before["scalardb_transaction_total"]
    until(lambda: four.http("/readyz")["ready"], "the node is ready again")


def test_a_worker_that_comes_back_has_the_settings_of_the_others(tmp_path: Path) -> None:
    secret = "scalar.db.password=hush-hush\n"
    with Node(tmp_path, "--workers", "1", properties=POOL + secret) as node:
        for what in ("cmdline", "environ"):
            assert b"hush" not in Path(f"/proc/{node.workers()[0]}/{what}").read_bytes()
        before = once(node.where, "Look")
        (tmp_path / "node.properties").write_text("scalar.db.storage=nonsense\n")
        kill_and_wait(node)
        after = once(node.where, "Look")
        assert (before["pool"], before["process"] != after["process"]) == (after["pool"], True)
        assert before["pool"] == [5, 10, 18]
        assert "hush" not in node.log + node.text("/readyz")[1]


def kill_and_wait(node: Node) -> None:
    process = node.workers()[0]
    os.kill(process, signal.SIGKILL)
    until(lambda: node.workers() not in ([], [process]), "another one serves")


@pytest.mark.slow
def test_a_worker_that_keeps_ending_is_started_after_growing_pauses(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "1") as node:
        for _ in range(3):
            kill_and_wait(node)
        assert [f"again in {pause} s" in node.log for pause in (0.1, 0.2, 0.4)] == [True] * 3


def test_the_limits_count_all_workers_together(tmp_path: Path) -> None:
    limits = (
        "scalar.db.node.max_open_transactions=6\nscalar.db.node.max_open_transactions_per_user=4\n"
    )
    options = [("grpc.use_local_subchannel_pool", 1)]
    with Node(tmp_path, "--workers", "2", properties=limits) as node:
        channels = [grpc.insecure_channel(node.where, options=options) for _ in range(24)]
        of_slot = [[one for one in channels if work(one, "Look")["slot"] == n] for n in (0, 1)]
        assert all(of_slot)  # 24 connections do reach both workers
        in_turn = [of_slot[n % 2][n // 2 % len(of_slot[n % 2])] for n in range(24)]
        open_calls, refused = [], []
        for user in ("ann", "bob"):
            for channel in in_turn[: 12 if user == "ann" else None]:
                try:
                    open_calls.append((user, held(channel, user=user)))
                except grpc.RpcError as error:
                    refused.append(str(error))
        assert [user for user, _ in open_calls] == ["ann"] * 4 + ["bob"] * 2
        assert [call.first["slot"] for _, call in open_calls] == [0, 1] * 3
        assert sum("4 transactions of this user" in text for text in refused) == 8
        assert sum("6 transactions are open in this node" in text for text in refused) == 22
        # What a worker that died had counted is open no more.
        for process in node.workers():
            os.kill(process, signal.SIGKILL)
        until(lambda: len(node.workers()) == 2, "both are back")
        with grpc.insecure_channel(node.where, options=options) as channel:
            again = [held(channel, user="ann") for _ in range(4)]
            for call in again:
                call.cancel()
        for channel in channels:
            channel.close()


def test_forgotten_transactions_are_expired(tmp_path: Path) -> None:
    idle = "scalar.db.node.idle_timeout_millis=500\n"
    with (
        Node(tmp_path, "--workers", "1", properties=idle) as node,
        grpc.insecure_channel(node.where) as channel,
    ):
        call = held(channel)
        with pytest.raises(grpc.RpcError, match="expired: idle"):
            next(call)


def decisions(target: str) -> int:
    """How many rows the table of decisions has."""
    with opened(target, looking=True) as parts:
        return status_of(parts).committed


def test_a_transaction_of_a_node_always_leaves_a_decision(tmp_path: Path) -> None:
    target = str(tmp_path / "node.properties")
    with Node(tmp_path, "--workers", "2") as node:
        with scalar_tx.connect(target) as db:
            db.admin.create_namespace("n")
            db.admin.create_table("n.t", columns={"id": "INT", "n": "INT"}, partition_key=["id"])
            db.upsert("n.t", {"id": 1, "n": 0})
            before = decisions(target)
        once(node.where, "Commit", table="n.t", id=1, times=3)
    assert decisions(target) == before + 3


def test_no_worker_outlives_its_supervisor(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "2") as node:
        workers = node.workers()
        assert all(map(lives, workers))
        node.end(signal.SIGKILL)
        until(lambda: not any(map(lives, workers)), "they are gone", 8)
        assert "the supervisor is gone" in node.log

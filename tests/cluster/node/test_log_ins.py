"""Do the workers of a node bound log-ins together, and does a client wait as long as it is told?"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import status_pb2

import scalar_tx
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.messages.errors import DETAILS, error_of
from scalar_tx.cluster.rpc.v1 import security_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from tests.cluster.node.running import Node, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import ScalarTxError

pytestmark = pytest.mark.nodes

WORKERS = 3
WRONG = "a password that is not it"


class Door:
    """A connection to one worker."""

    def __init__(self, where: str) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(where, options=options)
        hello: Any = self.channel.unary_unary(
            "/scalar_tx.v1.Transactions/Hello",
            rpc.HelloRequest.SerializeToString,
            rpc.HelloReply.FromString,
        )
        self.worker: int = hello(rpc.HelloRequest(), timeout=20, wait_for_ready=True).worker

    def log_in(self, user: str, password: str = WRONG) -> ScalarTxError | None:
        """None: they are in."""
        call: Any = self.channel.unary_unary(
            "/scalar_tx.v1.Security/LogIn",
            security_pb2.LogInRequest.SerializeToString,
            security_pb2.Tokens.FromString,
        )
        try:
            call(security_pb2.LogInRequest(user=user, password=password), timeout=20)
        except grpc.RpcError as error:
            trailers: Any = error.trailing_metadata()
            details = dict(trailers)[DETAILS]
            return error_of(status_pb2.Status.FromString(details))
        return None


class Guarded:
    """A node whose callers log in, and a door to each of its workers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        assert node.process.stdout is not None
        self.first = json.loads(node.process.stdout.readline())
        self.doors = self.all_doors()

    def all_doors(self) -> list[Door]:
        found: dict[int, Door] = {}
        for _ in range(200):
            door = Door(self.node.where)
            if found.setdefault(door.worker, door) is not door:
                door.channel.close()
            if len(found) == WORKERS:
                return list(found.values())
        raise AssertionError(f"no door to all of {WORKERS} workers")


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    with scalar_tx.connect(f"sqlite:///{folder / 'node.db'}") as db:
        db.admin.create_coordinator_tables()
    more = "scalar.db.cluster.auth.enabled=true\n"
    with Node(folder, "--workers", str(WORKERS), properties=more) as node:
        made = Guarded(node)
        yield made
        for door in made.doors:
            door.channel.close()


def test_all_workers_together_look_at_ten_passwords_a_second(guarded: Guarded) -> None:
    seen: list[Counter[str]] = [Counter() for _ in guarded.doors]
    began = time.monotonic()

    def flood(door: Door, codes: Counter[str], name: str) -> None:
        number = 0
        while time.monotonic() < began + 2:
            number += 1
            refused = door.log_in(f"{name}.{number}")
            assert refused is not None
            codes[refused.code] += 1

    threads = [
        threading.Thread(target=flood, args=(door, codes, f"user{at}.{n}"))
        for at, (door, codes) in enumerate(zip(guarded.doors, seen, strict=True))
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    admitted = sum(codes["STX-5203"] + codes["STX-5205"] for codes in seen)
    assert 10 <= admitted <= 10 + 10 * seconds
    assert all(codes["STX-5204"] > 10 for codes in seen)


def test_a_pause_that_one_worker_gave_holds_for_all(guarded: Guarded) -> None:
    one, *others = guarded.doors
    user, password = guarded.first["user"], guarded.first["password"]
    wrong = 0
    while wrong < 6:
        refused = one.log_in(user)
        if isinstance(refused, TooManyAttemptsError):
            assert refused.retry_after is not None
            time.sleep(refused.retry_after)
        else:
            assert refused is not None
            assert refused.code == "STX-5203"
            wrong += 1
    for door in others:
        refused = door.log_in(user, password)
        assert isinstance(refused, TooManyAttemptsError)
        assert refused.code == "STX-5204"
        assert refused.retry_after is not None
        assert 0 < refused.retry_after <= 4
    _kill(guarded.node, one.worker)
    refused = others[0].log_in(user, password)
    assert isinstance(refused, TooManyAttemptsError), "the pause ends with none of the workers"
    assert refused.retry_after is not None
    began = time.monotonic()
    with scalar_tx.connect(f"grpc://{guarded.node.where}", username=user, password=password) as db:
        assert db.admin.tables("shop") == []
    assert time.monotonic() - began >= refused.retry_after


def _kill(node: Node, worker: int) -> None:
    workers = node.http("/readyz")["workers"]
    killed = workers[worker]["process"]
    os.kill(killed, signal.SIGKILL)
    until(
        lambda: node.http("/readyz")["workers"][worker]["process"] not in (None, killed),
        "the worker came back",
    )

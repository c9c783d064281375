"""On a real node: does a caller have five watches, whichever workers serve them and die?"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import grpc
import pytest

from scalar_auditor.event.watch_places import MOST_WATCHES
from scalar_auditor.keys import KeyRing
from scalar_auditor.rpc.v1 import event_pb2
from tests.cluster.node.running import Node, until
from tests.services.event.scene import event
from tests.services.identity.test_on_a_node import prepared
from tests.services.identity.world import ADMIN
from tests.services.stage import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nodes

WORKERS = 2
TRIES = 12  # that all of them reach one of two workers: once in two thousand


class Watched:
    """A node with one event, and who watches it."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "keys.json"
        keys.write_text(KeyRing.made("test").as_text())
        (folder / "node").mkdir()
        self.password = prepared(f"sqlite:///{folder / 'node' / 'node.db'}")
        self.node = Node(
            folder / "node",
            "--workers",
            str(WORKERS),
            "--services",
            "scalar_auditor.services:identity,scalar_auditor.services:event",
            "--dev",
            environment={"SCALAR_AUDITOR_KEYS_FILE": str(keys), "SCALAR_AUDITOR_SMTP_URL": None},
        )
        self.channels: list[grpc.Channel] = []
        self.calls: list[Any] = []  # that nobody holds, ends

    def __enter__(self) -> Self:
        self.node.__enter__()
        with self.channel() as channel:
            tokens = Calls(channel, None).Login(user_email=ADMIN, password=self.password)
            admin = Calls(channel, f"Bearer {tokens.access_token}")
            self.token = admin.CreateServiceToken(name="importer").token
            now_ms = int(time.time() * 1000)
            one = event("a", created_at=now_ms)
            Calls(channel, f"Bearer {self.token}").IngestEvents(
                user_id="u", from_position="", to_position="1", events=[one]
            )
            self.after = f"{now_ms - 1000:013d}-x"
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self.channels:
            channel.close()
        self.node.__exit__()

    def channel(self) -> grpc.Channel:
        """A connection of its own, which the kernel gives to any worker."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(self.node.where, options=options)

    def watch(self) -> bool:
        """Begin to watch, until the end; False: it was refused, since there are enough."""
        channel = self.channel()
        self.channels.append(channel)
        begin: Any = channel.unary_stream(
            "/scalar_auditor.v1.EventService/Watch",
            request_serializer=event_pb2.WatchRequest.SerializeToString,
            response_deserializer=event_pb2.Event.FromString,
        )
        call = begin(
            event_pb2.WatchRequest(after_event_id=self.after),
            metadata=(("authorization", f"Bearer {self.token}"),),
            timeout=120,
            wait_for_ready=True,
        )
        self.calls.append(call)
        try:
            return bool(next(call).source_id == "a")
        except grpc.RpcError as error:
            refused: Any = error
            assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, refused
            return False

    def is_replaced(self, process: int) -> bool:
        """Does another worker serve in the place of that one?"""
        workers = self.node.workers()
        return process not in workers and len(workers) == WORKERS


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with Watched(tmp_path) as one:
        yield one


def test_the_workers_count_together_and_forget_the_dead(watched: Watched) -> None:
    assert sum(watched.watch() for _ in range(TRIES)) == MOST_WATCHES
    for process in watched.node.workers():
        os.kill(process, signal.SIGKILL)
        until(partial(watched.is_replaced, process), "another worker serves in its place")
    assert sum(watched.watch() for _ in range(TRIES)) == MOST_WATCHES

"""What is fired at, and how does one see that it bears it?"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc

import scalar_tx
from scalar_tx.cluster.rpc.v1 import security_pb2
from scalar_tx.errors import StorageUnavailableError
from tests.cluster.node.running import Admin, Node, until
from tests.cluster.shop import SCHEMA
from tests.fuzz.methods import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.fuzz.methods import Method

SLOWEST = 1.0  # seconds
LARGEST = 512 * 2**20  # bytes of a worker's resident memory
PATIENCE = 20.0  # until something counts as never answered
# What a node says, to a caller or in its log, of what nobody has foreseen.
INCIDENT = re.compile(
    r"incident [0-9a-f]{12}|an error inside the node|Traceback|Unexpected <class|"
    r"xception deserializing|a call ended in|could not be"
)


@dataclass(slots=True)
class Answer:
    """What came of a call: its replies, its status, its longest silence in seconds."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    details: str = ""
    replies: list[bytes] = field(default_factory=list)
    slowest: float = 0.0


class Target:
    """A node of one worker over a storage in memory, and calls of any bytes to it."""

    def __init__(self, folder: Path, *, users: bool = False, properties: str = "") -> None:
        java = "scalar.db.node.scalardb_server_port=0\n"
        asks = (
            "scalar.db.cluster.auth.enabled=true\nscalar.db.node.insecure=true\n" if users else ""
        )
        self._users = users
        self.node = Node(
            folder, "--workers", "1", properties=java + asks + properties, in_memory=True
        )
        self.metadata: Sequence[tuple[str, str]] = ()
        self.sent = 0
        self._log_read = 0

    def __enter__(self) -> Self:
        self.node.__enter__()
        try:
            return self._begun()
        except BaseException:
            self.node.__exit__()
            raise

    def _begun(self) -> Self:
        self._own = grpc.insecure_channel(self.node.where)
        self._java = grpc.insecure_channel(f"127.0.0.1:{self.node.told['scalardb_server_port']}")
        until(lambda: len(self.node.workers()) == 1, "the worker serves")
        (self.worker,) = self.node.workers()
        self.user: dict[str, str] = {}
        if self._users:
            self._log_in()
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self._own.close()
        self._java.close()
        self.node.__exit__()

    def _log_in(self) -> None:
        assert self.node.process.stdout is not None
        told = json.loads(self.node.process.stdout.readline())
        self.user = {"username": told["user"], "password": told["password"]}
        ask = security_pb2.LogInRequest(user=told["user"], password=told["password"])
        call: Any = self._own.unary_unary("/scalar_tx.v1.Security/LogIn")
        tokens = security_pb2.Tokens.FromString(call(ask.SerializeToString(), timeout=PATIENCE))
        self.metadata = (("authorization", f"Bearer {tokens.access_token}"),)

    def connect(self) -> Any:
        return scalar_tx.connect(f"grpc://{self.node.where}", **self.user)

    def restore(self) -> None:
        """Make the table anew, and what transactions need, should they be gone."""
        with self.connect() as db:
            self._logged_in(db)
            db.admin.create_coordinator_tables(if_not_exists=True)
            db.admin.drop_table(TABLE, if_exists=True)
            db.admin.create_namespace("shop", if_not_exists=True)
            db.admin.create_table(TABLE, SCHEMA, if_not_exists=True)
            with db.begin() as tx:
                tx.upsert(TABLE, {"owner": "ada", "at": 1, "kind": 2, "note": "n", "size": 1})
                tx.commit()

    def _logged_in(self, db: Any) -> None:
        """Wait until a log-in is let through: the tries of all users together are bounded."""

        def tried() -> bool:
            try:
                db.admin.namespaces()
            except StorageUnavailableError as error:
                if error.code != "STX-5204":
                    raise
                return False
            return True

        until(tried, "log-ins are refused")

    # Calls.

    def call(self, method: Method, bodies: Iterable[bytes]) -> Answer:
        """Send those bodies, whatever they hold, and read all that comes."""
        channel = self._java if method.java else self._own
        described = method.described
        bodies = list(bodies)
        self.sent += len(bodies)
        metadata = () if method.java else self.metadata
        answer, began = Answer(), time.monotonic()
        try:
            for reply in self._replies(channel, method, bodies, metadata):
                answer.replies.append(reply)
                now = time.monotonic()
                answer.slowest, began = max(answer.slowest, now - began), now
        except grpc.RpcError as error:
            call: Any = error
            answer.code, answer.details = call.code(), call.details() or ""
        answer.slowest = max(answer.slowest, time.monotonic() - began)
        if described.name == "Pause":
            self._unpause(channel)
        return answer

    def _replies(
        self, channel: grpc.Channel, method: Method, bodies: list[bytes], metadata: Any
    ) -> Iterator[bytes]:
        described, how = method.described, {"metadata": metadata, "timeout": PATIENCE}
        many: Any
        if described.client_streaming:
            many = channel.stream_stream(method.path)
            yield from many(iter(bodies), **how)
        elif described.server_streaming:
            many = channel.unary_stream(method.path)
            yield from many(bodies[0], **how)
        else:
            many = channel.unary_unary(method.path)
            yield many(bodies[0], **how)

    def _unpause(self, channel: grpc.Channel) -> None:
        call: Any = channel.unary_unary("/rpc.Admin/Unpause")
        call(b"", timeout=PATIENCE)

    def bears(self, method: Method, bodies: Sequence[bytes]) -> Answer:
        """Send them, and insist on an answer in time that somebody has foreseen."""
        answer = self.call(method, bodies)
        if answer.slowest > SLOWEST:
            # The machine may have been busy with something else: slow is what is slow again.
            answer = self.call(method, bodies)
        assert answer.slowest <= SLOWEST, f"{method} took {answer.slowest:.1f} s"
        assert answer.code not in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED) or (
            not INCIDENT.search(answer.details) and "transaction" in answer.details
        ), (method, answer.code, answer.details)
        assert not INCIDENT.search(answer.details), (method, answer.code, answer.details)
        assert answer.code is not grpc.StatusCode.INTERNAL or method.java, answer.details
        for reply in answer.replies:
            assert not INCIDENT.search(reply.decode("latin-1")), (method, reply)
        said = self.said()
        assert not INCIDENT.search(said), f"{method}\n{said[-3000:]}"
        return answer

    # How it is.

    def said(self) -> str:
        """What came to its log since this was asked last."""
        with self.node.log_file.open() as log:
            log.seek(self._log_read)
            new = log.read()
            self._log_read = log.tell()
        return new

    def memory(self, which: str = "VmRSS") -> int:
        """The worker's resident memory in bytes, now or (``VmHWM``) at its highest."""
        found = re.search(rf"^{which}:\s+(\d+) kB", self._status(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    def _status(self) -> str:
        return Path(f"/proc/{self.worker}/status").read_text()

    def descriptors(self) -> int:
        """How many files and sockets the worker has open."""
        return sum(1 for _ in Path(f"/proc/{self.worker}/fd").iterdir())

    def at_rest(self, seconds: float = 30) -> bool:
        """Is nothing open? Said by the counts, and by a pause that finds nothing to wait for."""
        until(
            lambda: self.node.metrics()["scalardb_node_open_transactions"] == 0,
            "transactions are open",
            seconds,
        )
        with Admin(self.node.admin) as admin:
            admin.pause(wait=True, milliseconds=int(seconds * 1000))
            admin.unpause()
        return True

    def unharmed(self) -> None:
        """Insist on the same worker, within its memory, at rest, and serving usual clients."""
        assert self.node.workers() == [self.worker]
        assert self.memory("VmHWM") <= LARGEST
        assert self.at_rest()
        self.restore()
        with self.connect() as db:
            self._logged_in(db)
            assert db.get(TABLE, {"owner": "ada", "at": 1, "kind": 2})["size"] == 1

"""A node of a bank with users, a load of transfers, and a writer that is killed in its commit."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import grpc

import scalar_tx
from scalar_tx import ScalarTxError
from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "bank.account"
CLERK, AUDITOR = "clerk", "auditor"
PASSWORD = "correct horse battery staple"
HOT = 6  # accounts that the load is about
STUCK = 100  # one that it is not about
QUIET = 101  # one that nobody writes

_LIMIT = "scalar.db.node.max_open_transactions_per_user=2000"
_KILLED = """
import os, signal, sys
import scalar_tx
from scalar_tx.connection import parts_of

async def die(event):
    os.kill(os.getpid(), signal.SIGKILL)

# A commit in one write has no middle.
with scalar_tx.connect(sys.argv[1], consensus_commit_one_phase_commit_enabled=False) as db:
    parts_of(db).context.commit_hooks.append(die)
    db.run(lambda tx: tx.update("bank.account", {"id": %d}, {"owner": "eve", "balance": 1}))
"""


class BusyNode:
    """``transfers`` runs a load from several threads while a ``with`` block does."""

    def __init__(self, folder: Path, *, more: str = "") -> None:
        self.database = folder / "node" / "node.db"
        self.database.parent.mkdir(parents=True)
        with self._own() as db:
            db.admin.create_coordinator_tables()
            db.admin.create_table(
                ACCOUNT,
                columns={"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
                partition_key=["id"],
            )
            for number in (*range(HOT), STUCK, QUIET):
                db.upsert(ACCOUNT, {"id": number, "owner": "ann", "balance": 1000})
        properties = f"scalar.db.cluster.auth.enabled=true\n{_LIMIT}\n{more}"
        self.node = Node(folder / "node", "--workers", "2", properties=properties).begun()
        assert self.node.process.stdout is not None
        self.first = json.loads(self.node.process.stdout.readline())
        self._make_users()
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []
        self.done = 0

    def _own(self) -> Any:
        return scalar_tx.connect(f"sqlite:///{self.database}")

    def _make_users(self) -> None:
        with grpc.insecure_channel(self.node.where) as channel:
            ask = rpc.LogInRequest(user=self.first["user"], password=self.first["password"])
            token = _call(channel, "LogIn", ask, rpc.Tokens).access_token
            for name, privileges in (
                (CLERK, ["INSERT", "SELECT", "UPDATE"]),
                (AUDITOR, ["SELECT"]),
            ):
                user = rpc.UserRequest(user=name, password=PASSWORD)
                _call(channel, "CreateUser", user, rpc.SecurityDone, token)
                grant = rpc.GrantRequest(
                    subject=f"user:{name}", privileges=privileges, object=ACCOUNT
                )
                _call(channel, "Grant", grant, rpc.SecurityDone, token)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.node.told['http_port']}/console"

    def connected(self, user: str = CLERK, password: str = PASSWORD) -> Any:
        return scalar_tx.connect(f"grpc://{self.node.where}", username=user, password=password)

    def kill_a_writer(self) -> None:
        """Leave a record prepared, by a program of its own."""
        command = [sys.executable, "-c", _KILLED % STUCK, f"sqlite:///{self.database}"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        ended = subprocess.run(command, check=False, env=environment, timeout=60)
        assert ended.returncode == -signal.SIGKILL

    def balance(self) -> int:
        with self.connected() as db:
            found = db.get(ACCOUNT, {"id": STUCK})
            assert found is not None
            return int(found["balance"])

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """So many transactions are open meanwhile, and used often enough to stay so."""

        async def hold(ready: threading.Event, end: threading.Event) -> None:
            node = f"grpc://{self.node.where}"
            async with scalar_tx.connect_async(node, username=CLERK, password=PASSWORD) as db:
                opened = [db.begin() for _ in range(count)]
                for tx in opened:
                    await tx.get(ACCOUNT, {"id": QUIET})
                ready.set()
                await asyncio.to_thread(end.wait)
                await asyncio.gather(*(tx.rollback() for tx in opened))

        ready, end = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(hold(ready, end)), daemon=True)
        thread.start()
        try:
            assert ready.wait(60)
            yield
        finally:
            end.set()
            thread.join(30)

    def transfers(self, threads: int = 4) -> None:
        """Begin a load."""
        for number in range(threads):
            thread = threading.Thread(target=self._transfer, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _transfer(self, number: int) -> None:
        dice = random.Random(number)
        with self.connected() as db:
            while not self._end.wait(0.005):
                source, target = dice.sample(range(HOT), 2)
                try:
                    db.run(lambda tx: _move(tx, source, target))  # noqa: B023  # run at once
                    self.done += 1
                except ScalarTxError:
                    continue

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(20)
        self.node.__exit__()


def _move(tx: Any, source: int, target: int) -> None:
    payer = tx.get(ACCOUNT, {"id": source})
    payee = tx.get(ACCOUNT, {"id": target})
    tx.update(ACCOUNT, {"id": source}, {"balance": payer["balance"] - 1})
    tx.update(ACCOUNT, {"id": target}, {"balance": payee["balance"] + 1})


def _call(channel: grpc.Channel, method: str, request: Any, answer: Any, token: str = "") -> Any:
    made: Any = channel.unary_unary(
        f"/scalar_tx.v1.Security/{method}", type(request).SerializeToString, answer.FromString
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return made(request, timeout=20, metadata=metadata, wait_for_ready=True)

"""A console over one worker in this process, and a browser that sees only what is sent to it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.auth.permissions import Principal
from scalar_tx.cluster.console.asking import Workers
from scalar_tx.cluster.console.calls import ConsoleCalls
from scalar_tx.cluster.console.routes import Console
from scalar_tx.cluster.control import Channel
from scalar_tx.cluster.node_server.access import Caller
from scalar_tx.cluster.web import serve_http
from scalar_tx.consensus_commit import record
from scalar_tx.settings.node import NodeSettings
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.cluster.control import Data
    from scalar_tx.model.types import Row, Value

PASSWORD = "canary-password-51c0ffee"
ROOT, READER, WRITER, NOBODY = "root", "reader", "writer", "nobody"
TABLE = "bank.account"
OTHER = "secret.account"
SEEN = "seen-by-those-who-may"
HIDDEN = "canary-record-51c0ffee"


class _WorkerSide:
    def __init__(self, calls: ConsoleCalls) -> None:
        self._calls = calls

    async def answer(self, what: str, data: Data) -> Data:
        return await self._calls.answer(data)

    def heard(self, what: str, data: Data) -> None:
        raise AssertionError(what)


class _SupervisorSide:
    async def answer(self, what: str, data: Data) -> Data:
        raise AssertionError(what)

    def heard(self, what: str, data: Data) -> None:
        raise AssertionError(what)


@dataclass
class Answer:
    """What a browser was sent."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> str:
        found: str = self.data["error"]["message"]
        return found


@dataclass
class Browser:
    """Keeps cookies, and all that it was ever sent."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    seen: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, f"/console{path}", body, sent)
            got = connection.getresponse()
            answer = Answer(got.status, dict(got.getheaders()), got.read().decode())
        finally:
            connection.close()
        self.seen.append(f"{answer.headers} {answer.text}")
        for name, value in got.headers.items():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0].strip('"')
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", f"/api/{path}", None, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        headers = {"Content_Type": "application/json", "X_CSRF_Token": self.csrf, **headers}
        return self.send("POST", f"/api/{path}", json.dumps(body or {}).encode(), **headers)

    def log_in(self, user: str, password: str = PASSWORD) -> Answer:
        self.csrf = self.get("session").data["csrf"]
        answer = self.post("log-in", {"user": user, "password": password})
        if answer.status == 200:
            self.csrf = answer.data["csrf"]
        return answer


class Site:
    """A node's console. ``users``: callers log in."""

    def __init__(
        self,
        *,
        target: str = "memory://",
        users: bool = True,
        http_host: str = "127.0.0.1",
        tls: Any = None,
        **node: Any,
    ) -> None:
        self.users = Users() if users else None
        self.served = Served(target, users=self.users)
        self.node = NodeSettings(auth_named=users, **node)
        self._host = http_host
        self._tls = tls
        self.served.run(self._begin())

    async def _begin(self) -> None:
        manager = self.served.manager
        await manager.admin.create_coordinator_tables(if_not_exists=True)
        columns = {"id": "BIGINT", "owner": "TEXT", "balance": "INT"}
        for table in (TABLE, OTHER):
            await manager.admin.create_table(table, columns=columns, partition_key=["id"])
        if self.users is not None:
            await self._make_users(self.users)
        worker = self.served.worker
        authenticator = None if self.users is None else self.users.authenticator
        self.calls = ConsoleCalls(
            worker.database, worker.access, worker.gate, worker.sessions, authenticator
        )
        ours, theirs = socket.socketpair()
        self._ends = [
            await Channel.over(ours, _SupervisorSide()),
            await Channel.over(theirs, _WorkerSide(self.calls)),
        ]
        self._serving = True
        self._ended: dict[int, Channel] = {}
        self.console = Console(self.node, Workers(self._channels), self._state)
        self._runner, self.port = await serve_http(
            self._host,
            0,
            lambda: b"",
            self._state,
            tls=self._tls,
            console=self.console.application(),
        )

    async def _make_users(self, users: Users) -> None:
        principals = users.principals
        await principals.create_tables()
        await principals.users.create(ROOT, PASSWORD, superuser=True)
        for name in (READER, WRITER, NOBODY):
            await principals.users.create(name, PASSWORD)
        await principals.grants.grant(f"user:{READER}", ["SELECT"], TABLE)
        await principals.grants.grant(f"user:{WRITER}", ["SELECT", "UPDATE"], TABLE)

    def _channels(self) -> dict[int, Channel]:
        return {**self._ended, 1: self._ends[0]} if self._serving else {}

    def _state(self) -> Data:
        worker = {"name": "worker 1", "process": 1, "restarts": 0, "serving": True}
        worker["storage_seen"] = True
        return {
            "ready": True,
            "paused": False,
            "leaving": False,
            "trouble": None,
            "workers": [{**worker, "name": "worker 0"}, worker],
        }

    def browser(self, user: str | None = None) -> Browser:
        made = Browser(self.port)
        if user is not None:
            answer = made.log_in(user)
            assert answer.status == 200, answer
        return made

    def leave(
        self, number: int, values: Mapping[str, Value], *, table: str = TABLE, age: float = 60.0
    ) -> str:
        """Leave a record as a writer does that dies between prepare and decision; its id."""
        writer = f"writer-of-{number}"

        async def steps() -> None:
            parts = self.served.worker.database.parts
            found = await parts.context.catalog.table(table)
            previous = await parts.storage.get(found.stored, (number,))
            at = parts.runtime.now_ms() - round(1000 * age)
            write = record.prepare(found, (number,), values, previous, tx_id=writer, at=at)
            await parts.storage.mutate([write])

        self.served.run(self.served.worker.database.run(steps()))
        return writer

    def row(self, number: int, table: str = TABLE) -> Row | None:
        async def steps() -> Row | None:
            parts = self.served.worker.database.parts
            found = await parts.context.catalog.table(table)
            return await parts.storage.get(found.stored, (number,))

        found: Row | None = self.served.run(self.served.worker.database.run(steps()))
        return found

    def hold(self, count: int, owner: str) -> None:
        """Open so many transactions of somebody, for good."""

        async def steps() -> None:
            for number in range(count):
                caller = Caller(Principal(owner), "ipv4:192.0.2.7:1")
                opened = self.served.worker.opened(f"{owner}-{number}", caller, lambda _: None)
                opened.__enter__()
                self._held.append(opened)

        self.served.run(steps())

    _held: list[Any] = []  # noqa: RUF012  # only so that none is closed

    def end_a_worker(self) -> None:
        """There was another one, which is asked first and is gone."""

        async def steps() -> Channel:
            ours, theirs = socket.socketpair()
            theirs.close()
            channel = await Channel.over(ours, _SupervisorSide())
            await channel.until_closed()
            return channel

        self._ended[0] = self.served.run(steps())

    def stop_serving(self, *, stopped: bool) -> None:
        self._serving = not stopped

    def close(self) -> None:
        self.served.run(self._end())
        self.served.close()

    async def _end(self) -> None:
        for end in self._ends:
            end.close()
        await self._runner.cleanup()
        await asyncio.sleep(0)

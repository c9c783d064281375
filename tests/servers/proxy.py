"""What if the network fails just here? A proxy before a server, told by the test what to do.

    with Proxy.before(cluster) as proxy:
        proxy.delay(0.05)
        lost = proxy.lose_reply("COMMIT")
        ...                              # a client at proxy.host, proxy.port
        lost.wait()                      # the server did it, and its client heard nothing

It lives in a thread of the test's process. Frames come whole or not at all, unless torn on purpose.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from tests.servers.cassandra_server import told_host
from tests.servers.crossing import Connection, Pace
from tests.servers.faults import Deed, Fault, Way
from tests.servers.frames import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from tests.servers import Cluster

    Match = bytes | str | Callable[[bytes], bool]

CONTROL_SECONDS = 10.0
QUIET_SECONDS = 0.5
# What the servers of a kind speak.
SPOKEN = {
    "cassandra": "cql",
    "dynamodb": "http",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "redis": "resp",
}


class Proxy:
    """A listening address before a server's.

    ``requests`` counts what clients asked, ``connections`` are those that are open. A fault's
    ``match`` is bytes or text that the request holds, or a function of its bytes; each fault
    happens once. The protocols are those of frames.py.
    """

    def __init__(
        self, host: str, port: int, protocol: str = "tcp", at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self.server = (host, port)
        self.protocol = PROTOCOLS[protocol]
        self.host, self.port = at
        self.requests = 0
        self.connections: set[Connection] = set()
        self.faults: list[Fault] = []
        self.refusing = False
        self.failure: Exception | None = None
        self.pace = {way: Pace() for way in Way}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @classmethod
    def before(
        cls, cluster: Cluster, node: int = 0, at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> Self:
        """A proxy before a node of a server, in the server's own protocol."""
        stands = cluster.nodes[node]
        return cls(stands.host, stands.port, SPOKEN[cluster.kind], at)

    @property
    def endpoint(self) -> str:
        """``host:port`` for clients."""
        return f"{self.host}:{self.port}"

    def properties(self, cluster: Cluster, **extra: str) -> dict[str, str]:
        """The properties of a server of one node, by way of this proxy."""
        [node] = cluster.nodes
        settings = {
            key: value.replace(node.endpoint, self.endpoint)
            for key, value in cluster.properties(**extra).items()
        }
        if "scalar.db.contact_port" in settings:
            settings["scalar.db.contact_points"] = self.host
            settings["scalar.db.contact_port"] = str(self.port)
        return settings

    def delay(self, seconds: float, way: Way | None = None) -> None:
        """Everything takes so much longer, each way or one way; nothing is held up by the rest."""
        for one in _ways(way):
            self.pace[one].delay = seconds

    def bandwidth(self, bytes_per_second: float | None, way: Way | None = None) -> None:
        """No more than so many bytes pass, on each connection; None: as many as come."""
        for one in _ways(way):
            self.pace[one].bandwidth = bytes_per_second

    def cut(self, way: Way | None = None) -> None:
        """Cut the line until ``heal``.

        Both ways: connections are reset, and new ones too. One way: what goes there waits, as TCP
        makes it wait when packets are lost, and arrives after healing if its connection still is.
        """
        if way is None:
            self._run(self._reset())
        else:
            self._run(self._stop_way(way))

    def heal(self) -> None:
        """Take connections again, and let everything pass; faults that wait for a request stay."""
        self._run(self._heal())

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What was asked is answered and kept, and what is asked from now on waits: a time to kill.

        DynamoDB Local answers a TransactWriteItems before its file has it: killed at that moment,
        it had lost the last one in 19 of 40 runs, and none of 15 half a second later. The service
        that it stands for keeps what it has acknowledged.
        """
        self.cut(Way.TO_SERVER)
        try:
            time.sleep(QUIET_SECONDS)
            yield
        finally:
            self.heal()

    def hold(self, match: Match, *, skip: int = 0) -> Fault:
        """Keep a request back until its ``deliver`` is called, even after its client has gone."""
        return self._fault(Deed.HOLD, match, skip=skip)

    def lose_request(
        self, match: Match, *, closes: bool = False, skip: int = 0, lasting: bool = False
    ) -> Fault:
        """The server never sees the request; where it is to last, nor any other that matches."""
        return self._fault(Deed.LOSE_REQUEST, match, closes=closes, skip=skip, lasting=lasting)

    def lose_reply(self, match: Match, *, closes: bool = False, skip: int = 0) -> Fault:
        """The server does what it was asked; its client never learns."""
        return self._fault(Deed.LOSE_REPLY, match, closes=closes, skip=skip)

    def tear_request(self, match: Match, *, after: int = 1, skip: int = 0) -> Fault:
        """So many bytes of a request reach the server, then both connections end."""
        return self._fault(Deed.TEAR_REQUEST, match, after=after, closes=True, skip=skip)

    def tear_reply(self, match: Match, *, after: int = 1, skip: int = 0) -> Fault:
        """So many bytes of the reply reach the client, then both connections end."""
        return self._fault(Deed.TEAR_REPLY, match, after=after, closes=True, skip=skip)

    def forget_faults(self) -> None:
        """No request meets a fault any more; one that is held stays held."""
        self._run(self._forget_faults())

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, self.host, self.port))
        self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONTROL_SECONDS)
        self._loop.close()
        if self.failure is not None:
            raise self.failure

    def _fault(self, deed: Deed, match: Match, **how: Any) -> Fault:
        fault = Fault(deed, _matching(match), self._loop, **how)
        self.faults.append(fault)
        return fault

    def fault_for(self, request: bytes) -> Fault | None:
        """The first fault that wants this request; it won't want another."""
        for fault in self.faults:
            if fault.meets(request):
                if not fault.lasting:
                    self.faults.remove(fault)
                return fault
        return None

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(CONTROL_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await connection.serve()
        except OSError:
            connection.abort()  # the server isn't there
        except asyncio.CancelledError:
            connection.abort()  # the proxy closes
        except Exception as failure:  # noqa: BLE001  a predicate's or a framing's: told at the end
            self.failure = failure
            connection.abort()
        finally:
            self.connections.discard(connection)
            self._tasks.discard(task)

    async def _reset(self) -> None:
        self.refusing = True
        for connection in self.connections:
            connection.abort()

    async def _stop_way(self, way: Way) -> None:
        self.pace[way].open.clear()

    async def _heal(self) -> None:
        self.refusing = False
        for pace in self.pace.values():
            pace.open.set()

    async def _forget_faults(self) -> None:
        self.faults.clear()

    async def _close(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # sockets of aborted connections close in the next turn


@contextmanager
def before_all(cluster: Cluster) -> Iterator[list[Proxy]]:
    """A proxy before each node of ``cassandra(…, behind_proxies=True)``, where it says it is."""
    with ExitStack() as open_ones:
        yield [
            open_ones.enter_context(Proxy.before(cluster, i, (told_host(node.host), node.port)))
            for i, node in enumerate(cluster.nodes)
        ]


def _ways(way: Way | None) -> list[Way]:
    return list(Way) if way is None else [way]


def _matching(match: Match) -> Callable[[bytes], bool]:
    """Does a request hold these bytes? A function decides by itself."""
    if callable(match):
        return match
    wanted = match.encode() if isinstance(match, str) else match
    return lambda request: wanted in request

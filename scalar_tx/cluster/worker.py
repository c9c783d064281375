"""How does one worker of a node live, from its supervisor's first word to its end?

``python -m scalar_tx.cluster.worker NUMBER``, with one end of a channel under that number. All else
it is told over the channel. It serves gRPC on a port that other workers listen on too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.auth.principals import FIRST_USER
from scalar_tx.cluster.certificates import Certificates
from scalar_tx.cluster.clock_skew import keep_measured
from scalar_tx.cluster.control import Channel
from scalar_tx.cluster.event_loop import new_event_loop
from scalar_tx.cluster.freed_memory import FreedMemory, collect_less
from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.health import OVERALL, READINESS, Health
from scalar_tx.cluster.host import Host
from scalar_tx.cluster.limits import channel_arguments
from scalar_tx.cluster.listening import address
from scalar_tx.cluster.node_pause import NodePause
from scalar_tx.cluster.node_server.held import Held
from scalar_tx.cluster.node_server.worker_parts import Identity
from scalar_tx.cluster.node_sessions import NodeSessions
from scalar_tx.cluster.node_users import NodeUsers
from scalar_tx.cluster.opening import divided, look_at_storage, open_manager
from scalar_tx.cluster.orphan import leave_when_orphaned
from scalar_tx.cluster.services import console_calls, handlers, scalardb_handlers
from scalar_tx.cluster.sessions import Expiry
from scalar_tx.cluster.shared_counts import SharedCounts
from scalar_tx.consensus_commit.meter import install
from scalar_tx.errors import ScalarTxError
from scalar_tx.observe.logs import log_to_stderr
from scalar_tx.observe.metrics import Metrics, count_in
from scalar_tx.observe.spans import hand_on
from scalar_tx.settings.load import settings_of
from scalar_tx.settings.sources import Source

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.cluster.console.calls import ConsoleCalls
    from scalar_tx.cluster.control import Data
    from scalar_tx.settings import Settings

_log = logging.getLogger("scalar_tx.cluster.worker")

LOOK_SECONDS: Final = 2.0  # between two looks for what the storage lacks
GAUGE_SECONDS: Final = 1.0
ORPHAN_SECONDS: Final = 5.0  # for rolling back when the supervisor is gone
SPANS_SECONDS: Final = 1.0  # its supervisor lets it live a little longer


class Worker:
    """One worker process."""

    def __init__(self) -> None:
        # Closed until the supervisor has said whether the node is paused.
        self.gate = Gate(closed=True)
        self.health = Health()
        self._host: Host | None = None
        self._console: ConsoleCalls | None = None
        self._servers: list[grpc.aio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._channel: Channel

    async def live(self, end: socket.socket) -> None:
        """Serve until the supervisor says stop, or is gone."""
        leave_when_orphaned(end, 2 * ORPHAN_SECONDS)
        self._channel = await Channel.over(end, self)
        await self._channel.until_closed()
        if self._stopping is None:
            _log.error("the supervisor is gone: what is open is rolled back, and this ends")
            self._stop(drain=0, rollback=ORPHAN_SECONDS)
        else:
            self._hurry.set()
        if self._stopping is not None:
            await self._stopping

    # What the supervisor asks and tells.

    async def answer(self, what: str, data: Data) -> Data:
        """Answer the supervisor."""
        match what:
            case "start":
                return await self._start(data)
            case "ping":
                return {}
            case "close":
                self.gate.close()
            case "open":
                self.gate.open()
            case "drain":
                drained = await self.gate.drained(float(data["seconds"]))
                return {"drained": drained, "outstanding": self.gate.outstanding}
            case "look":
                pass
            case "console" if self._console is not None:
                return await self._console.answer(data)
            case _:
                raise LookupError(what)
        return {"closed": self.gate.closed, "open": not self.gate.closed}

    def heard(self, what: str, data: Data) -> None:
        """Do what needs no answer."""
        match what:
            case "open":
                self.gate.open()
            case "ready":
                self.health.set(READINESS, serving=data["ready"])
                self.health.set(OVERALL, serving=not data["leaving"])
            case "stop":
                self._stop(drain=data["drain"], rollback=data["rollback"])

    # Its beginning.

    async def _start(self, data: Data) -> Data:
        if not data["paused"]:
            self.gate.open()
        name = f"worker-{data['slot']}"
        count_in(data["metrics"], name)
        try:
            settings = _settings(data, name)
            await self._serve(settings, data)
            collect_less()
        except ScalarTxError as error:
            return {"failed": [type(error).__name__, error.message, error.advice, error.code]}
        self.health.set(READINESS, serving=data["ready"])
        return {"process": os.getpid()}

    async def _serve(self, settings: Settings, data: Data) -> None:
        slot = data["slot"]
        metrics = Metrics()
        install(metrics)
        counts = SharedCounts(data["counts"], data["workers"], bytes.fromhex(data["counts_key"]))
        manager = open_manager(settings)
        users = None
        if settings.node.asks_who_calls:
            users = NodeUsers(manager, Path(data["metrics"]))
        self._host = host = Host(
            settings=settings,
            slot=slot,
            manager=manager,
            gate=self.gate,
            sessions=NodeSessions(settings.node.limits, counts, slot),
            health=self.health,
            metrics=metrics,
            pause=NodePause(self._channel),
            users=users,
            identity=Identity(data["node"], slot, data["workers"]),
            held=Held(settings.node.limits.scanner_bytes),
            folder=Path(data["metrics"]),
        )
        self._console = console_calls(host)
        tls = settings.node.tls
        credentials = None if tls is None else Certificates(tls).credentials()
        own, streams = handlers(host), host.limits.connection_calls
        await self._listen(host, own, data["address"], credentials, streams=streams)
        if data["scalardb_address"] is not None:
            java = scalardb_handlers(host)
            await self._listen(host, java, data["scalardb_address"], None, streams=None)
        self._go_on(host.sessions.watch())
        for steps in host.beside:
            self._go_on(steps())
        self._go_on(self._keep_gauges(host))
        self._go_on(self._watch_storage(host))
        if slot == 0:  # one worker speaks for the machine
            self._go_on(keep_measured(manager, metrics.tell_clock_skew))

    async def _listen(
        self,
        host: Host,
        services: Sequence[grpc.GenericRpcHandler],
        place: Sequence[Any],
        credentials: grpc.ServerCredentials | None,
        *,
        streams: int | None,
    ) -> None:
        options = channel_arguments(host.limits, shared_port=True, streams=streams)
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers(tuple(services))
        where = address(*place)
        if credentials is None:
            server.add_insecure_port(where)
        else:
            server.add_secure_port(where, credentials)
        await server.start()
        self._servers.append(server)

    def _go_on(self, steps: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.ensure_future(steps))

    async def _keep_gauges(self, host: Host) -> None:
        freed = FreedMemory()
        while True:
            freed.look(host.sessions.count)
            host.metrics.open_transactions.set(host.sessions.count)
            host.metrics.open_scanners.set(host.held.scanners)
            host.metrics.oldest_transaction.set(host.sessions.oldest_age)
            await asyncio.sleep(GAUGE_SECONDS)

    async def _watch_storage(self, host: Host) -> None:
        """Tell the supervisor what is missing, until all has been seen once."""
        while True:
            try:
                found = await look_at_storage(host.manager)
            except Exception:  # noqa: BLE001  # whatever it is, it is looked at again
                _log.exception("the storage could not be looked at")
            else:
                if found.seen:
                    await self._begin_users(host)
                self._channel.tell("storage", {"seen": found.seen, "trouble": found.trouble})
                if found.seen:
                    return
            await asyncio.sleep(LOOK_SECONDS)

    async def _begin_users(self, host: Host) -> None:
        """One worker of a node sees to it that there are users, and that old tokens go."""
        if host.users is None or host.slot != 0:
            return
        secret = await host.users.begin()
        if secret is not None:
            self._channel.tell("first user", {"name": FIRST_USER, "password": secret})
        self._go_on(host.users.keep_clean())

    # Its end.

    def _stop(self, *, drain: float, rollback: float) -> None:
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._end(drain, rollback))
        else:  # said twice: somebody is in a hurry
            self._hurry.set()

    async def _end(self, drain: float, rollback: float) -> None:
        """Accept nothing new, let what is open go on for a while, roll back the rest."""
        self.health.end()
        serving = asyncio.ensure_future(self._all_ended(drain + rollback))
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait([serving, hurry], timeout=drain, return_when="FIRST_COMPLETED")
        hurry.cancel()
        if not serving.done():
            await self._roll_back(serving, rollback)
        for task in self._tasks:
            task.cancel()
        if self._host is not None:
            closing = asyncio.ensure_future(_closed(self._host))
            await asyncio.wait([closing], timeout=rollback)
        self._channel.close()

    async def _roll_back(self, serving: asyncio.Future[None], seconds: float) -> None:
        if self._host is not None:
            _log.warning("%d open transactions are rolled back", self._host.sessions.count)
            self._host.sessions.expire_all(Expiry.SHUTDOWN)
        await asyncio.wait([serving], timeout=seconds / 2)
        for server in self._servers:
            await server.stop(0)  # what is still there is cut off, and rolls back behind that
        await self.gate.drained(seconds / 2)

    async def _all_ended(self, grace: float) -> None:
        await asyncio.gather(*(server.stop(grace) for server in self._servers))


async def _closed(host: Host) -> None:
    for end in host.at_end:
        await end()
    if host.users is not None:
        await host.users.close()
    await host.manager.close()


def _settings(data: Data, name: str) -> Settings:
    # What is to be said of the settings, the supervisor has said.
    remarks = logging.getLogger("scalar_tx.settings")
    remarks.setLevel(logging.ERROR)
    settings = settings_of(Source.of_data(data["source"]), data["overrides"])
    log_to_stderr(settings.node.log_format, name)
    return divided(settings, data["workers"], data["slot"])


def main(number: str) -> None:
    """Run one worker over the end of a channel that has this number."""
    # When it ends is the supervisor's decision; a service manager tells all processes at once.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    log_to_stderr("text", "worker")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_live_and_leave(socket.socket(fileno=int(number))))


async def _live_and_leave(end: socket.socket) -> None:
    await Worker().live(end)
    hand_on(SPANS_SECONDS)
    logging.shutdown()
    # A thread that still waits for a database would hold up an end that was promised.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])

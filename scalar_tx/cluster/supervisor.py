"""What is a whole node's, and who keeps it? The first process, which serves no transaction itself.

It keeps the workers running, pauses and unpauses them all, tells whether the node is ready, serves
metrics and probes, and ends it all in order. No transaction ever waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import grpc

from scalar_tx import errors
from scalar_tx.cluster.admin_service import admin_services
from scalar_tx.cluster.certificate_context import CertificateContext
from scalar_tx.cluster.certificate_expiry import expires_at
from scalar_tx.cluster.certificates import Certificates
from scalar_tx.cluster.console.asking import Workers
from scalar_tx.cluster.console.routes import console
from scalar_tx.cluster.ending import Ending, Step
from scalar_tx.cluster.health import OVERALL, READINESS, Health
from scalar_tx.cluster.limits import channel_arguments
from scalar_tx.cluster.listening import (
    SharedPort,
    refuse_exposure,
    resolved,
)
from scalar_tx.cluster.opening import worker_count
from scalar_tx.cluster.pausing import Pausing
from scalar_tx.cluster.serving import begin_serving
from scalar_tx.cluster.shared_counts import SharedCounts
from scalar_tx.cluster.web import serve_http
from scalar_tx.cluster.worker_process import WorkerProcess
from scalar_tx.observe.metrics import Metrics, NodeMetrics, SharedFiles, count_in
from scalar_tx.observe.scalardb_stats import ServerStats, without_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.cluster.control import Channel, Data
    from scalar_tx.observe.metrics import Shown
    from scalar_tx.settings import Settings
    from scalar_tx.settings.sources import Source

_log = logging.getLogger("scalar_tx.cluster.supervisor")

ANNOUNCE_SECONDS: Final = 5.0  # how long the first look at a storage may keep a user waiting
PROBE_BYTES: Final = 4096  # of one question about health, far more than it needs
PROBE_STREAMS: Final = 100  # so many questions at once on one connection
SLACK_SECONDS: Final = 5.0  # for a process to leave after all that it was allowed


class Supervisor:
    """One node. ``source`` and ``overrides`` are what ``settings`` were made of.

    A worker that is started later gets the same, whatever has become of the file meanwhile.
    ``announce`` is called once, with what a user must know: the ports, and whether it is ready;
    ``first_user`` with a name and a password, where the node had no user and made one.
    """

    def __init__(
        self,
        source: Source,
        overrides: Mapping[str, object],
        settings: Settings,
        announce: Callable[[Data], None],
        first_user: Callable[[str, str], None],
    ) -> None:
        self._first_user = first_user
        self._new_user: tuple[str, str] | None = None  # to be told behind the ports
        self._name = uuid.uuid4().hex
        self._source = source.as_data()
        self._overrides = dict(overrides)
        self._settings = settings
        self._node = settings.node
        self._announce = announce
        self._workers: list[WorkerProcess] = []
        self._pausing = Pausing(self._channels, self._pause_changed)
        self._health = Health()
        self._ending = Ending()
        self._ready = False
        self._trouble: str | None = None
        self._announced = False
        self._failure: errors.ScalarTxError | None = None
        self._ports: Data = {}
        self._paused_since: float | None = None
        self._metrics: NodeMetrics
        self._files: SharedFiles
        self._counts: SharedCounts

    async def run(self) -> None:
        """Run the node to its end. ScalarTxError: it can't even begin."""
        refuse_exposure(self._node)
        self._ending.listen()
        async with AsyncExitStack() as stack:
            stack.callback(self._ending.over)
            self._begin_counting(stack)
            await self._listen(stack)
            lives = [asyncio.ensure_future(self._live(worker)) for worker in self._workers]
            stack.push_async_callback(self._end_workers, lives)
            await self._ending.until(Step.DECOMMISSION)
            if self._failure is not None:
                raise self._failure
            self._changed()
            if await self._ending.until(Step.DRAIN, self._node.decommission_seconds):
                _log.info("the time for others to turn away is cut short")

    # The beginning.

    def _begin_counting(self, stack: AsyncExitStack) -> None:
        workers = worker_count(self._settings)
        self._counts = SharedCounts.made(workers)
        stack.callback(self._counts.close)
        self._files = SharedFiles.made()
        stack.callback(self._files.remove)
        count_in(self._files.path, "node")
        self._metrics = NodeMetrics(tls=self._node.tls is not None)
        self._metrics.workers_wanted.set(workers)
        Metrics()  # so that all series stand at 0 before there is a worker
        self._workers = [
            WorkerProcess(
                slot,
                descriptors=[self._counts.descriptor],
                pausing=self._pausing,
                first_words=self._first_words,
                changed=self._changed,
                ended=self._worker_gone,
                failed=self._worker_failed,
                first_user=self._there_is_a_user,
            )
            for slot in range(workers)
        ]

    async def _listen(self, stack: AsyncExitStack) -> None:
        node = self._node
        shared = SharedPort.taken(resolved(node.host), node.port)
        stack.callback(shared.close)
        self._ports = {"host": shared.host, "port": shared.number, "scalardb_server_port": None}
        if node.scalardb_server_port is not None:
            host = resolved(node.scalardb_server_host)
            other = SharedPort.taken(host, node.scalardb_server_port)
            stack.callback(other.close)
            self._ports["scalardb_server_port"] = other.number
        self._ports["admin_port"] = await self._serve_admin(stack)
        self._ports["health_port"] = None
        if node.health_port is not None:
            self._ports["health_port"] = await self._serve_health(stack, node.health_port)
        self._ports["http_port"] = None
        if node.http_port is not None:
            host = resolved(node.http_host)
            stats = None
            if node.scalardb_server_port is not None:
                stats = partial(self._exposition, ServerStats())
            tls = CertificateContext(node.tls) if node.http_tls and node.tls else None
            runner, port = await serve_http(
                host,
                node.http_port,
                self._exposition,
                self._state,
                stats=stats,
                console=console(node, Workers(self._serving_channels), self._state),
                tls=None if tls is None else tls.shown,
            )
            stack.push_async_callback(runner.cleanup)
            self._ports["http_port"] = port

    async def _serve_admin(self, stack: AsyncExitStack) -> int:
        node = self._node
        server = grpc.aio.server(options=channel_arguments(node.limits, shared_port=False))
        server.add_generic_rpc_handlers((admin_services(self._pausing), self._health.services()))
        credentials = None if node.tls is None else Certificates(node.tls).credentials()
        return await begin_serving(stack, server, node.admin_host, node.admin_port, credentials)

    async def _serve_health(self, stack: AsyncExitStack, port: int) -> int:
        """For probes that can't speak TLS: kubelet's can't."""
        limits = replace(self._node.limits, message_bytes=PROBE_BYTES)
        server = grpc.aio.server(
            options=channel_arguments(limits, shared_port=False, streams=PROBE_STREAMS)
        )
        server.add_generic_rpc_handlers((self._health.services(),))
        return await begin_serving(stack, server, self._node.health_host, port)

    def _first_words(self, slot: int) -> Data:
        host = resolved(self._node.scalardb_server_host)
        scalardb_port = self._ports["scalardb_server_port"]
        return {
            "node": self._name,
            "slot": slot,
            "workers": len(self._workers),
            "source": self._source,
            "overrides": self._overrides,
            "address": [self._ports["host"], self._ports["port"]],
            "scalardb_address": None if scalardb_port is None else [host, scalardb_port],
            "paused": self._pausing.wanted,
            "ready": self._ready,
            "metrics": str(self._files.path),
            "counts": self._counts.descriptor,
            "counts_key": self._counts.key.hex(),
        }

    def _worker_failed(self, said: list[str]) -> None:
        """A worker can't begin. Before anything was served, that is the node's own failure."""
        kind, message, advice, code = said
        error_class = getattr(errors, kind, errors.ScalarTxError)
        error = error_class(message, advice=advice, code=code)
        if self._announced or self._failure is not None:
            _log.error("a worker can't begin: %s", error)
        else:
            self._failure = error
            self._ending.ask(Step.ROLL_BACK)

    # Its life.

    async def _live(self, worker: WorkerProcess) -> None:
        try:
            await worker.live()
        except Exception:
            _log.exception("%s can't be looked after any more: the node ends", worker.name)
            self._ending.ask(Step.DECOMMISSION)
            raise

    def _channels(self) -> list[Channel]:
        return [one.channel for one in self._workers if one.channel is not None]

    def _serving_channels(self) -> dict[int, Channel]:
        return {
            one.slot: one.channel
            for one in self._workers
            if one.serving and one.channel is not None
        }

    def _pause_changed(self, wanted: bool) -> None:  # noqa: FBT001  # the one thing that changes
        self._metrics.paused.set(wanted)
        if not wanted:
            self._paused_since = None
        elif self._paused_since is None:
            self._paused_since = time.monotonic()

    def _exposition(self, shown: Shown = without_calls) -> bytes:
        """What all processes counted, as ``SharedFiles.exposition``; called in a thread."""
        since = self._paused_since
        self._metrics.paused_seconds.set(0 if since is None else time.monotonic() - since)
        expiry, tls = self._metrics.certificate_expiry, self._node.tls
        if expiry is not None and tls is not None:
            expiry.set(expires_at(tls.cert_chain))
        return self._files.exposition(shown)

    def _changed(self) -> None:
        """Something of a worker has changed: what does that mean for the node?"""
        serving = sum(worker.serving for worker in self._workers)
        self._metrics.workers.set(serving)
        self._tell_of_trouble()
        self._tell_whether_ready()
        if all(worker.has_looked for worker in self._workers):
            self._announce_once()
        elif serving == len(self._workers):
            # A storage that is away may take long to say so; the ports can be told.
            asyncio.get_running_loop().call_later(ANNOUNCE_SECONDS, self._announce_once)

    def _announce_once(self) -> None:
        if not self._announced:
            self._announced = True
            try:
                self._announce({**self._ports, "workers": len(self._workers), "ready": self._ready})
            except OSError as error:  # whoever started the node listens no more
                _log.warning("the ports could not be told: %s", error)

        if self._new_user is not None:
            name, password = self._new_user
            self._new_user = None
            self._first_user(name, password)

    def _there_is_a_user(self, name: str, password: str) -> None:
        self._new_user = (name, password)
        if self._announced:
            self._announce_once()

    def _worker_gone(self, slot: int) -> None:
        """What it counted as open is open no more."""
        self._counts.clear(slot)
        self._files.forget(f"worker-{slot}")
        if not self._ending.begun:
            self._metrics.restarts.inc()
        self._changed()

    def _tell_of_trouble(self) -> None:
        trouble = next((one.trouble for one in self._workers if one.trouble), None)
        if trouble not in (self._trouble, None) and not self._ending.begun:
            away = all(worker.storage_seen for worker in self._workers)
            _log.error("%s: %s", "a worker began without storage" if away else "not ready", trouble)
        self._trouble = trouble

    def _tell_whether_ready(self) -> None:
        leaving = self._ending.begun
        ready = all(worker.ready for worker in self._workers) and not leaving
        if ready != self._ready:
            _log.info("the node is %s", "ready" if ready else "not ready")
        self._ready = ready
        self._metrics.ready.set(ready)
        self._health.set(READINESS, serving=ready)
        self._health.set(OVERALL, serving=not leaving)
        for channel in self._channels():
            channel.tell("ready", {"ready": ready, "leaving": leaving})

    def _state(self) -> Data:
        return {
            "ready": self._ready,
            "paused": self._pausing.wanted,
            "leaving": self._ending.begun,
            "trouble": self._trouble,
            "workers": [worker.health() for worker in self._workers],
        }

    # Its end.

    async def _end_workers(self, lives: list[asyncio.Task[None]]) -> None:
        node = self._node
        for worker in self._workers:
            worker.end()
        left = set(lives)
        if not await self._ending.until(Step.ROLL_BACK, 0):
            self._tell_to_stop(node.drain_seconds)
            seconds = node.drain_seconds + node.rollback_seconds + SLACK_SECONDS
            hurry = asyncio.ensure_future(self._ending.until(Step.ROLL_BACK))
            ended = asyncio.ensure_future(asyncio.wait(left))
            await asyncio.wait({hurry, ended}, timeout=seconds, return_when="FIRST_COMPLETED")
            hurry.cancel()
        self._tell_to_stop(0)
        _, left = await asyncio.wait(left, timeout=node.rollback_seconds + SLACK_SECONDS)
        if left:
            _log.error("%d workers did not end in time, and are killed", len(left))
            for worker in self._workers:
                worker.kill()
            await asyncio.wait(left)
        self._health.end()
        _log.info("the node has ended")

    def _tell_to_stop(self, drain: float) -> None:
        for channel in self._channels():
            channel.tell("stop", {"drain": drain, "rollback": self._node.rollback_seconds})


async def supervise(
    source: Source,
    overrides: Mapping[str, object],
    settings: Settings,
    announce: Callable[[Data], None],
    first_user: Callable[[str, str], None],
) -> None:
    """Run a node until it is told to end, by SIGTERM or SIGINT. ScalarTxError: it can't begin."""
    _log.info("process %d supervises a node on %s", os.getpid(), settings.source)
    await Supervisor(source, overrides, settings, announce, first_user).run()

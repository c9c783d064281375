"""How does a program that only imports the library show its metrics?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scalar_tx.consensus_commit import meter
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import CollectorRegistry

    from scalar_tx.consensus_commit.meter import Meter


class Counting:
    """What counts this process's transactions until it is closed; a ``with`` block closes it."""

    def __init__(self, metrics: Meter, registry: CollectorRegistry) -> None:
        self._metrics = metrics
        self.registry = registry
        meter.install(metrics)

    def close(self) -> None:
        """Count no more; the series stay as they are. May be called twice."""
        meter.remove(self._metrics)

    def __enter__(self) -> Self:
        """Hand it to a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


class Serving(Counting):
    """Metrics that are served over HTTP. ``port`` is the one that was really taken."""

    def __init__(self, metrics: Meter, registry: CollectorRegistry, server: WSGIServer) -> None:
        super().__init__(metrics, registry)
        self._server = server
        self.port = server.server_port

    def close(self) -> None:
        """Serve and count no more. May be called twice."""
        super().close()
        self._server.shutdown()
        self._server.server_close()


def metrics_into(registry: CollectorRegistry) -> Counting:
    """Count all transactions of this process, from now on, as series of the program's registry.

    For those that a program makes on databases that it opens itself; of those that it makes on a
    node it counts runs, and the node the rest. Call it before transactions begin: those that have
    begun are not counted. InvalidOperationError: prometheus-client is not installed, or the
    registry has these series already.
    """
    metrics = _registered(registry)
    return Counting(metrics, registry)


def serve_metrics(port: int, address: str = "127.0.0.1") -> Serving:
    """Count as ``metrics_into`` does, and serve what was counted at ``/metrics``.

    ``port`` 0: any that is free. Plain HTTP, without a log-in: an address that others reach is the
    program's decision. InvalidOperationError: as there, or the port can't be taken.
    """
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ModuleNotFoundError as error:
        raise _not_installed() from error
    registry = CollectorRegistry()
    metrics = _registered(registry)
    try:
        server, _ = start_http_server(port, address, registry)
    except (OSError, OverflowError, TypeError) as error:
        raise InvalidOperationError(
            f"metrics can't be served on {address}:{port}: {error}",
            advice="Name a port that is free, or 0 for any, and an address of this machine",
            code="STX-3110",
        ) from error
    return Serving(metrics, registry, server)


def _registered(registry: CollectorRegistry) -> Meter:
    try:
        from scalar_tx.observe.protocol_metrics import ProtocolMetrics, build_info
    except ModuleNotFoundError as error:
        raise _not_installed() from error
    try:
        made = ProtocolMetrics(registry)
        build_info(registry)
    except ValueError as error:
        raise InvalidOperationError(
            f"the registry has such series already: {error}",
            advice="Call metrics_into once for each registry of the process",
            code="STX-3111",
        ) from error
    return made


def _not_installed() -> InvalidOperationError:
    return InvalidOperationError(
        "metrics need the module prometheus_client, which is not installed",
        advice='Run: pip install "scalar-tx[metrics]"',
        code="STX-3112",
    )

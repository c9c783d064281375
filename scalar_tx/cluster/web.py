"""What does a node answer over HTTP? Metrics, whether it lives and is ready, and its console."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from aiohttp import http_exceptions, web

from scalar_tx.cluster.console.routes import PATH as CONSOLE
from scalar_tx.cluster.listening import cannot_listen
from scalar_tx.observe.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from scalar_tx.cluster.control import Data

_log = logging.getLogger("scalar_tx.cluster.web")

METRICS: Final = "/metrics"
STATS: Final = "/stats/prometheus"  # of ScalarDB's products (operators' expectations 1)
ALIVE: Final = "/healthz"
READY: Final = "/readyz"


async def serve_http(
    host: str,
    port: int,
    exposition: Callable[[], bytes],
    state: Callable[[], Data],
    *,
    stats: Callable[[], bytes] | None = None,
    console: web.Application | None = None,
    tls: ssl.SSLContext | None = None,
) -> tuple[web.AppRunner, int]:
    """Serve until the runner is cleaned up; the port is the one that was really taken.

    ``state`` tells how the node is; its ``ready`` decides. ``stats``: what is exposed under the
    path of ScalarDB's products, None: the same. SettingsError: the port is taken.
    """
    exposed = {METRICS: exposition, STATS: stats or exposition}

    async def metrics(request: web.Request) -> web.Response:
        # Files of all workers are read.
        body = await asyncio.to_thread(exposed[request.path])
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def alive(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_: web.Request) -> web.Response:
        found = state()
        return web.json_response(found, status=200 if found["ready"] else 503)

    app = web.Application(client_max_size=4096)
    for path in exposed:
        app.router.add_get(path, metrics)
    app.router.add_get(ALIVE, alive)
    app.router.add_get(READY, ready)
    if console is not None:
        app.add_subapp(CONSOLE, console)
    _log.addFilter(_is_ours)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, logger=_log)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        await runner.cleanup()
        raise cannot_listen(host, port, error) from error
    return runner, runner.addresses[0][1]


def _is_ours(record: logging.LogRecord) -> bool:
    """Is it no caller who spoke something else than HTTP? That is answered, and no event."""
    return not (
        record.exc_info and isinstance(record.exc_info[1], http_exceptions.HttpProcessingError)
    )

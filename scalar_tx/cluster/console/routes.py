"""What is served under ``/console``?"""

from __future__ import annotations

import contextlib
import importlib.resources
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from scalar_tx import __version__
from scalar_tx.cluster.console.asking import AnswerError, refusal
from scalar_tx.cluster.console.browsers import Browsers
from scalar_tx.cluster.console.exposure import why_not

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.console.asking import Workers
    from scalar_tx.cluster.control import Data
    from scalar_tx.settings import NodeSettings

    Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATH: Final = "/console"
CSRF: Final = "X-CSRF-Token"
MOST_LISTED: Final = 100  # open transactions of the node
_COOKIE: Final = "scalar_tx_console"
_LARGEST_BODY: Final = 200_000  # bytes: a key may be large
_LONGEST_NAME: Final = 1000
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "scalar_tx",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FILES: Final = {
    "": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/charts.js": ("charts.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def console(node: NodeSettings, workers: Workers, state: Callable[[], Data]) -> web.Application:
    """The application under ``PATH``. ``state`` tells how the node is."""
    return Console(node, workers, state).application()


class Console:
    """Serves the page and what it asks."""

    def __init__(self, node: NodeSettings, workers: Workers, state: Callable[[], Data]) -> None:
        self._node = node
        self._workers = workers
        self._state = state
        self._browsers = Browsers(workers)

    def application(self) -> web.Application:
        """All of it."""
        app = web.Application(middlewares=[self._guarded])
        for path, (name, kind) in _FILES.items():
            app.router.add_get(path, _file(name, kind))
        app.router.add_get("/api/session", self._session)
        app.router.add_post("/api/log-in", self._log_in)
        app.router.add_post("/api/log-out", self._log_out)
        app.router.add_get("/api/overview", self._overview)
        app.router.add_get("/api/tables", self._tables)
        app.router.add_get("/api/storages", self._storages)
        app.router.add_get("/api/stuck", self._stuck)
        app.router.add_post("/api/settle", self._settle)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Serve) -> web.StreamResponse:
        """Let nothing out without its headers, nor in what no page of ours has sent."""
        answer: web.StreamResponse
        try:
            refused = why_not(request, self._node)
            if refused is not None:
                raise refusal(403, refused)
            if request.method not in ("GET", "HEAD"):
                self._insist_on_own_page(request)
            answer = await handler(request)
        except AnswerError as error:
            if error.status == 401:
                self._browsers.forget(self._name(request))
            answer = _told(request, error)
            if error.data.get("retry_after") is not None:
                answer.headers["Retry-After"] = str(max(1, round(error.data["retry_after"])))
        except web.HTTPException as error:
            answer = web.Response(status=error.status, text=error.reason)
        answer.headers.update(_HEADERS)
        return answer

    def _insist_on_own_page(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        own = f"{request.url.scheme}://{request.headers.get('Host', '')}"
        name, given = self._name(request), request.headers.get(CSRF, "")
        if (origin is not None and origin != own) or not (
            Browsers.is_name(name) and self._browsers.is_csrf(name, given)
        ):
            raise refusal(403, "this was not sent by a page of this node", "Reload the page")

    # Who it is.

    def _cookie(self, request: web.Request) -> str:
        # Browsers do not keep the cookies of two ports apart.
        return f"{_COOKIE}_{request.url.port}"

    def _name(self, request: web.Request) -> str:
        return request.cookies.get(self._cookie(request), "")

    def _named(self, request: web.Request, answer: web.Response, name: str) -> web.Response:
        answer.set_cookie(
            self._cookie(request),
            name,
            path=PATH,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return answer

    async def _token(self, request: web.Request) -> str | None:
        if not self._node.asks_who_calls:
            return None
        return await self._browsers.token(self._name(request), _peer(request))

    async def _session(self, request: web.Request) -> web.Response:
        name = self._name(request)
        known = Browsers.is_name(name)
        if not known:
            name = Browsers.new_name()
        told: Data = {
            "asks": self._node.asks_who_calls,
            "user": None,
            "csrf": self._browsers.csrf(name),
            "version": __version__,
        }
        try:
            token = await self._token(request)
            told |= await self._workers.ask_one("who", token, _peer(request))
        except AnswerError as error:
            if error.status != 401:
                raise
            self._browsers.forget(name)
        answer = web.json_response(told)
        return answer if known else self._named(request, answer, name)

    async def _log_in(self, request: web.Request) -> web.Response:
        said = await _body(request, "user", "password")
        name = await self._browsers.log_in(said["user"], said["password"], _peer(request))
        old = self._name(request)
        with contextlib.suppress(AnswerError):  # its tokens end by themselves
            await self._browsers.log_out(old, _peer(request))
        return self._named(request, web.json_response({"csrf": self._browsers.csrf(name)}), name)

    async def _log_out(self, request: web.Request) -> web.Response:
        await _body(request)
        await self._browsers.log_out(self._name(request), _peer(request))
        answer = web.json_response({})
        answer.del_cookie(self._cookie(request), path=PATH)
        return answer

    # What is seen.

    async def _overview(self, request: web.Request) -> web.Response:
        token = await self._token(request)
        by_slot = await self._workers.ask_all("transactions", token, _peer(request))
        state = self._state()
        listed = [
            {**one, "worker": slot}
            for slot, told in by_slot.items()
            for one in told["transactions"]
        ]
        listed.sort(key=lambda one: -one["age"])
        workers = [
            {**one, "open": by_slot[slot]["count"] if slot in by_slot else None}
            for slot, one in enumerate(state["workers"])
        ]
        return web.json_response(
            {
                **state,
                "workers": workers,
                "count": sum(told["count"] for told in by_slot.values()),
                "transactions": listed[:MOST_LISTED],
            }
        )

    async def _tables(self, request: web.Request) -> web.Response:
        token = await self._token(request)
        return web.json_response(await self._workers.ask_one("tables", token, _peer(request)))

    async def _storages(self, request: web.Request) -> web.Response:
        token = await self._token(request)
        return web.json_response(await self._workers.ask_one("storages", token, _peer(request)))

    async def _stuck(self, request: web.Request) -> web.Response:
        token = await self._token(request)
        table = request.query.get("table", "")
        try:
            older = float(request.query.get("older", "15"))
        except ValueError:
            older = -1.0
        if not table or len(table) > _LONGEST_NAME or not 0 <= older <= 1e9:
            raise refusal(400, "a table, and an age in seconds, are asked for")
        told = await self._workers.ask_one(
            "stuck", token, _peer(request), {"table": table, "older": older}
        )
        return web.json_response(told)

    # What is done.

    async def _settle(self, request: web.Request) -> web.Response:
        token = await self._token(request)
        said = await _body(request, "table", "key")
        told = await self._workers.ask_one("settle", token, _peer(request), {**said})
        return web.json_response(told)


async def _body(request: web.Request, *names: str) -> dict[str, str]:
    """The texts of those names. AnswerError: they are not what was sent."""
    malformed = refusal(400, "this is not what the page sends", "Reload the page")
    if request.content_type != "application/json":
        raise malformed
    try:
        sent: Any = json.loads(await request.clone(client_max_size=_LARGEST_BODY).text())
    except (ValueError, RecursionError):
        raise malformed from None
    if not isinstance(sent, dict) or not all(isinstance(sent.get(name), str) for name in names):
        raise malformed
    return {name: sent[name] for name in names}


def _told(request: web.Request, error: AnswerError) -> web.Response:
    if "/api/" in request.path:
        return web.json_response({"error": error.data}, status=error.status)
    return web.Response(text=f"{error.data['message']}\n", status=error.status)


def _peer(request: web.Request) -> str:
    address = "" if request.transport is None else request.transport.get_extra_info("peername")
    if not address:
        return ""
    host, port = str(address[0]), address[1]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def _file(name: str, kind: str) -> Serve:
    text = importlib.resources.files(__package__).joinpath("page", name).read_text("utf-8")

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, charset="utf-8")

    return serve

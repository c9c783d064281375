"""What is served under ``/console``?"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from aiohttp import web

from scalar_tx import __version__
from scalar_tx.cluster.console.asked import Asked, peer_of, posted
from scalar_tx.cluster.console.asking import AnswerError, refusal
from scalar_tx.cluster.console.browsers import Browsers
from scalar_tx.cluster.console.exposure import why_not
from scalar_tx.cluster.console.pages import all_pages
from scalar_tx.cluster.console.panel import all_panels, joined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_tx.cluster.console.asking import Workers
    from scalar_tx.cluster.console.pages import Page
    from scalar_tx.cluster.console.panel import Serve
    from scalar_tx.cluster.control import Data
    from scalar_tx.settings import NodeSettings

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATH: Final = "/console"
CSRF: Final = "X-CSRF-Token"
_COOKIE: Final = "scalar_tx_console"
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
        for path, page in all_pages().items():
            app.router.add_get(path, _page(page))
        own_reads = {"session": self._session}
        own_writes = {"log-in": self._log_in, "log-out": self._log_out}
        panels = all_panels()
        reads = joined((one.reads for one in panels), known=own_reads)
        writes = joined((one.writes for one in panels), known=own_writes)
        for name, handler in (own_reads | self._of_panels(reads)).items():
            app.router.add_get(f"/api/{name}", handler)
        for name, handler in (own_writes | self._of_panels(writes)).items():
            app.router.add_post(f"/api/{name}", handler)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
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
        return await self._browsers.token(self._name(request), peer_of(request))

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
            told |= await self._workers.ask_one("who", token, peer_of(request))
        except AnswerError as error:
            if error.status != 401:
                raise
            self._browsers.forget(name)
        answer = web.json_response(told)
        return answer if known else self._named(request, answer, name)

    async def _log_in(self, request: web.Request) -> web.Response:
        said = await posted(request, "user", "password")
        name = await self._browsers.log_in(said["user"], said["password"], peer_of(request))
        old = self._name(request)
        with contextlib.suppress(AnswerError):  # its tokens end by themselves
            await self._browsers.log_out(old, peer_of(request))
        return self._named(request, web.json_response({"csrf": self._browsers.csrf(name)}), name)

    async def _log_out(self, request: web.Request) -> web.Response:
        await posted(request)
        await self._browsers.log_out(self._name(request), peer_of(request))
        answer = web.json_response({})
        answer.del_cookie(self._cookie(request), path=PATH)
        return answer

    # What panels ask.

    def _of_panels(self, served: Mapping[str, Serve]) -> dict[str, Handler]:
        return {name: self._of_panel(serve) for name, serve in served.items()}

    def _of_panel(self, serve: Serve) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            token = await self._token(request)
            asked = Asked(request, self._state, self._workers, token)
            return web.json_response(await serve(asked))

        return answer


def _told(request: web.Request, error: AnswerError) -> web.Response:
    if "/api/" in request.path:
        return web.json_response({"error": error.data}, status=error.status)
    return web.Response(text=f"{error.data['message']}\n", status=error.status)


def _page(page: Page) -> Handler:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=page.text, content_type=page.kind, charset="utf-8")

    return serve

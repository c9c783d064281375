"""How does a command reach the services: at which server, and as whom?"""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_auditor.client import AuditorClient, LogInCalls

Server: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="TARGET",
        envvar="SCALAR_AUDITOR_SERVER",
        help="grpc://host:60053, grpcs://… with TLS, or a properties file. "
        "Else: where one logged in last.",
    ),
]
TOKEN: Final = "SCALAR_AUDITOR_TOKEN"  # noqa: S105  # the name of a variable
_LOG_IN: Final = "Log in: scalar-auditor login EMAIL --server grpc://host:60053"


class StoredTokens:
    """The tokens of a log-in that are kept in a file, for all processes of this user."""

    def __init__(self, server: str) -> None:
        self._server = server

    def current(self, log_in: LogInCalls) -> str:
        """The access token. SettingsError: nobody is logged in there."""
        from scalar_auditor.cli import credentials

        found = credentials.read().by_server.get(self._server)
        if found is None:
            raise nobody()
        return found.access_token

    def renewed(self, refused: str, log_in: LogInCalls) -> str | None:
        """Another access token, got once for all processes; None: they have to log in again."""
        from scalar_auditor.cli import credentials
        from scalar_auditor.cli.credentials import LogIn
        from scalar_auditor.client import AuditorError

        with credentials.changing() as kept:
            old = kept.by_server.get(self._server)
            if old is None:
                return None
            if old.access_token != refused:
                return old.access_token
            # A refresh token that is used twice ends its log-in: whatever comes of it, it is spent.
            del kept.by_server[self._server]
            try:
                tokens = log_in.refresh(old.refresh_token)
            except AuditorError as error:
                if error.reason and error.code == "UNAVAILABLE":
                    kept.by_server[self._server] = old  # it was not even looked at
                    raise
                return None
            kept.by_server[self._server] = LogIn(
                old.email, tokens.access_token, tokens.refresh_token
            )
            return tokens.access_token


def server_of(given: str | None) -> str:
    """The server to call. SettingsError: none is known."""
    if given:
        return normal(given)
    from scalar_auditor.cli import credentials

    kept = credentials.read().server
    if not kept:
        raise nobody()
    return kept


def normal(server: str) -> str:
    """A server by one name, from whatever folder a command is called."""
    return server if "://" in server else os.path.abspath(server)  # noqa: PTH100  # links stay


def nobody() -> Exception:
    """The error for a command that does not know whom to call."""
    from scalar_tx.errors import SettingsError

    return SettingsError("nobody is logged in", advice=_LOG_IN, code="STX-5313")


def client_of(server: str | None, *, token: str | None = None) -> AuditorClient:
    """A client as whoever is logged in, or with a token. SettingsError."""
    from scalar_tx.errors import SettingsError

    try:
        from scalar_auditor.client import connect
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"calling a node needs the module {error.name}, which is not installed",
            advice='Run: pip install "scalar-tx[cluster]"',
            code="STX-3029",
        ) from error
    where = server_of(server)
    given = token if token is not None else os.environ.get(TOKEN)
    if given is not None:
        return connect(where, token=given)
    return connect(where, tokens=StoredTokens(where))


def _options(*, server: Server = None) -> str | None:
    return server


def calling(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given a ``client``, by the option that says which server.

    That one takes the place of the parameter where typer looks for it.
    """
    # Its class is known to type checkers alone: what it needs takes long to import.
    command.__annotations__ = {**command.__annotations__, "client": Any}
    own = inspect.signature(command, eval_str=True)
    to_call = inspect.signature(_options, eval_str=True).parameters

    @functools.wraps(command)
    def run(**given: Any) -> None:
        server = _options(**{name: given.pop(name) for name in to_call})
        with client_of(server) as client:
            command(client=client, **given)

    parameters = [
        parameter
        for one in own.parameters.values()
        for parameter in (to_call.values() if one.name == "client" else [one])
    ]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # known to inspect
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run

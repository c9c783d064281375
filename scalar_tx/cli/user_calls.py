"""How does a command log in to a node, to ask about its users?"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.cluster.client.remote_users import RemoteUsers
    from scalar_tx.settings import Settings

T = TypeVar("T")

Node: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="TARGET",
        help="The node: grpc://host:60053, grpcs://… with TLS, or a properties file. "
        "Without it: ./scalardb.properties.",
    ),
]
LogInName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--user", metavar="NAME", envvar="SCALAR_TX_USER", help="Log in as. Else: as TARGET says."
    ),
]
PasswordFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="The password to log in with. Else: SCALAR_TX_PASSWORD, TARGET, or it is asked for.",
    ),
]
NewPasswordFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--new-password-file", metavar="FILE", help="The password to set. Else: it is asked for."
    ),
]
Generate: TypeAlias = Annotated[
    bool, typer.Option("--generate", help="Make up a password, and print it.")
]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


class Session:
    """Somebody who has said who they are; each ``ask`` is a conversation of its own."""

    def __init__(self, config: str | None, user: str | None, password_file: str | None) -> None:
        from scalar_tx.cli import passwords
        from scalar_tx.settings import load

        settings = load(config)
        _insist_on_node(settings)
        named, known = settings.storage.username, settings.storage.password
        point = (*settings.storage.contact_points, "")[0]
        in_url, at, _ = point.partition("://")[2].rpartition("@")
        if at:
            from urllib.parse import unquote

            name, _, secret = in_url.partition(":")
            named, known = unquote(name), unquote(secret) or known
        self.user = user or named or passwords.name()
        self.password = passwords.to_log_in(
            self.user, password_file, known if self.user == named else None
        )
        self._config = config

    def __repr__(self) -> str:
        return f"Session({self.user!r})"

    def ask(self, steps: Callable[[RemoteUsers], Awaitable[T]]) -> T:
        """Ask the node. SettingsError: what calls it is not installed."""
        import asyncio

        return asyncio.run(self._asked(steps))

    async def _asked(self, steps: Callable[[RemoteUsers], Awaitable[T]]) -> T:
        from dataclasses import replace

        from scalar_tx.errors import SettingsError
        from scalar_tx.settings import load

        try:
            from scalar_tx.cluster.client.opening import open_async
            from scalar_tx.cluster.client.remote_users import RemoteUsers
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"calling a node needs the module {error.name}, which is not installed",
                advice='Run: pip install "scalar-tx[cluster]"',
                code="STX-3029",
            ) from error
        settings = load(self._config)
        points = tuple(_without_user(one) for one in settings.storage.contact_points)
        storage: Any = replace(
            settings.storage, contact_points=points, username=self.user, password=self.password
        )
        backend, _, close = open_async(replace(settings, storage=storage))
        try:
            return await steps(RemoteUsers(backend.calls))
        finally:
            await backend.calls.wire.close()
            await close()


def _options(
    *, config: Node = None, user: LogInName = None, password_file: PasswordFile = None
) -> Session:
    return Session(config, user, password_file)


def logged_in(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given a ``session``, by the options with which somebody logs in.

    Those take the place of the parameter where typer looks for it.
    """
    own = inspect.signature(command, eval_str=True)
    to_log_in = inspect.signature(_options, eval_str=True).parameters

    @functools.wraps(command)
    def run(**given: Any) -> None:
        session = _options(**{name: given.pop(name) for name in to_log_in})
        command(session=session, **given)

    parameters = [
        parameter
        for one in own.parameters.values()
        for parameter in (to_log_in.values() if one.name == "session" else [one])
    ]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # known to inspect
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _insist_on_node(settings: Settings) -> None:
    if not settings.is_node:
        from scalar_tx.errors import SettingsError

        raise SettingsError(
            f"{settings.storage.place} names a database, and users are known to nodes",
            advice="Name the node: --config grpc://host:60053, or grpcs:// where it has TLS",
            code="STX-5250",
        )


def _without_user(point: str) -> str:
    scheme, separator, rest = point.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else point


def subject(text: str) -> str:
    """``ada`` is the user of that name; a role is ``role:clerks``."""
    return text if ":" in text else f"user:{text}"


def say(done: str, data: dict[str, Any], *, json: bool) -> None:
    """Say what was done."""
    from scalar_tx.cli.output import print_json

    if json:
        print_json({"done": done, **data})
    else:
        typer.echo(f"{done}: {', '.join(str(value) for value in data.values())}")

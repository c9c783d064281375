"""``scalar-tx node``: a node that programs on other machines call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from scalar_tx.settings import NodeSettings


def node(
    *,
    config: Config = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="Where to listen; 127.0.0.1 unless the file says more."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="gRPC: 60053. 0 is any that is free.")] = None,
    http_port: Annotated[
        int | None, typer.Option(help="Metrics and probes: 8080. Negative: none.")
    ] = None,
    admin_port: Annotated[int | None, typer.Option(help="Pause and unpause: 60054.")] = None,
    health_port: Annotated[
        int | None,
        typer.Option(help="Health without TLS, for probes, usually 60055. Else: none."),
    ] = None,
    scalardb_server_port: Annotated[
        int | None, typer.Option(help="The protocol of ScalarDB Server, usually 60051. Else: none.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve. Else: one a processor.", min=1)
    ] = None,
    services: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Further services, with commas: audit,verification,event,item,identity.",
        ),
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="For development: services may log one-time codes.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen without TLS where other machines come in.")
    ] = False,
    decommission: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", help="Accept everything so long after SIGTERM: 30.", min=0),
    ] = None,
    drain: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", help="Then let what is open go on so long: 60.", min=0),
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(metavar="text|json", help="Of the log, on standard error.")
    ] = None,
    json: Json = False,
) -> None:
    """Serve transactions over gRPC until SIGTERM or Ctrl-C.

    The first line on standard output tells the ports. A missing storage or coordinator table does
    not end it: it stays up, is not ready, and says what to do.
    """
    given = {
        "host": host,
        "port": port,
        "http_port": http_port,
        "admin_port": admin_port,
        "health_port": health_port,
        "scalardb_server_port": scalardb_server_port,
        "workers": workers,
        "services": services,
        "dev": dev or None,
        "insecure": insecure or None,
        "decommissioning_duration_secs": decommission,
        "drain_duration_secs": drain,
        "log_format": log_format,
    }
    overrides = {f"node.{name}": value for name, value in given.items() if value is not None}
    _run(config, overrides, as_json=json)


def _run(config: str | None, overrides: dict[str, Any], *, as_json: bool) -> None:
    import asyncio
    import os

    from scalar_tx.errors import SettingsError
    from scalar_tx.settings.load import settings_of
    from scalar_tx.settings.sources import read_target

    # What gRPC's C++ writes to standard error is no line of our log, and callers can provoke it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from scalar_tx.cluster.supervisor import supervise
        from scalar_tx.observe.logs import log_to_stderr
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"a node needs the module {error.name}, which is not installed",
            advice='Run: pip install "scalar-tx[cluster]"',
            code="STX-3029",
        ) from error
    source = read_target(config, storage_given=False)
    settings = settings_of(source, overrides)
    log_to_stderr(settings.node.log_format, "node")

    def announce(found: dict[str, Any]) -> None:
        _print_json(found) if as_json else _print(found, settings.node)

    def first_user(name: str, password: str) -> None:
        if as_json:
            _print_json({"user": name, "password": password}, "first user")
        else:
            print(
                f"There was no user. The first one is {name}, with the password {password}\n"
                "It is shown only now: log in with it, and change it.",
                flush=True,
            )

    asyncio.run(supervise(source, overrides, settings, announce, first_user))


def _print_json(found: dict[str, Any], event: str = "listening") -> None:
    from json import dumps

    print(dumps({"event": event, **found}), flush=True)


def _print(found: dict[str, Any], node: NodeSettings) -> None:
    from scalar_tx.cluster.listening import address

    parts = [
        f"gRPC on {address(found['host'], found['port'])}",
        f"admin on {address(node.admin_host, found['admin_port'])}",
    ]
    if found["http_port"] is not None:
        parts.append(f"http://{address(node.http_host, found['http_port'])}/metrics and /readyz")
    if found["health_port"] is not None:
        parts.append(f"health on {address(node.health_host, found['health_port'])}")
    if found["scalardb_server_port"] is not None:
        where = address(node.scalardb_server_host, found["scalardb_server_port"])
        parts.append(f"ScalarDB Server's protocol on {where}")
    ready = "ready" if found["ready"] else "NOT ready, the log says why"
    print(f"{ready}, {found['workers']} workers: {', '.join(parts)}", flush=True)

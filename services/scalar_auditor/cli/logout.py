"""``scalar-auditor logout``: nobody calls any more."""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli import calling
from scalar_auditor.cli.output import say
from scalar_tx.cli.options import Json


def logout(
    *,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="End all log-ins of yours, not only this one.")
    ] = False,
    server: calling.Server = None,
    json: Json = False,
) -> None:
    """End the log-in at the server, and forget its tokens."""
    from scalar_auditor.cli import credentials
    from scalar_auditor.client import AuditorError

    where = calling.server_of(server)
    try:
        with calling.client_of(where) as client:
            client.identity.log_out(everywhere=everywhere)
    except AuditorError as error:
        if error.code != "UNAUTHENTICATED":  # who is not logged in is what was wanted
            raise
    with credentials.changing() as kept:
        kept.by_server.pop(where, None)
        if kept.server == where:
            kept.server = ""
    say("logged out", {"server": where}, json=json)

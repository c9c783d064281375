"""``scalar-auditor login``: who calls from now on?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli import calling
from scalar_auditor.cli.options import Email
from scalar_auditor.cli.output import say
from scalar_tx.cli.options import Json


def login(
    email: Email,
    *,
    server: calling.Server = None,
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="The password. Else: SCALAR_TX_PASSWORD, or it is asked for.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Log in; the tokens are kept in a file that only you may read, until you log out.

    Commands after it call the same server.
    """
    from scalar_auditor.cli import credentials
    from scalar_tx.cli import passwords

    where = calling.server_of(server)
    password = passwords.to_log_in(email, password_file, None)
    with calling.client_of(where, token="") as client:
        tokens = client.identity.log_in(user_email=email, password=password)
    with credentials.changing() as kept:
        kept.server = where
        kept.by_server[where] = credentials.LogIn(
            email.lower(), tokens.access_token, tokens.refresh_token
        )
    say("logged in", {"user_email": email.lower(), "server": where}, json=json)

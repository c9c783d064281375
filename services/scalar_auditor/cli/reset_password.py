"""``scalar-auditor reset-password``: how does somebody set a password who has lost it?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli import calling
from scalar_auditor.cli.options import Email
from scalar_tx.cli.options import Json
from scalar_tx.cli.user_calls import NewPasswordFile


def reset_password(
    email: Email,
    *,
    send: Annotated[
        bool, typer.Option("--send", help="Have a code sent by mail, and do nothing else.")
    ] = False,
    code_file: Annotated[
        str | None,
        typer.Option("--code-file", metavar="FILE", help="The code. Else: it is asked for."),
    ] = None,
    new_password_file: NewPasswordFile = None,
    server: calling.Server = None,
    json: Json = False,
) -> None:
    """Set a new password by a one-time code, from a mail or an operator; all log-ins end."""
    from scalar_auditor.cli.output import say
    from scalar_tx.cli import passwords

    where = calling.server_of(server)
    with calling.client_of(where, token="") as client:
        if send:
            client.identity.request_password_reset(user_email=email)
            say("a code is sent, if there is such an account", {"user_email": email}, json=json)
            return
        code = (
            passwords.from_file(code_file) if code_file else passwords.typed(f"Code of {email}: ")
        )
        client.identity.reset_password(
            user_email=email, code=code, new_password=passwords.new(email, new_password_file)
        )
    say("password set", {"user_email": email.lower()}, json=json)

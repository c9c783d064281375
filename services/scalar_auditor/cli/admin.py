"""``scalar-auditor admin``: how does the first administrator come to be?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli.options import Email
from scalar_tx.cli.options import Config, Json


def admin(
    email: Email,
    *,
    name: Annotated[str, typer.Option("--name", help="Their name. Else: the e-mail address.")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Make the first AUDIT_ADMIN in the database itself, and print their password, once.

    TARGET is what the node is started with. Refused where there is one: they register others.
    """
    from scalar_auditor.cli.database import with_database
    from scalar_auditor.identity.first_admin import make_first_admin
    from scalar_tx.cli.output import print_json

    password = with_database(config, lambda manager: make_first_admin(manager, email, name=name))
    if json:
        print_json({"user_email": email.lower(), "password": password})
        return
    print(
        f"The first AUDIT_ADMIN is {email.lower()}, with the password {password}\n"
        "It is shown only now: log in with it, and change it (scalar-auditor users password)."
    )

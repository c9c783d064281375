"""``scalar-auditor whoami``: as whom do commands call, and where?"""

from __future__ import annotations

from scalar_auditor.cli import calling
from scalar_tx.cli.options import Json


def whoami(*, server: calling.Server = None, json: Json = False) -> None:
    """Print who is logged in, with their roles, as the server tells it."""
    from scalar_auditor.cli import credentials
    from scalar_auditor.cli.output import plain
    from scalar_tx.cli.output import print_json

    where = calling.server_of(server)
    kept = credentials.read().by_server.get(where)
    if kept is None:
        raise calling.nobody()
    with calling.client_of(where) as client:
        user = plain(client.identity.get_user(user_email=kept.email))
    if json:
        print_json({"server": where, **user})
    else:
        print(f"{user['user_email']} at {where}: {', '.join(user['roles']) or 'no roles'}")

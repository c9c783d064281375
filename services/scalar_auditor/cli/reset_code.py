"""``scalar-auditor reset-code``: how does somebody get a one-time code without mail?"""

from __future__ import annotations

import os

import typer

from scalar_auditor.cli.options import Email, KeysFile
from scalar_tx.cli.options import Config, Json


def reset_code(
    email: Email,
    *,
    config: Config = None,
    keys: KeysFile = None,
    json: Json = False,
) -> None:
    """Print a one-time code by which somebody sets a new password. Their log-ins end at once.

    TARGET and the keys are what the node is started with. The code is good for ten minutes and five
    tries, and there are three in an hour: hand it over to nobody else. A line for the security log
    goes to standard error.
    """
    from scalar_auditor.cli.database import keys_of, with_database
    from scalar_auditor.cli.output import moment
    from scalar_auditor.identity.reset_codes import make_reset_code
    from scalar_auditor.permissions import Caller
    from scalar_tx.cli.output import print_json
    from scalar_tx.cluster.auth import security_log
    from scalar_tx.observe.logs import one_log_to_stderr
    from scalar_tx.settings import load

    ring = keys_of(keys)
    by = Caller(peer=f"uid:{os.getuid()}")
    with one_log_to_stderr(security_log.NAME, load(config).node.log_format, "reset-code"):
        made = with_database(config, lambda manager: make_reset_code(manager, ring, email, by=by))
    if json:
        print_json(
            {"user_email": made.user_email, "code": made.code, "expires_at": made.expires_at}
        )
        return
    typer.echo(
        f"The code for {made.user_email} is {made.code}, good until {moment(made.expires_at)}.\n"
        "It is shown only now. They set a password by it: "
        f"scalar-auditor reset-password {made.user_email} --server TARGET"
    )

"""``scalar-tx user reset``: how does somebody get in again whose password is lost?

Whoever has a node's own properties reaches the database in which its users are, and needs no node
and no log-in for it. No node sees it either, so the line for the security log is written here, to
standard error, as a node would write it; instead of a user it has the account of this machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scalar_tx.cli import passwords
from scalar_tx.cli.options import Config, Json
from scalar_tx.cli.user_calls import Generate, Name, NewPasswordFile, say

if TYPE_CHECKING:
    from scalar_tx.settings import Settings


def reset(
    name: Name,
    *,
    config: Config = None,
    generate: Generate = False,
    new_password_file: NewPasswordFile = None,
    json: Json = False,
) -> None:
    """Set a lost password in the database itself: TARGET is what the node is started with.

    Nobody logs in. The user has to log in again everywhere, within five seconds. A line for the
    security log goes to standard error.
    """
    import asyncio

    from scalar_tx.cli.opening import insist_on_existence
    from scalar_tx.errors import SettingsError
    from scalar_tx.settings import load

    settings = load(config)
    if settings.is_node:
        raise SettingsError(
            f"{settings.storage.place} names a node, and a lost password is set in its database",
            advice="Name what the node is started with: --config scalardb.properties",
            code="STX-5256",
        )
    insist_on_existence(settings)
    secret, shown = passwords.chosen(name, new_password_file, generate=generate)
    try:
        asyncio.run(_set(settings, name, secret))
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"users need the module {error.name}, which is not installed",
            advice='Run: pip install "scalar-tx[cluster]"',
            code="STX-3029",
        ) from error
    say("password set", {"user": name, **shown}, json=json)


async def _set(settings: Settings, name: str, secret: str) -> None:
    from scalar_tx.cluster.auth import security_log
    from scalar_tx.cluster.auth.passwords import PasswordHashing
    from scalar_tx.cluster.auth.principals import Principals
    from scalar_tx.cluster.auth.tables import USER
    from scalar_tx.cluster.opening import open_manager
    from scalar_tx.errors import SettingsError
    from scalar_tx.observe.logs import one_log_to_stderr

    manager = open_manager(settings)
    hashing = PasswordHashing()
    try:
        # Else the tables would be made, for nobody.
        if await manager.admin.stored_table(USER) is None:
            raise SettingsError(
                f"there are no users in the database of {settings.source}",
                advice="Name what the node is started with; a node whose callers log in makes its "
                "first user when it is started",
                code="STX-5256",
            )
        with one_log_to_stderr(security_log.NAME, settings.node.log_format, "user reset"):
            await Principals(manager, hashing).users.set_password(
                name,
                secret,
                by=security_log.Caller(peer=f"uid:{os.getuid()}"),
                detail="reset in the database itself",
            )
    finally:
        await hashing.close()
        await manager.close()

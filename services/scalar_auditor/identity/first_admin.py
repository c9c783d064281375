"""How does the first AUDIT_ADMIN come to be, before there is anybody who could register one?

By a command on the node, with a password of chance that is shown once, or one that was chosen.
There is no default one.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from scalar_auditor import fields
from scalar_auditor.errors import FailedPreconditionError
from scalar_auditor.identity import accounts, roles, told
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.known_by_password import new_password
from scalar_auditor.identity.model import User
from scalar_auditor.identity.rules import ACTIVE
from scalar_auditor.parts import wall_clock_ms
from scalar_auditor.permissions import Caller, Role
from scalar_tx.cluster.auth.passwords import PasswordHashing, generated_password
from scalar_tx.cluster.auth.security_log import Event
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

BY_COMMAND = "command"  # who assigned the role: nobody who has a user id


async def make_first_admin(
    manager: AsyncTransactionManager,
    user_email: str,
    *,
    name: str = "",
    password: str | None = None,
    now_ms: Callable[[], int] = wall_clock_ms,
) -> str:
    """Make an AUDIT_ADMIN; their password: ``password``, or one of chance, to be shown once.

    FailedPreconditionError, ADMIN_EXISTS: there is one. AlreadyExistsError: there is another
    account of that e-mail. InvalidArgumentError: it is no e-mail, or no password that may be kept.
    """
    email = fields.email("user_email", user_email)
    shown = fields.line("name", name or email)
    if password is not None:
        password = new_password("password", password)
    if await is_there_one(manager):
        raise _there_is_one()
    if password is None:
        password = generated_password()
    hashing = PasswordHashing()
    try:
        kept = KeptPassword.new(await hashing.hashed(password))
    finally:
        await hashing.close()
    now = now_ms()
    user = User(
        user_email=email,
        user_id=uuid.uuid4().hex,
        name=shown,
        password_hash=kept.column,
        user_type=accounts.UserType.INTERNAL.value,
        status=ACTIVE,
        language="",
        org_id="",
        failed_logins=0,
        locked_until=0,
        created_at=now,
        updated_at=now,
    )

    async def work(tx: AsyncTransaction) -> None:
        if await roles.is_there_an_admin(tx):
            raise _there_is_one()
        await accounts.register(tx, user, [Role.AUDIT_ADMIN], BY_COMMAND)

    await manager.run(work, isolation=Isolation.SERIALIZABLE)
    told.done(Event.BOOTSTRAP, Caller(), subject=email, detail="the first AUDIT_ADMIN")
    return password


async def is_there_one(manager: AsyncTransactionManager) -> bool:
    """Has anybody the role AUDIT_ADMIN?"""
    found: bool = await manager.run(
        roles.is_there_an_admin, isolation=Isolation.SERIALIZABLE, read_only=True
    )
    return found


def _there_is_one() -> FailedPreconditionError:
    return FailedPreconditionError(
        "there is an AUDIT_ADMIN already, who registers others", reason="ADMIN_EXISTS"
    )

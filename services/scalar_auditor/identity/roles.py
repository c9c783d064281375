"""Which roles does somebody have, and who may lose one? (Services specification 2)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import FailedPreconditionError
from scalar_auditor.identity.model import RoleOfUser
from scalar_auditor.identity.rules import ACTIVE, DELETING, find
from scalar_auditor.permissions import Role
from scalar_auditor.reading_together import read_all
from scalar_tx import Get

if TYPE_CHECKING:
    from scalar_auditor.identity.model import User
    from scalar_tx.transaction_async import AsyncTransaction

_LOOKED_AT: Final = 100  # admins, among whom there has to be another one


async def of(tx: AsyncTransaction, user_email: str) -> list[Role]:
    """Somebody's roles."""
    found = await read_all(tx, [Get(RoleOfUser, _key(role, user_email)) for role in Role])
    return [one.role_name for one in found if one is not None]


async def assign(
    tx: AsyncTransaction, user: User, role: Role, assigned_by: str, now_ms: int
) -> bool:
    """Give a role; False: they had it. FailedPreconditionError: they are being deleted.

    ``assigned_by``: a user id, which outlasts the user.
    """
    if user.status == DELETING:
        raise is_leaving(user.user_email)
    if await tx.get(RoleOfUser, _key(role, user.user_email)) is not None:
        return False
    await tx.insert(
        RoleOfUser(
            role_name=role,
            user_email=user.user_email,
            user_id=user.user_id,
            assigned_by=assigned_by,
            assigned_at=now_ms,
        )
    )
    return True


def is_leaving(user_email: str) -> FailedPreconditionError:
    """The account is being deleted, which can't be taken back."""
    return FailedPreconditionError(
        f"the user {user_email!r} is being deleted", reason="USER_IS_LEAVING", user_email=user_email
    )


async def revoke(tx: AsyncTransaction, user: User, role: Role) -> bool:
    """Take a role; False: they had it not. FailedPreconditionError, LAST_ADMIN."""
    if await tx.get(RoleOfUser, _key(role, user.user_email)) is None:
        return False
    if role is Role.AUDIT_ADMIN:
        await insist_on_another_admin(tx, user)
    await tx.delete(RoleOfUser, _key(role, user.user_email))
    return True


async def forget(tx: AsyncTransaction, user_email: str) -> None:
    """Take all roles of somebody who leaves."""
    for role in Role:
        await tx.delete(RoleOfUser, _key(role, user_email))


async def is_there_an_admin(tx: AsyncTransaction) -> bool:
    """Has anybody the role AUDIT_ADMIN, whether or not they can log in now?"""
    return bool(await admins(tx))


async def insist_on_another_admin(tx: AsyncTransaction, leaving: User) -> None:
    """FailedPreconditionError, LAST_ADMIN: nobody else could manage users.

    Nothing is in the way of somebody who is no admin, or no active one.
    """
    if leaving.status != ACTIVE:
        return
    if await tx.get(RoleOfUser, _key(Role.AUDIT_ADMIN, leaving.user_email)) is None:
        return
    for email in await admins(tx):
        user = await find(tx, email)
        if user is not None and user.status == ACTIVE and email != leaving.user_email:
            return
    raise FailedPreconditionError(
        f"{leaving.user_email} is the last AUDIT_ADMIN who can log in: make another one first",
        reason="LAST_ADMIN",
        user_email=leaving.user_email,
    )


async def admins(tx: AsyncTransaction) -> list[str]:
    """The e-mails of people with the role AUDIT_ADMIN, of a hundred at most."""
    found = await tx.scan(RoleOfUser, {"role_name": Role.AUDIT_ADMIN}, limit=_LOOKED_AT)
    return [one.user_email for one in found]


def _key(role: Role, user_email: str) -> dict[str, str]:
    return {"role_name": role, "user_email": user_email}

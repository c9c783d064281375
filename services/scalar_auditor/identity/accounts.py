"""How do accounts begin and change, within a transaction? (How they end: ``leaving``.)"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import AlreadyExistsError, NotFoundError
from scalar_auditor.identity import log_ins, organizations, roles
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.model import User, UserOfOrganization
from scalar_auditor.identity.rules import ACTIVE, DELETING, find
from scalar_auditor.permissions import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.transaction_async import AsyncTransaction


class UserType(StrEnum):
    """Where somebody belongs."""

    INTERNAL = "INTERNAL"
    EXTERNAL = "EXTERNAL"


class Status(StrEnum):
    """What an account may be set to; DELETING comes of a deletion alone."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


# What somebody is given who is registered without a role.
USUAL_ROLE: Final[Mapping[UserType, Role]] = {
    UserType.INTERNAL: Role.GENERAL_USER,
    UserType.EXTERNAL: Role.EXTERNAL_AUDITOR,
}
_MADE_OF: Final = ("user_email", "name", "user_type", "language", "org_id")


async def seen(tx: AsyncTransaction, user_email: str) -> tuple[User, list[Role]]:
    """An account and its roles, also one that is disabled or being deleted. NotFoundError."""
    user = await find(tx, user_email)
    if user is None:
        raise not_found(user_email)
    return user, await roles.of(tx, user_email)


async def is_same(tx: AsyncTransaction, wanted: User, given: Sequence[Role]) -> User | None:
    """The account that is there already, if only the password may differ; None: there is none.

    AlreadyExistsError: another one is there.
    """
    there = await find(tx, wanted.user_email)
    if there is None:
        return None
    same = all(getattr(there, name) == getattr(wanted, name) for name in _MADE_OF)
    if (
        there.status == DELETING
        or not same
        or set(await roles.of(tx, wanted.user_email)) != set(given)
    ):
        raise exists(wanted.user_email)
    return there


async def register(
    tx: AsyncTransaction, user: User, given: Sequence[Role], assigned_by: str
) -> None:
    """Make an account. AlreadyExistsError; NotFoundError for its organisation."""
    if await find(tx, user.user_email) is not None:
        raise exists(user.user_email)
    if user.org_id:
        await organizations.insist_on_active(tx, user.org_id)
        await tx.insert(in_organization(user))
    await tx.insert(user)
    for role in given:
        await roles.assign(tx, user, role, assigned_by, user.created_at)


async def change(
    tx: AsyncTransaction, user_email: str, values: Mapping[str, str], now_ms: int, stamp: str
) -> tuple[User, list[Role]]:
    """Change what is given of an account. ``stamp``: a new one, for where log-ins end.

    NotFoundError; FailedPreconditionError: it is being deleted, or the last admin's.
    """
    user, given = await seen(tx, user_email)
    if user.status == DELETING:
        raise roles.is_leaving(user_email)
    changed = replace(user, **values)  # type: ignore[arg-type]  # the names are those of fields
    if changed.status == ACTIVE and "status" in values:
        changed = replace(changed, failed_logins=0, locked_until=0)
    if changed == user:
        return user, given
    if changed.status != ACTIVE and user.status == ACTIVE:
        await roles.insist_on_another_admin(tx, user)
        kept = replace(KeptPassword.of(user.password_hash), stamp=stamp)
        changed = replace(changed, password_hash=kept.column)
    if changed.org_id and changed.org_id != user.org_id:
        await organizations.insist_on_active(tx, changed.org_id)
    changed = replace(changed, updated_at=now_ms)
    await tx.update(changed)
    await keep_in_organization(tx, user, changed)
    return changed, given


async def set_password(
    tx: AsyncTransaction, user: User, password: KeptPassword, now_ms: int
) -> None:
    """Give somebody another password; all their log-ins end, and they are not locked out."""
    await tx.update(
        replace(
            user,
            password_hash=password.column,
            failed_logins=0,
            locked_until=0,
            updated_at=now_ms,
        )
    )


async def keep_newer_hash(tx: AsyncTransaction, found: User, column: str) -> bool:
    """Keep the same password in another form; False: it is another one meanwhile."""
    user = await find(tx, found.user_email)
    if user is None or user.password_hash != found.password_hash:
        return False
    await tx.update(User, {"user_email": user.user_email}, {"password_hash": column})
    return True


async def log_out_everywhere(tx: AsyncTransaction, user_email: str, stamp: str) -> None:
    """End all log-ins of somebody."""
    user = await find(tx, user_email)
    if user is not None:
        await log_ins.end_all(tx, user, stamp)


async def keep_in_organization(tx: AsyncTransaction, before: User, after: User | None) -> None:
    """Let the list of an organisation's people agree with an account; None: it is gone."""
    if before.org_id and (after is None or after.org_id != before.org_id):
        key = {"org_id": before.org_id, "user_email": before.user_email}
        await tx.delete(UserOfOrganization, key)
    if after is not None and after.org_id:
        await tx.upsert(in_organization(after))


def not_found(user_email: str) -> NotFoundError:
    """There is no such person, or the caller may not see them."""
    return NotFoundError(
        f"there is no user {user_email!r}", reason="USER_NOT_FOUND", user_email=user_email
    )


def exists(user_email: str) -> AlreadyExistsError:
    """There is somebody of that e-mail, and something is otherwise about them."""
    return AlreadyExistsError(
        f"there is a user {user_email!r} already", reason="USER_EXISTS", user_email=user_email
    )


def in_organization(user: User) -> UserOfOrganization:
    """What the list of their organisation holds of somebody who is in one."""
    return UserOfOrganization(
        org_id=user.org_id,
        user_email=user.user_email,
        user_id=user.user_id,
        name=user.name,
        status=user.status,
    )

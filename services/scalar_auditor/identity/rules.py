"""What may happen to accounts, roles, organisations, tokens and codes?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import NotFoundError
from scalar_auditor.identity.model import GroupOfUser, User
from scalar_auditor.reading_together import read_all
from scalar_auditor.whole_tables import pages_of
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from scalar_auditor.permissions import Privilege
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

ACTIVE: Final = "ACTIVE"
DISABLED: Final = "DISABLED"
DELETING: Final = "DELETING"


async def find(tx: AsyncTransaction, user_email: str) -> User | None:
    """An account, also one that is disabled or being deleted."""
    return await tx.get(User, {"user_email": user_email})


async def active(tx: AsyncTransaction, user_email: str) -> User:
    """The account of somebody who can be given something: whoever is being deleted can't.

    Read in the transaction that then names the person, so that none of it is left behind a
    deletion. NotFoundError, USER_NOT_FOUND.
    """
    user = await find(tx, user_email)
    if user is None or user.status != ACTIVE:
        raise NotFoundError(
            f"there is no user {user_email!r}", reason="USER_NOT_FOUND", user_email=user_email
        )
    return user


async def user_ids_of(tx: AsyncTransaction, user_emails: Sequence[str]) -> list[str | None]:
    """The user ids of some accounts, also of those that are being deleted; None: there is none."""
    found = await read_all(tx, [Get(User, {"user_email": email}) for email in user_emails])
    return [None if user is None else user.user_id for user in found]


async def joined_group(
    tx: AsyncTransaction, user_email: str, audit_group_id: str, privilege: Privilege, added_at: int
) -> None:
    """Keep, by person, that somebody is in an audit group."""
    await tx.upsert(
        GroupOfUser(
            user_email=user_email,
            audit_group_id=audit_group_id,
            privilege=privilege.value,
            added_at=added_at,
        )
    )


async def left_group(tx: AsyncTransaction, user_email: str, audit_group_id: str) -> None:
    """Keep, by person, that somebody is not in an audit group any more."""
    await tx.delete(GroupOfUser, {"user_email": user_email, "audit_group_id": audit_group_id})


async def groups_of(
    tx: AsyncTransaction, user_email: str, *, after: str | None = None, limit: int | None = None
) -> list[GroupOfUser]:
    """The audit groups that somebody is in, by id, behind ``after``."""
    start = None if after is None else {"audit_group_id": after}
    return await tx.scan(
        GroupOfUser, {"user_email": user_email}, start=start, start_inclusive=False, limit=limit
    )


async def all_active(tx: AsyncTransaction, user_emails: Sequence[str]) -> list[User]:
    """``active`` for several people, read together: their accounts in the same order."""
    found = await tx.batch([Get(User, {"user_email": email}) for email in user_emails])
    for email, user in zip(user_emails, found, strict=True):
        if user is None or user.status != ACTIVE:
            return [await active(tx, email)]  # raises
    return [user for user in found if user is not None]


async def privileges_of(
    tx: AsyncTransaction, memberships: Sequence[tuple[str, str]]
) -> list[str | None]:
    """What is kept by person of pairs of an e-mail and an audit group's id; None: nothing."""
    keys = [{"user_email": email, "audit_group_id": group} for email, group in memberships]
    found = await tx.batch([Get(GroupOfUser, key) for key in keys])
    return [None if one is None else one.privilege for one in found]


async def memberships(
    manager: AsyncTransactionManager, size: int
) -> AsyncGenerator[list[tuple[str, str]], None]:
    """All that is kept by person of groups, as e-mails and groups' ids, in pages of ``size``."""
    async for page in pages_of(manager, GroupOfUser, size=size):
        yield [(one.user_email, one.audit_group_id) for one in page]

"""Does what is kept of people agree? (Services specification 4)

Tables are read page by page, so a finding is looked at again in one transaction before it is told:
a service may be at work meanwhile. Somebody who is being deleted is there until the end of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.identity import accounts, roles
from scalar_auditor.identity.model import (
    GroupOfUser,
    OneTimeCode,
    Organization,
    RoleOfUser,
    Token,
    TokenType,
    User,
    UserOfOrganization,
)
from scalar_auditor.identity.rules import ACTIVE, find
from scalar_auditor.reading_together import read_all
from scalar_auditor.whole_tables import looked, pages_of
from scalar_tx import Get

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

# The tables whose rows name somebody, the columns of their keys, and which one names.
_NAMING: Final[tuple[tuple[type[Any], tuple[str, ...], str], ...]] = (
    (UserOfOrganization, ("org_id", "user_email"), "user_email"),
    (RoleOfUser, ("role_name", "user_email"), "user_email"),
    (Token, ("user_email", "token_id"), "user_email"),
    (OneTimeCode, ("user_email", "otp_type"), "user_email"),
    (GroupOfUser, ("user_email", "audit_group_id"), "user_email"),
    (Organization, ("org_id",), "admin_email"),
)


async def findings(manager: AsyncTransactionManager) -> AsyncGenerator[str, None]:
    """What is not as it has to be, one text each; nothing is written."""
    anybody = False
    async for users in pages_of(manager, User):
        anybody = True
        for user in await looked(manager, _unlisted, users):
            if (text := await looked(manager, _of_user, user.user_email)) is not None:
                yield text
    if anybody and not await looked(manager, _is_there_an_active_admin):
        yield "nobody with the role AUDIT_ADMIN can log in"
    for kind, key, naming in _NAMING:
        async for rows in pages_of(manager, kind):
            for row in await looked(manager, _suspects, rows, naming):
                values = {name: getattr(row, name) for name in key}
                text = await looked(manager, _of_row, kind, values, naming)
                if text is not None:
                    yield text


async def _unlisted(tx: AsyncTransaction, users: list[User]) -> list[User]:
    """People who are not listed in their organisation as what they are."""
    listed = {user.user_email: accounts.in_organization(user) for user in users if user.org_id}
    gets = [Get(UserOfOrganization, _key_of(one)) for one in listed.values()]
    found = dict(zip(listed, await read_all(tx, gets), strict=True))
    return [user for user in users if found.get(user.user_email) != listed.get(user.user_email)]


async def _of_user(tx: AsyncTransaction, user_email: str) -> str | None:
    user = await find(tx, user_email)
    if user is None or not user.org_id:
        return None
    wanted = accounts.in_organization(user)
    listed = await tx.get(UserOfOrganization, _key_of(wanted))
    if listed is None:
        return f"user {user_email}: is not listed in the organisation {user.org_id}"
    if listed != wanted:
        return f"user {user_email}: the organisation {user.org_id} lists them as something else"
    return None


async def _suspects(tx: AsyncTransaction, rows: list[Any], naming: str) -> list[Any]:
    """Rows that name nobody who is there, or name somebody wrongly."""
    emails = {email for row in rows if (email := _named(row, naming))}
    gets = [Get(User, {"user_email": email}) for email in emails]
    users = dict(zip(emails, await read_all(tx, gets), strict=True))
    return [
        row
        for row in rows
        if (email := _named(row, naming)) and _fault(row, users[email]) is not None
    ]


async def _of_row(
    tx: AsyncTransaction, kind: type[Any], key: dict[str, Any], naming: str
) -> str | None:
    row = await tx.get(kind, key)
    email = "" if row is None else _named(row, naming)
    if not email:
        return None
    fault = _fault(row, await find(tx, email))
    # No id of a token is shown: it is a part of its text.
    shown = ", ".join(str(value) for name, value in key.items() if name != "token_id")
    return None if fault is None else f"{kind.__name__} {shown}: {fault}"


def _named(row: Any, naming: str) -> str:
    if isinstance(row, Token) and row.token_type is TokenType.SERVICE:
        return ""
    email: str = getattr(row, naming)
    return email


def _fault(row: Any, user: User | None) -> str | None:
    if user is None:
        return "it names a user who does not exist"
    if isinstance(row, RoleOfUser | UserOfOrganization) and row.user_id != user.user_id:
        return "it has another user id"
    if isinstance(row, UserOfOrganization) and row.org_id != user.org_id:
        return f"the user is in {user.org_id or 'no organisation'}"
    return None


async def _is_there_an_active_admin(tx: AsyncTransaction) -> bool:
    for email in await roles.admins(tx):
        user = await find(tx, email)
        if user is not None and user.status == ACTIVE:
            return True
    return False


def _key_of(one: UserOfOrganization) -> dict[str, str]:
    return {"org_id": one.org_id, "user_email": one.user_email}

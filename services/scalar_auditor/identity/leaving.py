"""How does somebody leave, until no row names them? (Services specification 3, DeleteUser)

First the account is marked; from then on they can't log in, and nothing can be given to them,
since whoever names a person reads the account in the same transaction. Then all that names them
goes, by steps of bounded size, and the account last: whatever is left in between, the same call
goes on with. History keeps the user id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.audit import rules as audit
from scalar_auditor.errors import FailedPreconditionError
from scalar_auditor.identity import accounts, one_time_codes, organizations, roles
from scalar_auditor.identity.model import Token, User
from scalar_auditor.identity.rules import DELETING, find, groups_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scalar_tx.transaction_async import AsyncTransaction

    Run = Callable[..., Awaitable[Any]]

TOGETHER: Final = 50  # rows of one list that a step removes
MOST_STEPS: Final = 40  # in one call
_PAGE: Final = 100  # organisations


async def begin(tx: AsyncTransaction, user_email: str, now_ms: int) -> User:
    """Mark an account; one that is marked stays so.

    NotFoundError; FailedPreconditionError: they own an audit set, or are the last admin.
    """
    user = await find(tx, user_email)
    if user is None:
        raise accounts.not_found(user_email)
    if user.status == DELETING:
        return user
    if await audit.owns_a_set(tx, user_email):
        raise FailedPreconditionError(
            f"{user_email} owns an audit set: hand it over, or delete it first",
            reason="OWNS_AUDIT_SETS",
            user_email=user_email,
        )
    await roles.insist_on_another_admin(tx, user)
    marked = replace(user, status=DELETING, updated_at=now_ms)
    await tx.update(marked)
    await accounts.keep_in_organization(tx, user, marked)
    return marked


async def go_on(change: Run, listed: Run, user_email: str, now_ms: int) -> bool:
    """Remove what names a person who is leaving; False: not all yet, so call it again.

    ``change`` and ``listed`` run a function in a transaction that writes, or only reads.
    Organisations come first: none can name the person anew, so one look at all of them is enough.
    """
    after: str | None = None
    while True:
        some, after = await listed(organizations.page, _PAGE, after)
        for one in some:
            if one.admin_email == user_email:
                await change(organizations.forget_admin, one.org_id, user_email, now_ms)
        if after is None:
            break
    for _ in range(MOST_STEPS):
        if await change(_step, user_email):
            return True
    return False


async def _step(tx: AsyncTransaction, user_email: str) -> bool:
    """Remove some of what is left; True: it was the last, or they are gone."""
    user = await find(tx, user_email)
    if user is None or user.status != DELETING:
        return True  # gone; or gone, and somebody else has the address since
    if not await audit.forget_person(tx, user_email, TOGETHER):
        return False
    tokens = await tx.scan(Token, {"user_email": user_email}, limit=TOGETHER)
    for token in tokens:
        await tx.delete(token)
    if len(tokens) == TOGETHER or await groups_of(tx, user_email, limit=1):
        return False
    await one_time_codes.forget(tx, user_email)
    await roles.forget(tx, user_email)
    await accounts.keep_in_organization(tx, user, None)
    await tx.delete(user)
    return True

"""How often was somebody's password wrong in a row, and are they locked out? Within a transaction.

This is on record, for all nodes and over restarts; how soon the next try may be is bounded by each
node besides (``scalar_tx.cluster.auth.log_in_limits``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_auditor.identity.model import User
from scalar_auditor.identity.rules import ACTIVE, find

if TYPE_CHECKING:
    from scalar_tx.transaction_async import AsyncTransaction

MOST: Final = 10  # in a row
LOCKED_MS: Final = 15 * 60 * 1000


def may_log_in(user: User | None, now_ms: int) -> bool:
    """Is it somebody who gets in with the right password?"""
    return user is not None and user.status == ACTIVE and user.locked_until <= now_ms


async def count(tx: AsyncTransaction, user_email: str, now_ms: int) -> bool:
    """The password was wrong. True: one too often, and the account is locked from now on.

    While it is locked nothing is counted, so that nobody is kept out for longer by guessing on.
    """
    user = await find(tx, user_email)
    if user is None or user.locked_until > now_ms:
        return False
    failed = user.failed_logins + 1
    locked = failed >= MOST
    values = {
        "failed_logins": 0 if locked else failed,
        "locked_until": now_ms + LOCKED_MS if locked else 0,
    }
    await tx.update(User, {"user_email": user_email}, values)
    return locked


async def forget(tx: AsyncTransaction, user: User) -> None:
    """The password was right, or is another one now."""
    if user.failed_logins or user.locked_until:
        values = {"failed_logins": 0, "locked_until": 0}
        await tx.update(User, {"user_email": user.user_email}, values)

"""How does somebody get a new password where no mail brings them a code?

By a command on the node, which prints a one-time code for an operator to hand over. It is one as
mail brings it, under the same bounds: ten minutes, five tries, three in an hour; the operator never
knows the password that is set by it. (Services specification 3)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_auditor import fields
from scalar_auditor.errors import FailedPreconditionError
from scalar_auditor.identity import accounts, log_ins, one_time_codes, told
from scalar_auditor.identity.kept_password import another_stamp
from scalar_auditor.identity.rules import ACTIVE
from scalar_auditor.parts import wall_clock_ms
from scalar_auditor.permissions import Caller
from scalar_tx.cluster.auth.security_log import Event
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_auditor.keys import KeyRing
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction


_NOBODY: Final = Caller()


@dataclass(frozen=True, slots=True)
class ResetCode:
    """A code, to be shown once, and until when it is good (milliseconds since 1970)."""

    user_email: str
    code: str = field(repr=False)
    expires_at: int


async def make_reset_code(
    manager: AsyncTransactionManager,
    keys: KeyRing,
    user_email: str,
    *,
    by: Caller = _NOBODY,
    now_ms: Callable[[], int] = wall_clock_ms,
) -> ResetCode:
    """Let a code be good for an account, the only one; all log-ins of the account end.

    ``by``: who has it made, for the security log.

    NotFoundError: there is no such account. FailedPreconditionError: it is disabled or being
    deleted (USER_NOT_ACTIVE), or three codes were made in an hour (TOO_MANY_CODES); nothing was
    changed. InvalidArgumentError: it is no e-mail.
    """
    email = fields.email("user_email", user_email)
    code, now = one_time_codes.new_code(), now_ms()

    async def work(tx: AsyncTransaction) -> None:
        user, _ = await accounts.seen(tx, email)
        if user.status != ACTIVE:
            raise FailedPreconditionError(
                f"the account {email} is {user.status}: no password opens it",
                reason="USER_NOT_ACTIVE",
                user_email=email,
            )
        if not await one_time_codes.keep(tx, keys, email, code, now):
            raise FailedPreconditionError(
                f"{one_time_codes.MOST_SENT} codes were made for {email} in an hour: wait for its "
                "end, or use the last of them",
                reason="TOO_MANY_CODES",
                user_email=email,
            )
        await log_ins.end_all(tx, user, another_stamp())

    await manager.run(work, isolation=Isolation.SERIALIZABLE)
    told.done(Event.PASSWORD, by, subject=email, detail="a code by a command; all log-ins ended")
    return ResetCode(email, code, now + one_time_codes.LIFETIME_MS)

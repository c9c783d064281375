"""How does a service get the token it calls with, and lose it? Within a transaction.

A service has no account: its tokens lie under ``service:`` and its name, where no e-mail can be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import FailedPreconditionError, InvalidArgumentError
from scalar_auditor.identity.model import Token, TokenType
from scalar_auditor.identity.token_text import OF_A_SERVICE, log_in_of

if TYPE_CHECKING:
    from scalar_auditor.identity.token_text import NewToken
    from scalar_tx.transaction_async import AsyncTransaction

DAY_SECONDS: Final = 24 * 60 * 60
USUAL_SECONDS: Final = 90 * DAY_SECONDS
LONGEST_SECONDS: Final = 366 * DAY_SECONDS
MOST: Final = 50  # of one name
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_name(field: str, text: str) -> str:
    """The name of a service. InvalidArgumentError."""
    if not _NAME.fullmatch(text):
        raise InvalidArgumentError(
            field, "it is 1 to 64 letters and digits of ASCII, and . _ - behind the first"
        )
    return text


def lifetime_ms(field: str, seconds: int) -> int:
    """How long a token is to be good for; 0: 90 days. InvalidArgumentError."""
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise InvalidArgumentError(field, f"it is from 1 to {LONGEST_SECONDS}, or 0 for 90 days")
    return (seconds or USUAL_SECONDS) * 1000


def owner(name: str) -> str:
    """Under what the tokens of a service lie."""
    return f"{OF_A_SERVICE}{name}"


async def create(
    tx: AsyncTransaction, name: str, token: NewToken, now_ms: int, expires_at: int
) -> None:
    """Keep a token of a service; its expired ones go. FailedPreconditionError, TOO_MANY_TOKENS."""
    rows = await tx.scan(Token, {"user_email": owner(name)})
    live = 0
    for row in rows:
        if row.expires_at <= now_ms:
            await tx.delete(row)
        else:
            live += 1
    if live >= MOST:
        raise FailedPreconditionError(
            f"the service {name!r} has {MOST} tokens: revoke one first",
            reason="TOO_MANY_TOKENS",
            name=name,
        )
    await tx.insert(
        Token(
            user_email=owner(name),
            token_id=token.token_id,
            token_hash=token.digest,
            token_type=TokenType.SERVICE,
            family_id=log_in_of(token.token_id),
            parent_token_id="",
            used_at=0,
            expires_at=expires_at,
            created_at=now_ms,
        )
    )


async def revoke(tx: AsyncTransaction, name: str, token_id: str) -> int:
    """End one token of a service, or all of them where no id is given; how many were there."""
    rows = await tx.scan(Token, {"user_email": owner(name)})
    ended = [row for row in rows if token_id in ("", row.token_id)]
    for row in ended:
        await tx.delete(row)
    return len(ended)

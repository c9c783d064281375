"""Who may set a new password by a code that was sent to them? Within a transaction.

One row a person: the newest code, how often it was tried, and how many were sent in this hour. Kept
is an HMAC with a key that is not in the database, since so few digits are soon tried against a
plain hash. (Services specification 3)
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.identity.model import OneTimeCode
from scalar_auditor.identity.rules import ACTIVE, find
from scalar_auditor.keys import UnknownKeyError

if TYPE_CHECKING:
    from scalar_auditor.identity.model import User
    from scalar_auditor.keys import KeyRing
    from scalar_tx.transaction_async import AsyncTransaction

DIGITS: Final = 8
LIFETIME_MS: Final = 10 * 60 * 1000
MOST_TRIES: Final = 5  # of one code
MOST_SENT: Final = 3  # in an hour
HOUR_MS: Final = 60 * 60 * 1000
_PASSWORD_RESET: Final = "PASSWORD_RESET"  # noqa: S105  # what the code is for
_PURPOSE: Final = "one-time code"
_USED: Final = ""


def new_code() -> str:
    """Digits of chance."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


async def keep(
    tx: AsyncTransaction, keys: KeyRing, user_email: str, code: str, now_ms: int
) -> bool:
    """Let a code be good from now on, the only one. False: there is nobody to send it to.

    Nor where three were sent in this hour: then the last of them stays as it is.
    """
    user = await find(tx, user_email)
    if user is None or user.status != ACTIVE:
        return False
    before = await tx.get(OneTimeCode, _key(user_email))
    began, sent = (now_ms, 0) if before is None else _in_this_hour(before, now_ms)
    if sent >= MOST_SENT:
        return False
    await tx.upsert(
        OneTimeCode(
            user_email=user_email,
            otp_type=_PASSWORD_RESET,
            otp_hash=_mac(keys, user_email, code, keys.current),
            key_id=keys.current,
            attempts=0,
            sent_count=sent + 1,
            expires_at=now_ms + LIFETIME_MS,
            created_at=began,
        )
    )
    return True


async def tried(
    tx: AsyncTransaction, keys: KeyRing, user_email: str, code: str, now_ms: int
) -> bool:
    """Is it the code? A wrong one is counted, if the transaction commits: raise afterwards."""
    kept = await tx.get(OneTimeCode, _key(user_email))
    if kept is None or not _is_open(kept, now_ms):
        return False
    if _is(keys, kept, code):
        return True
    await tx.update(replace(kept, attempts=kept.attempts + 1))
    return False


async def redeem(
    tx: AsyncTransaction, keys: KeyRing, user_email: str, code: str, now_ms: int
) -> User | None:
    """Use up a code that was right a moment ago; None: it is not any more."""
    kept = await tx.get(OneTimeCode, _key(user_email))
    user = await find(tx, user_email)
    if kept is None or user is None or user.status != ACTIVE:
        return None
    if not _is_open(kept, now_ms) or not _is(keys, kept, code):
        return None
    # The row stays: it knows how many were sent in this hour, and when the last of them was.
    await tx.update(replace(kept, otp_hash=_USED))
    return user


async def forget(tx: AsyncTransaction, user_email: str) -> None:
    """Remove the row of somebody who leaves."""
    await tx.delete(OneTimeCode, _key(user_email))


def is_dead(kept: OneTimeCode, now_ms: int) -> bool:
    """Is there nothing left that it is good for?"""
    return kept.expires_at <= now_ms and now_ms - _last_sent(kept) >= HOUR_MS


def _in_this_hour(before: OneTimeCode, now_ms: int) -> tuple[int, int]:
    """Since when codes are counted, and how many were sent since then.

    Known are the first and the last of them. When the first is an hour old, the others are taken to
    be as young as the last: in no hour are there more than there may be, wherever it begins.
    """
    if now_ms - before.created_at < HOUR_MS:
        return before.created_at, before.sent_count
    last = _last_sent(before)
    if now_ms - last < HOUR_MS:
        return last, before.sent_count - 1
    return now_ms, 0


def _last_sent(kept: OneTimeCode) -> int:
    return kept.expires_at - LIFETIME_MS


def _is_open(kept: OneTimeCode, now_ms: int) -> bool:
    return kept.otp_hash != _USED and kept.expires_at > now_ms and kept.attempts < MOST_TRIES


def _is(keys: KeyRing, kept: OneTimeCode, code: str) -> bool:
    try:
        wanted = _mac(keys, kept.user_email, code, kept.key_id)
    except UnknownKeyError:
        return False  # the key was taken away meanwhile: another code has to be sent
    return hmac.compare_digest(kept.otp_hash, wanted)


def _mac(keys: KeyRing, user_email: str, code: str, key_id: str) -> str:
    data = json.dumps([_PASSWORD_RESET, user_email, code]).encode()
    return keys.mac_for(_PURPOSE, data, key_id).hex()


def _key(user_email: str) -> dict[str, str]:
    return {"user_email": user_email, "otp_type": _PASSWORD_RESET}

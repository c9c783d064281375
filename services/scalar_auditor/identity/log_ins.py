"""How do log-ins begin, go on and end, within a transaction? (Services specification 3)

A token is a row, found by its owner and id. The ids of a log-in's tokens begin alike, so that its
rows lie side by side; there are never more than ``MOST_OF_A_LOG_IN``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from scalar_auditor.identity import roles
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.model import Token, TokenType, User
from scalar_auditor.identity.rules import ACTIVE, find
from scalar_auditor.identity.token_text import (
    OF_A_SERVICE,
    ids_of_log_in,
    log_in_of,
    new_log_in,
    new_token,
)
from scalar_auditor.permissions import Caller, Kind

if TYPE_CHECKING:
    from scalar_auditor.identity.token_text import NewToken, Presented
    from scalar_tx.transaction_async import AsyncTransaction

ACCESS_MS: Final = 30 * 60 * 1000  # how long a token is good for calls
LOG_IN_MS: Final = 12 * 60 * 60 * 1000  # and all that comes of a log-in
MOST_OF_A_LOG_IN: Final = 90  # rows


class Refreshed(Enum):
    """What became of a token that refreshes."""

    DONE = "done"
    UNKNOWN = "unknown, expired or ended"
    USED_TWICE = "used twice: the log-in is ended"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a token that is good for calls, and until when (milliseconds since 1970)."""

    caller: Caller
    expires_at: int


@dataclass(frozen=True, slots=True)
class NewPair:
    """Two tokens that were just made, for a log-in; the times are known once they are issued."""

    log_in: str
    access: NewToken = field(repr=False)
    refresh: NewToken = field(repr=False)
    access_expires_at: int = 0
    refresh_expires_at: int = 0


def new_pair(user_email: str, log_in: str | None = None) -> NewPair:
    """Tokens for a log-in; None: for one that is beginning."""
    named = new_log_in() if log_in is None else log_in
    return NewPair(named, new_token(user_email, named), new_token(user_email, named))


async def begin(tx: AsyncTransaction, user: User, pair: NewPair, now_ms: int) -> NewPair:
    """The first two tokens of a log-in of somebody who has just shown who they are."""
    return await _issued(tx, user, pair, now_ms, end_ms=now_ms + LOG_IN_MS, parent="")


async def refresh(
    tx: AsyncTransaction, shown: Presented, pair: NewPair, now_ms: int
) -> tuple[Refreshed, NewPair]:
    """The next two tokens of a log-in. One that is used again ends the log-in.

    It is ended only if the transaction commits: raise what the caller hears afterwards.
    """
    token = await _found(tx, shown, now_ms)
    if token is None:
        return await _forgotten(tx, shown, now_ms), pair
    if token.token_type is not TokenType.REFRESH:
        return Refreshed.UNKNOWN, pair
    user = await _owner(tx, token)
    if user is None:
        return Refreshed.UNKNOWN, pair
    rows = await _of_log_in(tx, token.user_email, shown.log_in)
    if token.used_at:
        await _end(tx, rows)
        return Refreshed.USED_TWICE, pair
    await _make_room(tx, rows, token, now_ms)
    await tx.update(replace(token, used_at=now_ms))
    issued = await _issued(tx, user, pair, now_ms, end_ms=token.expires_at, parent=token.token_id)
    return Refreshed.DONE, issued


async def end(tx: AsyncTransaction, user_email: str, log_in: str) -> None:
    """End a log-in, with all its tokens."""
    await _end(tx, await _of_log_in(tx, user_email, log_in))


async def end_all(tx: AsyncTransaction, user: User, stamp: str) -> None:
    """End all log-ins of somebody at once; ``stamp`` is a new one."""
    kept = replace(KeptPassword.of(user.password_hash), stamp=stamp)
    key = {"user_email": user.user_email}
    await tx.update(User, key, {"password_hash": kept.column})


async def holder(tx: AsyncTransaction, shown: Presented, now_ms: int) -> Holder | None:
    """Who has a token that is good for calls; None: it is no good."""
    token = await _found(tx, shown, now_ms)
    if token is None or token.token_type is TokenType.REFRESH:
        return None
    if token.token_type is TokenType.SERVICE:
        name = token.user_email.removeprefix(OF_A_SERVICE)
        return Holder(Caller(Kind.SERVICE, name=name, log_in=token.family_id), token.expires_at)
    user = await _owner(tx, token)
    if user is None:
        return None
    caller = Caller(
        Kind.PERSON,
        email=user.user_email,
        user_id=user.user_id,
        roles=frozenset(await roles.of(tx, user.user_email)),
        log_in=log_in_of(token.token_id),
    )
    return Holder(caller, token.expires_at)


async def _found(tx: AsyncTransaction, shown: Presented, now_ms: int) -> Token | None:
    key = {"user_email": shown.owner, "token_id": shown.token_id}
    token = await tx.get(Token, key)
    if token is None or not hmac.compare_digest(token.token_hash, shown.digest):
        return None
    return token if token.expires_at > now_ms else None


async def _forgotten(tx: AsyncTransaction, shown: Presented, now_ms: int) -> Refreshed:
    """What a token is that is not on record: used long ago, where its log-in goes on without it.

    Room is made by forgetting used ones: whoever refreshes all the time would otherwise be rid of
    the one that tells of a theft. The name of a log-in can't be guessed: it is in its tokens alone.
    """
    rows = await _of_log_in(tx, shown.owner, shown.log_in)
    goes_on = any(row.token_type is TokenType.REFRESH and row.expires_at > now_ms for row in rows)
    if not goes_on or any(row.token_id == shown.token_id for row in rows):
        return Refreshed.UNKNOWN
    await _end(tx, rows)
    return Refreshed.USED_TWICE


async def _end(tx: AsyncTransaction, rows: list[Token]) -> None:
    for row in rows:
        await tx.delete(row)


async def _owner(tx: AsyncTransaction, token: Token) -> User | None:
    """Whose token it is, if they may log in, and have not ended all their log-ins since."""
    user = await find(tx, token.user_email)
    if user is None or user.status != ACTIVE:
        return None
    present = _family(user, log_in_of(token.token_id))
    return user if hmac.compare_digest(token.family_id, present) else None


async def _of_log_in(tx: AsyncTransaction, user_email: str, log_in: str) -> list[Token]:
    first, last = ids_of_log_in(log_in)
    return await tx.scan(
        Token, {"user_email": user_email}, start={"token_id": first}, end={"token_id": last}
    )


async def _make_room(tx: AsyncTransaction, rows: list[Token], present: Token, now_ms: int) -> None:
    """Forget what is expired, and the oldest where a log-in is refreshed all the time.

    A token that is so old as to be forgotten is known by its log-in (``_forgotten``).
    """
    others = [row for row in rows if row.token_id != present.token_id]
    others.sort(key=lambda row: row.created_at)
    live = [row for row in others if row.expires_at > now_ms]
    surplus = live[: max(0, len(live) + 3 - MOST_OF_A_LOG_IN)]
    for row in others:
        if row.expires_at <= now_ms or row in surplus:
            await tx.delete(row)


async def _issued(
    tx: AsyncTransaction, user: User, pair: NewPair, now_ms: int, *, end_ms: int, parent: str
) -> NewPair:
    access_end = min(end_ms, now_ms + ACCESS_MS)
    for token, token_type, expires_at in (
        (pair.access, TokenType.ACCESS, access_end),
        (pair.refresh, TokenType.REFRESH, end_ms),
    ):
        await tx.insert(
            Token(
                user_email=user.user_email,
                token_id=token.token_id,
                token_hash=token.digest,
                token_type=token_type,
                family_id=_family(user, pair.log_in),
                parent_token_id=parent,
                used_at=0,
                expires_at=expires_at,
                created_at=now_ms,
            )
        )
    return replace(pair, access_expires_at=access_end, refresh_expires_at=end_ms)


def _family(user: User, log_in: str) -> str:
    return f"{log_in}.{KeptPassword.of(user.password_hash).stamp}"

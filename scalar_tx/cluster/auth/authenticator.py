"""Who calls? What a worker asks on each call, and how somebody logs in and out."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.recent import Recent
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError, bad_log_in, bad_token
from scalar_tx.cluster.auth.security_log import Caller, Event, Result, tell
from scalar_tx.cluster.auth.subjects import is_name
from scalar_tx.cluster.auth.tokens import Kind, digest, is_token
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from scalar_tx.cluster.auth.passwords import PasswordHashing
    from scalar_tx.cluster.auth.permissions import Principal
    from scalar_tx.cluster.auth.principals import Principals
    from scalar_tx.cluster.auth.tokens import Known, TokenPair
    from scalar_tx.cluster.auth.users import User
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_tx.auth")

OLDEST_ANSWER: Final = 4.0  # seconds; a change is to be seen within five


@dataclass(frozen=True, slots=True)
class _Holder:
    principal: Principal
    expires_at: dt.datetime


class Authenticator:
    """Says who calls, for one worker. Call ``close`` at the end.

    ``elapsed``: a monotonic clock in seconds. ``remembered``: how many tokens, and as many
    refused ones, the worker remembers for 4 seconds. ``peer`` of each call is where it came from,
    for the log.
    """

    def __init__(
        self,
        principals: Principals,
        hashing: PasswordHashing,
        *,
        limits: LogInLimits | None = None,
        remembered: int = 10_000,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._principals = principals
        self._hashing = hashing
        self._limits = limits or LogInLimits(elapsed=elapsed)
        self._recent: Recent[_Holder] = Recent(OLDEST_ANSWER, remembered, elapsed)

    async def authenticate(self, token: str | None, *, peer: str = "") -> Principal:
        """Who has this token, and what they may do, as it was at most 4 seconds ago.

        Ask on each call, and on each message of a stream. NotAuthenticatedError, STX-5201: it is no
        good. Where the database can't be asked its error is raised: nobody is let in.
        """
        if not is_token(token):
            self._tell_bad_token(peer, "none" if token is None else "no token by its form")
            raise bad_token()
        token_hash = digest(token)

        async def ask() -> _Holder | None:
            found = await self._principals.tables.read(lambda tx: self._holder(tx, token_hash))
            if found is None:
                self._tell_bad_token(peer, "unknown, expired or ended")
            return found

        holder = await self._recent.get(token_hash, ask)
        if holder is None or holder.expires_at <= self._principals.tables.now():
            raise bad_token()
        return holder.principal

    async def log_in(self, user: str, password: str, *, peer: str = "") -> TokenPair:
        """Tokens for a user who knows their password.

        NotAuthenticatedError, STX-5203: they don't, or may not log in; TooManyAttemptsError,
        STX-5204 or STX-5205: not now, nothing was compared.
        """
        by = Caller(user if isinstance(user, str) else "", peer)
        found = await self._known_by_password(user, password, by, Event.LOG_IN)

        async def work(tx: AsyncTransaction) -> TokenPair | None:
            present = await self._principals.users.read(tx, found.name)
            if present is None or present.disabled or present.stamp != found.stamp:
                return None  # changed while the password was looked at
            return await self._principals.tokens.issue(tx, found.name, found.stamp)

        pair = await self._principals.tables.change(work)
        if pair is None:
            tell(Event.LOG_IN, by, result=Result.REFUSED, detail="changed meanwhile")
            raise bad_log_in()
        tell(Event.LOG_IN, by)
        return pair

    async def change_password(
        self, user: str, password: str, new_password: str, *, peer: str = ""
    ) -> None:
        """Change one's own password; all tokens of the user are dead. Errors as of ``log_in``.

        STX-5207: the new one can't be a password.
        """
        by = Caller(user if isinstance(user, str) else "", peer)
        found = await self._known_by_password(user, password, by, Event.PASSWORD)
        await self._principals.users.set_password(found.name, new_password, by=by)
        self._forget(found.name)

    async def refresh(self, token: str, *, peer: str = "") -> TokenPair:
        """The next two tokens for one that refreshes; it can be used once.

        NotAuthenticatedError, STX-5201: it is no good. Used a second time it ends everything that
        came of its log-in.
        """
        if not is_token(token):
            self._tell_bad_token(peer, "no token by its form", Event.REFRESH)
            raise bad_token()
        token_hash = digest(token)

        async def work(tx: AsyncTransaction) -> tuple[Known | None, TokenPair | None]:
            known = await self._principals.tokens.find(tx, token_hash, Kind.REFRESH)
            if known is None or await self._owner(tx, known) is None:
                return None, None
            return known, await self._principals.tokens.exchange(tx, known)

        known, pair = await self._principals.tables.change(work)
        if known is None:
            self._tell_bad_token(peer, "unknown, expired or ended", Event.REFRESH)
            raise bad_token()
        by = Caller(known.owner, peer)
        if pair is None:
            self._forget(known.owner)
            why = "used twice" if known.spent else "too many tokens"
            tell(Event.REFRESH, by, result=Result.REFUSED, detail=f"{why}: the log-in is ended")
            raise bad_token()
        tell(Event.REFRESH, by)
        return pair

    async def log_out(self, token: str, *, peer: str = "") -> None:
        """End everything that came of a token's log-in; nothing happens if it is no good."""
        if not is_token(token):
            return
        token_hash = digest(token)

        async def work(tx: AsyncTransaction) -> Known | None:
            for kind in Kind:
                known = await self._principals.tokens.find(tx, token_hash, kind)
                if known is not None:
                    await self._principals.tokens.end(tx, known)
                    return known
            return None

        known = await self._principals.tables.change(work)
        if known is not None:
            self._forget(known.owner)
            tell(Event.LOG_OUT, Caller(known.owner, peer))

    def _forget(self, owner: str) -> None:
        self._recent.forget(lambda holder: holder.principal.name == owner)

    async def close(self) -> None:
        """Wait for what is still asked of the database."""
        await self._recent.close()

    async def _known_by_password(self, user: str, password: str, by: Caller, event: Event) -> User:
        if not is_name(user):
            tell(event, by, result=Result.REFUSED, detail="no user by its form")
            raise bad_log_in()
        try:
            await self._limits.admit(user)
            found = await self._principals.users.find(user)
            verdict = await self._hashing.verify(found.password if found else None, password)
        except TooManyAttemptsError as error:
            tell(event, by, result=Result.REFUSED, detail=error.message)
            raise
        if found is None or not verdict.right or found.disabled:
            await self._limits.failed(user)
            tell(event, by, result=Result.REFUSED, detail=_why(found, right=verdict.right))
            raise bad_log_in()
        await self._limits.succeeded(user)
        if verdict.outdated:
            await self._keep_newer_hash(found, password)
        return found

    async def _keep_newer_hash(self, user: User, password: str) -> None:
        try:
            hashed = await self._hashing.hashed(password)
            await self._principals.users.keep_newer_hash(user, hashed)
        except ScalarTxError as error:
            _log.warning(
                "an old hash of a password is kept until another log-in: %s", kind_of(error)
            )

    async def _holder(self, tx: AsyncTransaction, token_hash: str) -> _Holder | None:
        known = await self._principals.tokens.find(tx, token_hash, Kind.ACCESS)
        user = None if known is None else await self._owner(tx, known)
        if known is None or user is None:
            return None
        return _Holder(await self._principals.principal(tx, user), known.expires_at)

    async def _owner(self, tx: AsyncTransaction, known: Known) -> User | None:
        user = await self._principals.users.read(tx, known.owner)
        if user is None or user.disabled or user.stamp != known.stamp:
            return None
        return user

    def _tell_bad_token(self, peer: str, why: str, event: Event = Event.TOKEN) -> None:
        tell(event, Caller(peer=peer), result=Result.REFUSED, detail=why)


def _why(found: User | None, *, right: bool) -> str:
    if found is None:
        return "there is no such user"
    return "the user is disabled" if right else "wrong password"

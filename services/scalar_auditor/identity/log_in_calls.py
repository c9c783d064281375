"""How are Login, Refresh and Logout answered?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError, UnauthenticatedError
from scalar_auditor.identity import accounts, log_ins, told, wrong_passwords
from scalar_auditor.identity.access import bad_token
from scalar_auditor.identity.kept_password import another_stamp
from scalar_auditor.identity.known_by_password import (
    bad_log_in,
    given_password,
    known_by_password,
    refusals_alike,
)
from scalar_auditor.identity.log_ins import Refreshed, new_pair
from scalar_auditor.identity.rules import find
from scalar_auditor.identity.token_text import presented
from scalar_auditor.rpc.v1 import common_pb2, identity_pb2
from scalar_auditor.serving import ANYBODY, PEOPLE, Method
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.security_log import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.identity.log_ins import NewPair
    from scalar_auditor.identity.model import User
    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_LONGEST_TOKEN: Final = 1024  # characters


class LogInCalls:
    """The methods by which log-ins begin, go on and end."""

    def __init__(self, auditor: Auditor, identity: Identity) -> None:
        self._auditor = auditor
        self._identity = identity

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {
            "Login": Method(self.log_in, ANYBODY),
            "Refresh": Method(self.refresh, ANYBODY),
            "Logout": Method(self.log_out, PEOPLE),
        }

    async def log_in(self, request: Any, caller: Caller) -> Any:
        """Tokens for somebody who knows their password."""
        user_email = fields.email("user_email", request.user_email)
        password = given_password("password", request.password)
        try:
            async with refusals_alike(self._identity.refused_after):
                pair = await self._logged_in(caller, user_email, password)
        except (UnauthenticatedError, TooManyAttemptsError):
            self._auditor.metrics.log_in_failed()
            raise
        told.done(Event.LOG_IN, replace(caller, email=user_email))
        return _tokens(pair)

    async def _logged_in(self, caller: Caller, user_email: str, password: str) -> NewPair:
        found = await known_by_password(
            self._auditor, self._identity, caller, user_email, password, what=Event.LOG_IN
        )
        pair, now_ms = new_pair(user_email), self._auditor.now_ms()
        begun = await self._auditor.change(caller, _begun, found, pair, now_ms)
        if begun is None:
            told.refused(Event.LOG_IN, caller, subject=user_email, why="changed meanwhile")
            raise bad_log_in()
        return begun

    async def refresh(self, request: Any, caller: Caller) -> Any:
        """The next two tokens of a log-in."""
        if not request.refresh_token or len(request.refresh_token) > _LONGEST_TOKEN:
            raise InvalidArgumentError("refresh_token", "it is missing, or no token")
        shown = presented(request.refresh_token)
        if shown is None:
            told.refused(Event.REFRESH, caller, why="no token by its form")
            raise bad_token()
        pair, now_ms = new_pair(shown.owner, shown.log_in), self._auditor.now_ms()
        what, pair = await self._auditor.change(caller, log_ins.refresh, shown, pair, now_ms)
        if what is not Refreshed.DONE:
            if what is Refreshed.USED_TWICE:
                self._identity.access.forget(shown.owner)
            subject = "" if what is Refreshed.UNKNOWN else shown.owner
            told.refused(Event.REFRESH, caller, subject=subject, why=what.value)
            raise bad_token()
        told.done(Event.REFRESH, replace(caller, email=shown.owner))
        return _tokens(pair)

    async def log_out(self, request: Any, caller: Caller) -> Any:
        """End the log-in that the caller's token came of, or all of theirs."""
        if request.everywhere:
            await self._auditor.change(
                caller, accounts.log_out_everywhere, caller.email, another_stamp()
            )
        elif caller.log_in:
            await self._auditor.change(caller, log_ins.end, caller.email, caller.log_in)
        self._identity.access.forget(caller.email)
        told.done(Event.LOG_OUT, caller, detail="everywhere" if request.everywhere else "")
        return common_pb2.Done()


async def _begun(tx: AsyncTransaction, found: User, pair: NewPair, now_ms: int) -> NewPair | None:
    """The tokens of a log-in; None: the account is not what the password was compared with."""
    user = await find(tx, found.user_email)
    if user is None or user.password_hash != found.password_hash:
        return None
    if not wrong_passwords.may_log_in(user, now_ms):
        return None
    await wrong_passwords.forget(tx, user)
    return await log_ins.begin(tx, user, pair, now_ms)


def _tokens(pair: NewPair) -> Any:
    return identity_pb2.Tokens(
        access_token=pair.access.text,
        refresh_token=pair.refresh.text,
        access_expires_at=pair.access_expires_at,
        refresh_expires_at=pair.refresh_expires_at,
    )

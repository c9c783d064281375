"""How are RequestPasswordReset, ResetPassword and ChangePassword answered?"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from scalar_auditor.identity import accounts, one_time_codes, told
from scalar_auditor.identity.code_sender import NotSentError
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.known_by_password import (
    given_password,
    known_by_password,
    new_password,
    refusals_alike,
)
from scalar_auditor.identity.origins import address_of, tries_of
from scalar_auditor.identity.rules import ACTIVE, find
from scalar_auditor.rpc.v1 import common_pb2
from scalar_auditor.serving import ANYBODY, PEOPLE, Method
from scalar_tx.cluster.auth.security_log import Event
from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.identity.code_sender import CodeSender
    from scalar_auditor.identity.model import User
    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_auditor.codes")

_MINUTE_MS: Final = 60_000


class PasswordCalls:
    """The methods by which a password becomes another one."""

    def __init__(self, auditor: Auditor, identity: Identity) -> None:
        self._auditor = auditor
        self._identity = identity

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {
            "RequestPasswordReset": Method(self.request_reset, ANYBODY),
            "ResetPassword": Method(self.reset, ANYBODY),
            "ChangePassword": Method(self.change, PEOPLE),
        }

    async def request_reset(self, request: Any, caller: Caller) -> Any:
        """Have a code sent, if there is somebody to send it to.

        All of it is done behind the answer: so the answer and its time are the same for everybody.
        """
        user_email = fields.email("user_email", request.user_email)
        sender = self._identity.sender
        if sender is None:
            raise FailedPreconditionError(
                "nothing is set up that codes could be sent by: ask an operator of the node for "
                "one (scalar-auditor reset-code)",
                reason="NO_CODE_SENDER",
            )
        await self._admit(caller)
        self._identity.do_later(lambda: self._send(sender, caller, user_email))
        return common_pb2.Done()

    async def _send(self, sender: CodeSender, caller: Caller, user_email: str) -> None:
        auditor, code = self._auditor, one_time_codes.new_code()
        try:
            kept = await auditor.step(
                auditor.change,
                caller,
                one_time_codes.keep,
                auditor.keys,
                user_email,
                code,
                auditor.now_ms(),
            )
            if not kept:
                why = "no code: nobody to send it to, or enough were sent"
                told.refused(Event.PASSWORD, caller, subject=user_email, why=why)
                return
            await sender.send(user_email, code, one_time_codes.LIFETIME_MS // _MINUTE_MS)
        except (ScalarTxError, GateClosedError, NotSentError) as error:
            _log.warning("a code for a new password was not sent: %s", kind_of(error))
        else:
            told.done(Event.PASSWORD, caller, subject=user_email, detail="a code was sent")

    async def reset(self, request: Any, caller: Caller) -> Any:
        """Set a new password, for somebody who has the code; all their log-ins end."""
        user_email = fields.email("user_email", request.user_email)
        code = _code("code", request.code)
        password = new_password("new_password", request.new_password)
        await self._admit(caller)
        async with refusals_alike(self._identity.refused_after):
            await self._reset(caller, user_email, code, password)
        self._identity.access.forget(user_email)
        await self._identity.limits.succeeded(tries_of(user_email, caller))
        told.done(Event.PASSWORD, replace(caller, email=user_email), detail="by a code")
        return common_pb2.Done()

    async def _admit(self, caller: Caller) -> None:
        """TooManyAttemptsError: too many ask for codes, or guess at them. It costs nothing yet."""
        await self._identity.code_limits.admit("", address_of(caller))

    async def _reset(self, caller: Caller, user_email: str, code: str, password: str) -> None:
        auditor = self._auditor
        keys, now_ms = auditor.keys, auditor.now_ms()
        # No hash is spent before the code was right.
        if not await auditor.change(caller, one_time_codes.tried, keys, user_email, code, now_ms):
            told.refused(Event.PASSWORD, caller, subject=user_email, why="no such code")
            raise _bad_code()
        kept = KeptPassword.new(await self._identity.hashing.hashed(password))

        async def work(tx: AsyncTransaction) -> bool:
            user = await one_time_codes.redeem(tx, keys, user_email, code, now_ms)
            if user is None:
                return False
            await accounts.set_password(tx, user, kept, now_ms)
            return True

        if not await auditor.change(caller, work):
            told.refused(Event.PASSWORD, caller, subject=user_email, why="used meanwhile")
            raise _bad_code()

    async def change(self, request: Any, caller: Caller) -> Any:
        """Set another password of one's own; all one's log-ins end, this one too."""
        given = given_password("old_password", request.old_password)
        password = new_password("new_password", request.new_password)
        try:
            async with refusals_alike(self._identity.refused_after):
                found = await known_by_password(
                    self._auditor, self._identity, caller, caller.email, given, what=Event.PASSWORD
                )
        except UnauthenticatedError:
            # Who calls is known, and stays so: this is no reason to log in again.
            raise _wrong_password() from None
        kept = KeptPassword.new(await self._identity.hashing.hashed(password))
        now_ms = self._auditor.now_ms()
        if not await self._auditor.change(caller, _changed, found, kept, now_ms):
            told.refused(Event.PASSWORD, caller, why="changed meanwhile")
            raise _wrong_password()
        self._identity.access.forget(caller.email)
        told.done(Event.PASSWORD, caller)
        return common_pb2.Done()


async def _changed(tx: AsyncTransaction, found: User, kept: KeptPassword, now_ms: int) -> bool:
    user = await find(tx, found.user_email)
    if user is None or user.status != ACTIVE or user.password_hash != found.password_hash:
        return False
    await accounts.set_password(tx, user, kept, now_ms)
    return True


def _code(field: str, text: str) -> str:
    code = text.strip()
    if len(code) != one_time_codes.DIGITS or not (code.isascii() and code.isdigit()):
        raise InvalidArgumentError(field, f"it is {one_time_codes.DIGITS} digits")
    return code


def _bad_code() -> UnauthenticatedError:
    return UnauthenticatedError(
        "the code is wrong, or not good any more: ask for another one", reason="BAD_CODE"
    )


def _wrong_password() -> PermissionDeniedError:
    return PermissionDeniedError("the old password is wrong", reason="WRONG_PASSWORD")

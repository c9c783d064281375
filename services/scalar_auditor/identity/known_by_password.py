"""Does somebody know their password? What a log-in and a change of the password both ask.

Looked at in this order: may there be a try now (before anything is spent), the hash (which costs
the same whoever it is for), the account. A wrong try is on record before it is answered, also where
its caller does not wait for the answer; and a refusal takes the same time whatever its reason was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_auditor.errors import InvalidArgumentError, ServiceError, UnauthenticatedError
from scalar_auditor.identity import accounts, told, wrong_passwords
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.identity.origins import address_of, tries_of
from scalar_auditor.identity.rules import find
from scalar_tx.cluster.auth.passwords import LONGEST, SHORTEST
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scalar_auditor.identity.model import User
    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.cluster.auth.security_log import Event


_log = logging.getLogger("scalar_auditor.passwords")


def given_password(field: str, text: str) -> str:
    """A password that somebody types to show who they are. InvalidArgumentError."""
    if not text:
        raise InvalidArgumentError(field, "it is missing")
    if len(text) > LONGEST:
        raise InvalidArgumentError(field, f"it has more than {LONGEST} characters")
    return text


def new_password(field: str, text: str) -> str:
    """A password that is to be kept. InvalidArgumentError; nothing of it is in there."""
    if not SHORTEST <= len(text) <= LONGEST:
        raise InvalidArgumentError(field, f"it has {SHORTEST} to {LONGEST} characters")
    return text


def bad_log_in() -> UnauthenticatedError:
    """No such user, another password, locked or disabled: the caller hears no difference."""
    return UnauthenticatedError("the e-mail or the password is wrong", reason="BAD_LOG_IN")


async def known_by_password(
    auditor: Auditor,
    identity: Identity,
    caller: Caller,
    user_email: str,
    password: str,
    *,
    what: Event,
) -> User:
    """The account of somebody who has shown that they may use it.

    UnauthenticatedError, BAD_LOG_IN: they may not; TooManyAttemptsError: not now, nothing was
    compared. Whoever goes on to write, sees in that transaction whether the account is as it was.
    """
    try:
        await identity.limits.admit(tries_of(user_email, caller), address_of(caller))
        admission = auditor.gate.admit()  # a pause waits for it also if its caller goes away

        async def work() -> User:
            with admission:
                return await _known(auditor, identity, caller, user_email, password, what=what)

        return await identity.to_the_end(work)
    except TooManyAttemptsError as error:
        told.refused(what, caller, subject=user_email, why=error.message)
        raise


async def _known(
    auditor: Auditor,
    identity: Identity,
    caller: Caller,
    user_email: str,
    password: str,
    *,
    what: Event,
) -> User:
    tries = tries_of(user_email, caller)
    found = await auditor.read(caller, find, user_email)
    kept = None if found is None else KeptPassword.of(found.password_hash).hash
    verdict = await identity.hashing.verify(kept, password)
    now_ms = auditor.now_ms()
    if not verdict.right:
        await identity.limits.failed(tries)
        locked = await auditor.change(caller, wrong_passwords.count, user_email, now_ms)
        why = "no such user" if found is None else "wrong password"
        more = ": the account is locked for a while" if locked else ""
        told.refused(what, caller, subject=user_email, why=why + more)
        raise bad_log_in()
    if found is None or not wrong_passwords.may_log_in(found, now_ms):
        await identity.limits.failed(tries)
        told.refused(what, caller, subject=user_email, why="locked, disabled or being deleted")
        raise bad_log_in()
    await identity.limits.succeeded(tries, address_of(caller))
    if verdict.outdated:
        return await _kept_anew(auditor, identity, caller, found, password)
    return found


async def _kept_anew(
    auditor: Auditor, identity: Identity, caller: Caller, found: User, password: str
) -> User:
    """The account with its password hashed at today's costs; its log-ins go on.

    Where that can't be done now, the old hash stays until another log-in.
    """
    kept = KeptPassword.of(found.password_hash)
    try:
        newer = replace(kept, hash=await identity.hashing.hashed(password)).column
        done = await auditor.change(caller, accounts.keep_newer_hash, found, newer)
    except ScalarTxError as error:
        _log.warning("an old hash of a password is kept until another log-in: %s", kind_of(error))
        return found
    return replace(found, password_hash=newer) if done else found


@contextlib.asynccontextmanager
async def refusals_alike(seconds: float) -> AsyncIterator[None]:
    """Let a refusal take a multiple of so many seconds, so that its time tells no reason."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        yield
    except ServiceError:
        if seconds:
            await asyncio.sleep(-(loop.time() - began) % seconds)
        raise
